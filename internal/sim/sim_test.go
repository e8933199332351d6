package sim_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi"
	cliesx "github.com/vmware/govmomi/cli/esx"
	"github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
)

// The simulator is tested through govmomi's client alone, as any other tool
// sees it.

func start(name string) *sim.VCenter {
	GinkgoHelper()
	return simtest.Start(GinkgoTB(), name, sim.Options{})
}

func connect(ctx context.Context, vc *sim.VCenter) *govmomi.Client {
	GinkgoHelper()
	u := *vc.URL
	u.User = url.UserPassword(sim.DefaultUser, sim.DefaultPassword)
	c, err := govmomi.NewClient(ctx, &u, true)
	Expect(err).NotTo(HaveOccurred())
	return c
}

func findHost(ctx context.Context, c *govmomi.Client, name string) *object.HostSystem {
	GinkgoHelper()
	h, err := find.NewFinder(c.Client).HostSystem(ctx, "/*/host/*/"+name)
	Expect(err).NotTo(HaveOccurred())
	return h
}

func firewall(ctx context.Context, h *object.HostSystem) *object.HostFirewallSystem {
	GinkgoHelper()
	fw, err := h.ConfigManager().FirewallSystem(ctx)
	Expect(err).NotTo(HaveOccurred())
	return fw
}

func info(ctx context.Context, fw *object.HostFirewallSystem) *types.HostFirewallInfo {
	GinkgoHelper()
	i, err := fw.Info(ctx)
	Expect(err).NotTo(HaveOccurred())
	return i
}

func rulesetOf(i *types.HostFirewallInfo, key string) *types.HostFirewallRuleset {
	for n := range i.Ruleset {
		if i.Ruleset[n].Key == key {
			return &i.Ruleset[n]
		}
	}
	return nil
}

func esxcli(ctx context.Context, c *govmomi.Client, h *object.HostSystem, args ...string) ([]cliesx.Values, error) {
	GinkgoHelper()
	x, err := cliesx.NewExecutor(ctx, c.Client, h)
	Expect(err).NotTo(HaveOccurred())
	res, err := x.Run(ctx, args)
	if err != nil {
		return nil, err
	}
	return res.Values, nil
}

var _ = Describe("the simulator", func() {
	It("gives each host, and each simulator, rulesets of its own", func(ctx SpecContext) {
		vc, other := start("closed"), start("closed")
		c := connect(ctx, vc)
		Expect(firewall(ctx, findHost(ctx, c, "esx11.example")).EnableRuleset(ctx, "vSPC")).To(Succeed())
		for _, name := range vc.HostNames() {
			i := info(ctx, firewall(ctx, findHost(ctx, c, name)))
			Expect(rulesetOf(i, "vSPC").Enabled).To(Equal(name == "esx11.example"), name)
		}
		for _, name := range other.HostNames() {
			Expect(rulesetOf(other.Host(name).Firewall(), "vSPC").Enabled).To(BeFalse())
		}
	}, SpecTimeout(time.Minute))

	It("keeps config.firewall and firewallInfo in step", func(ctx SpecContext) {
		vc := start("closed")
		c := connect(ctx, vc)
		h := findHost(ctx, c, "esx01.example")
		Expect(firewall(ctx, h).EnableRuleset(ctx, "vic-engine")).To(Succeed())
		var host mo.HostSystem
		Expect(property.DefaultCollector(c.Client).RetrieveOne(ctx, h.Reference(), []string{"config.firewall"}, &host)).To(Succeed())
		Expect(rulesetOf(host.Config.Firewall, "vic-engine").Enabled).To(BeTrue())
	}, SpecTimeout(time.Minute))

	It("has vic-engine since 6.7 and the two flags since 8.0 U2", func(ctx SpecContext) {
		vc := start("mixed")
		of := func(host, key string) *types.HostFirewallRuleset { return rulesetOf(vc.Host(host).Firewall(), key) }
		Expect(of("esx04.example", "vic-engine")).To(BeNil(), "6.5")
		Expect(of("esx01.example", "vic-engine")).NotTo(BeNil(), "6.7")
		Expect(of("esx01.example", "vSPC").UserControllable).To(BeNil())
		Expect(*of("esx05.example", "vSPC").UserControllable).To(BeTrue())
		Expect(*of("esx05.example", "nfsClient").UserControllable).To(BeFalse())
	}, SpecTimeout(time.Minute))

	It("replaces allowed hosts as a whole and leaves the rest alone", func(ctx SpecContext) {
		c := connect(ctx, start("open"))
		fw := firewall(ctx, findHost(ctx, c, "esx11.example"))
		update := func(id string, list types.HostFirewallRulesetIpList) error {
			_, err := methods.UpdateRuleset(ctx, c, &types.UpdateRuleset{
				This: fw.Reference(), Id: id, Spec: types.HostFirewallRulesetRulesetSpec{AllowedHosts: list},
			})
			return err
		}
		Expect(update("vSPC", types.HostFirewallRulesetIpList{IpAddress: []string{"10.0.0.5"}})).To(Succeed())
		Expect(update("vSPC", types.HostFirewallRulesetIpList{IpAddress: []string{"10.0.0.6"}})).To(Succeed())
		rs := rulesetOf(info(ctx, fw), "vSPC")
		Expect(rs.AllowedHosts.IpAddress).To(Equal([]string{"10.0.0.6"}))
		Expect(rs.AllowedHosts.AllIp).To(BeFalse())
		Expect(rs.Enabled).To(BeTrue())
		Expect(fault.Is(update("nope", types.HostFirewallRulesetIpList{}), &types.NotFound{})).To(BeTrue())
	}, SpecTimeout(time.Minute))

	It("faults as ESXi does", func(ctx SpecContext) {
		c := connect(ctx, start("mixed"))
		fw := firewall(ctx, findHost(ctx, c, "esx06.example"))
		Expect(fault.Is(fw.EnableRuleset(ctx, "nope"), &types.NotFound{})).To(BeTrue())
		Expect(fault.Is(fw.EnableRuleset(ctx, "vic-engine"), &types.HostConfigFault{})).To(BeTrue(), "not user-controllable")
		Expect(fault.Is(fw.DisableRuleset(ctx, "vSphereClient"), &types.HostConfigFault{})).To(BeTrue(), "required")
	}, SpecTimeout(time.Minute))

	It("lets vCenter's copy lag behind the host until a refresh", func(ctx SpecContext) {
		c := connect(ctx, start("closed"))
		h := findHost(ctx, c, "esx11.example")
		fw := firewall(ctx, h)
		_, err := esxcli(ctx, c, h, "network", "firewall", "ruleset", "set", "--ruleset-id=vSPC", "--enabled=true")
		Expect(err).NotTo(HaveOccurred())
		Expect(rulesetOf(info(ctx, fw), "vSPC").Enabled).To(BeFalse())
		Expect(fw.Refresh(ctx)).To(Succeed())
		Expect(rulesetOf(info(ctx, fw), "vSPC").Enabled).To(BeTrue())
	}, SpecTimeout(time.Minute))

	It("has no lag on a bare host", func(ctx SpecContext) {
		c := connect(ctx, start("esxi"))
		h := findHost(ctx, c, "esxi.example")
		_, err := esxcli(ctx, c, h, "network", "firewall", "ruleset", "set", "-r", "vSPC", "-e", "true")
		Expect(err).NotTo(HaveOccurred())
		Expect(rulesetOf(info(ctx, firewall(ctx, h)), "vSPC").Enabled).To(BeTrue())
	}, SpecTimeout(time.Minute))

	It("leaves commands that are not the firewall's to the stock simulator", func(ctx SpecContext) {
		c := connect(ctx, start("open"))
		values, err := esxcli(ctx, c, findHost(ctx, c, "esx01.example"), "network", "ip", "connection", "list", "-t", "tcp")
		Expect(err).NotTo(HaveOccurred())
		Expect(values).NotTo(BeEmpty())
	}, SpecTimeout(time.Minute))
})

var _ = Describe("esxcli network firewall", func() {
	var c *govmomi.Client
	var h *object.HostSystem
	BeforeEach(func(ctx SpecContext) {
		c = connect(ctx, start("mixed"))
		h = findHost(ctx, c, "esx11.example")
	})
	run := func(ctx context.Context, args ...string) []cliesx.Values {
		GinkgoHelper()
		values, err := esxcli(ctx, c, h, append([]string{"network", "firewall"}, args...)...)
		Expect(err).NotTo(HaveOccurred())
		return values
	}

	It("get and set", func(ctx SpecContext) {
		Expect(run(ctx, "get")).To(ConsistOf(cliesx.Values{"DefaultAction": {"DROP"}, "Enabled": {"true"}, "Loaded": {"true"}}))
		run(ctx, "set", "--enabled=false", "--default-action=true")
		run(ctx, "unload")
		Expect(run(ctx, "get")).To(ConsistOf(cliesx.Values{"DefaultAction": {"PASS"}, "Enabled": {"false"}, "Loaded": {"false"}}))
		run(ctx, "load")
		Expect(run(ctx, "get")[0]["Loaded"]).To(Equal([]string{"true"}))
	})
	It("ruleset list", func(ctx SpecContext) {
		Expect(run(ctx, "ruleset", "list", "--ruleset-id=vSPC")).To(ConsistOf(cliesx.Values{"Name": {"vSPC"}, "Enabled": {"true"}}))
		h = findHost(ctx, c, "esx06.example")
		Expect(run(ctx, "ruleset", "list", "--ruleset-id=vic-engine")).To(ConsistOf(cliesx.Values{
			"Name": {"vic-engine"}, "Enabled": {"false"}, "EnableDisableconfigurable": {"false"}, "AllowedIPconfigurable": {"false"},
		}))
	})
	It("ruleset rule list prints a single port twice and in capitals", func(ctx SpecContext) {
		Expect(run(ctx, "ruleset", "rule", "list", "--ruleset-id=vic-engine")).To(ConsistOf(cliesx.Values{
			"Ruleset": {"vic-engine"}, "Direction": {"Outbound"}, "Protocol": {"TCP"}, "PortType": {"Dst"}, "PortBegin": {"2377"}, "PortEnd": {"2377"},
		}))
	})
	It("ruleset allowedip list, add and remove", func(ctx SpecContext) {
		list := func() []string {
			return run(ctx, "ruleset", "allowedip", "list", "-r", "vSPC")[0]["AllowedIPAddresses"]
		}
		Expect(list()).To(Equal([]string{"10.20.0.0/16"}))
		run(ctx, "ruleset", "allowedip", "add", "-r", "vSPC", "-i", "10.0.0.5")
		Expect(list()).To(Equal([]string{"10.0.0.5", "10.20.0.0/16"}))
		run(ctx, "ruleset", "allowedip", "remove", "-r", "vSPC", "-i", "10.20.0.0/16")
		Expect(list()).To(Equal([]string{"10.0.0.5"}))
		run(ctx, "ruleset", "set", "-r", "vSPC", "--allowed-all=true")
		Expect(list()).To(Equal([]string{"All"}))
		h = findHost(ctx, c, "esx12.example")
		Expect(list()).To(BeEmpty(), "an empty array is absent")
	})
	It("refuses what is wrong", func(ctx SpecContext) {
		for _, args := range [][]string{
			{"ruleset", "set", "-r", "nope", "-e", "true"},
			{"ruleset", "allowedip", "add", "-r", "vSPC", "-i", "nonsense"},
			{"ruleset", "allowedip", "add", "-r", "vic-engine", "-i", "10.0.0.5"}, // allows all
		} {
			_, err := esxcli(ctx, c, h, append([]string{"network", "firewall"}, args...)...)
			Expect(err).To(HaveOccurred(), "%v", args)
		}
	})
})

var _ = Describe("ParseScenario", func() {
	It("knows each scenario that it lists", func() {
		for _, s := range sim.ScenarioNames() {
			_, err := sim.ParseScenario(s[0])
			Expect(err).NotTo(HaveOccurred())
		}
	})
	DescribeTable("refuses", func(name, message string) {
		_, err := sim.ParseScenario(name)
		Expect(err).To(MatchError(ContainSubstring(message)))
	},
		Entry("another name", "medium", `unknown scenario "medium"; the scenarios are: mixed, closed, open, esxi, esxi80, esxi60, large`),
		Entry("nothing", "", "unknown scenario"),
		Entry("a parameter that is not there", "large?vms=3", "no such parameter"),
		Entry("a parameter where there is none", "mixed?hosts=3", "no such parameter"),
		Entry("no hosts", "large?hosts=0", "from 1 to 20000"),
		Entry("too many hosts", "large?hosts=20001", "from 1 to 20000"),
		Entry("hosts that are no number", "large?hosts=many", "from 1 to 20000"),
	)
	It("makes as many hosts as asked", func() {
		vc := start("large?hosts=129")
		Expect(vc.HostNames()).To(HaveLen(129))
	})
})

var _ = It("an address that is taken is an error, not a panic", func() {
	vc := start("esxi")
	scenario, err := sim.ParseScenario("esxi")
	Expect(err).NotTo(HaveOccurred())
	_, err = sim.Start(scenario, sim.Options{Listen: vc.URL.Host})
	Expect(err).To(MatchError(ContainSubstring("address already in use")))
})

var _ = It("shows a whole firewall to whoever waits for updates of it, and the changes too", func(ctx SpecContext) {
	vc := start("closed")
	c := connect(ctx, vc)
	for path, ref := range map[string]types.ManagedObjectReference{
		"firewallInfo": vc.Host("esx01.example").FirewallRef(), "config.firewall": vc.Host("esx02.example").Ref,
	} {
		pc, err := property.DefaultCollector(c.Client).Create(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(pc.CreateFilter(ctx, types.CreateFilter{Spec: types.PropertyFilterSpec{
			ObjectSet: []types.ObjectSpec{{Obj: ref}}, PropSet: []types.PropertySpec{{Type: ref.Type, PathSet: []string{path}}},
		}})).Error().NotTo(HaveOccurred())
		req := types.WaitForUpdatesEx{This: pc.Reference()}
		first, err := methods.WaitForUpdatesEx(ctx, c.Client, &req)
		Expect(err).NotTo(HaveOccurred())
		change := first.Returnval.FilterSet[0].ObjectSet[0].ChangeSet[0]
		Expect(change.Name).To(Equal(path))
		Expect(len(change.Val.(types.HostFirewallInfo).Ruleset)).To(BeNumerically(">", 40))
		if path != "firewallInfo" {
			continue
		}
		_, err = methods.EnableRuleset(ctx, c.Client, &types.EnableRuleset{This: ref, Id: "vSPC"})
		Expect(err).NotTo(HaveOccurred())
		req.Version = first.Returnval.Version
		next, err := methods.WaitForUpdatesEx(ctx, c.Client, &req)
		Expect(err).NotTo(HaveOccurred())
		change = next.Returnval.FilterSet[0].ObjectSet[0].ChangeSet[0]
		Expect(change.Name).To(Equal("firewallInfo"))
		Expect(change.Val).To(BeAssignableToTypeOf(types.HostFirewallInfo{}))
	}
}, SpecTimeout(time.Minute))

var _ = Describe("what clients of other kinds met", func() {
	It("a host that vCenter does not reach takes no changes and no commands", func(ctx SpecContext) {
		vc := start("mixed")
		c := connect(ctx, vc)
		for name, want := range map[string]types.BaseMethodFault{"esx15.example": &types.HostNotConnected{}} {
			fw := firewall(ctx, findHost(ctx, c, name))
			Expect(fault.Is(fw.EnableRuleset(ctx, "vSPC"), want)).To(BeTrue(), name)
			Expect(fault.Is(fw.Refresh(ctx), want)).To(BeTrue(), name)
			_, err := esxcli(ctx, c, findHost(ctx, c, name), "network", "firewall", "get")
			Expect(err).To(HaveOccurred())
		}
	})

	It("a bare host is managed by no vCenter", func(ctx SpecContext) {
		vc := start("esxi")
		Expect(vc.Host(vc.HostNames()[0]).Object().Summary.ManagementServerIp).To(BeEmpty())
	})

	It("bare hosts have the rulesets of recorded ones", func(ctx SpecContext) {
		keys := func(scenario string) (all, enabled []string) {
			for _, rs := range start(scenario).Host(scenario + ".example").Firewall().Ruleset {
				all = append(all, rs.Key)
				if rs.Enabled {
					enabled = append(enabled, rs.Key)
				}
			}
			return all, enabled
		}
		all, enabled := keys("esxi80")
		Expect(all).To(HaveLen(57))
		Expect(all).To(ContainElements("vic-engine", "vSPC", "trusted-infrastructure-kmxa"))
		Expect(enabled).NotTo(ContainElement("vic-engine"))
		all, _ = keys("esxi60")
		Expect(all).To(HaveLen(42))
		Expect(all).NotTo(ContainElement("vic-engine"))
	})

	It("a host that a client adds has a firewall of its own", func(ctx SpecContext) {
		vc := start("closed")
		c := connect(ctx, vc)
		cluster, err := find.NewFinder(c.Client).ClusterComputeResource(ctx, "/*/host/prod")
		Expect(err).NotTo(HaveOccurred())
		for _, name := range []string{"new1.example", "new2.example"} {
			task, err := cluster.AddHost(ctx, types.HostConnectSpec{HostName: name, UserName: "root"}, true, nil, nil)
			Expect(err).NotTo(HaveOccurred())
			Expect(task.Wait(ctx)).To(Succeed())
		}
		Expect(firewall(ctx, findHost(ctx, c, "new1.example")).EnableRuleset(ctx, "vSPC")).To(Succeed())
		enabled := func(name string) bool {
			for _, rs := range info(ctx, firewall(ctx, findHost(ctx, c, name))).Ruleset {
				if rs.Key == "vSPC" {
					return rs.Enabled
				}
			}
			return false
		}
		Expect([]bool{enabled("new1.example"), enabled("new2.example"), enabled("esx01.example")}).To(Equal([]bool{true, false, false}))
	})

	It("a user's name is the same in upper and lower case", func(ctx SpecContext) {
		vc := simtest.Start(GinkgoTB(), "mixed", sim.Options{User: "administrator@vsphere.local", Password: "pw"})
		u := *vc.URL
		u.User = url.UserPassword("Administrator@vsphere.local", "pw")
		_, err := govmomi.NewClient(ctx, &u, true)
		Expect(err).NotTo(HaveOccurred())
		u.User = url.UserPassword("Administrator@vsphere.local", "PW")
		_, err = govmomi.NewClient(ctx, &u, true)
		Expect(err).To(HaveOccurred())
	})

	It("it ends while somebody waits for updates", func(ctx SpecContext) {
		scenario, err := sim.ParseScenario("mixed")
		Expect(err).NotTo(HaveOccurred())
		vc, err := sim.Start(scenario, sim.Options{})
		Expect(err).NotTo(HaveOccurred())
		c := connect(ctx, vc)
		waiting, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			_ = property.Wait(waiting, property.DefaultCollector(c.Client), c.ServiceContent.RootFolder, []string{"name"}, func([]types.PropertyChange) bool { return false })
		}()
		Eventually(func() int { return vc.RequestsOf("WaitForUpdatesEx") }).Should(BeNumerically(">", 1))
		vc.Close()
	}, NodeTimeout(20*time.Second))
})

var _ = It("a client is answered in the version of the API that it speaks", func(ctx SpecContext) {
	vc := start("closed")
	c := connect(ctx, vc)
	host := findHost(ctx, c, "esx01.example")
	answers := func(version string) (content, rules string) {
		c.Client.Client.Version = version
		for i, call := range []soap.HasFault{
			&methods.RetrieveServiceContentBody{Req: &types.RetrieveServiceContent{This: vim25.ServiceInstance}},
			&methods.RetrievePropertiesExBody{Req: &types.RetrievePropertiesEx{This: c.ServiceContent.PropertyCollector, SpecSet: []types.PropertyFilterSpec{{
				ObjectSet: []types.ObjectSpec{{Obj: firewall(ctx, host).Reference()}},
				PropSet:   []types.PropertySpec{{Type: "HostFirewallSystem", PathSet: []string{"firewallInfo"}}},
			}}}},
		} {
			text, err := xml.Marshal(soap.Envelope{Body: call})
			Expect(err).NotTo(HaveOccurred())
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, vc.URL.String(), bytes.NewReader(text))
			Expect(err).NotTo(HaveOccurred())
			req.Header.Set("SOAPAction", "urn:vim25/"+version)
			Expect(c.Client.Client.Do(ctx, req, func(res *http.Response) error {
				answer, err := io.ReadAll(res.Body)
				if i == 0 {
					content = string(answer)
				} else {
					rules = string(answer)
				}
				return err
			})).To(Succeed())
		}
		return content, rules
	}
	content, rules := answers("6.7.1")
	Expect(content).To(And(ContainSubstring("<propertyCollector"), Not(ContainSubstring("tenantManager"))))
	Expect(rules).To(And(ContainSubstring("<key>vic-engine</key>"), Not(ContainSubstring("userControllable")), Not(ContainSubstring("ipListUserConfigurable"))))
	content, rules = answers("8.0.3.0")
	Expect(content).To(ContainSubstring("tenantManager"))
	Expect(rules).To(ContainSubstring("<userControllable>true</userControllable>"))
})
