package vsphere

import (
	"cmp"
	"context"
	"iter"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// node is an object of the inventory with its small properties.
type node struct {
	*types.ObjectContent
	name string
	path string // set by tree.path
}

// prop is a property's value, nil when it was not read.
func (n *node) prop(name string) types.AnyType {
	for i := range n.PropSet {
		if n.PropSet[i].Name == name {
			return n.PropSet[i].Val
		}
	}
	return nil
}

// missing is why a property was not read, nil when nobody said.
func (n *node) missing(name string) types.BaseMethodFault {
	for i := range n.MissingSet {
		if n.MissingSet[i].Path == name {
			return n.MissingSet[i].Fault.Fault
		}
	}
	return nil
}

func (n *node) text(name string) string {
	s, _ := n.prop(name).(string)
	return s
}

func (n *node) ref1(name string) (types.ManagedObjectReference, bool) {
	ref, ok := n.prop(name).(types.ManagedObjectReference)
	return ref, ok
}

func (n *node) tristate(name string) inventory.Tristate {
	if v, ok := n.prop(name).(bool); ok {
		return inventory.Known(v)
	}
	return inventory.Unknown
}

// tree is the inventory from the root to the hosts, without their firewalls.
type tree struct {
	root  types.ManagedObjectReference
	nodes map[types.ManagedObjectReference]*node
	// owners are the compute resources that list a host, made by ownerOf.
	owners map[types.ManagedObjectReference]types.ManagedObjectReference
}

func newTree(root types.ManagedObjectReference) *tree {
	return &tree{
		root: root, nodes: map[types.ManagedObjectReference]*node{},
	}
}

const (
	kindDatacenter = "Datacenter"
	kindHost       = "HostSystem"
	kindPool       = "ResourcePool"
	kindCluster    = "ClusterComputeResource"
	kindFolder     = "Folder"
	// kindCompute stands in a PropertySpec for clusters as well.
	kindCompute = "ComputeResource"
)

// hostProperties are the facts of a host that the tree brings along.
var hostProperties = []string{
	"name", "parent", "configManager.firewallSystem",
	"runtime.connectionState", "runtime.inMaintenanceMode", "runtime.inQuarantineMode",
	"runtime.standbyMode", "runtime.bootTime",
	"summary.config.product.version", "summary.hardware.uuid",
	// False on an installed host (govmomi simulator/esx, captured of 6.5), so that only
	// true tells something.
	"config.deploymentInfo.bootedFromStatelessCache",
}

// traversal is a step of a walk, by a property of one kind of object, that goes
// on with the named steps.
func traversal(name, kind, path string, next ...string) types.BaseSelectionSpec {
	ts := &types.TraversalSpec{SelectionSpec: types.SelectionSpec{Name: name}, Type: kind, Path: path}
	for _, n := range next {
		ts.SelectSet = append(ts.SelectSet, &types.SelectionSpec{Name: n})
	}
	return ts
}

// readTree reads all datacenters, compute resources and hosts in one call.
func (s *Session) readTree(ctx context.Context) (*tree, error) {
	root := s.client.ServiceContent.RootFolder
	spec := types.PropertyFilterSpec{
		ObjectSet: []types.ObjectSpec{{
			Obj: root,
			SelectSet: []types.BaseSelectionSpec{
				traversal("folder", kindFolder, "childEntity", "folder", "datacenter", "compute"),
				traversal("datacenter", kindDatacenter, "hostFolder", "folder"),
				traversal("compute", kindCompute, "host"),
			},
		}},
		PropSet: []types.PropertySpec{
			{Type: kindFolder, PathSet: []string{"name", "parent"}},
			{Type: kindDatacenter, PathSet: []string{"name", "parent"}},
			{Type: kindCompute, PathSet: []string{"name", "parent", "host"}},
			{Type: kindHost, PathSet: hostProperties},
		},
	}
	t := newTree(root)
	return t, s.retrieve(ctx, []types.PropertyFilterSpec{spec}, t.add)
}

// readPools adds the resource pools of the given compute resources.
func (s *Session) readPools(ctx context.Context, t *tree, computes []*node) error {
	spec := types.PropertyFilterSpec{
		PropSet: []types.PropertySpec{{Type: kindPool, PathSet: []string{"name", "parent", "owner"}}},
	}
	for _, c := range computes {
		spec.ObjectSet = append(spec.ObjectSet, types.ObjectSpec{
			Obj: c.Obj, Skip: types.NewBool(true),
			SelectSet: []types.BaseSelectionSpec{
				&types.TraversalSpec{
					Type: kindCompute, Path: "resourcePool",
					SelectSet: []types.BaseSelectionSpec{&types.TraversalSpec{
						SelectionSpec: types.SelectionSpec{Name: "pools"},
						Type:          kindPool, Path: "resourcePool",
						SelectSet: []types.BaseSelectionSpec{&types.SelectionSpec{Name: "pools"}},
					}},
				},
			},
		})
	}
	return s.retrieve(ctx, []types.PropertyFilterSpec{spec}, t.add)
}

func (t *tree) add(content *types.ObjectContent) {
	n := &node{ObjectContent: content}
	// A name may not be readable; the row is still due.
	n.name = cmp.Or(n.text("name"), content.Obj.Value)
	t.nodes[content.Obj] = n
}

// refs are the objects that a property lists; nil when it was not read.
func (n *node) refs(name string) []types.ManagedObjectReference {
	list, _ := n.prop(name).(types.ArrayOfManagedObjectReference)
	return list.ManagedObjectReference
}

// kind returns all nodes of the kinds, ordered by path.
func (t *tree) kind(kinds ...string) []*node {
	return t.where(func(ref types.ManagedObjectReference) bool { return slices.Contains(kinds, ref.Type) })
}

func (t *tree) where(wanted func(types.ManagedObjectReference) bool) []*node {
	var list []*node
	for ref, n := range t.nodes {
		if wanted(ref) {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, func(a, b *node) int { return strings.Compare(t.path(a), t.path(b)) })
	return list
}

// path is the inventory path of a node, such as /dc1/host/c1/esx1.example.
func (t *tree) path(n *node) string {
	if n.path == "" {
		names := []string{n.name}
		for p := range t.ancestors(n) {
			if p.Obj != t.root {
				names = append(names, p.name)
			}
		}
		slices.Reverse(names)
		n.path = "/" + path.Join(names...)
	}
	return n.path
}

// maxDepth is more than any inventory's. A server that is broken may answer with
// objects that are their own ancestors.
const maxDepth = 100

// ancestors are the nodes above one, the nearest first.
func (t *tree) ancestors(n *node) iter.Seq[*node] {
	return func(yield func(*node) bool) {
		p := t.parent(n)
		for depth := 0; p != nil && depth < maxDepth && p != n && yield(p); depth++ {
			p = t.parent(p)
		}
	}
}

func (t *tree) parent(n *node) *node {
	ref, ok := n.ref1("parent")
	if !ok {
		ref = t.ownerOf(n.Obj)
	}
	return t.nodes[ref]
}

// ownerOf is the compute resource that lists a host: it stands in for a parent
// that the account may not read.
func (t *tree) ownerOf(host types.ManagedObjectReference) types.ManagedObjectReference {
	if t.owners == nil {
		t.owners = map[types.ManagedObjectReference]types.ManagedObjectReference{}
		for ref, n := range t.nodes {
			for _, h := range n.refs("host") {
				t.owners[h] = ref
			}
		}
	}
	return t.owners[host]
}

// above returns the nearest ancestor of the kind, nil when there is none.
func (t *tree) above(n *node, kinds ...string) *node {
	for p := range t.ancestors(n) {
		if slices.Contains(kinds, p.Obj.Type) {
			return p
		}
	}
	return nil
}

// host turns a node into the facts that the tree holds of it.
func (t *tree) host(n *node) inventory.Host {
	h := inventory.Host{
		ID: n.Obj.Value, Name: n.name, Path: t.path(n),
		UUID: n.text("summary.hardware.uuid"), Version: n.text("summary.config.product.version"),
		Maintenance: n.tristate("runtime.inMaintenanceMode"), Quarantine: n.tristate("runtime.inQuarantineMode"),
		Standby: n.text("runtime.standbyMode"),
	}
	if n.tristate("config.deploymentInfo.bootedFromStatelessCache") == inventory.Yes {
		h.Stateless = inventory.Yes
	}
	if state, ok := n.prop("runtime.connectionState").(types.HostSystemConnectionState); ok {
		h.Connection = inventory.ConnectionState(state)
	}
	if boot, ok := n.prop("runtime.bootTime").(time.Time); ok {
		h.BootTime = boot
	}
	if c := t.above(n, kindCluster); c != nil {
		h.Cluster, h.ClusterPath = c.name, t.path(c)
	}
	if ref, ok := n.ref1("configManager.firewallSystem"); ok {
		h.Firewall.ID = ref.Value
	}
	return h
}
