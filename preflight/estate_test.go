package preflight_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/mo"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/profile"
	"github.com/vic-preflight/vic-preflight/report"
)

// mistakes are what is wrong of the scenario estate, from what the scenario means: by host and
// requirement the verdict, and where the address comes from.
var mistakes = map[string]map[string]mistake{
	"esx02.example": {
		"syslog-udp-5514":    {"fail no-ruleset", "Syslog.global.logHost: udp://10.0.20.9:5514"},
		"vcenter-management": {"fail allowed-hosts-exclude-peer", ": 10.0.0.5"},
	},
	"esx04.example": {
		"ntp":  {"fail switched-by-service", "NTP servers: 10.0.20.1, 10.0.20.2"},
		"nfs3": {"fail allowed-hosts-exclude-peer", "NFS 3 datastores: 10.0.30.5, 10.0.30.6"},
	},
	"esx12.example": {
		"syslog-tcp": {"fail ruleset-disabled", "Syslog.global.logHost: tcp://10.0.20.9 (514 taken for its port)"},
		"iscsi":      {"fail switched-by-host", "iSCSI targets: 10.0.40.5:3260"},
	},
	"esx14.example": {
		"vcenter-heartbeat":     {"fail allowed-hosts-exclude-peer", ": 10.0.0.5"},
		"vmotion-migration-out": {"fail switched-by-host", "10.0.50.11, 10.0.50.12, 10.0.50.13"},
		"vmotion-migration-in":  {"fail switched-by-host", "10.0.50.11, 10.0.50.12, 10.0.50.13"},
	},
	"esx22.example": {
		"syslog-tcp":         {"fail allowed-hosts-exclude-peer", "Syslog.global.logHost: tcp://10.0.20.9 (514 taken for its port)"},
		"vsan-transport-out": {"fail allowed-hosts-exclude-peer", "leaves out 10.0.70.24"},
		"vsan-transport-in":  {"fail allowed-hosts-exclude-peer", "leaves out 10.0.70.24"},
	},
	"esx24.example": {
		"syslog-ssl": {"warn allowed-hosts-unverified", "Syslog.global.logHost: ssl://logs.example"},
		"iscsi-3261": {"fail no-ruleset", "iSCSI targets: 10.0.40.6:3261"},
	},
}

// mistake is a verdict, with a part of what it says.
type mistake struct{ verdict, says string }

// fine is what every host of the cluster needs, and gets.
func fine(cluster string) map[string]string {
	const pass = "pass permitted"
	all := map[string]string{
		"syslog-tcp": pass, "ntp": pass, "vcenter-heartbeat": pass, "vcenter-management": pass,
		"vmotion-migration-out": pass, "vmotion-migration-in": pass, "vmotion-provisioning": pass,
	}
	switch cluster {
	case "old":
		all["nfs3"] = pass
	case "mid":
		all["nfs3"], all["iscsi"] = pass, pass
	case "new":
		for _, part := range []string{"transport-out", "transport-in", "membership-out", "membership-in", "health"} {
			all["vsan-"+part] = pass
		}
		all["kms"] = "skip switched-when-needed" // shut but for an exchange of keys
	}
	return all
}

// estateVerdicts are all that the scenario means, by host and requirement.
func estateVerdicts() map[string]string {
	all := map[string]string{}
	for cluster, hosts := range map[string][]int{"old": {1, 2, 3, 4}, "mid": {11, 12, 13, 14}, "new": {21, 22, 23, 24}} {
		for _, number := range hosts {
			host := fmt.Sprintf("esx%02d.example", number)
			want := fine(cluster)
			switch host {
			case "esx02.example", "esx24.example": // whose logs go another way
				delete(want, "syslog-tcp")
			}
			if host == "esx24.example" { // which has another target that is right
				want["iscsi"] = "pass permitted"
			}
			if host == "esx13.example" {
				want["nfs41"] = "pass permitted"
			}
			for name, m := range mistakes[host] {
				want[name] = m.verdict
			}
			for name, verdict := range want {
				all[host+" "+name] = verdict
			}
		}
	}
	return all
}

// planned is what --fix makes of the mistakes that users may mend, and mended what the list
// of the ruleset is then.
var planned = map[string]mended{
	"esx02.example vcenter-management": {"allow vSphereClient", "10.0.0.5, 10.0.99.0/24"},
	"esx12.example syslog-tcp":         {"enable syslog", "all"},
	"esx14.example vcenter-heartbeat":  {"allow vpxHeartbeats", "10.0.0.6, 10.0.0.5"},
	"esx22.example syslog-tcp":         {"allow syslog", "10.0.20.8, 10.0.20.9"},
	// One change is for both directions.
	"esx22.example vsan-transport-out": {"allow rdt", "10.0.70.21, 10.0.70.23, 10.0.70.24"},
}

type mended struct{ does, list string }

// refusals are the others, each with the reason and a part of what is said of it.
var refusals = map[string]mistake{
	"esx02.example syslog-udp-5514":       {"no-ruleset", "5514"},
	"esx04.example ntp":                   {"switched-by-service", "ntpd"},
	"esx04.example nfs3":                  {"not-user-controllable", "nfsClient"},
	"esx12.example iscsi":                 {"not-user-controllable", "iSCSI"},
	"esx14.example vmotion-migration-out": {"not-user-controllable", "vMotion"},
	"esx14.example vmotion-migration-in":  {"not-user-controllable", "vMotion"},
	"esx24.example iscsi-3261":            {"no-ruleset", "3261"},
}

// afterwards are the verdicts of estateVerdicts that a fix changes: a list holds addresses,
// and whether a witness has one of these is not known.
var afterwards = map[string]string{
	"esx02.example vcenter-management": "pass permitted", "esx12.example syslog-tcp": "pass permitted",
	"esx14.example vcenter-heartbeat": "pass permitted", "esx22.example syslog-tcp": "pass permitted",
	"esx22.example vsan-transport-out": "warn allowed-hosts-unverified", "esx22.example vsan-transport-in": "warn allowed-hosts-unverified",
}

// told are the firewalls of all hosts, as the API tells them and as the
// hosts have them, by the hosts' names.
func told(ctx SpecContext, vc *sim.VCenter) map[string]string {
	GinkgoHelper()
	u := *vc.URL
	u.User = url.UserPassword("root", secret)
	c, err := govmomi.NewClient(ctx, &u, true)
	Expect(err).NotTo(HaveOccurred())
	all := map[string]string{}
	for _, name := range vc.HostNames() {
		var copies []any
		var system mo.HostFirewallSystem
		var host mo.HostSystem
		one := property.DefaultCollector(c.Client)
		Expect(one.RetrieveOne(ctx, vc.Host(name).FirewallRef(), []string{"firewallInfo"}, &system)).To(Succeed())
		Expect(one.RetrieveOne(ctx, vc.Host(name).Ref, []string{"config.firewall"}, &host)).To(Succeed())
		copies = append(copies, system.FirewallInfo, host.Config.Firewall, vc.Host(name).Firewall())
		text, err := json.Marshal(copies)
		Expect(err).NotTo(HaveOccurred())
		all[name] = string(text)
	}
	Expect(c.Logout(ctx)).To(Succeed())
	return all
}

// differ are the names of what two maps do not have alike.
func differ(a, b map[string]string) (names []string) {
	for name := range a {
		if a[name] != b[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// bySettings is what the hosts' own settings ask for.
var bySettings = preflight.Wanted{Profiles: []string{profile.Auto}}

// details are those of the check of ports, by host name and requirement.
func details(run *report.Run) map[string]string {
	all := map[string]string{}
	for _, r := range run.Results {
		if r.Check == checks.OutboundPort {
			all[filepath.Base(r.Subject)+" "+r.Requirement] = r.Detail
		}
	}
	return all
}

var _ = Describe("check --profile auto of the scenario estate", func() {
	It("names each wrong one and no right one, without any address given", func(ctx SpecContext) {
		vc := start("estate")
		vc.SetReadOnly(true)
		run, err := preflight.Run(ctx, wanting(vc, bySettings, preflight.NoChange))
		Expect(err).NotTo(HaveOccurred())
		Expect(statuses(run, checks.OutboundPort)).To(Equal(estateVerdicts()))
		says := details(run)
		for host, list := range mistakes {
			for name, m := range list {
				Expect(says[host+" "+name]).To(ContainSubstring(m.says), "%s %s", host, name)
			}
		}
		for row, verdict := range statuses(run, checks.PeerSettings) {
			Expect(verdict).To(Equal("pass settings-known"), row)
		}
		failed := map[string]bool{}
		for _, r := range run.Results {
			if r.Status == checks.Fail {
				failed[filepath.Base(r.Subject)] = true
			}
		}
		Expect(slices.Sorted(maps.Keys(failed))).To(Equal(slices.Sorted(maps.Keys(mistakes))), "by whatever check")
		Expect(vc.Refused()).To(BeEmpty(), "it only reads")
	}, SpecTimeout(time.Minute))

	It("names the peers of a cluster also where a host alone is asked for", func(ctx SpecContext) {
		vc := start("estate")
		o := wanting(vc, bySettings, preflight.NoChange)
		o.Hosts = []string{"esx22*"}
		run, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		want := map[string]string{}
		for row, verdict := range estateVerdicts() {
			if strings.HasPrefix(row, "esx22") {
				want[row] = verdict
			}
		}
		Expect(statuses(run, checks.OutboundPort)).To(Equal(want))
	}, SpecTimeout(time.Minute))

	It("is the same for facts in a file, and for a simulator of them", func(ctx SpecContext) {
		live := at("sim://estate")
		Expect(anyPort(bySettings).Put(&live)).To(Succeed())
		file := newFile()
		Expect(preflight.Collect(ctx, []preflight.Options{live}, file, false)).Error().NotTo(HaveOccurred())
		want := verdicts(ctx, live)
		for _, o := range []preflight.Options{{Facts: file}, at("sim://" + file)} {
			Expect(anyPort(bySettings).Put(&o)).To(Succeed())
			Expect(verdicts(ctx, o)).To(Equal(want))
		}
	}, SpecTimeout(time.Minute))

	It("is what a simulator of facts tells as the facts do", func(ctx SpecContext) {
		settings := func(o preflight.Options) (*inventory.Inventory, map[string][]inventory.PeerSetting) {
			Expect(anyPort(bySettings).Put(&o)).To(Succeed())
			run, err := preflight.Run(ctx, o)
			Expect(err).NotTo(HaveOccurred())
			all := map[string][]inventory.PeerSetting{}
			for _, h := range run.Inventory.Hosts {
				all[h.Name] = h.PeerSettings
			}
			return run.Inventory, all
		}
		inv, want := settings(at("sim://estate"))
		edit := func(host string, origin inventory.PeerOrigin, change func(*inventory.PeerSetting)) {
			i := slices.IndexFunc(want[host], func(s inventory.PeerSetting) bool { return s.Origin == origin })
			change(&want[host][i])
		}
		second := []string{"10.0.51.11", "10.0.51.12", "10.0.51.13", "10.0.51.14"}
		for i, host := range []string{"esx11.example", "esx12.example", "esx13.example", "esx14.example"} {
			edit(host, inventory.VMotionHosts, func(s *inventory.PeerSetting) { // which has two adapters
				var list []string
				for n, first := range s.Values {
					list = append(list, first, slices.Delete(slices.Clone(second), i, i+1)[n])
				}
				s.Values = list
			})
		}
		edit("esx01.example", inventory.SyslogLogHosts, func(s *inventory.PeerSetting) { s.Values = []string{"udp://a.example", "tcp://10.0.0.1"} })
		edit("esx02.example", inventory.NTPServers, func(s *inventory.PeerSetting) {
			s.Values, s.Unreadable = nil, "the account lacks the privilege System.Read"
		})
		edit("esx24.example", inventory.ISCSITargets, func(s *inventory.PeerSetting) { s.Values = []string{"10.0.40.5", "[fd00::1]:3260"} })
		for i := range inv.Hosts {
			inv.Hosts[i].PeerSettings = want[inv.Hosts[i].Name]
		}
		_, got := settings(at("sim://" + written(inv)))
		for host := range want {
			Expect(got[host]).To(Equal(want[host]), host)
		}
	}, SpecTimeout(time.Minute))

	It("is not known of a simulator of facts that do not tell it", func(ctx SpecContext) {
		settings := func(collected []string, hosts ...string) map[string]string {
			from, file := at("sim://estate"), newFile()
			from.Hosts = hosts
			if len(collected) > 0 {
				Expect(anyPort(preflight.Wanted{Profiles: collected}).Put(&from)).To(Succeed())
			}
			Expect(preflight.Collect(ctx, []preflight.Options{from}, file, false)).Error().NotTo(HaveOccurred())
			o := at("sim://" + file)
			Expect(anyPort(bySettings).Put(&o)).To(Succeed())
			run, err := preflight.Run(ctx, o)
			Expect(err).NotTo(HaveOccurred())
			Expect(statuses(run, checks.OutboundPort)).NotTo(HaveKey("esx21.example vmotion-migration-out"))
			return statuses(run, checks.PeerSettings)
		}
		const unknown = "unknown facts-unavailable"
		By("any setting")
		Expect(settings(nil, "esx1*", "esx21*")).To(And(HaveLen(5), HaveEach(unknown)))
		By("the addresses of one host of a cluster whose others are left out")
		Expect(settings([]string{profile.Auto}, "esx1*", "esx21*")).To(And(HaveLen(5),
			HaveKeyWithValue("esx21.example ", unknown), HaveKeyWithValue("esx11.example ", "pass settings-known")))
	}, SpecTimeout(time.Minute))
})

var _ = Describe("check --profile auto --fix of the scenario estate", func() {
	It("mends what users may mend, explains the rest, and undo brings it back byte for byte", func(ctx SpecContext) {
		vc := start("estate")
		before := told(ctx, vc)
		run, err := preflight.Run(ctx, wanting(vc, bySettings, preflight.Allow))
		Expect(err).To(MatchError(ContainSubstring("not all that was asked for")))

		does, refused := map[string]mended{}, map[string]mistake{}
		for _, e := range run.Plan {
			row := e.Host + " " + e.Requirement
			switch e.Action {
			case report.None:
			case report.Refuse:
				refused[row] = mistake{e.Reason, ""}
				Expect(e.Detail).To(ContainSubstring(refusals[row].says), row)
				Expect(e.Done).To(BeFalse(), row)
			default:
				Expect(e.Done && e.Verified).To(BeTrue(), row)
				does[row] = mended{string(e.Action) + " " + e.Ruleset, e.After.Allowed.String()}
			}
		}
		Expect(does).To(Equal(planned))
		Expect(slices.Sorted(maps.Keys(refused))).To(Equal(slices.Sorted(maps.Keys(refusals))))
		for row, r := range refused {
			Expect(r.verdict).To(Equal(refusals[row].verdict), row)
		}
		want := estateVerdicts()
		maps.Copy(want, afterwards)
		Expect(statuses(run, checks.OutboundPort)).To(Equal(want))
		Expect(differ(before, told(ctx, vc))).To(Equal([]string{"esx02.example", "esx12.example", "esx14.example", "esx22.example"}))

		_, err = preflight.Run(ctx, undoing(vc, run.Journal))
		Expect(err).NotTo(HaveOccurred())
		Expect(told(ctx, vc)).To(Equal(before))
	}, SpecTimeout(time.Minute))

	It("changes nothing the second time", func(ctx SpecContext) {
		vc := start("estate")
		for range 2 {
			run, err := preflight.Run(ctx, wanting(vc, bySettings, preflight.Allow))
			Expect(err).To(MatchError(ContainSubstring("not all that was asked for")))
			Expect(run.Plan).NotTo(BeEmpty())
		}
		Expect(vc.RequestsOf("EnableRuleset")).To(Equal(1))
		Expect(vc.RequestsOf("UpdateRuleset")).To(Equal(4))
	}, SpecTimeout(time.Minute))
})
