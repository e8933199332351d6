# vic-preflight

GO       ?= go
BIN      := bin/vic-preflight
VERSION  ?= $(shell git describe --tags --dirty 2>/dev/null)
LDFLAGS  := -s -w $(if $(VERSION),-X main.version=$(VERSION))
TOOL     := $(GO) tool -modfile=tools/go.mod
FUZZTIME ?= 20s
# package:target
FUZZ     := checks:FuzzCovers report:FuzzTable internal/vsphere:FuzzParseTarget fix:FuzzReadJournal probe:FuzzNegotiation internal/vsphere:FuzzAnswer \
            internal/firewallxml:FuzzParse internal/firewallxml:FuzzInsert internal/vib:FuzzRead internal/facts:FuzzDecode
FUZZ     += internal/config:FuzzConfig

.DEFAULT_GOAL := help
.PHONY: help build needs test race e2e cover bench bench-micro fuzz golden screenshot fmt lint tidy check clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build bin/vic-preflight
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/vic-preflight

needs:
	@./e2e/needs.sh

# -count=1: the end-to-end tests build and run the program themselves, and the
# cache of go test does not see that it changed.
test: needs ## Run all tests; on Debian, install first what they need
	$(GO) test -count=1 ./...

race: needs ## Run all tests with the race detector
	$(GO) test -count=1 -race ./...

e2e: needs ## Run the end-to-end tests alone, the network lab among them
	$(GO) test -count=1 ./e2e/...

cover: ## Show the coverage of each package
	$(GO) test -cover ./...

bench: ## Measure against vic-machine and govc, write docs/performance.md (needs jq)
	$(GO) run ./e2e/bench -write docs/performance.md $(BENCHFLAGS)

bench-micro: ## Run the benchmarks of single parts (benchstat-friendly)
	$(GO) test -run '^$$' -bench . -benchmem -count $(or $(COUNT),10) ./...

fuzz: ## Fuzz each target for FUZZTIME
	@set -e; for t in $(FUZZ); do \
		echo "fuzz $$t"; $(GO) test ./$${t%%:*} -run '^$$' -fuzz "^$${t##*:}\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x; done

golden: ## Rewrite the golden files; review their diff like code
	$(GO) test ./report -update
	$(GO) test ./internal/vib -update

screenshot: needs ## Write docs/report.png, the README's picture of the HTML report
	$(GO) test -count=1 ./e2e/html -args -ginkgo.focus picture -screenshot $(CURDIR)/docs/report.png

fmt: ## Format the code
	$(TOOL) gofumpt -w .

lint: ## Run the linters
	$(GO) vet ./...
	@out=$$($(TOOL) gofumpt -l .); test -z "$$out" || { echo "make fmt would change: $$out"; exit 1; }
	$(TOOL) staticcheck ./...
	$(TOOL) go-errorlint ./...
	$(TOOL) misspell -error $$(git ls-files '*.go' '*.md')

tidy: ## Tidy go.mod
	$(GO) mod tidy
	cd tools && $(GO) mod tidy

check: lint test ## What CI runs: linters, tests, a clean tree
	$(GO) mod tidy -diff
	git diff --exit-code

clean: ## Remove what was built
	rm -rf bin
