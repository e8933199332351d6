package vsphere_test

import (
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

var _ = It("a compute resource's full path names its datacenter, and no other whose name begins like it", func(ctx SpecContext) {
	vc := start("mixed")
	vc.AddDatacenter("dc10")
	s := login(ctx, vc)
	Expect(collect(ctx, s, vsphere.Selection{ComputeResource: "/dc1/host/prod"}).Datacenter).To(Equal("/dc1"))
	_, err := s.Collect(ctx, vsphere.Selection{ComputeResource: "/dc10/host/prod"}, vsphere.CollectOptions{})
	e := as[*vsphere.SelectionError](err)
	Expect(e.Problem).To(Equal("the datacenter /dc10 has no hosts to check"))
	Expect(e.Datacenter).To(Equal("/dc10"))
}, SpecTimeout(time.Minute))

var _ = It("a server that repeats the password in a fault of the login does not get it into the error", func(ctx SpecContext) {
	vc := start("open")
	cfg := config(vc)
	cfg.Password = "pass-" + strings.Repeat("x", 20)
	vc.Fault("Login", types.ManagedObjectReference{}, &types.NoPermission{PrivilegeId: "the right word for " + cfg.Password})
	_, err := vsphere.Connect(ctx, cfg)
	Expect(err).To(MatchError(And(ContainSubstring("the right word for ***"), Not(ContainSubstring(cfg.Password)))))
}, SpecTimeout(time.Minute))

var _ = It("SerialVMs names the machines that run, by host, and not those that are off", func(ctx SpecContext) {
	vc := start("open")
	for host, name := range map[string]string{"esx01.example": "runs", "esx02.example": "is off"} {
		vc.AddSerialVM(host, name)
	}
	for _, e := range vc.Model().Map().All("VirtualMachine") {
		if vm := e.(*simulator.VirtualMachine); vm.Name == "is off" {
			vm.Runtime.PowerState = types.VirtualMachinePowerStatePoweredOff
		}
	}
	vc.AddSerialVM("esx03.example", "has no port")
	for _, e := range vc.Model().Map().All("VirtualMachine") {
		if vm := e.(*simulator.VirtualMachine); vm.Name == "has no port" {
			vm.Config.Hardware.Device = slices.DeleteFunc(vm.Config.Hardware.Device, func(d types.BaseVirtualDevice) bool { _, serial := d.(*types.VirtualSerialPort); return serial })
		}
	}
	s := login(ctx, vc)
	inv := collect(ctx, s, vsphere.Selection{})
	list := make([]*inventory.Host, len(inv.Hosts))
	for i := range inv.Hosts {
		list[i] = &inv.Hosts[i]
	}
	found, err := s.SerialVMs(ctx, list)
	Expect(err).NotTo(HaveOccurred())
	Expect(found).To(Equal(map[string][]string{hostNamed(inv, "esx01.example").ID: {"runs"}}))
}, SpecTimeout(time.Minute))

var _ = DescribeTable("a probe's machine is put onto the datastore with most room that can take it",
	func(ctx SpecContext, change func(*sim.VCenter), want string) {
		const host = "esx01.example"
		vc := start("open")
		for i, name := range []string{"roomiest", "roomy", "small"} { // the last is not taken for that
			vc.AddDatastore(name, host)
			vc.ChangeDatastore(name, func(d *mo.Datastore) { d.Summary.FreeSpace = 1 << (52 - i) })
		}
		change(vc)
		s := login(ctx, vc)
		h := hostNamed(collect(ctx, s, vsphere.Selection{}), host)
		machines, err := s.PrepareMachines(ctx, "/dc1", []*inventory.Host{h})
		Expect(err).NotTo(HaveOccurred())
		_, err = machines.Create(ctx, h, "vic-preflight-probe-x", "telnet://127.0.0.1:1", "vic-preflight:x")
		Expect(err).NotTo(HaveOccurred())
		vm := vc.Model().Map().Any("VirtualMachine").(*simulator.VirtualMachine)
		Expect(vm.Config.Files.VmPathName).To(HavePrefix("[" + want + "]"))
	},
	Entry("as they are", SpecTimeout(time.Minute), func(*sim.VCenter) {}, "roomiest"),
	Entry("not one in maintenance", SpecTimeout(time.Minute), func(vc *sim.VCenter) {
		vc.ChangeDatastore("roomiest", func(d *mo.Datastore) {
			d.Summary.MaintenanceMode = string(types.DatastoreSummaryMaintenanceModeStateInMaintenance)
		})
	}, "roomy"),
	Entry("not one that cannot be reached", SpecTimeout(time.Minute), func(vc *sim.VCenter) {
		vc.ChangeDatastore("roomiest", func(d *mo.Datastore) { d.Summary.Accessible = false })
	}, "roomy"),
)
