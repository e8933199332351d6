package vsphere_test

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	. "github.com/onsi/gomega/gstruct"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// vicWanted is what the README's example names.
var vicWanted = vsphere.PlacementWanted{
	ComputeResource: "prod", Name: "vch1", Datastores: []string{"shared"}, Networks: []string{"vic-bridge", "VM Network"},
}

// place reads what is known of the place for a virtual container host.
func place(ctx context.Context, s *vsphere.Session, inv *inventory.Inventory, want vsphere.PlacementWanted) *inventory.Placement {
	GinkgoHelper()
	p := s.ReadPlacement(ctx, inv, want)
	Expect(p).NotTo(BeNil())
	return p
}

var _ = Describe("ReadPlacement", func() {
	It("reads a cluster", func(ctx SpecContext) {
		vc := start("open")
		s := login(ctx, vc)
		inv := collect(ctx, s, vsphere.Selection{ComputeResource: "prod"})
		p := place(ctx, s, inv, vsphere.PlacementWanted{
			ComputeResource: "prod", Name: "vch1", Datastores: []string{"ds://datastore1 (1)/vch"}, Networks: []string{"VM Network"},
		})
		Expect(p.Datacenter).To(Equal("/dc1"))
		Expect(p.Compute.Unreadable).To(BeEmpty())
		Expect(p.Compute.Problem).To(BeEmpty())
		Expect(p.Compute.Path).To(Equal("/dc1/host/prod"))
		Expect(p.Compute.Cluster).To(BeTrue())
		Expect(p.Compute.Hosts).To(HaveLen(3))
		Expect(p.Compute.DRS).To(Equal(inventory.Yes))
		Expect(p.FindDatastores("datastore1 (1)")).To(HaveExactElements(HaveField("Mounts",
			HaveExactElements(inventory.Mount{Host: inv.Hosts[0].ID, ReadWrite: inventory.Yes, Mounted: inventory.Yes, Accessible: inventory.Yes}))))
		Expect(p.FindDatastores("datastore1 (2)")).To(HaveExactElements(HaveField("Mounts", BeNil())), "nobody asked for it")
		Expect(p.FindNetworks("VM Network")).To(HaveExactElements(HaveField("Path", "/dc1/network/VM Network")))
		Expect(p.Setting).To(Equal(inventory.Setting{Asked: true, MayChange: inventory.Yes}))
		Expect(p.LicensesUnreadable).To(BeEmpty())
		Expect(p.Hosts).To(HaveLen(3))
		for _, h := range inv.Hosts {
			Expect(p.Licenses[h.ID].Features).To(ConsistOf("serialuri", "dvs"))
			Expect(p.Hosts[h.ID].PoweredOn).To(Equal(inventory.Yes))
			Expect(p.Hosts[h.ID].NTPRunning).To(Equal(inventory.No))
		}
		Expect(p.Taken).To(Equal(inventory.NameHolder{}))
	}, SpecTimeout(time.Minute))

	It("tells two switches of one name apart by their folders", func(ctx SpecContext) {
		vc := start("open")
		e := administer(ctx, vc)
		s := login(ctx, vc)
		inv := collect(ctx, s, vsphere.Selection{ComputeResource: "prod"})
		e.addSwitch(must(e.NetworkFolder.CreateFolder(ctx, "a")), "dvs1", nil, "one")
		e.addSwitch(must(e.NetworkFolder.CreateFolder(ctx, "b")), "dvs1", nil, "two")
		p := place(ctx, s, inv, vsphere.PlacementWanted{ComputeResource: "prod", Networks: []string{"one", "two"}})
		Expect(p.FindNetworks("one")[0].Switch).To(Equal("/dc1/network/a/dvs1"))
		Expect(p.FindNetworks("b/dvs1/two")[0].Switch).To(Equal("/dc1/network/b/dvs1"))
		Expect(p.FindNetworks("b/dvs1/one")).To(BeEmpty())
	}, SpecTimeout(time.Minute))

	It("reads what an administrator made", func(ctx SpecContext) {
		vc := start("open")
		e := administer(ctx, vc)
		s := login(ctx, vc)
		inv := collect(ctx, s, vsphere.Selection{ComputeResource: "prod"})
		hosts := hostsOf(inv)
		e.addSwitch(e.NetworkFolder, "dvs1", hosts[:2], "bridge")
		uplinks := must(e.finder.Network(ctx, "dvs1-DVUplinks-*")).Reference()
		bend(vc, uplinks, func(g *simulator.DistributedVirtualPortgroup) { g.Tag = []types.Tag{{Key: "SYSTEM/DVS.UPLINKPG"}} })
		store := e.addStore("shared", hosts)
		bend(vc, store, func(d *simulator.Datastore) {
			d.Host[0].MountInfo.Mounted, d.Host[0].MountInfo.Accessible = nil, nil
			d.Host[1].MountInfo.AccessMode = string(types.HostMountModeReadOnly)
			d.Host[2].MountInfo.Mounted, d.Host[2].MountInfo.Accessible = types.NewBool(false), types.NewBool(false)
			d.Summary.FreeSpace, d.Summary.MaintenanceMode = 5<<30, "inMaintenance"
		})
		must(e.VmFolder.CreateFolder(ctx, "vch1"))
		e.setOption("TRUE")
		vc.RevokeOnFolders("Global.Settings")
		p := place(ctx, s, inv, vsphere.PlacementWanted{
			ComputeResource: "prod", Name: "vch1", Datastores: []string{"shared"}, Networks: []string{"bridge", "dvs1-DVUplinks-*", "dvs1"},
		})
		Expect(p.FindDatastores("shared")).To(HaveExactElements(PointTo(Equal(inventory.Datastore{
			ID: store.Value, Name: "shared", Path: "/dc1/datastore/shared",
			Mounts: []inventory.Mount{
				{Host: hosts[0].Value, ReadWrite: inventory.Yes, Mounted: inventory.Yes},
				{Host: hosts[1].Value, ReadWrite: inventory.No, Mounted: inventory.Yes, Accessible: inventory.Yes},
				{Host: hosts[2].Value, ReadWrite: inventory.Yes, Mounted: inventory.No, Accessible: inventory.No},
			},
			Free: new(int64(5 << 30)), Accessible: inventory.Yes, Maintenance: "inMaintenance", Type: "NFS",
		}))))
		bridge := p.FindNetworks("bridge")[0]
		Expect(bridge.Kind).To(Equal(inventory.DistributedNetwork))
		Expect(bridge.Switch).To(Equal("/dc1/network/dvs1"))
		Expect(bridge.Hosts).To(ConsistOf(hosts[0].Value, hosts[1].Value))
		Expect(bridge.Uplink).To(Equal(inventory.No))
		Expect(p.FindNetworks("dvs1-DVUplinks-*")[0].Uplink).To(Equal(inventory.Yes))
		bend(vc, uplinks, func(g *simulator.DistributedVirtualPortgroup) { g.Tag, g.Config.Uplink = nil, new(true) })
		again := place(ctx, s, inv, vsphere.PlacementWanted{Networks: []string{"dvs1-DVUplinks-*"}})
		Expect(again.FindNetworks("dvs1-DVUplinks-*")[0].Uplink).To(Equal(inventory.Yes))
		Expect(p.FindNetworks("dvs1")[0].Kind).To(Equal(inventory.SwitchNetwork))
		Expect(p.Setting).To(Equal(inventory.Setting{Asked: true, Values: []string{"TRUE"}, MayChange: inventory.No}))
		Expect(p.Setting.Set()).To(BeFalse())
		Expect(p.Taken).To(Equal(inventory.NameHolder{InFolder: "/dc1/vm/vch1"}))
	}, SpecTimeout(time.Minute))

	DescribeTable("finds a virtual machine of the name", func(ctx SpecContext, drs *bool, resource, in, want string) {
		vc := start("open")
		vc.AddPool("prod", "sub")
		e := administer(ctx, vc)
		for _, parent := range []string{"prod/Resources", "prod/Resources/sub"} {
			must(must(e.finder.ResourcePool(ctx, parent)).Create(ctx, "vch1", types.DefaultResourceConfigSpec()))
		}
		e.addMachine("vch1", in)
		bend(vc, must(e.finder.ClusterComputeResource(ctx, "prod")).Reference(), func(c *simulator.ClusterComputeResource) {
			c.ConfigurationEx.(*types.ClusterConfigInfoEx).DrsConfig.Enabled = drs
		})
		s := login(ctx, vc)
		p := place(ctx, s, collect(ctx, s, vsphere.Selection{ComputeResource: "prod"}), vsphere.PlacementWanted{ComputeResource: resource, Name: "vch1"})
		Expect(p.Compute.DRS).To(Equal(inventory.FromPtr(drs)))
		Expect(p.Taken.InPool).To(Equal(want))
		Expect(p.Taken.Unreadable != "").To(Equal(drs == nil && want == ""))
	},
		Entry("in its pool", SpecTimeout(time.Minute), new(true), "prod", "prod/Resources/vch1", "/dc1/host/prod/Resources/vch1/vch1"),
		Entry("in its pool, DRS not known", SpecTimeout(time.Minute), nil, "prod", "prod/Resources/vch1", "/dc1/host/prod/Resources/vch1/vch1"),
		Entry("in the cluster", SpecTimeout(time.Minute), new(true), "prod", "prod/Resources", ""),
		Entry("in the cluster, DRS not known", SpecTimeout(time.Minute), nil, "prod", "prod/Resources", ""),
		Entry("in the cluster, DRS off", SpecTimeout(time.Minute), new(false), "prod", "prod/Resources", "/dc1/host/prod/Resources/vch1"),
		Entry("in the pool of a pool", SpecTimeout(time.Minute), new(true), "sub", "prod/Resources/sub/vch1", "/dc1/host/prod/Resources/sub/vch1/vch1"),
		Entry("in another pool", SpecTimeout(time.Minute), new(true), "sub", "prod/Resources/vch1", ""),
	)

	It("knows no default among several compute resources", func(ctx SpecContext) {
		vc := start("open")
		s := login(ctx, vc)
		p := place(ctx, s, collect(ctx, s, vsphere.Selection{}), vsphere.PlacementWanted{})
		Expect(p.Compute.Problem).To(Equal("there are several and none was named (--compute-resource); the compute resources are: /dc1/host/edge, /dc1/host/prod"))
		Expect(p.Datastores).NotTo(BeEmpty())
	}, SpecTimeout(time.Minute))

	It("knows no default where another has no hosts", func(ctx SpecContext) {
		vc := start("large?hosts=2")
		e := administer(ctx, vc)
		s := login(ctx, vc)
		inv := collect(ctx, s, vsphere.Selection{})
		Expect(place(ctx, s, inv, vsphere.PlacementWanted{}).Compute.Problem).To(BeEmpty())
		must(e.HostFolder.CreateCluster(ctx, "empty", types.ClusterConfigSpecEx{}))
		Expect(place(ctx, s, inv, vsphere.PlacementWanted{}).Compute.Problem).To(ContainSubstring("several"))
	}, SpecTimeout(time.Minute))

	It("reads what does not depend on hosts where there are none", func(ctx SpecContext) {
		vc := start("open")
		s := login(ctx, vc)
		none := &inventory.Inventory{Endpoint: s.Endpoint()}
		p := place(ctx, s, none, vsphere.PlacementWanted{Datacenter: "dc1", ComputeResource: "nope", Name: "vch1", Networks: []string{"VM Network"}})
		Expect(p.Compute.Problem).To(Equal("no compute resource was found"))
		Expect(p.Datacenter).To(Equal("/dc1"))
		Expect(p.FindNetworks("VM Network")[0].Hosts).NotTo(BeNil())
		Expect(p.Datastores).To(HaveLen(5))
		Expect(p.Setting.MayChange).To(Equal(inventory.Yes))
		Expect(p.Hosts).To(BeEmpty())
		Expect(p.HostsUnreadable).To(BeEmpty())

		p = place(ctx, s, none, vsphere.PlacementWanted{Datacenter: "dc9"})
		Expect(p.Datacenter).To(BeEmpty())
		Expect(p.NetworksUnreadable).To(Equal(`there is no datacenter "dc9"; the datacenters are: /dc1`))
	}, SpecTimeout(time.Minute))

	It("costs a host its own facts where one may not be read", func(ctx SpecContext) {
		vc := start("vic")
		first, second := vc.Host("esx01.example"), vc.Host("esx02.example")
		no := &types.NoPermission{PrivilegeId: "System.Read"}
		first.Deny("config.service", no)
		first.Deny("summary.managementServerIp", no)
		second.Deny("runtime.powerState", no)
		third := vc.Host("esx03.example")
		third.SetPower(types.HostSystemPowerStatePoweredOff)
		third.SetNTP(false)
		s := login(ctx, vc)
		p := place(ctx, s, collect(ctx, s, vsphere.Selection{ComputeResource: "prod"}), vicWanted)
		Expect(p.HostsUnreadable).To(BeEmpty())
		servers := []string{"ntp1.example", "ntp2.example"}
		Expect(p.Hosts[first.Ref.Value]).To(Equal(inventory.PlacedHost{
			PoweredOn: inventory.Yes, NTPServers: servers,
			Unreadable: "its power state and its vCenter could not be read: the account lacks the privilege System.Read; " +
				"its clock's settings could not be read: the account lacks the privilege System.Read",
		}))
		h := p.Hosts[second.Ref.Value]
		Expect(h.PoweredOn).To(Equal(inventory.Unknown))
		Expect(h.NTPRunning).To(Equal(inventory.Yes))
		Expect(h.Unreadable).To(ContainSubstring("System.Read"))
		Expect(p.Hosts[third.Ref.Value]).To(Equal(inventory.PlacedHost{
			PoweredOn: inventory.No, ManagedBy: "127.0.0.1", ManagedByKnown: true, NTPServers: []string{}, NTPRunning: inventory.No,
		}))
	}, SpecTimeout(time.Minute))

	It("costs no other host anything where one is removed", func(ctx SpecContext) {
		vc := start("vic?hosts=20")
		s := login(ctx, vc)
		inv := collect(ctx, s, vsphere.Selection{ComputeResource: "prod"})
		gone := inv.Hosts[7].ID
		vc.Model().Map().Remove(vc.Model().Service.Context, hostsOf(inv)[7])
		p := place(ctx, s, inv, vicWanted)
		Expect(p.Hosts).To(HaveLen(20))
		for id, h := range p.Hosts {
			if id == gone {
				Expect(h.PoweredOn).To(Equal(inventory.Unknown))
				Expect(h.Unreadable).To(ContainSubstring("no longer in the inventory"))
			} else {
				Expect(h.PoweredOn).To(Equal(inventory.Yes), id)
				Expect(h.Unreadable).To(BeEmpty(), id)
			}
		}
	}, SpecTimeout(time.Minute))

	It("signs in again where the session has expired", func(ctx SpecContext) {
		vc := start("vic")
		s := login(ctx, vc)
		inv := collect(ctx, s, vsphere.Selection{ComputeResource: "prod"})
		want, none := partsOf(place(ctx, s, inv, vicWanted))
		Expect(vc.ExpireSessions()).To(Succeed())
		facts, reasons := partsOf(place(ctx, s, inv, vicWanted))
		Expect(facts).To(Equal(want))
		Expect(reasons).To(Equal(none))
	}, SpecTimeout(time.Minute))

	It("says what was not read when the run ends", func(ctx SpecContext) {
		s := login(ctx, start("vic"))
		inv := collect(ctx, s, vsphere.Selection{ComputeResource: "prod"})
		ended, end := context.WithCancel(ctx)
		end()
		_, reasons := partsOf(place(ended, s, inv, vicWanted))
		for part, why := range reasons {
			if part != "may change" {
				Expect(why).To(ContainSubstring("not read: the run ended before"), part)
			}
		}
	}, SpecTimeout(time.Minute))

	It("tells all that is broken", func(ctx SpecContext) {
		s := login(ctx, start("vic-broken"))
		inv := collect(ctx, s, vsphere.Selection{ComputeResource: "prod"})
		p := place(ctx, s, inv, vicWanted)
		ids := map[string]string{}
		for _, h := range inv.Hosts {
			ids[h.Name] = h.ID
		}
		Expect(p.Compute.DRS).To(Equal(inventory.No))
		Expect(p.Setting.Values).To(BeEmpty())
		Expect(p.Setting.Unreadable).To(BeEmpty())
		Expect(p.FindNetworks("VM Network")).To(BeEmpty())
		Expect(p.FindNetworks("vic-bridge")).To(HaveExactElements(And(HaveField("Uplink", inventory.Yes), HaveField("Switch", "/dc1/network/dvs1"),
			HaveField("Hosts", ConsistOf(ids["esx01.example"], ids["esx03.example"])))))
		Expect(p.FindDatastores("shared")).To(HaveExactElements(HaveField("Mounts", HaveEach(HaveField("ReadWrite", inventory.No)))))
		Expect(p.Taken.InFolder).To(Equal("/dc1/vm/vch1"))
		Expect(p.Licenses[ids["esx01.example"]].Features).To(And(ContainElement("dvs"), Not(ContainElement("serialuri"))))
		Expect(p.Hosts[ids["esx03.example"]].NTPRunning).To(Equal(inventory.No))
	}, SpecTimeout(time.Minute))

	It("changes nothing", func(ctx SpecContext) {
		vc := start("vic")
		vc.SetReadOnly(true)
		s := login(ctx, vc)
		place(ctx, s, collect(ctx, s, vsphere.Selection{ComputeResource: "prod"}), vicWanted)
		Expect(vc.Refused()).To(BeEmpty())
	}, SpecTimeout(time.Minute))

	It("makes as many calls for 1,000 hosts as for 10", testsuite.Long, func(ctx SpecContext) {
		cost := func(hosts int) (calls int) {
			vc := start(fmt.Sprintf("vic?hosts=%d", hosts))
			s := login(ctx, vc)
			inv := collect(ctx, s, vsphere.Selection{ComputeResource: "prod"})
			Expect(inv.Hosts).To(HaveLen(hosts))
			before := vc.Requests()
			p := place(ctx, s, inv, vicWanted)
			Expect(p.Licenses).To(HaveLen(hosts))
			Expect(p.Hosts).To(HaveLen(hosts))
			Expect(p.FindDatastores("shared")[0].Mounts).To(HaveLen(hosts))
			Expect(p.FindNetworks("vic-bridge")[0].Hosts).To(HaveLen(hosts))
			return vc.Requests() - before
		}
		few := cost(10)
		Expect(few).To(BeNumerically("<=", 18))
		Expect(cost(100)).To(Equal(few))
		Expect(cost(1000)).To(Equal(few))
	}, SpecTimeout(3*time.Minute))

	It("reads a bare host", func(ctx SpecContext) {
		s := login(ctx, start("esxi"))
		inv := collect(ctx, s, vsphere.Selection{})
		p := place(ctx, s, inv, vsphere.PlacementWanted{Name: "vch1", Datastores: []string{""}, Networks: []string{"VM Network"}})
		Expect(p.Datacenter).To(Equal("/ha-datacenter"))
		Expect(p.Compute.Unreadable).To(BeEmpty())
		Expect(p.Compute.Cluster).To(BeFalse())
		Expect(p.Setting).To(Equal(inventory.Setting{}))
		Expect(p.Licenses[inv.Hosts[0].ID].Features).To(ConsistOf("serialuri", "dvs"))
		Expect(p.FindDatastores("")).To(HaveExactElements(HaveField("Mounts", HaveLen(1))))
		Expect(p.Hosts[inv.Hosts[0].ID].ManagedByKnown).To(BeTrue())
	}, SpecTimeout(time.Minute))
})

var _ = Describe("TryLogin", func() {
	It("signs in and out again, and tells what came of it", func(ctx SpecContext) {
		vc := start("vic")
		s := login(ctx, vc)
		Expect(s.TryLogin(ctx, sim.DefaultUser, sim.DefaultPassword)).To(Equal(inventory.Login{User: sim.DefaultUser}))
		Expect(vc.OpenSessions()).To(Equal(1), "the session's own")
		Expect(vc.RequestsOf("RetrievePropertiesEx")).To(BeZero())
		Expect(s.TryLogin(ctx, sim.DefaultUser, "wrong-secret")).To(Equal(inventory.Login{User: sim.DefaultUser, Refused: true}))

		vc.Fault("Login", types.ManagedObjectReference{}, &types.NoPermission{PrivilegeId: "System.View"})
		other := s.TryLogin(ctx, "ops@vsphere.local", "ops-secret")
		Expect(other.Refused).To(BeFalse())
		Expect(other.Err).To(HaveSuffix("the account lacks the privilege System.View"))
		Expect(other.Err).NotTo(ContainSubstring("ops-secret"))
		vc.Fault("Login", types.ManagedObjectReference{}, nil)
	}, SpecTimeout(time.Minute))
})
