package preflight_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/facts"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/profile"
	"github.com/vic-preflight/vic-preflight/report"
)

// newFile is a name for a file of facts that is not there yet.
func newFile() string { return filepath.Join(GinkgoT().TempDir(), "facts.json") }

// at are options for a target by its text.
func at(text string) preflight.Options {
	GinkgoHelper()
	t, err := preflight.ParseTarget(text)
	Expect(err).NotTo(HaveOccurred())
	return preflight.Options{Target: t}
}

func collected(ctx SpecContext, targets ...string) string {
	GinkgoHelper()
	file := newFile()
	var list []preflight.Options
	for _, text := range targets {
		list = append(list, at(text))
	}
	hosts, err := preflight.Collect(ctx, list, file, false)
	Expect(err).NotTo(HaveOccurred())
	Expect(hosts).To(BeNumerically(">", 0))
	return file
}

// verdicts is a JSON report without times, and without what names the target.
func verdicts(ctx SpecContext, list ...preflight.Options) string {
	GinkgoHelper()
	rep, errs := preflight.RunAll(ctx, list)
	for _, err := range errs {
		Expect(err).NotTo(HaveOccurred())
	}
	var out bytes.Buffer
	Expect(report.JSON(&out, rep)).To(Succeed())
	for _, run := range rep.Runs {
		Expect(run.Duration).To(BeNumerically("<", time.Minute), "not since the facts were collected")
	}
	return regexp.MustCompile(`"(target|startedAt|bootTime|durationMs|instanceUuid|id)": ("[^"]*"|\d+)`).ReplaceAllString(out.String(), `"$1"`)
}

var _ = Describe("facts in a file", func() {
	scenarios := []string{"mixed", "closed", "open", "esxi", "esxi80", "esxi60", "large?hosts=130"}
	for _, name := range scenarios {
		It("give the same report as "+name+" itself, and as a simulator of them", func(ctx SpecContext) {
			live := at("sim://" + name)
			file := collected(ctx, "sim://"+name)
			Expect(verdicts(ctx, preflight.Options{Facts: file})).To(Equal(verdicts(ctx, live)))
			simulated := verdicts(ctx, at("sim://"+file))
			want := verdicts(ctx, live)
			if strings.HasPrefix(name, "esxi") { // of which the UUID is the endpoint's too
				uuid := regexp.MustCompile(`"uuid": "[^"]+"`)
				simulated, want = uuid.ReplaceAllString(simulated, ""), uuid.ReplaceAllString(want, "")
			}
			Expect(simulated).To(Equal(want))
		}, SpecTimeout(time.Minute))
	}

	It("give the same report for each option that picks what is read or judged", func(ctx SpecContext) {
		file := collected(ctx, "sim://mixed")
		docker := checks.VIC().At(2376)
		for _, more := range []func(*preflight.Options){
			func(o *preflight.Options) { o.FirewallState = true },
			func(o *preflight.Options) { o.Only = []string{checks.FirewallState, checks.HostState} },
			func(o *preflight.Options) { o.Skip = []string{checks.RulePersistence} },
			func(o *preflight.Options) { o.ComputeResource, o.Hosts = "legacy", []string{"esx2[3-6]*"} },
			func(o *preflight.Options) { o.Requirements = []checks.Requirement{checks.VIC(), backup()} },
			func(o *preflight.Options) {
				o.Requirements = []checks.Requirement{docker}
				o.Skip = []string{checks.RulePersistence}
			},
		} {
			live, offline := at("sim://mixed"), preflight.Options{Facts: file}
			more(&live)
			more(&offline)
			Expect(verdicts(ctx, offline)).To(Equal(verdicts(ctx, live)))
		}
	}, SpecTimeout(time.Minute))

	It("give the same report by the hosts' own settings, whichever of them are asked for", func(ctx SpecContext) {
		vc := start("mixed")
		configure(vc)
		file := newFile()
		asked := on(vc)
		Expect(preflight.Wanted{Port: checks.DefaultPort, Profiles: []string{profile.Auto}}.Put(&asked)).To(Succeed())
		_, err := preflight.Collect(ctx, []preflight.Options{asked}, file, false)
		Expect(err).NotTo(HaveOccurred())
		for _, w := range []preflight.Wanted{
			{Profiles: []string{profile.Auto}},
			{Profiles: []string{"syslog", "ntp"}, Peers: []string{"syslog=auto", "ntp=10.2.0.9"}},
			{Profiles: []string{"vmotion"}, Peers: []string{"auto"}},
		} {
			for _, hosts := range [][]string{nil, {"esx01.example"}} {
				w.Port = checks.DefaultPort
				live, offline := on(vc), preflight.Options{Facts: file}
				for _, o := range []*preflight.Options{&live, &offline} {
					Expect(w.Put(o)).To(Succeed())
					o.Hosts = hosts
				}
				// A file of facts holds no login, and its check names the target as it was collected.
				commands := regexp.MustCompile(` --(user|thumbprint)=\S+`)
				Expect(commands.ReplaceAllString(verdicts(ctx, offline), "")).To(Equal(commands.ReplaceAllString(verdicts(ctx, live), "")), "%v", w)
			}
		}
		offline := preflight.Options{Facts: collected(ctx, "sim://mixed")}
		Expect(preflight.Wanted{Port: checks.DefaultPort, Profiles: []string{profile.Auto}}.Put(&offline)).To(Succeed())
		run, err := preflight.Run(ctx, offline)
		Expect(err).NotTo(HaveOccurred())
		Expect(statuses(run, checks.PeerSettings)).To(HaveKeyWithValue(HavePrefix("esx01.example"), "unknown facts-unavailable"), "a file without them")
	}, SpecTimeout(time.Minute))

	It("do not pass for what they do not hold", func(ctx SpecContext) {
		inv := estate()
		inv.Hosts = inv.Hosts[:1]
		site := *inv.Hosts[0].Firewall.Rulesets[1]
		site.Rules, site.Allowed = []inventory.Rule{{Port: 9999, Direction: inventory.Outbound, Protocol: inventory.TCP}}, &inventory.AllowedHosts{All: true}
		inv.Hosts[0].Firewall.Rulesets = []*inventory.Ruleset{&site}
		o := preflight.Options{Facts: written(inv), Requirements: []checks.Requirement{checks.VIC().At(9999)}}
		run, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		Expect(run.Inventory.Hosts[0].Software.Unreadable).To(Equal("the file of facts does not hold it: collect --port 9999 reads it"))
		Expect(statuses(run, checks.RulePersistence)).To(HaveKeyWithValue("esx00.example vic", "warn origin-unknown"))
	}, SpecTimeout(time.Minute))

	It("say that they are from a file, from when, and to whom commands go", func(ctx SpecContext) {
		file := collected(ctx, "sim://closed/dc1")
		f, err := facts.Read(file)
		Expect(err).NotTo(HaveOccurred())
		began := f.Targets[0].CollectedAt
		Expect(began).To(BeTemporally("~", time.Now(), time.Minute))
		run, err := preflight.Run(ctx, preflight.Options{Facts: file})
		Expect(err).NotTo(HaveOccurred())
		Expect(run.Target).To(Equal("sim://closed/dc1, facts of " + began.Format("2006-01-02 15:04 UTC")))
		Expect(run.StartedAt).To(BeTemporally("==", began))
		var out bytes.Buffer
		Expect(report.Table(&out, &report.Report{Runs: []*report.Run{run}}, report.Style{Width: 80})).To(Succeed())
		Expect(out.String()).To(ContainSubstring("--allow --target sim://closed/dc1 --compute-resource edge\n  (likewise in 1 more cluster)"))
		Expect(out.String()).NotTo(ContainSubstring("--target 'sim"))
	}, SpecTimeout(time.Minute))

	It("are of several targets, each with a run of its own", func(ctx SpecContext) {
		file := collected(ctx, "sim://closed", "sim://open")
		Expect(verdicts(ctx, preflight.Options{Facts: file})).To(Equal(verdicts(ctx, at("sim://closed"), at("sim://open"))))
		_, err := preflight.Run(ctx, preflight.Options{Facts: file})
		Expect(err).To(MatchError(ContainSubstring("holds 2 targets")))
		_, err = preflight.Run(ctx, at("sim://"+file))
		Expect(err).To(MatchError(file + ": holds the facts of 2 targets, and a simulator is one of them: collect them into a file each"))
	}, SpecTimeout(time.Minute))

	It("hold no secret, and are written whole or not at all", func(ctx SpecContext) {
		vc := start("closed")
		file := newFile()
		_, err := preflight.Collect(ctx, []preflight.Options{on(vc)}, file, false)
		Expect(err).NotTo(HaveOccurred())
		text, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		for _, hidden := range []string{secret, "root", vc.Thumbprint, vc.ThumbprintSHA1()} {
			Expect(strings.ToLower(string(text))).NotTo(ContainSubstring(strings.ToLower(hidden)))
		}
		calls := vc.Requests()
		hosts, err := preflight.Collect(ctx, []preflight.Options{on(vc)}, file, false)
		Expect(err).To(MatchError("--output " + file + " is there already"))
		Expect(hosts).To(BeZero())
		Expect(vc.Requests()).To(Equal(calls), "nothing was contacted for it")

		away := preflight.Options{Target: preflight.Target{Address: "127.0.0.1:1", User: "u", Password: "p"}}
		part := newFile()
		_, err = preflight.Collect(ctx, []preflight.Options{on(vc), away}, part, false)
		Expect(err).To(MatchError(ContainSubstring("127.0.0.1:1: ")))
		Expect(part).NotTo(BeAnExistingFile())
	}, SpecTimeout(time.Minute))

	It("are not written where the run ended early", func(ctx SpecContext) {
		vc := start("closed")
		defer vc.Hold("ExecuteSoap", vc.Host("esx01.example").Ref, nil)()
		defer vc.Hold("RetrieveManagedMethodExecuter", vc.Host("esx01.example").Ref, nil)()
		o, file := on(vc), newFile()
		o.Timeout = 2 * time.Second
		hosts, err := preflight.Collect(ctx, []preflight.Options{o}, file, false)
		Expect(err).To(MatchError("the time ran out after 2s, before all was read"))
		Expect(hosts).To(BeZero())
		Expect(file).NotTo(BeAnExistingFile())
	}, SpecTimeout(time.Minute))

	DescribeTable("refuse what takes a server",
		func(ctx SpecContext, flag string, ask func(*preflight.Options)) {
			o := preflight.Options{Facts: "facts.json"}
			ask(&o)
			_, err := preflight.Run(ctx, o)
			Expect(err).To(MatchError(HavePrefix(flag + " does not go with --facts: ")))
			Expect(preflight.Hints(err)).To(ContainElement(ContainSubstring("--target sim://facts.json")))
		},
		Entry("a target", "--target", func(o *preflight.Options) { o.Target.Address = "vc.example" }),
		Entry("a fix", "--fix", func(o *preflight.Options) { o.Change.Do = preflight.Allow }),
		Entry("a deny, also for show", "--fix", func(o *preflight.Options) { o.Change.Do, o.Change.DryRun = preflight.Deny, true }),
		Entry("an undo", "undo", func(o *preflight.Options) { o.Change.Do = preflight.Undo }),
		Entry("a probe", "--probe", func(o *preflight.Options) { o.Probe.Vantage = inventory.VantageLocal }),
		Entry("a refresh", "--refresh", func(o *preflight.Options) { o.Refresh = true }),
		Entry("logins", "--ssh", func(o *preflight.Options) { o.Origins = true }),
	)
})

// configure gives hosts settings of whom they talk to, of which one is not understood.
func configure(vc *sim.VCenter) {
	for name, of := range map[string]struct {
		logHost, vmotion string
		ntp              []string
	}{
		"esx01.example": {"udp://10.1.0.1:514", "10.5.0.1", []string{"10.2.0.1"}},
		"esx02.example": {"ssl://10.1.0.1:6514,tcp://10.1.0.2", "10.5.0.2", []string{"10.2.0.1", "not a server"}},
		"esx11.example": {"https://10.1.0.1", "", nil},
	} {
		h := vc.Host(name)
		ref := vc.Model().Map().Put(simulator.NewOptionManager(nil, []types.BaseOptionValue{
			&types.OptionValue{Key: "Syslog.global.logHost", Value: of.logHost},
		}, nil)).Reference()
		h.Object().ConfigManager.AdvancedOption = &ref
		h.SetNTP(true, of.ntp...)
		if of.vmotion != "" {
			info := *h.Object().Config.VirtualNicManagerInfo
			info.NetConfig = append(slices.Clone(info.NetConfig), types.VirtualNicManagerNetConfig{
				NicType: string(types.HostVirtualNicManagerNicTypeVmotion), SelectedVnic: []string{"vmk1"},
				CandidateVnic: []types.HostVirtualNic{{Key: "vmk1", Spec: types.HostVirtualNicSpec{Ip: &types.HostIpConfig{IpAddress: of.vmotion}}}},
			})
			h.Object().Config.VirtualNicManagerInfo = &info
		}
	}
}

// estate is a target with every state that facts can be in.
func estate() *inventory.Inventory {
	ruleset := func(key string, enabled bool, allowed *inventory.AllowedHosts) *inventory.Ruleset {
		return &inventory.Ruleset{Key: key, Label: key, Enabled: enabled, Allowed: allowed, Rules: []inventory.Rule{
			{Port: 2377, Direction: inventory.Outbound, PortType: inventory.Dst, Protocol: inventory.TCP},
		}}
	}
	one := []*inventory.Ruleset{ruleset("vic-engine", true, nil), ruleset("site", true, &inventory.AllowedHosts{Addrs: []string{"10.0.0.1"}})}
	two := []*inventory.Ruleset{ruleset("vic-engine", false, &inventory.AllowedHosts{Networks: []inventory.Network{{Address: "10.0.0.0", Bits: 8}}})}
	all := []*inventory.Ruleset{ruleset("site", true, &inventory.AllowedHosts{All: true})} // whose origin has to be known
	two[0].UserControllable, two[0].IPListConfigurable, two[0].Required, two[0].Service = inventory.No, inventory.Yes, true, "sshd"
	on := inventory.Switch{Enabled: inventory.Yes, Loaded: inventory.Yes, DefaultPass: inventory.No}
	inv := &inventory.Inventory{
		Endpoint:   inventory.Endpoint{Kind: inventory.VCenter, FullName: "VMware vCenter Server 7.0.3 build-1", InstanceUUID: "the-real-one"},
		Datacenter: "/Europe/West/dc%2f1",
	}
	add := func(folder, cluster string, change func(*inventory.Host)) {
		n := len(inv.Hosts)
		h := inventory.Host{
			UUID: fmt.Sprintf("4c4c4544-0000-0000-0000-%012d", n), Name: fmt.Sprintf("esx%02d.example", n), Version: "7.0.3",
			Connection: inventory.Connected, Maintenance: inventory.No, Quarantine: inventory.No, Standby: "none",
			BootTime: time.Date(2026, 1, 2, 3, 4, n, 0, time.UTC), Software: inventory.Software{NotAsked: true},
			Firewall: inventory.Firewall{
				ID: "x", Switch: on, IncomingBlocked: inventory.Yes, OutgoingBlocked: inventory.Yes, Rulesets: one,
			},
		}
		base := inv.Datacenter + "/host" + folder
		if h.Path = base + "/" + h.Name + "/" + h.Name; cluster != "" {
			h.Cluster, h.ClusterPath, h.Path = cluster, base+"/"+cluster, base+"/"+cluster+"/"+h.Name
		}
		h.ID = fmt.Sprintf("host-%d", n)
		change(&h)
		inv.Hosts = append(inv.Hosts, h)
	}
	for _, change := range []func(*inventory.Host){
		func(h *inventory.Host) {},
		func(h *inventory.Host) { h.Firewall.Rulesets = two; h.Firewall.OutgoingBlocked = inventory.Unknown },
		func(h *inventory.Host) {
			h.Maintenance, h.Quarantine, h.Stateless = inventory.Yes, inventory.Yes, inventory.Yes
		},
		func(h *inventory.Host) {
			h.Maintenance, h.Quarantine, h.BootTime = inventory.Unknown, inventory.Unknown, time.Time{}
		},
		func(h *inventory.Host) { h.Firewall.Switch = inventory.Switch{Enabled: inventory.No} },
		func(h *inventory.Host) {
			h.Firewall.Switch = inventory.Switch{Loaded: inventory.No, DefaultPass: inventory.Yes}
		},
		func(h *inventory.Host) {
			h.Firewall.Switch = inventory.Switch{Unreadable: "the account lacks the privilege Host.Config.Settings"}
		},
		func(h *inventory.Host) {
			h.Firewall.Rulesets = all
			h.Software = inventory.Software{VIBs: []inventory.VIB{
				{Name: "esx-base", Version: "7.0.3-1", Vendor: "VMware", AcceptanceLevel: "vmware_certified", Installed: time.Date(2025, 1, 2, 0, 0, 0, 0, time.UTC)},
				{Name: "site", Version: "1.0", Vendor: "us", AcceptanceLevel: inventory.Community},
			}}
		},
	} {
		add("", "prod", change)
	}
	unread := func(why string) func(*inventory.Host) {
		return func(h *inventory.Host) {
			h.Firewall.Unreadable, h.Firewall.Rulesets = why, nil
			h.Firewall.IncomingBlocked, h.Firewall.OutgoingBlocked = inventory.Unknown, inventory.Unknown
		}
	}
	add("", "", unread("its firewall could not be read: the account lacks the privilege System.Read"))
	add("", "", unread("there is no firewall information of the host"))
	add("/lab", "", func(h *inventory.Host) {
		unread("the host has no firewall system")(h)
		h.Firewall.ID, h.Firewall.Switch = "", inventory.Switch{}
	})
	add("/lab/deep", "prod", func(h *inventory.Host) {
		h.Connection, h.Standby, h.Firewall.Switch = inventory.NotResponding, "in", inventory.Switch{}
	})
	return inv
}

func written(inv *inventory.Inventory) string {
	GinkgoHelper()
	data, err := facts.Encode(&facts.File{Targets: []facts.Target{{Name: "vc.example", CollectedAt: time.Now(), Inventory: inv}}})
	Expect(err).NotTo(HaveOccurred())
	file := newFile()
	Expect(os.WriteFile(file, data, 0o600)).To(Succeed())
	return file
}

var _ = Describe("a simulator of facts", func() {
	It("has the facts that it was made of", func(ctx SpecContext) {
		want := estate()
		f, err := facts.Read(collected(ctx, "sim://"+written(want)))
		Expect(err).NotTo(HaveOccurred())
		got := f.Targets[0].Inventory
		Expect(got.Datacenter).To(Equal(want.Datacenter))
		Expect(got.Endpoint.FullName).To(Equal(want.Endpoint.FullName + " (simulated)"))
		Expect(got.Endpoint.Simulated).To(BeTrue())
		Expect(got.Endpoint.InstanceUUID).NotTo(Equal(want.Endpoint.InstanceUUID), "a journal of a rehearsal is not one of the server")

		byName := map[string]*inventory.Host{}
		for i := range got.Hosts {
			byName[got.Hosts[i].Name] = &got.Hosts[i]
		}
		Expect(byName).To(HaveLen(len(want.Hosts)))
		for i := range want.Hosts {
			h := &want.Hosts[i]
			there := byName[h.Name]
			h.ID = there.ID
			if h.Firewall.ID != "" {
				h.Firewall.ID = there.Firewall.ID
			}
			if h.Software.NotAsked && !there.Software.NotAsked { // asked by what the simulator shows
				h.Software = there.Software
			}
			Expect(text(there)).To(Equal(text(h)), h.Name)
		}
	}, SpecTimeout(time.Minute))

	It("takes a host's name for nothing but a name", func(ctx SpecContext) {
		inv := estate()
		inv.Hosts = inv.Hosts[:1]
		inv.Hosts[0].Name = "../../../../tmp/x"
		run, err := preflight.Run(ctx, at("sim://"+written(inv)))
		Expect(err).NotTo(HaveOccurred())
		Expect(run.Inventory.Hosts).To(HaveLen(1))
	}, SpecTimeout(time.Minute))

	DescribeTable("is refused for",
		func(ctx SpecContext, change func(*inventory.Inventory), problem string) {
			inv := estate()
			change(inv)
			file := written(inv)
			_, err := preflight.Run(ctx, at("sim://"+file))
			Expect(err).To(MatchError(file + ": " + problem))
			var usage *preflight.UsageError
			Expect(err).To(BeAssignableToTypeOf(usage))
		},
		Entry("no host", func(inv *inventory.Inventory) { inv.Hosts = nil }, "it holds 0 hosts, and a simulator has 1 to 20000"),
		Entry("two hosts of one name", func(inv *inventory.Inventory) { inv.Hosts[1].Name = inv.Hosts[0].Name },
			`two hosts are named "esx00.example": a simulator tells them apart by their names`),
		Entry("several hosts on one", func(inv *inventory.Inventory) { inv.Endpoint.Kind = inventory.ESXi },
			"it says that an ESXi host has several hosts: collect it again"),
	)
})

// text is a host's facts as they compare: in the file's own text.
func text(h *inventory.Host) string {
	GinkgoHelper()
	data, err := json.MarshalIndent(h, "", " ")
	Expect(err).NotTo(HaveOccurred())
	return string(data)
}

var _ = DescribeTable("ParseTarget knows files of facts",
	func(text, address, datacenter string) {
		t, err := preflight.ParseTarget(text)
		if address == "" {
			Expect(err).To(MatchError(ContainSubstring("sim:// takes a scenario")))
			Expect(err.Error()).NotTo(ContainSubstring(secret))
			return
		}
		Expect(err).NotTo(HaveOccurred())
		Expect(t).To(Equal(preflight.Target{Address: address, Datacenter: datacenter}))
	},
	Entry("here", "sim://facts.json", "sim://facts.json", ""),
	Entry("here, so said", "sim://./facts.json", "sim://./facts.json", ""),
	Entry("in a folder", "sim://estate/facts.json", "sim://estate/facts.json", ""),
	Entry("above", "sim://../facts", "sim://../facts", ""),
	Entry("by an absolute path", "sim:///tmp/facts.json", "sim:///tmp/facts.json", ""),
	Entry("and scenarios", "sim://mixed/dc1", "sim://mixed", "dc1"),
	Entry("and what may hold a password", "sim://root:"+secret+"@facts.json", "", ""),
	Entry("and hosts", "sim://vc.example", "", ""),
)
