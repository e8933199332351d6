package e2e_test

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/slowlink"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
)

// shut makes every host an old one (no vic-engine) with the port shut.
func shut(info *types.HostFirewallInfo) {
	kept := info.Ruleset[:0]
	for _, rs := range info.Ruleset {
		if rs.Key == "vic-engine" {
			continue
		}
		rs.Enabled = rs.Enabled && rs.Key != "vSPC"
		kept = append(kept, rs)
	}
	info.Ruleset = kept
}

// benchmarkSim starts a simulator behind a link of the given round-trip time.
func benchmarkSim(b *testing.B, hosts int, rtt time.Duration) (*sim.VCenter, *slowlink.Link) {
	b.Helper()
	scenario, err := sim.ParseScenario(fmt.Sprintf("large?hosts=%d", hosts))
	if err != nil {
		b.Fatal(err)
	}
	vc, err := sim.Start(scenario, sim.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(vc.Close)
	link, err := slowlink.Listen(vc.URL.Host, rtt)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = link.Close() })
	return vc, link
}

// BenchmarkApply opens the port on every host: as this tool does, with every
// change journaled and synced before it is made, and as vic-machine does, by
// its sequence of calls (vmware/vic lib/install/management/update.go): for one
// host after another the host's configManager, EnableRuleset vic-engine, and on
// its fault EnableRuleset vSPC. Verification is not counted: vic-machine does
// none.
func BenchmarkApply(b *testing.B) {
	for _, hosts := range []int{16, 100, 1000} {
		for _, rtt := range []time.Duration{0, 10 * time.Millisecond} {
			name := fmt.Sprintf("hosts=%d/rtt=%s", hosts, rtt)
			b.Run(name+"/how=preflight", func(b *testing.B) { benchmarkPreflight(b, hosts, rtt) })
			b.Run(name+"/how=vic-machine", func(b *testing.B) { benchmarkVICMachine(b, hosts, rtt) })
		}
	}
}

func benchmarkPreflight(b *testing.B, hosts int, rtt time.Duration) {
	vc, link := benchmarkSim(b, hosts, rtt)
	print, err := vsphere.ParseThumbprint(vc.Thumbprint)
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	vc.ChangeAll(shut)
	s, err := vsphere.Connect(ctx, vsphere.Config{
		Target: vsphere.Target{Address: link.Addr()}, User: sim.DefaultUser, Password: sim.DefaultPassword, Thumbprint: print,
	})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	inv, err := s.Collect(ctx, vsphere.Selection{}, vsphere.CollectOptions{})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		b.StopTimer()
		vc.ChangeAll(shut)
		n++
		b.StartTimer()

		journal, err := fix.CreateJournal(filepath.Join(b.TempDir(), fmt.Sprint(n)), fix.Header{})
		if err != nil {
			b.Fatal(err)
		}
		plan := fix.Allow(inv.Hosts, fix.AllowOptions{Requirement: checks.Requirement{Port: checks.DefaultPort}, Ruleset: fix.Auto})
		outcomes, err := fix.Apply(ctx, plan, s, journal, fix.ApplyOptions{Workers: vsphere.DefaultWorkers, HostTimeout: time.Minute})
		if err != nil {
			b.Fatal(err)
		}
		if err := journal.Close(); err != nil {
			b.Fatal(err)
		}

		b.StopTimer()
		for _, o := range outcomes {
			if !o.Done {
				b.Fatal(o.Err)
			}
		}
		if len(outcomes) != hosts {
			b.Fatalf("%d hosts changed", len(outcomes))
		}
		b.StartTimer()
	}
}

func benchmarkVICMachine(b *testing.B, hosts int, rtt time.Duration) {
	vc, link := benchmarkSim(b, hosts, rtt)
	ctx := context.Background()
	u := &url.URL{Scheme: "https", Host: link.Addr(), Path: "/sdk", User: url.UserPassword(sim.DefaultUser, sim.DefaultPassword)}
	c, err := govmomi.NewClient(ctx, u, true)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		vc.ChangeAll(shut)
		b.StartTimer()
		for _, name := range vc.HostNames() {
			h := object.NewHostSystem(c.Client, vc.Host(name).Ref)
			fw, err := h.ConfigManager().FirewallSystem(ctx)
			if err != nil {
				b.Fatal(err)
			}
			if fw.EnableRuleset(ctx, "vic-engine") == nil {
				b.Fatal("vic-engine is there")
			}
			if err := fw.EnableRuleset(ctx, "vSPC"); err != nil {
				b.Fatal(err)
			}
		}
	}
}
