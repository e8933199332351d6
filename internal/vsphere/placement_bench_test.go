package vsphere_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
	"github.com/vic-preflight/vic-preflight/internal/slowlink"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
)

// BenchmarkPlacement reads the place for a virtual container host, over a link with a
// vCenter's distance.
func BenchmarkPlacement(b *testing.B) {
	for _, hosts := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("hosts=%d/rtt=10ms", hosts), func(b *testing.B) {
			vc := simtest.Start(b, fmt.Sprintf("vic?hosts=%d", hosts), sim.Options{})
			link, err := slowlink.Listen(vc.URL.Host, 10*time.Millisecond)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = link.Close() })
			print, err := vsphere.ParseThumbprint(vc.Thumbprint)
			if err != nil {
				b.Fatal(err)
			}
			ctx := context.Background()
			s, err := vsphere.Connect(ctx, vsphere.Config{
				Target: vsphere.Target{Address: link.Addr()}, User: sim.DefaultUser, Password: sim.DefaultPassword,
				Thumbprints: []vsphere.Thumbprint{print},
			})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(s.Close)
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
