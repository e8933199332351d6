package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

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

// hints are what the full advice says below the table.
func hints(r *report.Report) string {
	GinkgoHelper()
	_, text, _ := strings.Cut(render(r, report.Style{Width: 200, Advice: report.AdviceFull}), "What to do\n")
	return text
}

// siteHosts are hosts of one cluster that ask for the same and have peers of their own.
func siteHosts(n int, shut ...string) []inventory.Host {
	hosts := make([]inventory.Host, n)
	for i := range hosts {
		hosts[i] = wired("prod", fmt.Sprintf("esx%02d.example", i), "udp://10.0.0.9", shut...)
		for s := range hosts[i].PeerSettings {
			if p := &hosts[i].PeerSettings[s]; p.Origin == inventory.VMotionHosts {
				p.Values = []string{fmt.Sprintf("10.0.5.%d", i+1)}
			}
		}
	}
	return hosts
}

var _ = Describe("a run of several requirements", func() {
	It("gives one advice for what is the same, and names what it is for", func() {
		text := hints(wrong())
		Expect(text).To(ContainSubstring("  switched-by-host, for vmotion-migration-out, vmotion-migration-in, iscsi (esx33.example, esx2.example)\n"))
		Expect(strings.Count(text, "Look at whether")).To(Equal(1))
		Expect(text).NotTo(ContainSubstring("vic-machine"))
	})
	It("gives apart what takes other commands, and none that is not true", func() {
		text := hints(wrong())
		Expect(text).To(MatchRegexp(`(?s)switched-by-service, for ntp .*start ntpd.*switched-by-service, for vcenter-heartbeat .*start vpxa`))
		Expect(text).To(ContainSubstring("      vic-preflight fix --allow --target vc.example/dc1 --profile=auto --compute-resource prod\n"))
		Expect(text).To(MatchRegexp(`(?s)\n  drift, for syslog-udp, vcenter-management \(prod\)\n.*fix --allow.*\n  drift, for ntp, vcenter-heartbeat, vmotion`), "a fix starts no service")
		_, rest, _ := strings.Cut(text, "drift, for ntp")
		Expect(rest).NotTo(ContainSubstring("fix --allow"))
	})
	It("names the service that the host itself names", func() {
		r := wrong()
		hosts := r.Runs[0].Inventory.Hosts
		hosts[1].Firewall.Ruleset("ntpClient").Service = "ptpd"
		judge(r.Runs[0])
		Expect(hints(r)).To(ContainSubstring("govc host.service -host /dc1/host/prod/esx2.example start ptpd\n"))
	})
	It("builds the VIB for the one requirement that lacks a ruleset", func() {
		Expect(hints(wrong())).To(ContainSubstring(`
      vic-preflight vib build --profile=syslog --peer=udp://10.0.0.9:5514 --output syslog-udp-5514.vib   # --esxi 6-7 for ESXi 6.x and 7.x
      vic-preflight fix --allow --method vib --vib syslog-udp-5514.vib --lower-acceptance-level --target vc.example/dc1 --profile=syslog --peer=udp://10.0.0.9:5514 --host esx2.example
`))
	})
	DescribeTable("builds it for what the run's options name", func(options, want string) {
		r := wrong()
		r.Runs[0].Options = strings.Fields(options)
		text := hints(r)
		if want == "" {
			Expect(text).NotTo(ContainSubstring("vib build"))
			return
		}
		Expect(text).To(ContainSubstring("vib build " + want + " --output syslog-udp-5514.vib "))
	},
		Entry("beside a site's own", "--requirements=x.yaml --profile=auto", "--profile=syslog --peer=udp://10.0.0.9:5514"),
		Entry("a profile", "--profile=syslog --peer=syslog=auto", "--profile=syslog --peer=udp://10.0.0.9:5514"),
		Entry("a site's own by the name of a built-in one", "--requirements=syslog.yaml --peer=udp://10.0.0.9:5514", "--requirements=syslog.yaml --peer=udp://10.0.0.9:5514"),
		Entry("nothing", "--user=root", ""),
	)
	It("lists all of a host's codes, and the rulesets of what is wrong alone", func() {
		text := render(wrong(), report.Style{Width: 80})
		Expect(text).To(ContainSubstring(`
esx33.example  FAIL     syslog, ntpClient +4  syslog-udp: ruleset-disabled,
    ntp: switched-by-service, vcenter-heartbeat: switched-by-service,
    vcenter-management: ruleset-disabled,
    vmotion-migration-out: switched-by-host,
    vmotion-migration-in: switched-by-host, iscsi: switched-by-host
`))
		Expect(text).To(ContainSubstring("esx2.example   FAIL     ntpClient, iSCSI      "))
		Expect(text).To(ContainSubstring("(Syslog.global.logHost: udp://10.0.0.9:5514)"), "where the address came from")
	})
	It("says how to give an address that a setting does not", func() {
		h := wired("prod", "esx1.example", "udp://logs.example")
		h.Firewall.Ruleset("syslog").Allowed = listed("10.0.0.9")
		Expect(hints(estate(h))).To(ContainSubstring("    Run the check again with --peer syslog=udp://ADDRESS (or the network that it is in).\n"))
		var out bytes.Buffer
		Expect(report.JSON(&out, estate(h))).To(Succeed())
		Expect(out.String()).To(ContainSubstring("--peer syslog=udp://ADDRESS"))
	})
	It("says where users may not switch a ruleset and there is no other", func() {
		h := wired("prod", "esx1.example", "udp://10.0.0.9", "syslog")
		h.Firewall.Ruleset("syslog").UserControllable = inventory.No
		text := hints(estate(h))
		Expect(text).To(ContainSubstring("Users may not switch syslog there, and no other ruleset of the host serves.\n"))
		Expect(text).NotTo(ContainSubstring("ruleset-id=syslog"))
	})
	It("says once that nothing is known of a host", func() {
		lost, unread := wired("prod", "esx1.example", "udp://10.0.0.9"), wired("prod", "esx2.example", "udp://10.0.0.9")
		lost.Connection, unread.Firewall.Unreadable = inventory.Disconnected, "no permission to read it"
		r := estate(lost, unread)
		Expect(render(r, report.Style{Width: 80})).To(MatchRegexp(`(?m)^esx1.example +unknown +- +facts-unavailable, disconnected$(?s:.*)^esx2.example +unknown +- +facts-unavailable$`))
		Expect(strings.Count(hints(r), "facts-unavailable")).To(Equal(1))
		var out bytes.Buffer
		Expect(report.Nagios(&out, r)).To(Succeed())
		Expect(out.String()).To(ContainSubstring("esx2.example (unknown: facts-unavailable)"))
	})
	It("says what to do about a setting that is not known", func() {
		odd, unread := wired("prod", "esx1.example", "gopher://10.0.0.9"), wired("prod", "esx2.example", "udp://10.0.0.9")
		unread.PeerSettings[0] = inventory.PeerSetting{Origin: inventory.SyslogLogHosts, Name: "Syslog.global.logHost", Unreadable: "the account lacks the privilege Host.Config.AdvancedConfig"}
		unread2 := wired("prod", "esx3.example", "udp://10.0.0.9")
		unread2.Firewall.Unreadable = "no permission to read it"
		text := hints(estate(odd, unread, unread2))
		Expect(text).To(MatchRegexp(`facts-unavailable \(esx1.example\)\n +Look at the setting on the host, or check for the peers themselves: --profile PROFILE --peer PEER\.\n`))
		Expect(text).To(MatchRegexp(`facts-unavailable \(esx2.example\)\n +Give the account the privilege`))
	})
	It("has one line for drift", func() {
		text := render(wrong(), report.Style{Width: 200})
		Expect(strings.Count(text, "warn: ")).To(Equal(1))
		Expect(text).To(ContainSubstring("warn: drift for syslog-udp, ntp, "))
	})
	It("folds hosts that pass, whatever their peers", func() {
		r := estate(siteHosts(20)...)
		Expect(render(r, report.Style{Width: 80})).To(ContainSubstring("\n20 hosts  pass "))
		var wide bytes.Buffer
		Expect(report.Wide(&wide, r, report.Style{Width: 80})).To(Succeed())
		Expect(wide.String()).To(ContainSubstring("to 10.0.5.20 "), "every host's sentences")
	})
	It("groups hosts that fail alike, and counts each cluster once", func() {
		r := estate(append(siteHosts(10, "ntpClient", "iSCSI"), wired("prod", "esx10.example", "udp://10.0.0.9"))...)
		text := render(r, report.Style{Width: 80, Group: report.GroupAlways})
		Expect(text).To(ContainSubstring("\n10 hosts       FAIL "))
		Expect(text).To(ContainSubstring("warn: cluster-drift for ntp, iscsi in 1 of 1 clusters: prod\n"))
	})
	It("names the setting of hosts that have an address of their own each, in few words", func() {
		text := render(estate(siteHosts(10, "vMotion")...), report.Style{Width: 400, Group: report.GroupAlways, Advice: report.AdviceBrief})
		Expect(text).To(MatchRegexp(`vmotion-migration-out: [a-z-]+ .* and 6 more: .* \(vMotion addresses of the cluster.s other hosts\)\n`))
	})
	It("says so where nothing is asked for", func() {
		Expect(render(estate(member("prod", "esx1", listening)), report.Style{})).To(HavePrefix("vc.example/dc1: no port is asked for\n"))
	})
	It("writes what each host's own settings say, for programs", func() {
		r := wrong()
		r.Requirements = nil // of the first target, which was not read
		var out bytes.Buffer
		Expect(report.JSON(&out, r)).To(Succeed())
		fitsSchema(schema(), out.Bytes())
		var read struct {
			Requirements []struct {
				Name    string
				PerHost bool
			}
			Targets []struct {
				Hosts []struct {
					Demands []struct {
						From                              string
						Requirements, Peers, UnnamedPeers []string
					}
				}
			}
		}
		Expect(json.Unmarshal(out.Bytes(), &read)).To(Succeed())
		Expect(read.Requirements).To(HaveLen(9))
		Expect(read.Requirements).To(HaveEach(HaveField("PerHost", true)))
		hosts := read.Targets[0].Hosts
		Expect(hosts[0].Demands[0]).To(And(HaveField("Requirements", []string{"syslog-udp"}), HaveField("Peers", []string{"10.0.0.9/32"}), HaveField("From", "Syslog.global.logHost: udp://10.0.0.9:514")))
		Expect(hosts[2].Demands[0]).To(And(HaveField("Requirements", []string{"syslog-udp"}), HaveField("Peers", BeEmpty()), HaveField("UnnamedPeers", []string{"logs.example"})))
		Expect(hosts[0].Demands).To(ContainElement(HaveField("Requirements", []string{"vcenter-heartbeat", "vcenter-management"})), "the peers of a setting stand once")
	})
	It("is compared with an earlier one, whatever the settings asked for then", func() {
		then, now := estate(wired("prod", "esx1.example", "udp://10.0.0.9")), estate(wired("prod", "esx1.example", "udp://10.0.0.9:5514"))
		then.Runs[0].Inventory.Hosts[0].UUID, now.Runs[0].Inventory.Hosts[0].UUID = "u", "u"
		d, err := report.NewDiff(saved(then), saved(now))
		Expect(err).NotTo(HaveOccurred())
		Expect(d.Tally()).To(HaveField("NewFailures", 1))
		none := estate(member("prod", "esx1.example", listening))
		_, err = report.NewDiff(saved(none), saved(now))
		Expect(err).NotTo(HaveOccurred(), "a report may ask for nothing")
		d, err = report.NewDiff(saved(now), saved(none))
		Expect(err).NotTo(HaveOccurred())
		Expect(d).NotTo(BeNil())
	})
})

// listening is a ruleset that no profile asks for.
var listening = opening("sshServer", true, everybody(), "inbound tcp 22")

var _ = Describe("advice for a profile", func() {
	// logs is a requirement that a list leaves out.
	logs := func(peers ...string) (checks.Requirement, inventory.Host) {
		p, err := profile.Named("kms")
		Expect(err).NotTo(HaveOccurred())
		req := p.Needs[0].Requirement
		req.Name, req.Owner, req.Momentary, req.Switched, req.Prefer = "site-keys", checks.ByUser, false, "", []string{"site-keys"}
		for _, peer := range peers {
			req.Peers = append(req.Peers, netip.MustParsePrefix(peer))
		}
		return req, member("prod", "esx1.example", opening("site-keys", true, listed("10.9.9.9"), "outbound tcp 5696"))
	}
	It("adds every address that a list leaves out, though sentences count them", func() {
		var peers []string
		for i := range 9 {
			peers = append(peers, fmt.Sprintf("10.0.0.%d/32", i+1))
		}
		req, host := logs(peers...)
		r := about([]inventory.Host{host}, req)
		r.Runs[0].Options = []string{"--requirements=keys.yaml", "--peer=10.0.0.1"}
		text := hints(r)
		Expect(render(r, report.Style{})).To(ContainSubstring("10.0.0.6 and 3 more"))
		for i := range 9 {
			Expect(text).To(ContainSubstring(fmt.Sprintf("esxcli network firewall ruleset allowedip add --ruleset-id=site-keys --ip-address=10.0.0.%d ", i+1)))
		}
		Expect(text).To(ContainSubstring("    Add the KMIP server's address to the ruleset's allowed hosts.\n"))
		Expect(text).To(ContainSubstring("      vic-preflight fix --allow --target vc.example/dc1 --requirements=keys.yaml --peer=10.0.0.1 --compute-resource prod\n"))
		Expect(text).NotTo(MatchRegexp(`vic-machine|vSPC|allowed-ip vch|\{`))
	})
	It("adds nothing to a list that ESXi keeps", func() {
		req, host := logs("10.0.0.1/32")
		req.Switched, req.From = "by the first mount", "NFS mounts"
		req.Of = map[string]*checks.Demand{host.ID: {Peers: req.Peers, From: req.From}}
		r := about([]inventory.Host{host}, req)
		r.Runs[0].Options = []string{"--profile=auto"}
		Expect(hints(r)).To(ContainSubstring("allowed-hosts-exclude-peer"))
		Expect(hints(r)).NotTo(MatchRegexp("allowedip|fix --allow"))
	})
	It("tells hosts with other peers apart", func() {
		req, host := logs()
		another := member("prod", "esx2.example", host.Firewall.Rulesets...)
		host.ID, another.ID = "a", "b"
		req.Of = map[string]*checks.Demand{
			"a": {Peers: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}, From: "x"},
			"b": {Peers: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/32")}, From: "x"},
		}
		text := hints(about([]inventory.Host{host, another}, req))
		Expect(text).To(MatchRegexp(`govc .*/esx1.example .*--ip-address=10.0.0.1\n(?s:.*)govc .*/esx2.example .*--ip-address=10.0.0.2\n`))
		Expect(text).NotTo(ContainSubstring("likewise"))
		Expect(text).NotTo(ContainSubstring("vic-preflight fix"), "no option names the requirement")
	})
	It("builds a VIB for another port", func() {
		req := checks.VIC().At(8443)
		r := about([]inventory.Host{member("prod", "esx1.example", listening)}, req)
		r.Runs[0].Options = []string{"--user=root", "--port=8443", "--vch-ip=10.0.0.5"}
		Expect(hints(r)).To(ContainSubstring(`
      vic-preflight vib build --port=8443 --output vmware-vic.vib   # --esxi 6-7 for ESXi 6.x and 7.x
      vic-preflight fix --allow --method vib --vib vmware-vic.vib --lower-acceptance-level --target vc.example/dc1 --user=root --port=8443 --vch-ip=10.0.0.5 --host esx1.example
`))
	})
	It("takes changes back without what the run was about", func() {
		r := wrong()
		r.Runs[0].Journal, r.Runs[0].Options = "j.jsonl", []string{"--user=root", "--profile=auto", "--peer=ntp=10.0.0.1", "--requirements=x.yaml"}
		Expect(render(r, report.Style{})).To(ContainSubstring("\n  vic-preflight undo j.jsonl --target vc.example/dc1 --user=root\n"))
	})
})

var _ = It("a plan that is not carried out has the commands that bring a ruleset, for that requirement alone", func() {
	r := wrong()
	run := r.Runs[0]
	run.DryRun = true
	run.Plan = []report.PlanEntry{{
		Host: "esx2.example", Path: run.Inventory.Hosts[1].Path, Cluster: "prod", Requirement: "syslog-udp-5514",
		Action: report.Refuse, Reason: "no-ruleset", Detail: "the host has none",
	}}
	const commands = `
  vic-preflight vib build --profile=syslog --peer=udp://10.0.0.9:5514 --output syslog-udp-5514.vib   # --esxi 6-7 for ESXi 6.x and 7.x
  vic-preflight fix --allow --method vib --vib syslog-udp-5514.vib --lower-acceptance-level --target vc.example/dc1 --profile=syslog --peer=udp://10.0.0.9:5514 --host esx2.example
`
	Expect(write("table", r)).To(ContainSubstring("the host has none" + commands))
	run.Plan[0].Reason = "not-user-controllable"
	Expect(write("table", r)).NotTo(ContainSubstring("vib"))
})

var _ = It("a VIB is built for the one file that asks for what lacks a ruleset", func() {
	r := wrong()
	run := r.Runs[0]
	run.Options = []string{"--requirements=a.yaml", "--requirements=b.yaml", "--peer=a=10.0.0.9", "--peer=b=10.0.0.8"}
	for i := range run.Requirements {
		run.Requirements[i].Asked = []string{"--requirements=b.yaml", "--peer=b=10.0.0.8"}
	}
	Expect(hints(r)).To(ContainSubstring("vib build --requirements=b.yaml --peer=b=10.0.0.8 --output syslog-udp-5514.vib "))
	Expect(hints(r)).To(ContainSubstring("--target vc.example/dc1 --requirements=b.yaml --peer=b=10.0.0.8 --host esx2.example"))
})
