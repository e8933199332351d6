package vsphere

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/inventory"
)

const (
	kindDatastore = "Datastore"
	// kindNetwork stands in a PropertySpec for port groups and opaque networks as well.
	kindNetwork   = "Network"
	kindPortgroup = "DistributedVirtualPortgroup"
	kindOpaque    = "OpaqueNetwork"
	// kindSwitch stands in a PropertySpec for VMware's own as well.
	kindSwitch = "DistributedVirtualSwitch"
)

// readPlace reads the compute resource and what the datacenter has.
func (r *placement) readPlace(ctx context.Context) {
	pools := newTree(types.ManagedObjectReference{})
	dcs := newTree(r.client.ServiceContent.RootFolder)
	var dc *node
	var err error
	r.together(
		func() { r.readCompute(ctx, pools) },
		func() { err = try(func() (err error) { dc, err = r.datacenter(ctx, dcs); return err }) },
	)
	if err != nil {
		why := r.reason(ctx, "the datacenter", err)
		var none *SelectionError
		if errors.As(err, &none) && ctx.Err() == nil {
			why = none.Error()
		}
		r.DatastoresUnreadable, r.NetworksUnreadable = why, why
	} else {
		r.Datacenter = dcs.path(dc)
	}
	parts := []func(){func() { r.readName(ctx, dc, pools) }}
	if dc != nil {
		parts = append(parts, func() {
			r.DatastoresUnreadable = r.reason(ctx, "the datastores", try(func() error { return r.readDatastores(ctx, dcs, dc) }))
		}, func() {
			r.NetworksUnreadable = r.reason(ctx, "the networks", try(func() error { return r.readNetworks(ctx, dcs, dc) }))
		}, func() {
			err := try(func() error { return r.checkDefault(ctx, dcs, dc) })
			r.Compute.Unreadable = sentences(r.Compute.Unreadable, r.reason(ctx, "the other compute resources", err))
		})
	}
	r.together(parts...)
}

// datacenter finds the one that the inventory is of, or the wanted one.
func (r *placement) datacenter(ctx context.Context, t *tree) (*node, error) {
	err := r.collectInto(ctx, t, types.PropertyFilterSpec{
		ObjectSet: []types.ObjectSpec{{Obj: t.root, SelectSet: []types.BaseSelectionSpec{
			traversal("folder", kindFolder, "childEntity", "folder"),
		}}},
		PropSet: []types.PropertySpec{
			{Type: kindFolder, PathSet: []string{"name", "parent"}},
			{Type: kindDatacenter, PathSet: []string{"name", "parent", "datastoreFolder", "networkFolder", "hostFolder", "vmFolder"}},
		},
	})
	if err != nil {
		return nil, err
	}
	if r.inv.Datacenter == "" {
		return t.datacenter(Selection{Datacenter: r.want.Datacenter, ComputeResource: r.want.ComputeResource})
	}
	for _, dc := range t.kind(kindDatacenter) {
		if t.path(dc) == r.inv.Datacenter {
			return dc, nil
		}
	}
	return nil, errGone
}

// below reads what is in a folder of the datacenter, at any depth. dcs are the objects
// above it, which the paths need.
func (r *placement) below(ctx context.Context, dcs *tree, dc *node, folder string, specs ...types.PropertySpec) (*tree, error) {
	root, ok := dc.ref1(folder)
	if !ok {
		return nil, cmp.Or(dc.refusal(folder), errUntold)
	}
	t := newTree(dcs.root)
	maps.Copy(t.nodes, dcs.nodes)
	return t, r.collectInto(ctx, t, types.PropertyFilterSpec{
		ObjectSet: []types.ObjectSpec{{Obj: root, SelectSet: []types.BaseSelectionSpec{
			// A StoragePod is a folder.
			traversal("folder", kindFolder, "childEntity", "folder"),
		}}},
		PropSet: append(specs, types.PropertySpec{Type: kindFolder, PathSet: []string{"name", "parent"}}),
	})
}

func (r *placement) readDatastores(ctx context.Context, dcs *tree, dc *node) error {
	t, err := r.below(ctx, dcs, dc, "datastoreFolder", types.PropertySpec{Type: kindDatastore, PathSet: []string{"name", "parent"}})
	if err != nil {
		return err
	}
	for _, n := range t.kind(kindDatastore) {
		r.Datastores = append(r.Datastores, inventory.Datastore{ID: n.Obj.Value, Name: n.name, Path: t.path(n)})
	}
	wanted := map[types.ManagedObjectReference]*inventory.Datastore{}
	for _, name := range r.want.Datastores {
		if found := r.FindDatastores(name); len(found) == 1 {
			wanted[types.ManagedObjectReference{Type: kindDatastore, Value: found[0].ID}] = found[0]
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	found := newTree(types.ManagedObjectReference{})
	err = r.readOf(ctx, found, slices.Collect(maps.Keys(wanted)), []string{"host", "summary"})
	for ref, d := range wanted {
		d.Unreadable = r.reason(ctx, "its mounts", setDatastore(d, found.nodes[ref], err))
	}
	return nil
}

func setDatastore(d *inventory.Datastore, n *node, err error) error {
	if n == nil {
		return cmp.Or(err, errGone)
	}
	if summary, ok := n.prop("summary").(types.DatastoreSummary); ok {
		d.Type, d.Accessible, d.Maintenance = summary.Type, inventory.Known(summary.Accessible), summary.MaintenanceMode
		if summary.Accessible { // else the number is none: vSphere API reference
			d.Free = &summary.FreeSpace
		}
	}
	mounts, ok := n.prop("host").(types.ArrayOfDatastoreHostMount)
	if ok {
		d.Mounts = make([]inventory.Mount, len(mounts.DatastoreHostMount))
	}
	for i, m := range mounts.DatastoreHostMount {
		d.Mounts[i] = inventory.Mount{
			Host:       m.Key.Value,
			ReadWrite:  inventory.Known(m.MountInfo.AccessMode == string(types.HostMountModeReadWrite)),
			Mounted:    inventory.Known(m.MountInfo.Mounted == nil || *m.MountInfo.Mounted),
			Accessible: inventory.FromPtr(m.MountInfo.Accessible),
		}
	}
	return n.refusal("host", "summary")
}

func (r *placement) readNetworks(ctx context.Context, dcs *tree, dc *node) error {
	t, err := r.below(ctx, dcs, dc, "networkFolder",
		types.PropertySpec{Type: kindNetwork, PathSet: []string{"name", "parent"}},
		// The switches' lists tell the switch of a port group, which only its
		// configuration knows, and that by a nested property.
		types.PropertySpec{Type: kindSwitch, PathSet: []string{"name", "parent", "portgroup"}})
	if err != nil {
		return err
	}
	switches := map[types.ManagedObjectReference]string{}
	for ref, n := range t.nodes {
		if kindOf(ref) == inventory.SwitchNetwork {
			for _, group := range n.refs("portgroup") {
				switches[group] = t.path(n)
			}
		}
	}
	byID := map[string]types.ManagedObjectReference{}
	for _, n := range t.where(func(ref types.ManagedObjectReference) bool { return kindOf(ref) != "" }) {
		byID[n.Obj.Value] = n.Obj
		r.Networks = append(r.Networks, inventory.VirtualNetwork{
			ID: n.Obj.Value, Name: n.name, Path: t.path(n), Kind: kindOf(n.Obj), Switch: switches[n.Obj],
		})
	}
	wanted := map[types.ManagedObjectReference]*inventory.VirtualNetwork{}
	for _, name := range r.want.Networks {
		if found := r.FindNetworks(name); len(found) == 1 && found[0].Kind != inventory.SwitchNetwork {
			wanted[byID[found[0].ID]] = found[0]
		}
	}
	r.readWanted(ctx, wanted)
	return nil
}

// readWanted reads more of the networks that are named.
func (r *placement) readWanted(ctx context.Context, wanted map[types.ManagedObjectReference]*inventory.VirtualNetwork) {
	if len(wanted) == 0 {
		return
	}
	specs := map[string]*types.PropertyFilterSpec{
		kindNetwork:   {PropSet: []types.PropertySpec{{Type: kindNetwork, PathSet: []string{"host"}}}},
		kindOpaque:    {PropSet: []types.PropertySpec{{Type: kindOpaque, PathSet: []string{"host"}}}},
		kindPortgroup: {PropSet: []types.PropertySpec{{Type: kindPortgroup, PathSet: []string{"host", "config", "tag"}}}},
	}
	for ref := range wanted {
		specs[ref.Type].ObjectSet = append(specs[ref.Type].ObjectSet, types.ObjectSpec{Obj: ref})
	}
	var asked []types.PropertyFilterSpec
	for _, spec := range specs {
		if len(spec.ObjectSet) > 0 {
			asked = append(asked, *spec)
		}
	}
	t := newTree(types.ManagedObjectReference{})
	err := r.collectInto(ctx, t, asked...)
	for ref, n := range wanted {
		n.Unreadable = r.reason(ctx, "its hosts", setNetwork(n, t.nodes[ref], err))
	}
}

func setNetwork(v *inventory.VirtualNetwork, n *node, err error) error {
	if n == nil {
		return cmp.Or(err, errGone)
	}
	if hosts, ok := n.prop("host").(types.ArrayOfManagedObjectReference); ok {
		v.Hosts = valuesOf(hosts.ManagedObjectReference)
	}
	v.Uplink = inventory.No
	if v.Kind == inventory.DistributedNetwork {
		v.Uplink = uplink(n)
	}
	return n.refusal("host")
}

// uplinkTag is on the port groups of uplinks since before DVPortgroupConfigInfo.uplink was
// (vSphere API 6.0 and older).
const uplinkTag = "UPLINKPG"

func uplink(n *node) inventory.Tristate {
	tags, tagged := n.prop("tag").(types.ArrayOfTag)
	if slices.ContainsFunc(tags.Tag, func(t types.Tag) bool { return strings.Contains(t.Key, uplinkTag) }) {
		return inventory.Yes
	}
	config, ok := n.prop("config").(types.DVPortgroupConfigInfo)
	switch {
	case ok && config.Uplink != nil:
		return inventory.Known(*config.Uplink)
	case tagged && n.missing("config") == nil:
		return inventory.No
	default:
		return inventory.Unknown
	}
}

func kindOf(ref types.ManagedObjectReference) inventory.NetworkKind {
	switch ref.Type {
	case kindNetwork:
		return inventory.StandardNetwork
	case kindPortgroup:
		return inventory.DistributedNetwork
	case kindOpaque:
		return inventory.OpaqueNetwork
	case kindSwitch, "VmwareDistributedVirtualSwitch":
		return inventory.SwitchNetwork
	}
	return ""
}

func valuesOf(refs []types.ManagedObjectReference) []string {
	ids := make([]string, len(refs))
	for i, ref := range refs {
		ids[i] = ref.Value
	}
	return ids
}

// readName looks for what has the name already: the virtual machine of a virtual container
// host, and on a vCenter the folder that vic-machine makes for it (vmware/vic
// lib/install/management/appliance.go).
func (r *placement) readName(ctx context.Context, dc *node, pools *tree) {
	if r.want.Name == "" {
		return
	}
	var inPool, inFolder error
	r.together(
		func() { inPool = try(func() error { return r.findInPool(ctx, pools) }) },
		func() {
			if r.inv.Endpoint.Kind == inventory.VCenter {
				inFolder = try(func() error { return r.findInFolder(ctx, dc) })
			}
		},
	)
	r.Taken.Unreadable = sentences(
		r.reason(ctx, "the resource pools", inPool),
		r.reason(ctx, "the folder of virtual machines", inFolder),
	)
}

func (r *placement) findInFolder(ctx context.Context, dc *node) error {
	if dc == nil {
		return errors.New("the datacenter is not known")
	}
	folder, ok := dc.ref1("vmFolder")
	if !ok {
		return cmp.Or(dc.refusal("vmFolder"), errUntold)
	}
	found, err := r.hasChild(ctx, folder, r.want.Name)
	if found {
		r.Taken.InFolder = path.Join(r.Datacenter, "vm", r.want.Name)
	}
	return err
}

// hasChild reports whether something in a folder or a pool has the name.
func (s *Session) hasChild(ctx context.Context, of types.ManagedObjectReference, name string) (bool, error) {
	index := s.client.ServiceContent.SearchIndex
	if index == nil {
		return false, errors.New("the server has no search index")
	}
	res, err := methods.FindChild(ctx, s, &types.FindChild{This: *index, Entity: of, Name: name})
	return err == nil && res.Returnval != nil, err
}
