package vsphere_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi"
	finder "github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// estate changes a simulator as an administrator would.
type estate struct {
	ctx    context.Context
	client *govmomi.Client
	finder *finder.Finder
	dc     *object.Datacenter
	*object.DatacenterFolders
}

func administer(ctx context.Context, vc *sim.VCenter) *estate {
	GinkgoHelper()
	e := &estate{ctx: ctx}
	at := *vc.URL
	at.User = url.UserPassword(sim.DefaultUser, sim.DefaultPassword)
	var err error
	e.client, err = govmomi.NewClient(ctx, &at, true)
	Expect(err).NotTo(HaveOccurred())
	e.finder = finder.NewFinder(e.client.Client)
	e.dc, err = e.finder.DefaultDatacenter(ctx)
	Expect(err).NotTo(HaveOccurred())
	e.finder.SetDatacenter(e.dc)
	e.DatacenterFolders, err = e.dc.Folders(ctx)
	Expect(err).NotTo(HaveOccurred())
	return e
}

// must is the value of a call that goes well.
func must[T any](v T, err error) T {
	GinkgoHelper()
	Expect(err).NotTo(HaveOccurred())
	return v
}

// done waits for a task that goes well.
func (e *estate) done(task *object.Task, err error) types.ManagedObjectReference {
	GinkgoHelper()
	Expect(err).NotTo(HaveOccurred())
	info := must(task.WaitForResult(e.ctx))
	ref, _ := info.Result.(types.ManagedObjectReference)
	return ref
}

// addSwitch adds a distributed switch with port groups in a folder, joined by hosts.
func (e *estate) addSwitch(folder *object.Folder, name string, hosts []types.ManagedObjectReference, groups ...string) {
	GinkgoHelper()
	spec := &types.DVSConfigSpec{Name: name}
	ref := e.done(folder.CreateDVS(e.ctx, types.DVSCreateSpec{ConfigSpec: spec}))
	dvs := object.NewDistributedVirtualSwitch(e.client.Client, ref)
	for _, g := range groups {
		e.done(dvs.AddPortgroup(e.ctx, []types.DVPortgroupConfigSpec{{Name: g, NumPorts: 8, Type: "earlyBinding"}}))
	}
	join := &types.DVSConfigSpec{}
	for _, h := range hosts {
		join.Host = append(join.Host, types.DistributedVirtualSwitchHostMemberConfigSpec{Operation: "add", Host: h})
	}
	e.done(dvs.Reconfigure(e.ctx, join))
}

// addStore adds an NFS datastore that hosts mount.
func (e *estate) addStore(name string, hosts []types.ManagedObjectReference) types.ManagedObjectReference {
	GinkgoHelper()
	dir := filepath.Join(GinkgoT().TempDir(), name) // the simulator names it by the folder
	Expect(os.Mkdir(dir, 0o700)).To(Succeed())
	var store *object.Datastore
	for _, h := range hosts {
		system := must(object.NewHostSystem(e.client.Client, h).ConfigManager().DatastoreSystem(e.ctx))
		made := must(system.CreateNasDatastore(e.ctx, types.HostNasVolumeSpec{
			RemoteHost: "nas.example", RemotePath: dir, LocalPath: dir, AccessMode: string(types.HostMountModeReadWrite), Type: "NFS",
		}))
		if store == nil {
			store = made // the others are names for it
		}
	}
	return store.Reference()
}

// addMachine makes a virtual machine in a pool.
func (e *estate) addMachine(name, pool string) {
	GinkgoHelper()
	e.done(e.VmFolder.CreateVM(e.ctx, types.VirtualMachineConfigSpec{
		Name: name, GuestId: string(types.VirtualMachineGuestOsIdentifierOtherGuest),
		Files: &types.VirtualMachineFileInfo{VmPathName: "[datastore1 (1)]"},
	}, must(e.finder.ResourcePool(e.ctx, pool)), nil))
}

// setOption sets the option that vic-machine sets.
func (e *estate) setOption(value string) {
	GinkgoHelper()
	manager := object.NewOptionManager(e.client.Client, *e.client.ServiceContent.Setting)
	Expect(manager.Update(e.ctx, []types.BaseOptionValue{&types.OptionValue{Key: inventory.SettingName, Value: value}})).To(Succeed())
}

// bend changes an object of a simulator.
func bend[T any](vc *sim.VCenter, ref types.ManagedObjectReference, change func(*T)) {
	GinkgoHelper()
	object, ok := any(vc.Model().Map().Get(ref)).(*T)
	Expect(ok).To(BeTrue())
	change(object)
}

// hostsOf refers to the hosts of an inventory.
func hostsOf(inv *inventory.Inventory) (refs []types.ManagedObjectReference) {
	for _, h := range inv.Hosts {
		refs = append(refs, types.ManagedObjectReference{Type: "HostSystem", Value: h.ID})
	}
	return refs
}
