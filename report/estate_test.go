package report_test

import (
	"fmt"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/profile"
	"github.com/vic-preflight/vic-preflight/report"
)

// opening is a ruleset with rules such as "inbound tcp 443".
func opening(key string, enabled bool, allowed *inventory.AllowedHosts, rules ...string) *inventory.Ruleset {
	rs := &inventory.Ruleset{Key: key, Enabled: enabled, Allowed: allowed}
	for _, text := range rules {
		r := inventory.Rule{PortType: inventory.Dst}
		if _, err := fmt.Sscan(text, &r.Direction, &r.Protocol, &r.Port); err != nil {
			panic(err)
		}
		rs.Rules = append(rs.Rules, r)
	}
	return rs
}

func listed(addresses ...string) *inventory.AllowedHosts {
	return &inventory.AllowedHosts{Addrs: addresses}
}

// wired is a host of a site, with its own settings and the rulesets that they take. The
// rulesets of the keys in shut are disabled.
func wired(cluster, name string, collector string, shut ...string) inventory.Host {
	h := member(cluster, name)
	h.ID, h.Version = name, "8.0.3"
	on := map[string]bool{}
	for _, key := range shut {
		on[key] = true
	}
	ruleset := func(key string, allowed *inventory.AllowedHosts, rules ...string) {
		rs := opening(key, !on[key], allowed, rules...)
		if key == "ntpClient" {
			rs.Service = "ntpd"
		}
		h.Firewall.Rulesets = append(h.Firewall.Rulesets, rs)
	}
	ruleset("syslog", everybody(), "outbound udp 514", "outbound tcp 514", "outbound tcp 1514")
	ruleset("ntpClient", everybody(), "outbound udp 123")
	ruleset("vpxHeartbeats", everybody(), "outbound udp 902")
	ruleset("vSphereClient", listed("10.0.0.2"), "inbound tcp 443", "inbound tcp 902")
	ruleset("nfsClient", listed("10.0.3.1"), "outbound tcp 111", "outbound tcp 2049")
	ruleset("iSCSI", everybody(), "outbound tcp 3260")
	ruleset("vMotion", everybody(), "inbound tcp 8000", "outbound tcp 8000")
	ruleset("NFC", everybody(), "inbound tcp 902", "outbound tcp 902")
	h.Firewall.IncomingBlocked = inventory.Yes
	set := func(origin inventory.PeerOrigin, name string, values ...string) {
		h.PeerSettings = append(h.PeerSettings, inventory.PeerSetting{Origin: origin, Name: name, Values: values})
	}
	set(inventory.SyslogLogHosts, "Syslog.global.logHost", collector)
	set(inventory.NTPServers, "the list of NTP servers", "10.0.0.1", "10.0.0.3")
	set(inventory.ManagingVCenter, "the vCenter that manages the host", "10.0.0.2")
	set(inventory.NFSMounts, "NFS mounts", "10.0.3.1")
	set(inventory.ISCSITargets, "iSCSI targets", "10.0.4.1", "10.0.4.2")
	set(inventory.VMotionHosts, "vMotion addresses of the cluster's other hosts", "10.0.5."+fmt.Sprint(len(name)%7+1), "10.0.5.9")
	return h
}

// estate is a report on what hosts' own settings ask for.
func estate(hosts ...inventory.Host) *report.Report {
	inv := &inventory.Inventory{Hosts: hosts}
	var reqs []checks.Requirement
	for _, n := range profile.Demanded(profile.FromSettings(), inv) {
		reqs = append(reqs, n.Requirement)
	}
	r := about(inv.Hosts, reqs...)
	r.Runs[0].Options = []string{"--profile=auto"}
	return r
}

// wrong are hosts of two clusters, each with faults of its own.
func wrong() *report.Report {
	return estate(
		wired("prod", "esx1.example", "udp://10.0.0.9:514"),
		wired("prod", "esx2.example", "udp://10.0.0.9:5514", "ntpClient", "iSCSI"),
		wired("prod", "esx33.example", "udp://logs.example", "syslog", "ntpClient", "vpxHeartbeats", "vSphereClient", "iSCSI", "vMotion"),
	)
}
