package sim

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// keeper answers calls which the stock simulator does not know, or answers in another way
// than a vCenter: it takes every NFS mount for one that may be written to and wants a folder
// of this machine for it, unmounts nothing, leaves out of a port group that it is none of
// uplinks, and licenses only what has a license.
type keeper struct {
	Self types.ManagedObjectReference
	vc   *VCenter
}

// kept are the methods of a keeper.
var kept = []string{
	"HostDatastoreSystem.CreateNasDatastore", "HostDatastoreSystem.RemoveDatastore", "Datastore.DatastoreExitMaintenanceMode_Task",
	"DistributedVirtualSwitch.AddDVPortgroup_Task", "LicenseAssignmentManager.UpdateAssignedLicense",
}

// Reference names the object, whose lock is held while it answers.
func (k *keeper) Reference() types.ManagedObjectReference { return k.Self }

// call is the registry's Handler.
func (vc *VCenter) call(ctx *simulator.Context, c *simulator.Method) (mo.Reference, types.BaseMethodFault) {
	if _, fault := vc.meter.call(ctx, c); fault != nil {
		return nil, fault
	}
	if slices.Contains(kept, c.This.Type+"."+c.Name) && ctx.Map.Get(c.This) != nil {
		c.This = vc.keeper.Self // the body still has whom the call is for
	}
	return nil, nil
}

// hostOfSystem is the host of a HostDatastoreSystem; nil, with the fault, where it has none
// here.
func (k *keeper) hostOfSystem(ctx *simulator.Context, ref types.ManagedObjectReference) (*Host, *soap.Fault) {
	h := k.vc.hostOf(ctx.Map.Get(ref).(*simulator.HostDatastoreSystem).Host.Self)
	if h == nil { // one that a client added
		return nil, simulator.Fault("", &types.NotSupported{})
	}
	return h, nil
}

// CreateNasDatastore mounts an NFS export on a host. It is the same datastore on each host
// that mounts it.
func (k *keeper) CreateNasDatastore(ctx *simulator.Context, r *types.CreateNasDatastore) soap.HasFault {
	body := &methods.CreateNasDatastoreBody{}
	h, fault := k.hostOfSystem(ctx, r.This)
	if fault != nil {
		body.Fault_ = fault
		return body
	}
	spec := r.Spec
	ds, taken := k.vc.export(spec.RemoteHost, spec.RemotePath), k.vc.datastoreOf(spec.LocalPath)
	switch {
	case spec.RemoteHost == "" || spec.RemotePath == "" || spec.LocalPath == "":
		body.Fault_ = simulator.Fault("", &types.InvalidArgument{InvalidProperty: "spec"})
		return body
	case taken != nil && taken != ds, ds != nil && mounts(ds, h):
		body.Fault_ = simulator.Fault("", &types.DuplicateName{Name: spec.LocalPath, Object: h.Ref})
		return body
	case ds == nil:
		if ds, fault = k.vc.newExport(ctx, h, spec); fault != nil {
			body.Fault_ = fault
			return body
		}
	default:
		k.vc.mount(ctx, ds.Self, h)
	}
	ctx.WithLock(ds, func() {
		others := slices.DeleteFunc(slices.Clone(ds.Host), func(m types.DatastoreHostMount) bool { return m.Key == h.Ref })
		ds.Host = append(others, types.DatastoreHostMount{Key: h.Ref, MountInfo: types.HostMountInfo{
			Path: "/vmfs/volumes/" + ds.Name, AccessMode: spec.AccessMode, Mounted: types.NewBool(true), Accessible: types.NewBool(true),
		}})
	})
	body.Res = &types.CreateNasDatastoreResponse{Returnval: ds.Self}
	return body
}

// export is the datastore that is an NFS export, datastoreOf the one of a name; nil where
// there is none.
func (vc *VCenter) export(host, path string) *simulator.Datastore {
	return vc.findDatastore(func(ds *simulator.Datastore) bool {
		info, ok := ds.Info.(*types.NasDatastoreInfo)
		return ok && info.Nas.RemoteHost == host && info.Nas.RemotePath == path
	})
}

func (vc *VCenter) datastoreOf(name string) *simulator.Datastore {
	return vc.findDatastore(func(ds *simulator.Datastore) bool { return ds.Name == name })
}

func (vc *VCenter) findDatastore(is func(*simulator.Datastore) bool) *simulator.Datastore {
	for _, e := range vc.model.Map().All("Datastore") {
		if ds := e.(*simulator.Datastore); is(ds) {
			return ds
		}
	}
	return nil
}

func mounts(ds *simulator.Datastore, h *Host) bool {
	return slices.ContainsFunc(ds.Host, func(m types.DatastoreHostMount) bool { return m.Key == h.Ref })
}

// newExport makes the datastore of an NFS export, with a folder of this machine behind it.
func (vc *VCenter) newExport(ctx *simulator.Context, h *Host, spec types.HostNasVolumeSpec) (*simulator.Datastore, *soap.Fault) {
	dir, err := os.MkdirTemp(vc.store, "nfs-")
	if err != nil {
		return nil, simulator.Fault(err.Error(), &types.HostConfigFault{})
	}
	name := filepath.Base(spec.LocalPath)
	spec.LocalPath = filepath.Join(dir, name) // the stock simulator names it so
	if err := os.Mkdir(spec.LocalPath, 0o700); err != nil {
		return nil, simulator.Fault(err.Error(), &types.HostConfigFault{})
	}
	system := ctx.Map.Get(*h.object.ConfigManager.DatastoreSystem).(*simulator.HostDatastoreSystem)
	body := system.CreateNasDatastore(ctx, &types.CreateNasDatastore{This: system.Self, Spec: spec}).(*methods.CreateNasDatastoreBody)
	if body.Fault_ != nil {
		return nil, body.Fault_
	}
	ds := ctx.Map.Get(body.Res.Returnval).(*simulator.Datastore)
	ctx.WithLock(ds, func() {
		ds.Summary.Capacity, ds.Summary.FreeSpace = 2*room, room
		ds.Info.GetDatastoreInfo().FreeSpace = room
	})
	return ds, nil
}

// RemoveDatastore takes a datastore from a host. With the last of its hosts it is gone.
func (k *keeper) RemoveDatastore(ctx *simulator.Context, r *types.RemoveDatastore) soap.HasFault {
	body := &methods.RemoveDatastoreBody{}
	h, fault := k.hostOfSystem(ctx, r.This)
	if fault != nil {
		body.Fault_ = fault
		return body
	}
	ds, ok := ctx.Map.Get(r.Datastore).(*simulator.Datastore)
	switch {
	case !ok || !mounts(ds, h):
		body.Fault_ = simulator.Fault("", &types.NotFound{})
		return body
	case k.usedOn(ctx, ds, h):
		body.Fault_ = simulator.Fault("", &types.ResourceInUse{Type: "Datastore", Name: ds.Name})
		return body
	}
	k.vc.unmount(ctx, ds, h)
	body.Res = &types.RemoveDatastoreResponse{}
	return body
}

// usedOn reports whether a virtual machine on the host has files on the datastore.
func (k *keeper) usedOn(ctx *simulator.Context, ds *simulator.Datastore, h *Host) bool {
	return slices.ContainsFunc(ds.Vm, func(ref types.ManagedObjectReference) bool {
		vm, ok := ctx.Map.Get(ref).(*simulator.VirtualMachine)
		return ok && vm.Runtime.Host != nil && *vm.Runtime.Host == h.Ref
	})
}

// unmount is the opposite of mount.
func (vc *VCenter) unmount(ctx *simulator.Context, ds *simulator.Datastore, h *Host) {
	ctx.WithLock(ds, func() {
		ds.Host = slices.DeleteFunc(slices.Clone(ds.Host), func(m types.DatastoreHostMount) bool { return m.Key == h.Ref })
	})
	system := ctx.Map.Get(*h.object.ConfigManager.DatastoreSystem).(*simulator.HostDatastoreSystem)
	ctx.WithLock(h.object, func() {
		h.object.Datastore = without(h.object.Datastore, ds.Self)
		system.Datastore = h.object.Datastore
	})
	owner := ctx.Map.Get(*h.object.Parent)
	left := slices.ContainsFunc(ds.Host, func(m types.DatastoreHostMount) bool {
		other := vc.hostOf(m.Key)
		return other != nil && *other.object.Parent == *h.object.Parent
	})
	if !left {
		ctx.WithLock(owner, func() { computeOf(owner).Datastore = without(computeOf(owner).Datastore, ds.Self) })
	}
	if len(ds.Host) > 0 {
		return
	}
	folder := ctx.Map.Get(*ds.Parent).(*simulator.Folder)
	ctx.WithLock(folder, func() { folder.ChildEntity = without(folder.ChildEntity, ds.Self) })
	dc := ctx.Map.Get(*folder.Parent).(*simulator.Datacenter)
	ctx.WithLock(dc, func() { dc.Datastore = without(dc.Datastore, ds.Self) })
	ctx.Map.Remove(ctx, ds.Self)
}

// DatastoreExitMaintenanceModeTask ends the maintenance of a datastore.
func (k *keeper) DatastoreExitMaintenanceModeTask(ctx *simulator.Context, r *types.DatastoreExitMaintenanceMode_Task) soap.HasFault {
	ds := ctx.Map.Get(r.This).(*simulator.Datastore)
	task := simulator.CreateTask(ds, "exitMaintenanceMode", func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		if ds.Summary.MaintenanceMode == string(types.DatastoreSummaryMaintenanceModeStateNormal) {
			return nil, &types.InvalidState{}
		}
		ds.Summary.MaintenanceMode = string(types.DatastoreSummaryMaintenanceModeStateNormal)
		return nil, nil
	})
	return &methods.DatastoreExitMaintenanceMode_TaskBody{Res: &types.DatastoreExitMaintenanceMode_TaskResponse{Returnval: task.Run(ctx)}}
}

// AddDVPortgroupTask adds port groups for virtual machines.
func (k *keeper) AddDVPortgroupTask(ctx *simulator.Context, r *types.AddDVPortgroup_Task) soap.HasFault {
	dvs := ctx.Map.Get(r.This).(*simulator.DistributedVirtualSwitch)
	before := slices.Clone(dvs.Portgroup)
	body := dvs.AddDVPortgroupTask(ctx, r)
	ctx.Map.Get(body.(*methods.AddDVPortgroup_TaskBody).Res.Returnval).(*simulator.Task).Wait()
	for _, ref := range without(dvs.Portgroup, before...) {
		group := ctx.Map.Get(ref).(*simulator.DistributedVirtualPortgroup)
		ctx.WithLock(group, func() { group.Config.Uplink = types.NewBool(false) })
	}
	return body
}

// UpdateAssignedLicense assigns a license, also to what has none.
func (k *keeper) UpdateAssignedLicense(ctx *simulator.Context, r *types.UpdateAssignedLicense) soap.HasFault {
	manager := ctx.Map.Get(r.This).(*simulator.LicenseAssignmentManager)
	var body soap.HasFault
	ctx.WithLock(manager, func() {
		list := manager.QueryAssignedLicensesResponse.Returnval
		if !slices.ContainsFunc(list, func(a types.LicenseAssignmentManagerLicenseAssignment) bool { return a.EntityId == r.Entity }) {
			manager.QueryAssignedLicensesResponse.Returnval = append(slices.Clip(list), types.LicenseAssignmentManagerLicenseAssignment{EntityId: r.Entity})
		}
		if body = manager.UpdateAssignedLicense(ctx, r); body.Fault() != nil {
			manager.QueryAssignedLicensesResponse.Returnval = list
		}
	})
	return body
}
