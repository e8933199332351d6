package profile_test

import (
	"fmt"
	"testing"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/profile"
)

// BenchmarkJudgeBySettings finds out what 1,024 hosts in clusters of 64 need by their own
// settings, and judges them as a run does: two questions while facts are read, then verdicts.
// Each host has 63 peers for vMotion that are no other host's, and a collector and time
// servers that are all hosts'.
func BenchmarkJudgeBySettings(b *testing.B) {
	const hosts, cluster = 1024, 64
	rulesets := []*inventory.Ruleset{}
	for _, key := range []string{"syslog", "ntpClient", "vMotion"} {
		rulesets = append(rulesets, &inventory.Ruleset{Key: key, Enabled: true, Allowed: &inventory.AllowedHosts{All: true}})
	}
	inv := &inventory.Inventory{}
	for i := range hosts {
		var others []string
		for k := range cluster {
			if k != i%cluster {
				others = append(others, fmt.Sprintf("10.50.%d.%d", i/cluster, k+1))
			}
		}
		inv.Hosts = append(inv.Hosts, inventory.Host{
			ID: fmt.Sprintf("host-%d", i), Path: fmt.Sprintf("/dc1/host/c%d/esx%d", i/cluster, i), Version: "8.0.3", Connection: inventory.Connected,
			Firewall: inventory.Firewall{Rulesets: rulesets},
			PeerSettings: []inventory.PeerSetting{
				set(inventory.SyslogLogHosts, "ssl://10.0.0.9"), set(inventory.NTPServers, "10.0.0.1", "10.0.0.2"),
				set(inventory.VMotionHosts, others...), set(inventory.ProvisioningHosts, others...),
			},
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, n := range profile.Demanded(profile.FromSettings(), inv) {
			judge := checks.NewJudge(n.Requirement)
			for i := range inv.Hosts {
				judge.SwitchMatters(&inv.Hosts[i])
				judge.SoftwareMatters(&inv.Hosts[i])
			}
			checks.JudgeAll(inv, n.Requirement)
		}
	}
}
