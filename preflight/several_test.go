package preflight_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

// firewalls are the rulesets of all hosts, as the simulator has them.
func firewalls(vc *sim.VCenter) string {
	GinkgoHelper()
	all := map[string]any{}
	for _, name := range vc.HostNames() {
		all[name] = vc.Host(name).Firewall()
	}
	text, err := json.Marshal(all)
	Expect(err).NotTo(HaveOccurred())
	return string(text)
}

// change changes the rulesets of a key on all hosts.
func change(vc *sim.VCenter, key string, f func(*types.HostFirewallRuleset)) {
	vc.ChangeAll(func(info *types.HostFirewallInfo) {
		for i := range info.Ruleset {
			if info.Ruleset[i].Key == key {
				f(&info.Ruleset[i])
			}
		}
	})
}

// wanting are options for a simulator with what must be open.
func wanting(vc *sim.VCenter, w preflight.Wanted, do preflight.Change) preflight.Options {
	GinkgoHelper()
	o := on(vc)
	o.Change.Do = do
	if w.Port == 0 {
		w = anyPort(w)
	}
	Expect(w.Put(&o)).To(Succeed())
	return o
}

// planOf is the plan of a run in short, by host and requirement.
func planOf(run *report.Run) map[string]string {
	plan := map[string]string{}
	for _, e := range run.Plan {
		text := string(e.Action) + " " + e.Ruleset
		if e.Action == report.None || e.Action == report.Refuse {
			text = e.Reason
		}
		if e.Verified {
			text += " verified"
		}
		plan[strings.TrimSpace(e.Host+" "+e.Requirement)] = text
	}
	return plan
}

var _ = Describe("profiles", func() {
	several := preflight.Wanted{Profiles: []string{"syslog", "ntp", "online-depot"}, Peers: []string{"syslog=udp://10.0.0.9", "syslog=ssl://10.0.0.10", "ntp=10.0.0.1", "online-depot=https://10.0.0.3"}}

	It("are opened together, each with its row, and all comes back", func(ctx SpecContext) {
		vc := start("closed")
		change(vc, "syslog", func(rs *types.HostFirewallRuleset) {
			rs.AllowedHosts = &types.HostFirewallRulesetIpList{IpAddress: []string{"10.9.9.9"}}
		})
		before := firewalls(vc)
		o := wanting(vc, several, preflight.Allow)
		run, err := preflight.Run(ctx, o)
		Expect(err).To(MatchError(ContainSubstring("not all that was asked for")), "ntpd switches ntpClient on hosts that say nothing else")
		plan := planOf(run)
		for host, want := range map[string]string{
			"esx01.example syslog-udp": "enable syslog verified", "esx01.example syslog-ssl": "shares-a-change",
			"esx01.example online-depot-https": "enable httpClient verified", "esx01.example ntp": "enable ntpClient verified",
			"esx11.example syslog-udp": "enable syslog verified", "esx11.example ntp": "switched-by-service",
		} {
			Expect(plan).To(HaveKeyWithValue(host, want))
		}
		Expect(plan).To(HaveLen(4 * len(vc.HostNames())))
		got := statuses(run, checks.OutboundPort)
		Expect(got).To(HaveKeyWithValue("esx11.example syslog-ssl", "pass permitted"))
		Expect(got).To(HaveKeyWithValue("esx11.example ntp", "fail switched-by-service"))
		for _, rs := range vc.Host("esx11.example").Firewall().Ruleset {
			if rs.Key == "syslog" {
				Expect(rs.AllowedHosts.IpAddress).To(Equal([]string{"10.9.9.9", "10.0.0.9", "10.0.0.10"}))
			}
		}

		By("in JSON")
		var b bytes.Buffer
		Expect(report.JSON(&b, &report.Report{Runs: []*report.Run{run}, Requirements: run.Requirements})).To(Succeed())
		Expect(b.String()).To(ContainSubstring(`"requirement": "syslog-ssl"`))

		By("undoing it")
		o = on(vc)
		o.Change.Do, o.Change.UndoJournal = preflight.Undo, run.Journal
		undone, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		Expect(firewalls(vc)).To(Equal(before))
		got = statuses(undone, checks.OutboundPort)
		Expect(got).To(HaveLen(4 * len(vc.HostNames())))
		Expect(got).To(HaveKeyWithValue("esx01.example syslog-ssl", "fail ruleset-disabled"))
		Expect(got).To(HaveKeyWithValue("esx11.example ntp", "fail switched-by-service"), "with the owner of the journal")
	}, SpecTimeout(time.Minute))

	It("of some hosts alone are opened, undone and judged there", func(ctx SpecContext) {
		vc := start("closed")
		before := firewalls(vc)
		checked, err := preflight.Run(ctx, on(vc))
		Expect(err).NotTo(HaveOccurred())
		var reqs []checks.Requirement
		for _, protocol := range []string{inventory.UDP, inventory.TCP} {
			req := checks.Requirement{Name: "logs-" + protocol, Direction: inventory.Outbound, Protocol: protocol, Ports: []int{514}, Prefer: []string{"syslog"}, Of: map[string]*checks.Demand{}}
			for _, h := range checked.Inventory.Hosts[1-len(reqs) : 2] {
				req.Of[h.ID] = &checks.Demand{Peers: []netip.Prefix{netip.MustParsePrefix("10.0.0.9/32")}, From: "Syslog.global.logHost: 10.0.0.9"}
			}
			reqs = append(reqs, req)
		}
		o := on(vc)
		o.Requirements, o.Change.Do = reqs, preflight.Allow
		run, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		var rows []string
		for _, e := range run.Plan {
			rows = append(rows, e.Host+" "+e.Requirement+" "+e.Reason)
		}
		first, second := checked.Inventory.Hosts[0].Name, checked.Inventory.Hosts[1].Name
		Expect(rows).To(Equal([]string{first + " logs-tcp chosen", second + " logs-udp chosen", second + " logs-tcp shares-a-change"}), "in the inventory's order, and the others have no row")
		Expect(statuses(run, checks.OutboundPort)).To(HaveLen(3))

		o = on(vc)
		o.Change.Do, o.Change.UndoJournal = preflight.Undo, run.Journal
		undone, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		Expect(firewalls(vc)).To(Equal(before))
		got := statuses(undone, checks.OutboundPort)
		Expect(got).To(HaveLen(3), "also of the requirement that shared the change")
		for host, status := range got {
			Expect(status).To(Equal("fail ruleset-disabled"), host)
		}
	}, SpecTimeout(time.Minute))

	It("are closed by the rulesets that users may switch", func(ctx SpecContext) {
		vc := start("open")
		for _, key := range []string{"syslog", "vpxHeartbeats", "vSphereClient"} {
			change(vc, key, func(rs *types.HostFirewallRuleset) { rs.Enabled = true })
		}
		run, err := preflight.Run(ctx, wanting(vc, preflight.Wanted{Profiles: []string{"syslog", "vcenter"}}, preflight.Deny))
		Expect(err).To(HaveOccurred())
		plan := planOf(run)
		for host, want := range map[string]string{
			"esx11.example syslog-ssl": "disable syslog verified", "esx11.example syslog-udp": "shares-a-change", "esx11.example syslog-tcp": "shares-a-change",
			"esx11.example vcenter-heartbeat": "would-shut-out", "esx11.example vcenter-management": "would-shut-out",
		} {
			Expect(plan).To(HaveKeyWithValue(host, want))
		}
	}, SpecTimeout(time.Minute))

	It("shut out nobody who manages a host", func(ctx SpecContext) {
		vc := start("esxi")
		change(vc, "vSphereClient", func(rs *types.HostFirewallRuleset) { rs.Enabled = false })
		dry := func(w preflight.Wanted, only ...string) (reason, detail string) {
			o := wanting(vc, w, preflight.Allow)
			o.Change.DryRun = true
			for _, text := range only {
				o.Change.Only = append(o.Change.Only, netip.MustParsePrefix(text))
			}
			run, err := preflight.Run(ctx, o)
			Expect(err).NotTo(HaveOccurred())
			at := slices.IndexFunc(run.Plan, func(e report.PlanEntry) bool {
				return e.Requirement != "vcenter-heartbeat" && e.Requirement != "vddk-nbd-disk-data"
			})
			return run.Plan[at].Reason, run.Plan[at].Detail
		}
		vcenter := preflight.Wanted{Profiles: []string{"vcenter"}, Peers: []string{"10.0.0.1"}}
		reason, detail := dry(vcenter, "10.0.0.1/32")
		Expect(reason).To(Equal("would-shut-out"))
		Expect(detail).To(ContainSubstring("shuts out 127.0.0.1"), "this machine")
		reason, detail = dry(vcenter, "10.0.0.1/32", "127.0.0.1/32")
		Expect(reason).To(Equal("chosen"), detail)
		reason, detail = dry(preflight.Wanted{Profiles: []string{"vddk-nbd"}, Peers: []string{"10.0.0.8"}}, "10.0.0.8/32", "127.0.0.1/32")
		Expect(reason).To(Equal("would-shut-out"))
		Expect(detail).To(ContainSubstring("--profile vcenter --peer vcenter=ADDRESS gives it"))
		reason, detail = dry(vcenter)
		Expect(reason).To(Equal("chosen"), detail)
	}, SpecTimeout(time.Minute))
})

var _ = DescribeTable("another port of a virtual container host", func(ctx SpecContext, port int, want, says string) {
	o := wanting(start("closed"), preflight.Wanted{Port: port}, preflight.Allow)
	o.Change.DryRun = true
	run, err := preflight.Run(ctx, o)
	Expect(err).NotTo(HaveOccurred())
	Expect(planOf(run)).To(HaveKeyWithValue("esx11.example", want))
	details := fmt.Sprint(run.Plan)
	Expect(details).To(ContainSubstring(says))
	Expect(run.Requirements[0].Name).To(Equal("vic"))
	Expect(details).NotTo(ContainSubstring("vSPC"))
},
	Entry("is opened by what is made for it", 1514, "enable syslog", "the ruleset that is made for it"),
	Entry("the web's too", 443, "enable httpClient", ""),
	Entry("not by what a mount opens", 2049, "no-ruleset", "a VIB that brings one"),
	Entry("by what ESXi switches not either", 3260, "not-user-controllable", "ESXi itself switches the ruleset iSCSI"),
	Entry("by a VIB where there is nothing", 4711, "no-ruleset", "a VIB that brings one"),
)

var _ = It("a vCenter is known by a host's setting, or by what is required", func() {
	h := &inventory.Host{ID: "host-1"}
	known := func(reqs ...checks.Requirement) string {
		list, yes := preflight.ManagingVCenter(h, reqs)
		return fmt.Sprint(list, " ", yes)
	}
	management := checks.Requirement{Name: "vcenter-management", Peers: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}}
	Expect(known()).To(Equal("[] false"))
	Expect(known(management)).To(Equal("[10.0.0.1/32] true"))
	management.Of = map[string]*checks.Demand{"host-9": {Peers: management.Peers}}
	Expect(known(management)).To(Equal("[] false"), "it is another host's")
	for _, row := range []struct {
		setting inventory.PeerSetting
		want    string
	}{
		{inventory.PeerSetting{}, "[] true"}, // there is none
		{inventory.PeerSetting{Values: []string{"10.0.0.2"}}, "[10.0.0.2/32] true"},
		{inventory.PeerSetting{Values: []string{"vc.example"}}, "false"},
		{inventory.PeerSetting{Unnamed: []string{"vc.example"}}, "false"},
		{inventory.PeerSetting{Unreadable: "no permission"}, "false"},
	} {
		row.setting.Origin = inventory.ManagingVCenter
		h.PeerSettings = []inventory.PeerSetting{row.setting}
		Expect(known()).To(HaveSuffix(row.want))
	}
})
