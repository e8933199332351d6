package sim

import (
	"fmt"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/units"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// What follows furnishes a simulated vCenter, and bends one thing of it, for scenarios and
// for tests. Names are those of the datacenter; a name that is not there panics. All but
// what a scenario itself does may be called while the simulator serves.

// connectNetworks tells the networks of their hosts: the stock simulator tells the hosts
// of their networks alone.
func (vc *VCenter) connectNetworks() {
	on := map[types.ManagedObjectReference][]types.ManagedObjectReference{}
	for _, name := range vc.names {
		h := vc.hosts[name].object
		for _, ref := range h.Network {
			on[ref] = append(on[ref], h.Self)
		}
	}
	for ref, hosts := range on {
		if n := networkOf(vc.model.Map().Get(ref)); n != nil {
			n.Host = hosts
		}
	}
}

// networkOf is the part that all kinds of networks have; nil for anything else.
func networkOf(obj mo.Reference) *mo.Network {
	switch n := obj.(type) {
	case *mo.Network:
		return n
	case *mo.OpaqueNetwork:
		return &n.Network
	case *simulator.DistributedVirtualPortgroup:
		return &n.Network
	}
	return nil
}

// kinds of networks that hosts are in.
var networkKinds = []string{"Network", "OpaqueNetwork", "DistributedVirtualPortgroup"}

// Ref is the managed object of a name, of the first of the kinds that has one, as the API
// calls them: Datastore, ClusterComputeResource, DistributedVirtualSwitch and so on.
func (vc *VCenter) Ref(name string, kinds ...string) types.ManagedObjectReference {
	return vc.entity(name, kinds...).Reference()
}

func (vc *VCenter) entity(name string, kinds ...string) mo.Entity {
	for _, kind := range kinds {
		for _, e := range vc.model.Map().All(kind) {
			if e.Entity().Name == name {
				return e
			}
		}
	}
	panic(fmt.Sprintf("the simulator has no %v of the name %q", kinds, name))
}

// datacenterFolder is the folder of the first datacenter for its networks or
// virtual machines.
func (vc *VCenter) datacenterFolder(of func(*simulator.Datacenter) types.ManagedObjectReference) *simulator.Folder {
	m := vc.model.Map()
	return m.Get(of(m.Any("Datacenter").(*simulator.Datacenter))).(*simulator.Folder)
}

func networkFolder(dc *simulator.Datacenter) types.ManagedObjectReference { return dc.NetworkFolder }
func vmFolder(dc *simulator.Datacenter) types.ManagedObjectReference      { return dc.VmFolder }

// hostRefs are the managed objects of hosts.
func (vc *VCenter) hostRefs(names []string) []types.ManagedObjectReference {
	refs := make([]types.ManagedObjectReference, len(names))
	for i, name := range names {
		refs[i] = vc.Host(name).Ref
	}
	return refs
}

// finish waits for a task of the simulator, and returns what it made.
func finish(ctx *simulator.Context, ref types.ManagedObjectReference) types.AnyType {
	task := ctx.Map.Get(ref).(*simulator.Task)
	task.Wait()
	if err := task.Info.Error; err != nil {
		panic(fmt.Sprintf("%s: %T", task.Info.DescriptionId, err.Fault))
	}
	return task.Info.Result
}

// AddSwitch adds a distributed switch, with the port group of its uplinks, to which hosts
// belong.
func (vc *VCenter) AddSwitch(name string, hosts ...string) {
	ctx, folder := vc.context(), vc.datacenterFolder(networkFolder)
	spec := &types.VMwareDVSConfigSpec{DVSConfigSpec: types.DVSConfigSpec{Name: name}}
	body := folder.CreateDVSTask(ctx, &types.CreateDVS_Task{This: folder.Self, Spec: types.DVSCreateSpec{ConfigSpec: spec}})
	ref := finish(ctx, body.(*methods.CreateDVS_TaskBody).Res.Returnval).(types.ManagedObjectReference)
	dvs := ctx.Map.Get(ref).(*simulator.DistributedVirtualSwitch)
	members := vc.hostRefs(hosts)
	var groups []types.ManagedObjectReference
	// The stock task for the uplinks has locked the switch in ctx, which would be let in
	// beside it: another context waits until that task is over.
	ctx.Map.WithLock(&simulator.Context{}, dvs, func() { dvs.Summary.HostMember, groups = members, dvs.Portgroup })
	for _, ref := range groups {
		group := ctx.Map.Get(ref).(*simulator.DistributedVirtualPortgroup)
		ctx.WithLock(group, func() {
			group.Config.Uplink = types.NewBool(true)
			group.Tag = []types.Tag{{Key: "SYSTEM/DVS.UPLINKPG"}}
		})
		vc.joinNetwork(group, hosts)
	}
}

// AddPortgroup adds a port group to a distributed switch.
func (vc *VCenter) AddPortgroup(dvs, name string, hosts ...string) {
	ctx := vc.context()
	s := vc.entity(dvs, "DistributedVirtualSwitch").(*simulator.DistributedVirtualSwitch)
	var members []types.ManagedObjectReference // the stock task takes some 5 ms for each
	ctx.WithLock(s, func() { members, s.Summary.HostMember = s.Summary.HostMember, nil })
	body := s.AddDVPortgroupTask(ctx, &types.AddDVPortgroup_Task{This: s.Self, Spec: []types.DVPortgroupConfigSpec{{
		Name: name, Type: string(types.DistributedVirtualPortgroupPortgroupTypeEarlyBinding), NumPorts: 8,
	}}})
	finish(ctx, body.(*methods.AddDVPortgroup_TaskBody).Res.Returnval)
	ctx.WithLock(s, func() { s.Summary.HostMember = members })
	group := vc.entity(name, "DistributedVirtualPortgroup").(*simulator.DistributedVirtualPortgroup)
	ctx.WithLock(group, func() { group.Config.Uplink = types.NewBool(false) })
	vc.joinNetwork(group, hosts)
}

// AddNetwork adds a port group of standard switches.
func (vc *VCenter) AddNetwork(name string, hosts ...string) {
	n := &mo.Network{}
	n.Summary = &types.NetworkSummary{Network: &n.Self, Name: name, Accessible: true}
	vc.addNetwork(n, name, hosts)
}

// AddOpaqueNetwork adds one such as NSX makes.
func (vc *VCenter) AddOpaqueNetwork(name string, hosts ...string) {
	n := &mo.OpaqueNetwork{}
	n.Summary = &types.OpaqueNetworkSummary{
		NetworkSummary:  types.NetworkSummary{Network: &n.Self, Name: name, Accessible: true},
		OpaqueNetworkId: stableUUID("network", name), OpaqueNetworkType: "nsx.LogicalSwitch",
	}
	vc.addNetwork(n, name, hosts)
}

func (vc *VCenter) addNetwork(e mo.Entity, name string, hosts []string) {
	ctx, n := vc.context(), networkOf(e)
	n.Name, n.Entity().Name = name, name
	vc.putChild(vc.datacenterFolder(networkFolder), e)
	dc := ctx.Map.Any("Datacenter").(*simulator.Datacenter)
	ctx.WithLock(dc, func() { dc.Network = append(slices.Clip(dc.Network), n.Self) })
	vc.joinNetwork(e, hosts)
}

// putChild puts an entity into a folder.
func (vc *VCenter) putChild(folder *simulator.Folder, e mo.Entity) {
	ctx := vc.context()
	ctx.Map.NewEntity(e)
	ctx.WithLock(folder, func() { folder.ChildEntity = append(slices.Clip(folder.ChildEntity), e.Reference()) })
	ctx.Map.PutEntity(folder, e)
}

// JoinNetwork makes hosts members of a network, of any kind. It leaves a distributed switch
// as it is.
func (vc *VCenter) JoinNetwork(network string, hosts ...string) {
	vc.joinNetwork(vc.entity(network, networkKinds...), hosts)
}

func (vc *VCenter) joinNetwork(network mo.Reference, hosts []string) {
	ctx, n, refs := vc.context(), networkOf(network), vc.hostRefs(hosts)
	ctx.WithLock(network, func() { n.Host = append(slices.Clip(n.Host), refs...) })
	owners := map[types.ManagedObjectReference]bool{}
	for _, name := range hosts {
		h := vc.Host(name).object
		ctx.WithLock(h, func() { h.Network = append(slices.Clip(h.Network), n.Self) })
		owners[*h.Parent] = true
	}
	for ref := range owners {
		owner := ctx.Map.Get(ref)
		ctx.WithLock(owner, func() {
			compute := computeOf(owner)
			if !slices.Contains(compute.Network, n.Self) {
				compute.Network = append(slices.Clip(compute.Network), n.Self)
			}
		})
	}
}

// computeOf is what clusters and standalone hosts have alike.
func computeOf(obj mo.Reference) *mo.ComputeResource {
	if cluster, ok := obj.(*simulator.ClusterComputeResource); ok {
		return &cluster.ComputeResource
	}
	return obj.(*mo.ComputeResource)
}

// LeaveNetwork takes hosts out of a network. Where that is a port group of a distributed
// switch they leave the switch, with all its port groups.
func (vc *VCenter) LeaveNetwork(network string, hosts ...string) {
	ctx, e := vc.context(), vc.entity(network, networkKinds...)
	group, ok := e.(*simulator.DistributedVirtualPortgroup)
	if !ok {
		vc.leaveNetwork(e, hosts)
		return
	}
	dvs := ctx.Map.Get(*group.Config.DistributedVirtualSwitch).(*simulator.DistributedVirtualSwitch)
	ctx.WithLock(dvs, func() { dvs.Summary.HostMember = without(dvs.Summary.HostMember, vc.hostRefs(hosts)...) })
	for _, ref := range dvs.Portgroup {
		vc.leaveNetwork(ctx.Map.Get(ref), hosts)
	}
}

func (vc *VCenter) leaveNetwork(network mo.Reference, hosts []string) {
	ctx, n, refs := vc.context(), networkOf(network), vc.hostRefs(hosts)
	ctx.WithLock(network, func() { n.Host = without(n.Host, refs...) })
	for _, name := range hosts {
		h := vc.Host(name).object
		ctx.WithLock(h, func() { h.Network = without(h.Network, n.Self) })
	}
}

func without(list []types.ManagedObjectReference, refs ...types.ManagedObjectReference) []types.ManagedObjectReference {
	return slices.DeleteFunc(slices.Clone(list), func(ref types.ManagedObjectReference) bool { return slices.Contains(refs, ref) })
}

// RenameNetwork gives a network of any kind another name.
func (vc *VCenter) RenameNetwork(from, to string) {
	ctx, e := vc.context(), vc.entity(from, networkKinds...)
	ctx.WithLock(e, func() {
		n := networkOf(e)
		n.Name, n.Entity().Name = to, to
		summary := *n.Summary.GetNetworkSummary()
		summary.Name = to
		if opaque, ok := n.Summary.(*types.OpaqueNetworkSummary); ok {
			renamed := *opaque
			renamed.NetworkSummary = summary
			n.Summary = &renamed
		} else {
			n.Summary = &summary
		}
	})
}

// SetUplink says whether a port group is one of its switch's uplinks; nil leaves that out.
func (vc *VCenter) SetUplink(portgroup string, uplink *bool) {
	ctx, group := vc.context(), vc.entity(portgroup, "DistributedVirtualPortgroup").(*simulator.DistributedVirtualPortgroup)
	ctx.WithLock(group, func() { group.Config.Uplink = uplink })
}

// room is that of a datastore which hosts share: less than a local one has, so that a
// probe's machines go there. (The stock simulator races with itself when machines on a
// shared datastore are destroyed together.)
const room = 512 * int64(units.GB)

// AddDatastore adds an NFS datastore, mounted by hosts read-write.
func (vc *VCenter) AddDatastore(name string, hosts ...string) {
	vc.addExport(types.HostFileSystemVolumeFileSystemTypeNFS, "nas.example", name, hosts)
}

// addExport adds an NFS datastore of a server.
func (vc *VCenter) addExport(version types.HostFileSystemVolumeFileSystemType, server, name string, hosts []string) {
	ctx := vc.context()
	if vc.entityExists(name, "Datastore") {
		panic(fmt.Sprintf("the simulator has a datastore %q", name))
	}
	ds, fault := vc.newExport(ctx, vc.Host(hosts[0]), types.HostNasVolumeSpec{
		RemoteHost: server, RemotePath: "/export/" + name, LocalPath: name,
		AccessMode: string(types.HostMountModeReadWrite), Type: string(version),
	})
	if fault != nil {
		panic(fault.String)
	}
	ctx.WithLock(ds, func() {
		mount := ds.Host[0].MountInfo
		mount.Path = "/vmfs/volumes/" + name
		ds.Host = nil
		for _, ref := range vc.hostRefs(hosts) {
			ds.Host = append(ds.Host, types.DatastoreHostMount{Key: ref, MountInfo: mount})
		}
		ds.Summary.MultipleHostAccess = types.NewBool(len(hosts) > 1)
	})
	for _, name := range hosts[1:] {
		vc.mount(ctx, ds.Self, vc.Host(name))
	}
}

// mount tells a host, and what it belongs to, of a datastore.
func (vc *VCenter) mount(ctx *simulator.Context, ds types.ManagedObjectReference, h *Host) {
	system := ctx.Map.Get(*h.object.ConfigManager.DatastoreSystem).(*simulator.HostDatastoreSystem)
	ctx.WithLock(h.object, func() {
		h.object.Datastore = append(slices.Clip(h.object.Datastore), ds)
		system.Datastore = h.object.Datastore
	})
	owner := ctx.Map.Get(*h.object.Parent)
	ctx.WithLock(owner, func() {
		if compute := computeOf(owner); !slices.Contains(compute.Datastore, ds) {
			compute.Datastore = append(slices.Clip(compute.Datastore), ds)
		}
	})
}

func (vc *VCenter) entityExists(name, kind string) bool {
	return slices.ContainsFunc(vc.model.Map().All(kind), func(e mo.Entity) bool { return e.Entity().Name == name })
}

// ChangeMount changes how a host has a datastore. Mounted and Accessible are its own.
func (vc *VCenter) ChangeMount(datastore, host string, f func(*types.HostMountInfo)) {
	ref := vc.Host(host).Ref
	vc.ChangeDatastore(datastore, func(ds *mo.Datastore) {
		i := slices.IndexFunc(ds.Host, func(m types.DatastoreHostMount) bool { return m.Key == ref })
		f(&ds.Host[i].MountInfo)
	})
}

// ChangeDatastore changes what is read of a datastore, such as its free space. Its mounts
// may be written to.
func (vc *VCenter) ChangeDatastore(name string, f func(*mo.Datastore)) {
	ctx, ds := vc.context(), vc.entity(name, "Datastore").(*simulator.Datastore)
	ctx.WithLock(ds, func() {
		ds.Host = slices.Clone(ds.Host)
		f(&ds.Datastore)
	})
}

// ChangeCluster changes a cluster's configuration, such as its DRS or its groups.
func (vc *VCenter) ChangeCluster(name string, f func(*types.ClusterConfigInfoEx)) {
	ctx, cluster := vc.context(), vc.entity(name, "ClusterComputeResource").(*simulator.ClusterComputeResource)
	ctx.WithLock(cluster, func() {
		config := *cluster.ConfigurationEx.(*types.ClusterConfigInfoEx)
		config.Group = slices.Clip(config.Group)
		f(&config)
		cluster.ConfigurationEx = &config
	})
}

// SetDRS turns a cluster's DRS on or off; nil leaves out which.
func (vc *VCenter) SetDRS(cluster string, on *bool) {
	vc.ChangeCluster(cluster, func(config *types.ClusterConfigInfoEx) { config.DrsConfig.Enabled = on })
}

// AddGroup adds a group of virtual machines to a cluster.
func (vc *VCenter) AddGroup(cluster, name string) {
	vc.ChangeCluster(cluster, func(config *types.ClusterConfigInfoEx) {
		config.Group = append(config.Group, &types.ClusterVmGroup{ClusterGroupInfo: types.ClusterGroupInfo{Name: name}})
	})
}

// ownOptions gives the vCenter options of its own. The stock ones are a variable of their
// package.
func (vc *VCenter) ownOptions() {
	manager := vc.model.Map().OptionManager()
	manager.Setting = ownValues(manager.Setting)
}

// ownValues is a copy of options whose values may be written to.
func ownValues(list []types.BaseOptionValue) []types.BaseOptionValue {
	list = slices.Clone(list)
	for i, o := range list {
		own := *o.GetOptionValue()
		list[i] = &own
	}
	return list
}

// withOption is a copy of options in which one has these values: none, or as many entries.
func withOption(list []types.BaseOptionValue, key string, values []any) []types.BaseOptionValue {
	list = slices.DeleteFunc(slices.Clone(list), func(o types.BaseOptionValue) bool { return o.GetOptionValue().Key == key })
	for _, value := range values {
		list = append(list, &types.OptionValue{Key: key, Value: value})
	}
	return list
}

// SetOption sets an advanced option of the vCenter, or unsets it where there is no value.
// More values are as many entries of the name.
func (vc *VCenter) SetOption(key string, values ...any) {
	ctx, manager := vc.context(), vc.model.Map().OptionManager()
	ctx.WithLock(manager, func() { manager.Setting = withOption(manager.Setting, key, values) })
}

// AddVMFolder adds a folder to the datacenter's folder of virtual machines.
func (vc *VCenter) AddVMFolder(name string) {
	folder := vc.datacenterFolder(vmFolder)
	ctx := vc.context()
	ctx.WithLock(folder, func() {
		if f := folder.CreateFolder(ctx, &types.CreateFolder{This: folder.Self, Name: name}).Fault(); f != nil {
			panic(f.String)
		}
	})
}

// VMPlace is where a virtual machine is. Empty are a cluster's own pool, and the
// datacenter's own folder of virtual machines.
type VMPlace struct{ Cluster, Pool, Folder string }

// AddVM adds a virtual machine that is off. It is there to be read, nothing more.
func (vc *VCenter) AddVM(name string, at VMPlace) {
	ctx := vc.context()
	cluster := vc.entity(at.Cluster, "ClusterComputeResource").(*simulator.ClusterComputeResource)
	pool := ctx.Map.Get(*cluster.ResourcePool).(*simulator.ResourcePool)
	if at.Pool != "" {
		pool = ctx.Map.FindByName(at.Pool, pool.ResourcePool.ResourcePool).(*simulator.ResourcePool)
	}
	folder := vc.datacenterFolder(vmFolder)
	if at.Folder != "" {
		folder = ctx.Map.FindByName(at.Folder, folder.ChildEntity).(*simulator.Folder)
	}
	vm := &simulator.VirtualMachine{}
	vm.Name, vm.Entity().Name = name, name
	vm.ResourcePool, vm.Runtime.Host = &pool.Self, &cluster.Host[0]
	vm.Runtime.PowerState = types.VirtualMachinePowerStatePoweredOff
	vm.Config = &types.VirtualMachineConfigInfo{Name: name}
	vm.Summary.Config.Name = name
	vc.putChild(folder, vm)
	ctx.WithLock(pool, func() { pool.Vm = append(slices.Clip(pool.Vm), vm.Self) })
}

// SetConnection changes the state of the host's connection to vCenter.
func (h *Host) SetConnection(state types.HostSystemConnectionState) {
	newContext(h.image.registry).WithLock(h.object, func() { h.object.Runtime.ConnectionState = state })
}

// SetPower changes the host's power state.
func (h *Host) SetPower(state types.HostSystemPowerState) {
	newContext(h.image.registry).WithLock(h.object, func() { h.object.Runtime.PowerState = state })
}

// SetManagedBy makes the host say that the vCenter of an address manages it; none does
// where that is empty.
func (h *Host) SetManagedBy(address string) {
	newContext(h.image.registry).WithLock(h.object, func() { h.object.Summary.ManagementServerIp = address })
}

// SetRuleset enables or disables a ruleset, and vCenter's copy with it.
func (h *Host) SetRuleset(key string, enabled bool) {
	_ = h.Change(func(info *types.HostFirewallInfo) error { find(info, key).Enabled = enabled; return nil })
	ctx := newContext(h.image.registry)
	ctx.WithLock(h.system, func() { h.system.show(ctx, h.Firewall()) })
}

// RefuseEsxcli makes the host refuse every command of esxcli to every account.
func (h *Host) RefuseEsxcli() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.denySwitch = true
}

func (h *Host) refusesEsxcli() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.denySwitch
}
