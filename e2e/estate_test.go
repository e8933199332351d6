package e2e_test

import (
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = It("vic-preflight sim names the check that fits: by the hosts' own settings, where they say whom they talk to", func(ctx SpecContext) {
	advice := func(scenario string) string {
		return serve(`^  vic-preflight check.*`, preflight, "sim", scenario, "--listen", "127.0.0.1:0")
	}
	Expect(advice("estate")).To(Equal("  vic-preflight check --profile auto"))
	Expect(advice("mixed")).To(Equal("  vic-preflight check"))
	for _, profile := range [][]string{{}, {"--profile", "auto"}} {
		file := filepath.Join(GinkgoT().TempDir(), "facts.json")
		args := append([]string{"collect", "--target", "sim://estate", "-o", file}, profile...)
		Expect(command(ctx, environment(), preflight, args...).code).To(Equal(0))
		Expect(advice(file)).To(Equal(strings.Join(append([]string{"  vic-preflight check"}, profile...), " ")))
	}
}, SpecTimeout(time.Minute))

var _ = Describe("vic-preflight check --profile auto", func() {
	It("mends part of an estate, and undo brings it back byte for byte, as govc sees it", func(ctx SpecContext) {
		s := serveScenario("estate")
		out := command(ctx, s.env(), preflight, "check", "--profile", "auto", "-o", "json")
		Expect(out.code).To(Equal(1), out.stderr)
		paths := map[string]string{}
		for _, h := range parse(out).Hosts {
			paths[h.Name] = h.Path
		}
		Expect(paths).To(HaveLen(12))
		seen := func() map[string]string {
			all := map[string]string{}
			for name, path := range paths {
				all[name] = rulesets(ctx, s, path)
			}
			return all
		}
		before, journal := seen(), filepath.Join(GinkgoT().TempDir(), "journal")
		out = command(ctx, s.env(), preflight, "check", "--profile", "auto", "--fix", "--journal", journal)
		Expect(out.code).To(Equal(4), out.stderr)
		Expect(out.stdout).To(ContainSubstring("5 changed and verified, 7 refused"))
		var changed []string
		for name, now := range seen() {
			if now != before[name] {
				changed = append(changed, name)
			}
		}
		Expect(changed).To(ConsistOf("esx02.example", "esx12.example", "esx14.example", "esx22.example"))
		out = command(ctx, s.env(), preflight, "undo", journal)
		Expect(out.code).To(Equal(0), out.stderr)
		Expect(seen()).To(Equal(before))
	}, SpecTimeout(3*time.Minute))
})
