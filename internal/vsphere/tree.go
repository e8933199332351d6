package vsphere

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// node is an object of the inventory with its small properties.
type node struct {
	ref     types.ManagedObjectReference
	props   map[string]types.AnyType
	missing map[string]types.BaseMethodFault
}

func (n *node) text(name string) string {
	s, _ := n.props[name].(string)
	return s
}

func (n *node) ref1(name string) (types.ManagedObjectReference, bool) {
	ref, ok := n.props[name].(types.ManagedObjectReference)
	return ref, ok
}

func (n *node) tristate(name string) inventory.Tristate {
	if v, ok := n.props[name].(bool); ok {
		return inventory.Known(v)
	}
	return inventory.Unknown
}

// tree is the inventory from the root to the hosts, without their firewalls.
type tree struct {
	root  types.ManagedObjectReference
	nodes map[types.ManagedObjectReference]*node
	paths map[types.ManagedObjectReference]string
	// owner is the compute resource that lists a host: it stands in for a
	// parent that the account may not read.
	owner map[types.ManagedObjectReference]types.ManagedObjectReference
}

func newTree(root types.ManagedObjectReference) *tree {
	return &tree{
		root: root, nodes: map[types.ManagedObjectReference]*node{},
		paths: map[types.ManagedObjectReference]string{},
		owner: map[types.ManagedObjectReference]types.ManagedObjectReference{},
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
			Obj: c.ref, Skip: types.NewBool(true),
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

func (t *tree) add(content types.ObjectContent) {
	n := &node{ref: content.Obj, props: map[string]types.AnyType{}, missing: map[string]types.BaseMethodFault{}}
	for _, p := range content.PropSet {
		n.props[p.Name] = p.Val
	}
	for _, m := range content.MissingSet {
		n.missing[m.Path] = m.Fault.Fault
	}
	if n.text("name") == "" {
		n.props["name"] = content.Obj.Value // it may not be readable, its row is still due
	}
	if hosts, ok := n.props["host"].(types.ArrayOfManagedObjectReference); ok {
		for _, h := range hosts.ManagedObjectReference {
			t.owner[h] = content.Obj
		}
	}
	t.nodes[content.Obj] = n
}

// kind returns all nodes of the kinds, ordered by path.
func (t *tree) kind(kinds ...string) []*node {
	var list []*node
	for ref, n := range t.nodes {
		if slices.Contains(kinds, ref.Type) {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, func(a, b *node) int { return strings.Compare(t.path(a), t.path(b)) })
	return list
}

// path is the inventory path of a node, such as /dc1/host/c1/esx1.example.
func (t *tree) path(n *node) string {
	if p, ok := t.paths[n.ref]; ok {
		return p
	}
	p := "/" + n.text("name")
	if parent := t.parent(n); parent != nil && parent.ref != t.root {
		p = path.Join(t.path(parent), n.text("name"))
	}
	t.paths[n.ref] = p
	return p
}

func (t *tree) parent(n *node) *node {
	ref, ok := n.ref1("parent")
	if !ok {
		ref = t.owner[n.ref]
	}
	return t.nodes[ref]
}

// above returns the nearest ancestor of the kind, nil when there is none.
func (t *tree) above(n *node, kinds ...string) *node {
	for p := t.parent(n); p != nil; p = t.parent(p) {
		if slices.Contains(kinds, p.ref.Type) {
			return p
		}
	}
	return nil
}

// host turns a node into the facts that the tree holds of it.
func (t *tree) host(n *node) inventory.Host {
	h := inventory.Host{
		ID: n.ref.Value, Name: n.text("name"), Path: t.path(n),
		UUID: n.text("summary.hardware.uuid"), Version: n.text("summary.config.product.version"),
		Maintenance: n.tristate("runtime.inMaintenanceMode"), Quarantine: n.tristate("runtime.inQuarantineMode"),
		Standby: n.text("runtime.standbyMode"),
	}
	if state, ok := n.props["runtime.connectionState"].(types.HostSystemConnectionState); ok {
		h.Connection = inventory.ConnectionState(state)
	}
	if boot, ok := n.props["runtime.bootTime"].(time.Time); ok {
		h.BootTime = boot
	}
	if c := t.above(n, kindCluster); c != nil {
		h.Cluster, h.ClusterPath = c.text("name"), t.path(c)
	}
	if ref, ok := n.ref1("configManager.firewallSystem"); ok {
		h.Firewall.ID = ref.Value
	}
	return h
}

var errExpired = errors.New("the session has expired, and could not be renewed")

// retrieve makes one property collection and follows its pages to the end. A
// server may page even when it was not asked to. When the answer says that the
// session has expired, which a simulator says property by property, it is
// renewed and the collection repeated.
func (s *Session) retrieve(ctx context.Context, specs []types.PropertyFilterSpec, add func(types.ObjectContent)) error {
	seen := s.seenRenewals()
	objects, err := s.retrievePages(ctx, specs)
	if err != nil {
		return err
	}
	if expired(objects) {
		if !s.renew(ctx, seen) {
			return errExpired
		}
		if objects, err = s.retrievePages(ctx, specs); err != nil {
			return err
		}
	}
	for _, o := range objects {
		add(o)
	}
	return nil
}

func (s *Session) retrievePages(ctx context.Context, specs []types.PropertyFilterSpec) ([]types.ObjectContent, error) {
	collector := s.client.ServiceContent.PropertyCollector
	res, err := methods.RetrievePropertiesEx(ctx, s, &types.RetrievePropertiesEx{This: collector, SpecSet: specs})
	if err != nil {
		return nil, err
	}
	if res.Returnval == nil {
		return nil, nil
	}
	objects, token := res.Returnval.Objects, res.Returnval.Token
	for token != "" {
		page, err := methods.ContinueRetrievePropertiesEx(ctx, s, &types.ContinueRetrievePropertiesEx{This: collector, Token: token})
		if err != nil {
			return nil, err
		}
		objects, token = append(objects, page.Returnval.Objects...), page.Returnval.Token
	}
	return objects, nil
}

func expired(objects []types.ObjectContent) bool {
	for _, o := range objects {
		for _, m := range o.MissingSet {
			if _, ok := deref(m.Fault.Fault).(types.NotAuthenticated); ok {
				return true
			}
		}
	}
	return false
}
