package sim_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/facts"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// FuzzEstate holds that a simulator of a file of facts starts and ends, or is refused,
// whatever the file holds.
func FuzzEstate(f *testing.F) {
	host := func(name, cluster, path string) inventory.Host {
		return inventory.Host{
			ID: name, UUID: name, Name: name, Path: path + "/" + name, Cluster: cluster, ClusterPath: path, Connection: inventory.Connected, Version: "8.0.3",
			Firewall: inventory.Firewall{ID: "firewallSystem-" + name, Rulesets: []*inventory.Ruleset{{
				Key: "a", Enabled: true, Allowed: &inventory.AllowedHosts{Networks: []inventory.Network{{Address: "10.0.0.0", Bits: 8}}},
				Rules: []inventory.Rule{{Port: 2377, Direction: inventory.Outbound, PortType: inventory.Dst, Protocol: inventory.TCP}},
			}}},
			Software: inventory.Software{NotAsked: true},
		}
	}
	for _, inv := range []*inventory.Inventory{
		{Endpoint: inventory.Endpoint{Kind: inventory.VCenter}, Datacenter: "/dc1", Hosts: []inventory.Host{host("a", "c", "/dc1/host/c"), host("b", "", "/dc1/host/x/b")}},
		{Endpoint: inventory.Endpoint{Kind: inventory.ESXi}, Hosts: []inventory.Host{host("a", "", "/ha-datacenter/host/a")}},
	} {
		data, err := facts.Encode(&facts.File{Tool: "t", Targets: []facts.Target{{Name: "vc", CollectedAt: time.Unix(1e9, 0), Inventory: inv}}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "facts.json")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		scenario, err := sim.ParseScenario(file)
		if err != nil {
			return
		}
		vc, err := sim.Start(scenario, sim.Options{Listen: "127.0.0.1:0"})
		if err == nil {
			vc.Close()
		}
	})
}
