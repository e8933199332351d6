# vic-preflight

GO       ?= go
BIN      := bin/vic-preflight
VERSION  ?= $(shell git describe --tags --dirty 2>/dev/null)
LDFLAGS  := -s -w $(if $(VERSION),-X main.version=$(VERSION))
TOOL     := $(GO) tool -modfile=tools/go.mod
FUZZTIME ?= 20s
DIST     ?= dist
MAN      ?= man
# How many packages are tested at a time.
PACKAGES ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))
PLATFORMS ?= $(foreach os,linux darwin windows freebsd,$(os)/amd64 $(os)/arm64)
# The release's time and version are those of the commit.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null)
RELEASE  ?= $(or $(patsubst v%,%,$(VERSION)),0.0.0-$(shell git log -1 --format=%cd.g%h --date=format:%Y%m%d%H%M%S 2>/dev/null))
IMAGE_ARCHS ?= amd64 arm64
CA_CERTIFICATES ?= /etc/ssl/certs/ca-certificates.crt
# package:target of all that there are
FUZZ     ?= $(shell grep -ro --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed 's,^\./\(.*\)/[^/]*:func ,\1:,' | sort)
# Packages that start goroutines; e2e/race_test.go says which one is run in part, and why.
RACED := fix internal/hostssh internal/infile internal/linger internal/prompt internal/sim internal/slowlink internal/vsphere preflight probe report

.DEFAULT_GOAL := help
.PHONY: help build man dist dist-check image needs test race race-ci e2e cover bench bench-micro campaign fuzz golden screenshot fmt lint licenses vuln tidy check clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build bin/vic-preflight
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/vic-preflight

man: ## Write the man pages of all commands into MAN
	@mkdir -p $(MAN)
	CGO_ENABLED=$${CGO:-0} $(GO) run $${TRIMPATH--trimpath} -buildvcs=false -tags man -ldflags '-s -w -X main.version=$(VERSION)' ./cmd/vic-preflight $(MAN)

dist: ## Build the release into DIST: archives, deb, rpm, bills of materials, checksums
	VERSION='$(RELEASE)' GO='$(GO)' packaging/dist.sh $(DIST) $(PLATFORMS)

dist-check: needs ## Test the whole release: all platforms, built twice, and the image
	cd packaging && $(GO) vet ./...
	DIST_CHECK='$(PLATFORMS)' $(GO) test -count=1 -timeout 60m ./e2e/dist

image: ## Write the container image as an OCI archive, DIST/vic-preflight.oci.tar
	@mkdir -p $(DIST)
	@set -e; for arch in $(IMAGE_ARCHS); do CGO_ENABLED=0 GOOS=linux GOARCH=$$arch $(GO) build -trimpath -buildvcs=false \
		-ldflags '-s -w -buildid= -X main.version=$(RELEASE)' -o $(DIST)/.image-$$arch ./cmd/vic-preflight; done
	GO='$(GO)' packaging/licenses.sh $(DIST)/.image-licences
	cp LICENSE $(DIST)/.image-licences
	cd packaging && $(GO) run ./image $(abspath $(DIST))/vic-preflight.oci.tar vic-preflight:$(RELEASE) '$(RELEASE)' \
		$(SOURCE_DATE_EPOCH) $(CA_CERTIFICATES) $(abspath $(DIST))/.image-licences \
		$(foreach arch,$(IMAGE_ARCHS),$(arch)=$(abspath $(DIST))/.image-$(arch))
	@rm -rf $(DIST)/.image-*

needs:
	@./e2e/needs.sh

# -count=1: the end-to-end tests build and run the program themselves, and the
# cache of go test does not see that it changed. -p: two packages for each core, as
# the tests wait for processes and timers half of the time.
test: needs ## Run all tests; on Debian, install first what they need
	$(GO) test -count=1 -p $(PACKAGES) ./...

race: needs ## Run all tests with the race detector
	$(GO) test -count=1 -race ./...

race-ci: ## Run the packages that start goroutines with the race detector, as CI does
	SPEC_LABELS='!long' $(GO) test -count=1 -p $(PACKAGES) -race $(addprefix ./,$(RACED))
	$(GO) test -count=1 -race ./cmd/vic-preflight -args -ginkgo.focus-file '/(probe|targets|wait)_test\.go'

e2e: needs ## Run the end-to-end tests alone, the network lab among them
	$(GO) test -count=1 ./e2e/...

cover: ## Show the coverage of each package
	$(GO) test -cover ./...

bench: ## Measure against vic-machine and govc, write docs/performance.md (needs jq)
	$(GO) run ./e2e/bench -write docs/performance.md $(BENCHFLAGS)

bench-micro: ## Run the benchmarks of single parts (benchstat-friendly)
	$(GO) test -run '^$$' -bench . -benchmem -count $(or $(COUNT),10) ./...

campaign: needs ## Run the whole of what make test runs a sample of: faults, slips, a million hosts, kills, soak, fuzzing; hours
	CAMPAIGN=all $(GO) test -count=1 -v -timeout 4h ./e2e/campaign -args -ginkgo.timeout 4h -ginkgo.v
	CAMPAIGN=all $(GO) test -count=1 -v -timeout 6h ./e2e/slips -args -ginkgo.timeout 6h -ginkgo.v
	CAMPAIGN=all $(GO) test -count=1 -v -timeout 4h ./e2e/oracle ./e2e/kill ./e2e/soak -args -ginkgo.timeout 4h -ginkgo.v
	$(MAKE) fuzz

fuzz: ## Fuzz each target for FUZZTIME, or those of FUZZ, such as probe:FuzzNC
	@set -e; for t in $(FUZZ); do \
		echo "fuzz $$t"; $(GO) test ./$${t%%:*} -run '^$$' -fuzz "^$${t##*:}\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x; done

golden: ## Rewrite the golden files; review their diff like code
	$(GO) test ./checks -update
	$(GO) test ./profile -update
	$(GO) test ./report -update
	$(GO) test ./internal/vib -update
	$(GO) test ./e2e/privileges -update

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

licenses: ## Write docs/licenses.md: whose code is in the program, under which licences
	@dir=$$(mktemp -d) && GO='$(GO)' packaging/licenses.sh $$dir && cp $$dir/licenses.md docs/licenses.md; status=$$?; rm -rf $$dir; exit $$status

vuln: ## Look for known vulnerabilities in the program and its dependencies (asks vuln.go.dev)
	@GO='$(GO)' packaging/vuln.sh

tidy: ## Tidy go.mod
	$(GO) mod tidy
	cd tools && $(GO) mod tidy

check: lint test ## What CI runs: linters, tests, a clean tree
	$(GO) mod tidy -diff
	git diff --exit-code

clean: ## Remove what was built
	rm -rf bin $(DIST) $(MAN)
