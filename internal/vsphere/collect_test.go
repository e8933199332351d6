package vsphere_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

func collect(ctx context.Context, s *vsphere.Session, sel vsphere.Selection) *inventory.Inventory {
	GinkgoHelper()
	inv, err := s.Collect(ctx, sel, vsphere.CollectOptions{})
	Expect(err).NotTo(HaveOccurred())
	return inv
}

func names(inv *inventory.Inventory) []string {
	var out []string
	for _, h := range inv.Hosts {
		out = append(out, h.Name)
	}
	return out
}

func hostNamed(inv *inventory.Inventory, name string) *inventory.Host {
	GinkgoHelper()
	for i := range inv.Hosts {
		if inv.Hosts[i].Name == name {
			return &inv.Hosts[i]
		}
	}
	Fail("no host " + name)
	return nil
}

var _ = Describe("Collect", func() {
	It("reads every fact of a host", func(ctx SpecContext) {
		inv := collect(ctx, login(ctx, start("mixed")), vsphere.Selection{})
		Expect(inv.Datacenter).To(Equal("/dc1"))
		h := hostNamed(inv, "esx06.example")
		Expect(h.Path).To(Equal("/dc1/host/prod/esx06.example"))
		Expect(h.Cluster).To(Equal("prod"))
		Expect(h.ClusterPath).To(Equal("/dc1/host/prod"))
		Expect(h.Connection).To(Equal(inventory.Connected))
		Expect(h.Maintenance).To(Equal(inventory.No))
		Expect(h.Standby).To(Equal("none"))
		Expect(h.Version).To(Equal("8.0.2"))
		Expect(h.UUID).NotTo(BeEmpty())
		Expect(h.BootTime).To(BeTemporally("~", time.Now(), time.Minute))
		Expect(h.Firewall.Switch).To(Equal(inventory.Switch{Enabled: inventory.Yes, Loaded: inventory.Yes, DefaultPass: inventory.No}))
		Expect(h.Firewall.OutgoingBlocked).To(Equal(inventory.Yes))
		Expect(h.Firewall.IncomingBlocked).To(Equal(inventory.Yes))
		engine := h.Firewall.Ruleset("vic-engine")
		Expect(engine.Enabled).To(BeFalse())
		Expect(engine.UserControllable).To(Equal(inventory.No))
		Expect(engine.Allowed.All).To(BeTrue())
		Expect(engine.Rules).To(Equal([]inventory.Rule{{Port: 2377, Direction: "outbound", PortType: "dst", Protocol: "tcp"}}))
		Expect(hostNamed(inv, "esx31.example").Cluster).To(BeEmpty())
		Expect(hostNamed(inv, "esx03.example").Firewall.Ruleset("vSPC").UserControllable).To(Equal(inventory.Unknown), "6.7 does not say")
		Expect(hostNamed(inv, "esx11.example").Firewall.Ruleset("vSPC").Allowed.Networks).To(Equal([]inventory.Network{{Address: "10.20.0.0", Bits: 16}}))
	}, SpecTimeout(time.Minute))

	It("costs a faulty host its own row alone", func(ctx SpecContext) {
		vc := start("mixed")
		vc.Host("esx01.example").Object().ConfigManager.FirewallSystem = nil
		vc.Host("esx02.example").Deny("configManager.firewallSystem", &types.NoPermission{PrivilegeId: "System.View"})
		vc.Host("esx03.example").Deny("runtime.connectionState", &types.NoPermission{PrivilegeId: "System.View"})
		inv := collect(ctx, login(ctx, vc), vsphere.Selection{})
		Expect(inv.Hosts).To(HaveLen(20))
		why := func(name string) string { return hostNamed(inv, name).Firewall.Unreadable }
		Expect(why("esx01.example")).To(Equal("the host has no firewall system"))
		Expect(why("esx02.example")).To(Equal("its firewall could not be read: the account lacks the privilege System.View"))
		Expect(hostNamed(inv, "esx03.example").Connection).To(BeEmpty())
		Expect(why("esx16.example")).To(Equal("there is no firewall information of the host"))
		Expect(why("esx32.example")).To(Equal("its firewall could not be read: the account lacks the privilege System.Read"))
		Expect(why("esx04.example")).To(BeEmpty())
		Expect(hostNamed(inv, "esx26.example").Firewall.Switch).To(Equal(inventory.Switch{Unreadable: "the account lacks the privilege Host.Config.Settings"}))
	}, SpecTimeout(time.Minute))

	It("drops no host whose place or name cannot be read", func(ctx SpecContext) {
		vc := start("mixed")
		no := &types.NoPermission{PrivilegeId: "System.View"}
		for _, name := range []string{"esx01.example", "esx03.example"} {
			vc.Host(name).Deny("name", no)
		}
		vc.Host("esx04.example").Deny("parent", no)
		inv := collect(ctx, login(ctx, vc), vsphere.Selection{ComputeResource: "prod"})
		Expect(inv.Hosts).To(HaveLen(6))
		paths := map[string]bool{}
		for _, h := range inv.Hosts {
			paths[h.Path] = true
			Expect(h.Cluster).To(Equal("prod"))
		}
		Expect(paths).To(HaveLen(6), "each host has a path of its own")
	}, SpecTimeout(time.Minute))

	It("reads the others when a host is removed half way", func(ctx SpecContext) {
		vc := start("large?hosts=130")
		s := login(ctx, vc)
		gone := vc.Host("esx00017.example")
		first := true
		inv, err := s.Collect(ctx, vsphere.Selection{}, vsphere.CollectOptions{
			Progress: func(stage string, done, _ int) {
				if stage == "read" && first {
					first = false
					vc.Model().Map().Remove(vc.Model().Service.Context, gone.FirewallRef())
				}
			},
		})
		Expect(err).NotTo(HaveOccurred())
		Expect(inv.Hosts).To(HaveLen(130))
		for _, h := range inv.Hosts {
			if h.Name == gone.Name {
				Expect(h.Firewall.Unreadable).To(Equal("its firewall could not be read: it is no longer in the inventory"))
			} else {
				Expect(h.Firewall.Unreadable).To(BeEmpty(), h.Name)
			}
		}
	}, SpecTimeout(time.Minute))

	It("follows pages", func(ctx SpecContext) {
		vc := start("large?hosts=70")
		vc.SetPageSize(7)
		inv := collect(ctx, login(ctx, vc), vsphere.Selection{})
		Expect(inv.Hosts).To(HaveLen(70))
		for _, h := range inv.Hosts {
			Expect(h.Firewall.Unreadable).To(BeEmpty())
		}
	}, SpecTimeout(time.Minute))

	It("makes as many property calls for 200 hosts as batches need", func(ctx SpecContext) {
		vc := start("large?hosts=200")
		collect(ctx, login(ctx, vc), vsphere.Selection{})
		Expect(vc.RequestsOf("RetrievePropertiesEx")).To(Equal(1 + 200/50))
		Expect(vc.RequestsOf("RetrieveManagedMethodExecuter")).To(Equal(200))
		Expect(vc.RequestsOf("ExecuteSoap")).To(Equal(200), "no metadata calls")
	}, SpecTimeout(time.Minute))

	It("needs few calls for a bare host", func(ctx SpecContext) {
		vc := start("esxi")
		s, err := vsphere.Connect(ctx, config(vc))
		Expect(err).NotTo(HaveOccurred())
		inv := collect(ctx, s, vsphere.Selection{})
		s.Close()
		Expect(names(inv)).To(Equal([]string{"esxi.example"}))
		Expect(inv.Endpoint.InstanceUUID).To(Equal(inv.Hosts[0].UUID))
		Expect(vc.Requests()).To(BeNumerically("<=", 8))
	}, SpecTimeout(time.Minute))

	It("keeps connections to the workers it has", func(ctx SpecContext) {
		vc := start("large?hosts=150")
		cfg := config(vc)
		cfg.Workers = 4
		s, err := vsphere.Connect(ctx, cfg)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(s.Close)
		collect(ctx, s, vsphere.Selection{})
		// One that is lost on a busy machine is made again.
		Expect(vc.Connections()).To(And(BeNumerically(">", 0), BeNumerically("<=", 2*cfg.Workers)))
	}, SpecTimeout(time.Minute))

	DescribeTable("has as many calls and connections as the bound grew to", func(ctx SpecContext, method string, refresh bool) {
		vc := start("large?hosts=150")
		cfg := config(vc)
		cfg.Workers, cfg.MostWorkers = 4, 12
		s, err := vsphere.Connect(ctx, cfg)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(s.Close)
		vsphere.Grow(s)
		release := vc.Hold(method, types.ManagedObjectReference{}, nil)
		DeferCleanup(release)
		var all sync.WaitGroup
		all.Go(func() {
			defer GinkgoRecover()
			_, err := s.Collect(ctx, vsphere.Selection{}, vsphere.CollectOptions{Refresh: refresh})
			Expect(err).NotTo(HaveOccurred())
		})
		Eventually(vc.RequestsOf).WithArguments(method).Within(10 * time.Second).Should(Equal(12))
		Expect(vc.Connections()).To(Equal(12))
		release()
		all.Wait()
	},
		Entry(nil, SpecTimeout(time.Minute), "RefreshFirewall", true),
		Entry(nil, SpecTimeout(time.Minute), "RetrieveManagedMethodExecuter", false),
	)

	It("shows vCenter's old copy until it refreshes", func(ctx SpecContext) {
		vc := start("open")
		s := login(ctx, vc)
		Expect(vc.Host("esx01.example").Change(func(info *types.HostFirewallInfo) error {
			for i := range info.Ruleset {
				info.Ruleset[i].Enabled = false
			}
			return nil
		})).To(Succeed())
		enabled := func(refresh bool) bool {
			inv, err := s.Collect(ctx, vsphere.Selection{}, vsphere.CollectOptions{Refresh: refresh})
			Expect(err).NotTo(HaveOccurred())
			return hostNamed(inv, "esx01.example").Firewall.Ruleset("vic-engine").Enabled
		}
		Expect(enabled(false)).To(BeTrue(), "stale, as on a real vCenter")
		Expect(enabled(true)).To(BeFalse())
	}, SpecTimeout(time.Minute))

	It("says by host when a refresh is refused", func(ctx SpecContext) {
		vc := start("open")
		refused := vc.Host("esx01.example").FirewallRef()
		vc.Fault("RefreshFirewall", refused, &types.NoPermission{PrivilegeId: "Host.Config.NetService"})
		inv, err := login(ctx, vc).Collect(ctx, vsphere.Selection{}, vsphere.CollectOptions{Refresh: true})
		Expect(err).NotTo(HaveOccurred())
		Expect(hostNamed(inv, "esx01.example").Firewall.Stale).To(Equal("the account lacks the privilege Host.Config.NetService"))
		Expect(hostNamed(inv, "esx01.example").Firewall.Unreadable).To(BeEmpty(), "still read")
		Expect(hostNamed(inv, "esx02.example").Firewall.Stale).To(BeEmpty())
	}, SpecTimeout(time.Minute))

	It("knows how many switches it asks for before it says so", func(ctx SpecContext) {
		vc := start("large?hosts=200")
		s := login(ctx, vc)
		var lock sync.Mutex
		var reports [][2]int
		reported := func() int {
			lock.Lock()
			defer lock.Unlock()
			return len(reports)
		}
		_, err := s.Collect(ctx, vsphere.Selection{}, vsphere.CollectOptions{
			Switch: func(h *inventory.Host) bool {
				if h.Name > "esx00150.example" { // the last batch, when all others were asked
					defer GinkgoRecover()
					Eventually(vc.RequestsOf).WithArguments("ExecuteSoap").Within(20 * time.Second).Should(BeNumerically(">=", 150))
					Expect(reported()).To(BeZero())
				}
				return true
			},
			Progress: func(stage string, done, total int) {
				lock.Lock()
				defer lock.Unlock()
				if stage == "switch" {
					reports = append(reports, [2]int{done, total})
				}
			},
		})
		Expect(err).NotTo(HaveOccurred())
		Expect(reports).NotTo(BeEmpty())
		Expect(reports[0][0]).To(BeNumerically(">=", 150-vsphere.DefaultWorkers), "those that were asked already")
		for i, r := range reports {
			Expect(r[1]).To(Equal(200))
			Expect(r[0]).To(Equal(reports[0][0] + i))
		}
		Expect(reports[len(reports)-1][0]).To(Equal(200))
	}, SpecTimeout(time.Minute))

	It("keeps what was read before, where the run ends before it is read again", func(ctx SpecContext) {
		s := login(ctx, start("open"))
		inv := collect(ctx, s, vsphere.Selection{})
		ended, end := context.WithCancel(ctx)
		end()
		s.ReadFirewalls(ended, []*inventory.Host{&inv.Hosts[0]})
		Expect(inv.Hosts[0].Firewall.Unreadable).To(BeEmpty(), "this run's own clock does not unread it")
		Expect(inv.Hosts[0].Firewall.Rulesets).NotTo(BeEmpty())
	}, SpecTimeout(time.Minute))

	It("returns what it has when it is interrupted", func(ctx SpecContext) {
		vc := start("large?hosts=200")
		s := login(ctx, vc)
		// One host hangs, so that the run does not end before it is interrupted.
		hangs := types.ManagedObjectReference{Type: "HostSystem", Value: vc.Host("esx00100.example").Object().Self.Value}
		DeferCleanup(vc.Hold("RetrieveManagedMethodExecuter", hangs, nil))
		run, cancel := context.WithCancel(ctx)
		inv, err := s.Collect(run, vsphere.Selection{}, vsphere.CollectOptions{
			Progress: func(stage string, done, _ int) {
				if stage == "switch" && done >= 10 {
					cancel()
				}
			},
		})
		Expect(err).To(MatchError(context.Canceled))
		Expect(inv.Hosts).To(HaveLen(200))
		known := 0
		for _, h := range inv.Hosts {
			switch fw := h.Firewall; {
			case fw.Unreadable != "": // the switches of one batch are asked while others are read
				Expect(fw.Rulesets).To(BeEmpty())
			case fw.Switch.Unreadable == "":
				Expect(fw.Switch.Enabled).To(Equal(inventory.Yes))
				known++
			}
		}
		Expect(known).To(And(BeNumerically(">=", 10), BeNumerically("<", 200)))
	}, SpecTimeout(time.Minute))

	It("reads govmomi's own simulator", func(ctx SpecContext) {
		m := simulator.VPX()
		m.Cluster, m.ClusterHost, m.Host = 2, 2, 0
		Expect(m.Create()).To(Succeed())
		DeferCleanup(m.Remove)
		m.Service.TLS = new(tls.Config)
		server := m.Service.NewServer()
		DeferCleanup(server.Close)
		s, err := vsphere.Connect(ctx, vsphere.Config{Target: vsphere.Target{Address: server.URL.Host}, Insecure: true, User: "u", Password: "p"})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(s.Close)
		inv := collect(ctx, s, vsphere.Selection{})
		Expect(inv.Clusters()).To(HaveLen(2))
		for _, h := range inv.Hosts {
			Expect(h.Firewall.Unreadable).To(BeEmpty())
			Expect(h.Firewall.Rulesets).To(HaveLen(42))
			Expect(h.Firewall.Switch.Enabled).To(Equal(inventory.No), "the stock simulator says so")
		}
	}, SpecTimeout(time.Minute))
})

type selectionRow struct {
	selection vsphere.Selection
	hosts     []string
	problem   string
	choices   []string
}

var _ = Describe("a selection", Ordered, func() {
	// Nothing changes the simulator here, so that one serves all the rows.
	var s *vsphere.Session
	BeforeAll(func(ctx SpecContext) {
		vc := start("mixed")
		vc.AddPool("prod", "gold")
		vc.AddDatacenter("dc2")
		s = login(ctx, vc)
	})

	DescribeTable("finds hosts",
		func(ctx SpecContext, row selectionRow) {
			inv, err := s.Collect(ctx, row.selection, vsphere.CollectOptions{})
			if row.problem == "" {
				Expect(err).NotTo(HaveOccurred())
				Expect(names(inv)).To(Equal(row.hosts))
				return
			}
			Expect(inv).To(BeNil())
			e := as[*vsphere.SelectionError](err)
			Expect(e.Problem).To(ContainSubstring(row.problem))
			Expect(e.Choices).To(ContainElements(row.choices))
			if row.problem != "ambiguous" {
				Expect(e.Choices).NotTo(ContainElement(HaveSuffix("/Resources")), "a root pool is no other choice than its cluster")
			}
			for _, c := range row.choices {
				Expect(e.Error()).To(ContainSubstring(c))
			}
		},
		Entry("a cluster by name", selectionRow{selection: vsphere.Selection{Datacenter: "dc1", ComputeResource: "prod"}, hosts: prod}),
		Entry("a cluster by relative path", selectionRow{selection: vsphere.Selection{Datacenter: "dc1", ComputeResource: "host/prod"}, hosts: prod}),
		Entry("a cluster by full path, which names the datacenter", selectionRow{selection: vsphere.Selection{ComputeResource: "/dc1/host/prod"}, hosts: prod}),
		Entry("a host by name", selectionRow{selection: vsphere.Selection{Datacenter: "dc1", ComputeResource: "esx03.example"}, hosts: []string{"esx03.example"}}),
		Entry("a host by path", selectionRow{selection: vsphere.Selection{Datacenter: "dc1", ComputeResource: "prod/esx03.example"}, hosts: []string{"esx03.example"}}),
		Entry("a standalone host", selectionRow{selection: vsphere.Selection{Datacenter: "dc1", ComputeResource: "esx31.example"}, hosts: []string{"esx31.example"}}),
		Entry("a pool by name", selectionRow{selection: vsphere.Selection{Datacenter: "dc1", ComputeResource: "gold"}, hosts: prod}),
		Entry("a pool as vic-machine spells it", selectionRow{selection: vsphere.Selection{Datacenter: "dc1", ComputeResource: "prod/gold"}, hosts: prod}),
		Entry("a pool by full path", selectionRow{selection: vsphere.Selection{ComputeResource: "/dc1/host/prod/Resources/gold"}, hosts: prod}),
		Entry("the datacenter by path", selectionRow{selection: vsphere.Selection{Datacenter: "/dc1", ComputeResource: "prod"}, hosts: prod}),
		Entry("a glob", selectionRow{selection: vsphere.Selection{Datacenter: "dc1", Hosts: []string{"esx0[12]*"}}, hosts: []string{"esx01.example", "esx02.example"}}),
		Entry("two globs", selectionRow{selection: vsphere.Selection{Datacenter: "dc1", Hosts: []string{"esx01*", "esx31*"}}, hosts: []string{"esx31.example", "esx01.example"}}),
		Entry("a glob over paths", selectionRow{selection: vsphere.Selection{Datacenter: "dc1", Hosts: []string{"/dc1/host/prod/esx01*"}}, hosts: []string{"esx01.example"}}),

		Entry("no datacenter named", selectionRow{problem: "several datacenters", choices: []string{"/dc1", "/dc2"}}),
		Entry("a datacenter that is not there", selectionRow{selection: vsphere.Selection{Datacenter: "dc9"}, problem: `no datacenter "dc9"`, choices: []string{"/dc1", "/dc2"}}),
		Entry("a datacenter without hosts", selectionRow{selection: vsphere.Selection{Datacenter: "dc2"}, problem: "has no hosts"}),
		Entry("a cluster that is not there", selectionRow{
			selection: vsphere.Selection{Datacenter: "dc1", ComputeResource: "production"}, problem: `no cluster, host or resource pool "production"`,
			choices: []string{"/dc1/host/prod", "/dc1/host/edge", "/dc1/host/prod/Resources/gold"},
		}),
		Entry("a pool that every cluster has", selectionRow{selection: vsphere.Selection{Datacenter: "dc1", ComputeResource: "Resources"}, problem: "ambiguous", choices: []string{"/dc1/host/prod/Resources"}}),
		Entry("a glob that fits nothing", selectionRow{selection: vsphere.Selection{Datacenter: "dc1", ComputeResource: "prod", Hosts: []string{"esx9*"}}, problem: `no host matches "esx9*"`, choices: []string{"esx01.example"}}),
		Entry("one of two globs that fits nothing", selectionRow{selection: vsphere.Selection{Datacenter: "dc1", Hosts: []string{"esx01*", "nope"}}, problem: `no host matches "nope"`}),
		Entry("a malformed glob", selectionRow{selection: vsphere.Selection{Datacenter: "dc1", Hosts: []string{"esx[0"}}, problem: "malformed"}),
	)
})

var prod = []string{"esx01.example", "esx02.example", "esx03.example", "esx04.example", "esx05.example", "esx06.example"}

var _ = Describe("SelectionError", func() {
	It("counts choices beyond what a person reads", func() {
		e := &vsphere.SelectionError{Problem: "no", Noun: "hosts"}
		for i := range 100 {
			e.Choices = append(e.Choices, fmt.Sprintf("h%03d", i))
		}
		Expect(e.Error()).To(HaveSuffix("h019, and 80 more"))
	})
})

var _ = Describe("an esxcli answer", func() {
	DescribeTable("is read in every form",
		func(text string) {
			Expect(vsphere.ParseObject(text)).To(HaveKeyWithValue("Enabled", "true"))
		},
		Entry("an object", `<obj xmlns="urn:vim25" versionId="5.0" xsi:type="VimEsxCLInetworkfirewallgetFirewall" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><DefaultAction>DROP</DefaultAction><Enabled>true</Enabled></obj>`),
		Entry("an array of one", `<obj xsi:type="ArrayOfDataObject" xmlns:xsi="x"><DataObject><Enabled> true </Enabled></DataObject></obj>`),
		Entry("with prefixes", `<r:obj xmlns:r="urn:reflect"><r:Enabled>true</r:Enabled></r:obj>`),
		Entry("with a comment inside", `<obj><Enabled>tr<!-- x -->ue</Enabled></obj>`),
	)
	It("may come in a great many pieces", func() {
		pieces, before, after := strings.Repeat("12345678<!---->", 20_000), runtime.MemStats{}, runtime.MemStats{}
		runtime.ReadMemStats(&before)
		Expect(vsphere.ParseObject("<a>" + pieces + "</a>")).To(HaveKeyWithValue("a", HaveLen(160_000)))
		runtime.ReadMemStats(&after)
		Expect(after.TotalAlloc-before.TotalAlloc).To(BeNumerically("<", 100<<20), "bytes for a text that comes in many pieces")
	})
	It("is refused when it is no XML", func() {
		_, err := vsphere.ParseObject("<obj><Enabled>true</obj>")
		Expect(err).To(MatchError(ContainSubstring("malformed XML")))
	})
})
