package oracle_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"pgregory.net/rapid"

	"github.com/vic-preflight/vic-preflight/checks"
)

var _ = It("a verdict is the table's, and never a pass by what is borrowed, off or not known", func() {
	seen := map[checks.Reason]int{}
	always(func(t *rapid.T) int {
		inv, reqs := drawEstate(t, false)
		for i, judged := range checks.JudgeAll(inv, reqs...) {
			next := 0
			for n := range inv.Hosts {
				h := &inv.Hosts[n]
				req, required := requiredOf(h, reqs[i])
				if !required {
					continue
				}
				if next == len(judged.Hosts) || judged.Hosts[next].Host != h {
					t.Fatalf("%s has no verdict on %s", h.Name, req.Name)
				}
				v := judged.Hosts[next].Port
				next++
				if v.Status == checks.Pass && !through(h, &req) {
					t.Fatalf("%s: a false pass of %s: %s\n%s\n%s", h.Name, req, v.Detail, shown(h), shown(req))
				}
				if want := rule(h, &req); !want.fits(v) {
					t.Fatalf("%s: %s is %v, %s (%s), and by the table it is %v, %s\n%s\n%s",
						h.Name, req, v.Status, v.Reason, v.Detail, want.status, want.reasons, shown(h), shown(req))
				}
				seen[v.Reason]++
			}
			if next != len(judged.Hosts) {
				t.Fatalf("verdicts on %s are of hosts that it is not required of", reqs[i].Name)
			}
		}
		return len(inv.Hosts)
	})
	GinkgoWriter.Println(seen)
	for _, reason := range []checks.Reason{
		checks.Permitted, checks.ListsOverlap, checks.FactsStale, checks.FactsUnavailable, checks.AllowedHostsUnverified, checks.BorrowedRuleset,
		checks.FirewallOff, checks.DefaultPass, checks.SwitchedWhenNeeded, checks.AllowedHostsExcludePeer, checks.RulesetDisabled, checks.NoRuleset,
	} {
		Expect(seen).To(HaveKey(reason), "what is drawn shows every row")
	}
})
