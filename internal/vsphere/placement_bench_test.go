package vsphere_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
)

// BenchmarkPlacement reads the place for a virtual container host, over a link with a
// vCenter's distance.
func BenchmarkPlacement(b *testing.B) {
	for _, hosts := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("hosts=%d/rtt=10ms", hosts), func(b *testing.B) {
			vc := simtest.Start(b, fmt.Sprintf("vic?hosts=%d", hosts), sim.Options{})
			ctx, s := context.Background(), distant(b, vc)
			inv, err := s.Collect(ctx, vsphere.Selection{ComputeResource: "prod"}, vsphere.CollectOptions{})
			if err != nil {
				b.Fatal(err)
			}
			want := vsphere.PlacementWanted{
				ComputeResource: "prod", Name: "vch1", Datastores: []string{"shared"}, Networks: []string{"vic-bridge", "VM Network"},
			}
			for b.Loop() {
				if p := s.ReadPlacement(ctx, inv, want); p.HostsUnreadable != "" || p.LicensesUnreadable != "" || len(p.Licenses) != hosts {
					b.Fatal(p.HostsUnreadable, p.LicensesUnreadable)
				}
			}
		})
	}
}
