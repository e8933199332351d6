package checks_test

import (
	"fmt"
	"testing"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// BenchmarkRun passes all verdicts on a large inventory: of hosts that share
// their rulesets, as the reader of answers makes them, and of hosts that do not.
func BenchmarkRun(b *testing.B) {
	for _, shared := range []bool{true, false} {
		for _, n := range []int{1000, 15000} {
			inv := &inventory.Inventory{}
			for i := range n {
				h := host(vicEngine(i%5 != 0, all()), vSPC(false, all()), nfs(false, all()))
				if shared && i > 4 {
					h.Firewall.Rulesets = inv.Hosts[i%5].Firewall.Rulesets
				}
				h.Path = fmt.Sprintf("/dc1/host/c%d/esx%d", i/64, i)
				h.Cluster, h.ClusterPath = fmt.Sprintf("c%d", i/64), fmt.Sprintf("/dc1/host/c%d", i/64)
				inv.Hosts = append(inv.Hosts, h)
			}
			b.Run(fmt.Sprintf("shared=%t/hosts=%d", shared, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					checks.Run(checks.Default(), checks.Facts{Inventory: inv, Judged: checks.JudgeAll(inv, checks.VIC())})
				}
			})
		}
	}
}
