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
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
	"github.com/vic-preflight/vic-preflight/internal/slowlink"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/probe"
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
	return benchmarkSimWith(b, hosts, rtt, sim.Options{})
}

func benchmarkSimWith(b *testing.B, hosts int, rtt time.Duration, opts sim.Options) (*sim.VCenter, *slowlink.Link) {
	b.Helper()
	vc := simtest.Start(b, fmt.Sprintf("large?hosts=%d", hosts), opts)
	link, err := slowlink.Listen(vc.URL.Host, rtt)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = link.Close() })
	return vc, link
}

// benchmarkSession logs in over the link and reads the hosts.
func benchmarkSession(ctx context.Context, b *testing.B, vc *sim.VCenter, link *slowlink.Link) (*vsphere.Session, *inventory.Inventory) {
	b.Helper()
	print, err := vsphere.ParseThumbprint(vc.Thumbprint)
	if err != nil {
		b.Fatal(err)
	}
	s, err := vsphere.Connect(ctx, vsphere.Config{
		Target: vsphere.Target{Address: link.Addr()}, User: sim.DefaultUser, Password: sim.DefaultPassword, Thumbprints: []vsphere.Thumbprint{print},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	inv, err := s.Collect(ctx, vsphere.Selection{}, vsphere.CollectOptions{})
	if err != nil {
		b.Fatal(err)
	}
	return s, inv
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

// BenchmarkProbe lets one host, and 64 hosts, dial by serial ports: hosts that
// get through, and hosts whose firewall drops everything, where the whole
// waiting time is spent.
func BenchmarkProbe(b *testing.B) {
	for _, hosts := range []int{1, 64} {
		for _, state := range []string{"open", "shut"} {
			b.Run(fmt.Sprintf("hosts=%d/port=%s", hosts, state), func(b *testing.B) { benchmarkProbe(b, hosts, state == "open") })
		}
	}
}

func benchmarkProbe(b *testing.B, hosts int, open bool) {
	// Hosts dial when real ones were seen to: without that the benchmark would
	// measure how fast the simulator makes virtual machines.
	vc, link := benchmarkSimWith(b, hosts, 0, sim.Options{DialAfter: 3 * time.Second})
	vc.ChangeAll(func(info *types.HostFirewallInfo) {
		for i := range info.Ruleset {
			info.Ruleset[i].Enabled = open && info.Ruleset[i].Key == "vSPC"
		}
	})
	ctx := context.Background()
	s, inv := benchmarkSession(ctx, b, vc, link)
	list := make([]*inventory.Host, len(inv.Hosts))
	for i := range inv.Hosts {
		list[i] = &inv.Hosts[i]
	}
	target := probe.Target{Host: "127.0.0.1", Port: checks.DefaultPort}
	key, err := probe.NewKey()
	if err != nil {
		b.Fatal(err)
	}
	l, err := probe.Listen(ctx, target.String(), key, probe.ListenOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	for b.Loop() {
		m, err := s.PrepareMachines(ctx, inv.Datacenter, list)
		if err != nil {
			b.Fatal(err)
		}
		attempts := make([]*probe.Attempt, len(list))
		for i, h := range list {
			attempts[i] = &probe.Attempt{Host: h, To: target, Key: &key, Witness: l}
		}
		probe.Serial(ctx, attempts, machines{m}, probe.SerialOptions{Workers: 2 * vsphere.DefaultWorkers, Timeout: 5 * time.Second, Simulated: true})
		for _, a := range attempts {
			if (a.Found.Outcome == inventory.Open) != open {
				b.Fatalf("%s: %s %s", a.Host.Name, a.Found.Outcome, a.Found.Cause)
			}
		}
	}
}

// machines turns the session's machines into what a probe needs.
type machines struct{ *vsphere.Machines }

func (m machines) Create(ctx context.Context, h *inventory.Host, name, proxy, service string) (probe.Machine, error) {
	return m.Machines.Create(ctx, h, name, proxy, service)
}

func benchmarkPreflight(b *testing.B, hosts int, rtt time.Duration) {
	vc, link := benchmarkSim(b, hosts, rtt)
	ctx := context.Background()
	vc.ChangeAll(shut)
	s, inv := benchmarkSession(ctx, b, vc, link)
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
		plan := fix.Allow(checks.JudgeAll(inv, checks.VIC()), fix.AllowOptions{})
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
