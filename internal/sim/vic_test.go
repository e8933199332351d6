package sim_test

import (
	"context"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/license"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
)

const setting = "config.vpxd.SerialPort.PersistNetworkBacking"

var prod = []string{"esx01.example", "esx02.example", "esx03.example"}

// read reads properties of an object, all without any.
func read(ctx context.Context, c *govmomi.Client, ref types.ManagedObjectReference, into any, props ...string) {
	GinkgoHelper()
	Expect(property.DefaultCollector(c.Client).RetrieveOne(ctx, ref, props, into)).To(Succeed())
}

// names are those of hosts by their references, in the order of the names.
func names(vc *sim.VCenter, refs []types.ManagedObjectReference) []string {
	var list []string
	for _, name := range vc.HostNames() {
		if slices.Contains(refs, vc.Host(name).Ref) {
			list = append(list, name)
		}
	}
	return list
}

// lacking are the hosts of prod whose license lacks a feature that create asks for.
func lacking(ctx context.Context, c *govmomi.Client, vc *sim.VCenter, feature string) []string {
	GinkgoHelper()
	assigned, err := license.NewManager(c.Client).AssignmentManager(ctx)
	Expect(err).NotTo(HaveOccurred())
	var list []string
	for _, name := range prod {
		of, err := assigned.QueryAssigned(ctx, vc.Host(name).Ref.Value)
		Expect(err).NotTo(HaveOccurred())
		if len(of) == 0 || !license.HasFeature(of[0].AssignedLicense, feature) {
			list = append(list, name)
		}
	}
	return list
}

// writers are the hosts that mount a datastore as create asks for.
func writers(ctx context.Context, c *govmomi.Client, vc *sim.VCenter, store string) []string {
	GinkgoHelper()
	var ds mo.Datastore
	read(ctx, c, vc.Ref(store, "Datastore"), &ds, "host")
	var refs []types.ManagedObjectReference
	for _, m := range ds.Host {
		if i := m.MountInfo; i.AccessMode == "readWrite" && i.Mounted != nil && *i.Mounted && i.Accessible != nil && *i.Accessible {
			refs = append(refs, m.Key)
		}
	}
	return names(vc, refs)
}

func drs(ctx context.Context, c *govmomi.Client, vc *sim.VCenter) *types.ClusterConfigInfoEx {
	GinkgoHelper()
	var cluster mo.ClusterComputeResource
	read(ctx, c, vc.Ref("prod", "ClusterComputeResource"), &cluster, "configurationEx")
	return cluster.ConfigurationEx.(*types.ClusterConfigInfoEx)
}

// timed are the hosts of prod whose ntpd runs with the servers of vic.
func timed(ctx context.Context, c *govmomi.Client, vc *sim.VCenter) []string {
	GinkgoHelper()
	var list []string
	for _, name := range prod {
		var h mo.HostSystem
		read(ctx, c, vc.Host(name).Ref, &h, "config.dateTimeInfo", "config.service")
		runs := slices.ContainsFunc(h.Config.Service.Service, func(s types.HostService) bool { return s.Key == "ntpd" && s.Running })
		if runs && slices.Equal(h.Config.DateTimeInfo.NtpConfig.Server, []string{"ntp1.example", "ntp2.example"}) {
			list = append(list, name)
		}
	}
	return list
}

// open are the hosts of prod with an enabled ruleset.
func open(ctx context.Context, c *govmomi.Client, key string) []string {
	GinkgoHelper()
	var list []string
	for _, name := range prod {
		if rulesetOf(info(ctx, firewall(ctx, findHost(ctx, c, name))), key).Enabled {
			list = append(list, name)
		}
	}
	return list
}

func optionValue(ctx context.Context, c *govmomi.Client) (any, error) {
	values, err := object.NewOptionManager(c.Client, *c.ServiceContent.Setting).Query(ctx, setting)
	if err != nil {
		return nil, err
	}
	return values[0].GetOptionValue().Value, nil
}

func childOf(ctx context.Context, c *govmomi.Client, path string) object.Reference {
	GinkgoHelper()
	ref, err := object.NewSearchIndex(c.Client).FindByInventoryPath(ctx, path)
	Expect(err).NotTo(HaveOccurred())
	return ref
}

var _ = Describe("the scenario vic", func() {
	It("has all that vic-machine create asks for", func(ctx SpecContext) {
		vc := start("vic")
		c := connect(ctx, vc)
		var group mo.DistributedVirtualPortgroup
		read(ctx, c, childOf(ctx, c, "/dc1/network/vic-bridge").Reference(), &group)
		Expect(names(vc, group.Host)).To(Equal(prod))
		Expect(*group.Config.Uplink).To(BeFalse())
		var uplinks mo.DistributedVirtualPortgroup
		var dvs mo.DistributedVirtualSwitch
		read(ctx, c, vc.Ref("dvs1", "DistributedVirtualSwitch"), &dvs, "portgroup", "summary")
		Expect(dvs.Portgroup).To(HaveLen(2))
		Expect(names(vc, dvs.Summary.HostMember)).To(Equal(prod))
		read(ctx, c, dvs.Portgroup[0], &uplinks)
		Expect(*uplinks.Config.Uplink).To(BeTrue())
		var standard mo.Network
		read(ctx, c, childOf(ctx, c, "/dc1/network/VM Network").Reference(), &standard)
		Expect(names(vc, standard.Host)).To(Equal(vc.HostNames()))

		Expect(writers(ctx, c, vc, "shared")).To(Equal(prod))
		Expect(writers(ctx, c, vc, "vol-one")).To(Equal(prod[:1]))
		var cluster mo.ClusterComputeResource
		read(ctx, c, vc.Ref("prod", "ClusterComputeResource"), &cluster, "datastore")
		Expect(cluster.Datastore).To(ContainElement(vc.Ref("shared", "Datastore")))
		Expect(cluster.Datastore).NotTo(ContainElement(vc.Ref("shared-edge", "Datastore")))

		Expect(lacking(ctx, c, vc, "serialuri")).To(BeEmpty())
		Expect(lacking(ctx, c, vc, "dvs")).To(BeEmpty())
		Expect(optionValue(ctx, c)).To(Equal("true"))
		Expect(*drs(ctx, c, vc).DrsConfig.Enabled).To(BeTrue())
		Expect(timed(ctx, c, vc)).To(Equal(prod))
		Expect(open(ctx, c, "vic-engine")).To(Equal(prod))
		Expect(open(ctx, c, "vSphereClient")).To(Equal(prod))
		Expect(childOf(ctx, c, "/dc1/vm/vch1")).To(BeNil())
	}, SpecTimeout(time.Minute))

	It("has each thing bent once where it is broken", func(ctx SpecContext) {
		vc := start("vic-broken")
		c := connect(ctx, vc)
		var group mo.DistributedVirtualPortgroup
		read(ctx, c, childOf(ctx, c, "/dc1/network/vic-bridge").Reference(), &group)
		Expect(names(vc, group.Host)).To(Equal([]string{prod[0], prod[2]}))
		Expect(*group.Config.Uplink).To(BeTrue())
		Expect(childOf(ctx, c, "/dc1/network/VM Network")).To(BeNil())
		Expect(writers(ctx, c, vc, "shared")).To(BeEmpty())
		Expect(lacking(ctx, c, vc, "serialuri")).To(Equal(prod[:1]))
		Expect(lacking(ctx, c, vc, "dvs")).To(BeEmpty())
		_, err := optionValue(ctx, c)
		Expect(fault.Is(err, &types.InvalidName{})).To(BeTrue())
		Expect(*drs(ctx, c, vc).DrsConfig.Enabled).To(BeFalse())
		Expect(timed(ctx, c, vc)).To(Equal(prod[:2]))
		Expect(open(ctx, c, "vic-engine")).To(Equal([]string{prod[0], prod[2]}))
		Expect(open(ctx, c, "vSphereClient")).To(Equal(prod[1:]))
		Expect(childOf(ctx, c, "/dc1/vm/vch1")).NotTo(BeNil())
		for _, name := range prod {
			_, err := esxcli(ctx, c, findHost(ctx, c, name), "network", "firewall", "get")
			Expect(err != nil).To(Equal(name == prod[2]), name)
		}
	}, SpecTimeout(time.Minute))

	It("has as many hosts as are asked for", func(ctx SpecContext) {
		vc := start("vic?hosts=300")
		c := connect(ctx, vc)
		var cluster mo.ClusterComputeResource
		read(ctx, c, vc.Ref("prod", "ClusterComputeResource"), &cluster, "host")
		Expect(cluster.Host).To(HaveLen(300))
		Expect(writers(ctx, c, vc, "shared")).To(HaveLen(300))
		_, err := sim.ParseScenario("vic-broken?hosts=3")
		Expect(err).To(HaveOccurred())
	}, SpecTimeout(time.Minute))
})

var _ = Describe("what a test bends", func() {
	var vc *sim.VCenter
	var c *govmomi.Client
	BeforeEach(func(ctx SpecContext) {
		vc = start("vic")
		c = connect(ctx, vc)
	})

	It("is a license", func(ctx SpecContext) {
		vc.Host(prod[0]).DropFeatures("dvs")
		vc.Host(prod[1]).Unlicense()
		vc.Host(prod[2]).ChangeLicense(func(info *types.LicenseManagerLicenseInfo) { info.Name = "vSphere Standard" })
		Expect(lacking(ctx, c, vc, "dvs")).To(Equal(prod[:2]))
		Expect(lacking(ctx, c, vc, "serialuri")).To(Equal(prod[1:2]), "the others keep what they share")
	})
	It("is a network", func(ctx SpecContext) {
		hosts := func(name string) []string {
			var n mo.Network
			read(ctx, c, childOf(ctx, c, "/dc1/network/"+name).Reference(), &n, "host", "name")
			return names(vc, n.Host)
		}
		vc.AddOpaqueNetwork("nsx", prod[0])
		vc.AddNetwork("standard", prod...)
		vc.AddPortgroup("dvs1", "external", prod...)
		Expect(hosts("nsx")).To(Equal(prod[:1]))
		Expect(hosts("standard")).To(Equal(prod))
		Expect(hosts("external")).To(Equal(prod))
		vc.LeaveNetwork("external", prod[0])
		Expect(hosts("vic-bridge")).To(Equal(prod[1:]), "it is of the same switch")
		vc.LeaveNetwork("standard", prod[1])
		vc.JoinNetwork("nsx", prod[2])
		Expect(hosts("standard")).To(Equal([]string{prod[0], prod[2]}))
		Expect(hosts("nsx")).To(Equal([]string{prod[0], prod[2]}))
		vc.SetUplink("external", nil)
		var group mo.DistributedVirtualPortgroup
		read(ctx, c, vc.Ref("external", "DistributedVirtualPortgroup"), &group, "config")
		Expect(group.Config.Uplink).To(BeNil())
	})
	It("is a datastore", func(ctx SpecContext) {
		vc.ChangeMount("shared", prod[0], func(m *types.HostMountInfo) { m.Mounted = nil })
		vc.ChangeMount("shared", prod[1], func(m *types.HostMountInfo) { m.Accessible = types.NewBool(false) })
		vc.ChangeDatastore("shared", func(ds *mo.Datastore) { ds.Summary.FreeSpace = 5 << 30 })
		vc.AddDatastore("two", prod[1:]...)
		Expect(writers(ctx, c, vc, "shared")).To(Equal(prod[2:]))
		Expect(writers(ctx, c, vc, "two")).To(Equal(prod[1:]))
		var ds mo.Datastore
		read(ctx, c, vc.Ref("shared", "Datastore"), &ds, "summary")
		Expect(ds.Summary.FreeSpace).To(BeEquivalentTo(5 << 30))
	})
	It("is a cluster", func(ctx SpecContext) {
		vc.SetDRS("prod", nil)
		vc.AddGroup("prod", "vch1")
		config := drs(ctx, c, vc)
		Expect(config.DrsConfig.Enabled).To(BeNil())
		Expect(config.Group[0].GetClusterGroupInfo().Name).To(Equal("vch1"))
	})
	It("is the vCenter's option, which other simulators do not share", func(ctx SpecContext) {
		vc.SetOption(setting, "TRUE")
		Expect(optionValue(ctx, c)).To(Equal("TRUE"))
		Expect(optionValue(ctx, connect(ctx, start("vic")))).To(Equal("true"))
		vc.SetOption(setting)
		_, err := optionValue(ctx, c)
		Expect(fault.Is(err, &types.InvalidName{})).To(BeTrue())
	})
	It("is a host", func(ctx SpecContext) {
		h := vc.Host(prod[0])
		h.SetConnection(types.HostSystemConnectionStateDisconnected)
		h.SetPower(types.HostSystemPowerStatePoweredOff)
		h.SetManagedBy("203.0.113.1")
		h.SetNTP(true, "other.example")
		var host mo.HostSystem
		read(ctx, c, h.Ref, &host, "summary", "runtime")
		Expect(host.Runtime.ConnectionState).To(BeEquivalentTo("disconnected"))
		Expect(host.Runtime.PowerState).To(BeEquivalentTo("poweredOff"))
		Expect(host.Summary.ManagementServerIp).To(Equal("203.0.113.1"))
		Expect(timed(ctx, c, vc)).To(Equal(prod[1:]))
	})
	It("is a name", func(ctx SpecContext) {
		vc.AddPool("prod", "vch1")
		vc.AddVMFolder("sub")
		vc.AddVM("vch1", sim.VMPlace{Cluster: "prod", Pool: "vch1", Folder: "sub"})
		vc.AddVM("vch2", sim.VMPlace{Cluster: "prod"})
		for _, path := range []string{"/dc1/host/prod/Resources/vch1/vch1", "/dc1/vm/sub/vch1", "/dc1/vm/vch2", "/dc1/host/prod/Resources/vch2"} {
			Expect(childOf(ctx, c, path)).NotTo(BeNil(), path)
		}
		Expect(childOf(ctx, c, "/dc1/vm/vch1")).To(BeNil())
	})
	It("is what may be read", func(ctx SpecContext) {
		store := vc.Ref("shared", "Datastore")
		vc.Deny(store, "host", &types.NoPermission{Object: &store, PrivilegeId: "System.Read"})
		var ds mo.Datastore
		err := property.DefaultCollector(c.Client).RetrieveOne(ctx, store, []string{"name", "host"}, &ds)
		Expect(fault.Is(err, &types.NoPermission{})).To(BeTrue())
	})
})

var _ = Describe("the vCenter's managers", func() {
	It("know licenses by the names of whom they are assigned to", func(ctx SpecContext) {
		for _, scenario := range []string{"open", "vic"} {
			vc := start(scenario)
			c := connect(ctx, vc)
			assigned, err := license.NewManager(c.Client).AssignmentManager(ctx)
			Expect(err).NotTo(HaveOccurred())
			all, err := assigned.QueryAssigned(ctx, "")
			Expect(err).NotTo(HaveOccurred())
			of := map[string]string{}
			for _, a := range all {
				of[a.EntityId] = a.EntityDisplayName
				Expect(a.Scope).To(Equal(c.ServiceContent.About.InstanceUuid))
				features := 0
				for _, p := range a.AssignedLicense.Properties {
					if p.Key == "ProductName" {
						features++
					}
				}
				Expect(features).To(BeNumerically("<=", 1), "one simulator's properties in another's license")
			}
			Expect(of).To(HaveKey(c.ServiceContent.About.InstanceUuid))
			for _, name := range vc.HostNames() {
				Expect(of).To(HaveKeyWithValue(vc.Host(name).Ref.Value, name))
			}
		}
	}, SpecTimeout(time.Minute))

	It("refuse those who lack the privilege on the root folder", func(ctx SpecContext) {
		vc := start("vic")
		c := connect(ctx, vc)
		options := object.NewOptionManager(c.Client, *c.ServiceContent.Setting)
		change := []types.BaseOptionValue{&types.OptionValue{Key: setting, Value: "true"}}
		assignments := types.ManagedObjectReference{Type: "LicenseAssignmentManager", Value: "LicenseAssignmentManager"}
		query := func() error {
			_, err := methods.QueryAssignedLicenses(ctx, c, &types.QueryAssignedLicenses{This: assignments})
			return err
		}
		Expect(options.Update(ctx, change)).To(Succeed())
		Expect(query()).To(Succeed())
		vc.RevokeOnFolders("Global.Settings")
		vc.RevokeOnFolders("Global.Licenses")
		Expect(fault.Is(options.Update(ctx, change), &types.NoPermission{})).To(BeTrue())
		Expect(fault.Is(query(), &types.NoPermission{})).To(BeTrue())
		_, err := license.NewManager(c.Client).List(ctx)
		Expect(fault.Is(err, &types.NoPermission{})).To(BeTrue())
		Expect(optionValue(ctx, c)).To(Equal("true"))
		res, err := methods.HasUserPrivilegeOnEntities(ctx, c, &types.HasUserPrivilegeOnEntities{
			This: *c.ServiceContent.AuthorizationManager, Entities: []types.ManagedObjectReference{c.ServiceContent.RootFolder},
			UserName: "ops", PrivId: []string{"Global.Settings", "System.Read"},
		})
		Expect(err).NotTo(HaveOccurred())
		Expect(res.Returnval[0].PrivAvailability[0].IsGranted).To(BeFalse())
		Expect(res.Returnval[0].PrivAvailability[1].IsGranted).To(BeTrue())
	}, SpecTimeout(time.Minute))

	It("refuse properties inside of configurationEx", func(ctx SpecContext) {
		vc := start("vic")
		c := connect(ctx, vc)
		var cluster mo.ClusterComputeResource
		err := property.DefaultCollector(c.Client).RetrieveOne(ctx, vc.Ref("prod", "ClusterComputeResource"), []string{"configurationEx.drsConfig.enabled"}, &cluster)
		Expect(fault.Is(err, &types.InvalidProperty{})).To(BeTrue())
	}, SpecTimeout(time.Minute))

	It("are a bare host's own", func(ctx SpecContext) {
		vc := start("esxi")
		c := connect(ctx, vc)
		h := vc.Host("esxi.example")
		var host mo.HostSystem
		read(ctx, c, h.Ref, &host, "summary.managementServerIp", "config.dateTimeInfo")
		Expect(host.Summary.ManagementServerIp).To(BeEmpty())
		Expect(host.Config.DateTimeInfo.NtpConfig.Server).To(BeEmpty())
		list := func() license.InfoList {
			all, err := license.NewManager(c.Client).List(ctx)
			Expect(err).NotTo(HaveOccurred())
			return all
		}
		Expect(list().WithFeature("serialuri")).To(HaveLen(1))
		h.DropFeatures("serialuri")
		Expect(list().WithFeature("serialuri")).To(BeEmpty())
		Expect(list().WithFeature("dvs")).To(HaveLen(1))
	}, SpecTimeout(time.Minute))
})

var _ = Describe("a simulator that may only be read", func() {
	It("refuses what changes something, and names it", func(ctx SpecContext) {
		vc := simtest.Start(GinkgoTB(), "vic", sim.Options{ReadOnly: true})
		c := connect(ctx, vc)
		h := findHost(ctx, c, prod[0])
		fw := firewall(ctx, h)
		Expect(fw.Refresh(ctx)).To(Succeed())
		Expect(optionValue(ctx, c)).To(Equal("true"))
		Expect(lacking(ctx, c, vc, "dvs")).To(BeEmpty())
		_, err := esxcli(ctx, c, h, "network", "firewall", "ruleset", "list")
		Expect(err).NotTo(HaveOccurred())
		before := len(vc.Refused())

		change := []types.BaseOptionValue{&types.OptionValue{Key: setting, Value: "false"}}
		Expect(fault.Is(object.NewOptionManager(c.Client, *c.ServiceContent.Setting).Update(ctx, change), &types.RestrictedByAdministrator{})).To(BeTrue())
		Expect(fw.EnableRuleset(ctx, "vSPC")).NotTo(Succeed())
		_, err = esxcli(ctx, c, h, "network", "firewall", "ruleset", "set", "-r", "vSPC", "-e", "true")
		Expect(err).To(HaveOccurred())
		Expect(vc.Refused()[before:]).To(Equal([]string{"UpdateOptions", "EnableRuleset", "ExecuteSoap vim.EsxCLI.network.firewall.ruleset.set"}))
		Expect(before).To(BeZero())
		Expect(vc.Calls()).To(HaveKeyWithValue("UpdateOptions", 1))
		Expect(rulesetOf(vc.Host(prod[0]).Firewall(), "vSPC").Enabled).To(BeFalse())
		vc.SetReadOnly(false)
		Expect(fw.EnableRuleset(ctx, "vSPC")).To(Succeed())
	}, SpecTimeout(time.Minute))
})
