package preflight_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
	"github.com/vic-preflight/vic-preflight/internal/slowlink"
	"github.com/vic-preflight/vic-preflight/preflight"
)

// BenchmarkCreate is a whole run, from the login to the verdicts, about a virtual container
// host to be created, beside a check of the same hosts' firewalls alone and one that asks
// every host whether its firewall is on, as create does. The simulator is in the same
// process.
func BenchmarkCreate(b *testing.B) {
	network := checks.Role{Network: "VM Network"}
	vch := checks.VCH{
		Name: "vch1", ComputeResource: "prod", ImageStore: "shared", Bridge: "vic-bridge",
		Public: network, Client: network, Management: network, NoTLS: true,
	}
	for _, hosts := range []int{10, 100, 1000} {
		for _, of := range []struct {
			what string
			set  func(*preflight.Options)
		}{
			{"check", func(*preflight.Options) {}},
			{"check-firewall-state", func(o *preflight.Options) { o.FirewallState = true }},
			{"create", func(o *preflight.Options) { o.Create = &preflight.CreateOptions{VCH: vch} }},
		} {
			b.Run(fmt.Sprintf("hosts=%d/rtt=10ms/run=%s", hosts, of.what), func(b *testing.B) {
				vc := simtest.Start(b, fmt.Sprintf("vic?hosts=%d", hosts), sim.Options{})
				link, err := slowlink.Listen(vc.URL.Host, 10*time.Millisecond)
				if err != nil {
					b.Fatal(err)
				}
				defer link.Close()
				o := preflight.Options{
					Target: preflight.Target{
						Address: link.Addr(), User: sim.DefaultUser, Password: sim.DefaultPassword, HasPassword: true, Thumbprints: []string{vc.Thumbprint},
					},
					ComputeResource: "prod",
				}
				of.set(&o)
				for b.Loop() {
					run, err := preflight.Run(context.Background(), o)
					if err != nil || run.Status() == checks.Fail || run.Status() == checks.Unknown {
						b.Fatalf("%v, %v", run, err)
					}
				}
			})
		}
	}
}
