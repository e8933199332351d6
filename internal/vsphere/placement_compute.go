package vsphere

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// readCompute reads the compute resource of the hosts, and its resource pools into pools.
func (r *placement) readCompute(ctx context.Context, pools *tree) {
	c := &r.Compute
	switch paths := r.computePaths(); {
	case len(paths) == 0:
		c.Problem = "no compute resource was found"
		return
	case len(paths) > 1:
		c.Problem = severalComputes(paths)
		return
	default:
		c.Path, c.Name = paths[0], path.Base(paths[0])
		c.Cluster = r.inv.Hosts[0].ClusterPath != ""
	}
	config, lists := "", r.reason(ctx, "the compute resource", try(func() error { return r.readLists(ctx, pools) }))
	if c.Cluster && c.ID != "" {
		config = r.reason(ctx, "the cluster's configuration", try(func() error { return r.readCluster(ctx) }))
	}
	c.Unreadable = sentences(lists, config)
}

// computePaths are those of the compute resources that the hosts are of. That of a
// standalone host is around it, and has its name.
func (r *placement) computePaths() (paths []string) {
	for i := range r.inv.Hosts {
		h := &r.inv.Hosts[i]
		at := h.ClusterPath
		if at == "" {
			at = path.Dir(h.Path)
		}
		if !slices.Contains(paths, at) {
			paths = append(paths, at)
		}
	}
	return paths
}

// readLists reads what the compute resource lists, from one of its hosts on.
func (r *placement) readLists(ctx context.Context, t *tree) error {
	c := &r.Compute
	host := hostRef(&r.inv.Hosts[0])
	err := r.collectInto(ctx, t, types.PropertyFilterSpec{
		ObjectSet: []types.ObjectSpec{{Obj: host, SelectSet: []types.BaseSelectionSpec{
			traversal("owner", kindHost, "parent", "root"),
			traversal("root", kindCompute, "resourcePool", "pools"),
			traversal("pools", kindPool, "resourcePool", "pools"),
		}}},
		PropSet: []types.PropertySpec{
			{Type: kindHost, PathSet: []string{"parent"}},
			{Type: kindCompute, PathSet: []string{"name", "host", "datastore", "resourcePool"}},
			{Type: kindPool, PathSet: []string{"name", "parent", "owner"}},
		},
	})
	if err != nil {
		return err
	}
	n := t.computeAmong()
	if n == nil {
		if h := t.nodes[host]; h != nil {
			if err := h.refusal("parent"); err != nil {
				return err
			}
		}
		return errors.New("it is not to be seen with this account")
	}
	c.ID = n.Obj.Value
	n.name = strings.TrimPrefix(c.Path, "/") // what is above it is not in the tree
	c.Hosts, c.Datastores = idsOf(n, "host"), idsOf(n, "datastore")
	r.choosePool(t, n)
	return n.refusal("host", "datastore", "resourcePool")
}

// computeAmong is the compute resource of a tree that holds one.
func (t *tree) computeAmong() *node {
	for ref, n := range t.nodes {
		if ref.Type == kindCluster || ref.Type == kindCompute {
			return n
		}
	}
	return nil
}

// idsOf are the IDs that a property lists, nil where it was not read.
func idsOf(n *node, property string) []string {
	if list, ok := n.prop(property).(types.ArrayOfManagedObjectReference); ok {
		return valuesOf(list.ManagedObjectReference)
	}
	return nil
}

// readCluster reads the cluster's whole configuration: vCenter 7 was seen to refuse nested
// paths of it with InvalidProperty.
func (r *placement) readCluster(ctx context.Context) error {
	c := &r.Compute
	n, err := r.readNode(ctx, types.ManagedObjectReference{Type: kindCluster, Value: c.ID}, "configurationEx")
	if err != nil {
		return err
	}
	config, ok := n.prop("configurationEx").(types.ClusterConfigInfoEx)
	if !ok {
		return errUntold
	}
	c.DRS = inventory.FromPtr(config.DrsConfig.Enabled)
	c.Groups = make([]string, len(config.Group))
	for i, g := range config.Group {
		c.Groups[i] = g.GetClusterGroupInfo().Name
	}
	return nil
}

// choosePool finds the pool that the name means, as vic-machine does: a pool comes
// before a compute resource (vmware/vic lib/install/validate/compute.go). A name that
// Collect takes and vic-machine does not is a problem.
func (r *placement) choosePool(t *tree, compute *node) {
	name := r.want.ComputeResource
	if name == "" {
		return
	}
	base := strings.TrimSuffix(r.inv.Datacenter, "/") + "/host/"
	var found []string
	for _, n := range t.kind(kindPool) {
		if inventory.NameLeadsTo(name, base, t.path(n)) {
			found = append(found, t.path(n))
		}
	}
	switch full := t.path(compute); {
	case len(found) > 1:
		r.Compute.Problem = fmt.Sprintf("the resource pool %q is ambiguous: %s", name, strings.Join(found, ", "))
	case len(found) == 1:
		if root, _ := compute.ref1("resourcePool"); t.nodes[root] == nil || found[0] != t.path(t.nodes[root]) {
			r.Compute.Pool = found[0]
		}
	case inventory.NameLeadsTo(name, base, full):
	case slices.ContainsFunc(r.inv.Hosts, func(h inventory.Host) bool { return h.Name == name || h.Path == name }):
		r.Compute.Problem = fmt.Sprintf("%q is a host of %s, and create takes a cluster, a standalone host or a resource pool (--compute-resource)", name, full)
	default:
		r.Compute.Problem = fmt.Sprintf("create would not find %q, which is a path from the folder of hosts: take %s (--compute-resource)", name, full)
	}
}

// checkDefault tells where vic-machine has no default, or another one, for want of a name: it
// takes the only compute resource directly in the datacenter's folder of hosts, with hosts or
// without.
func (r *placement) checkDefault(ctx context.Context, dcs *tree, dc *node) error {
	if r.want.ComputeResource != "" || r.Compute.Problem != "" {
		return nil
	}
	t, err := r.below(ctx, dcs, dc, "hostFolder", types.PropertySpec{Type: kindCompute, PathSet: []string{"name", "parent"}})
	if err != nil {
		return err
	}
	var top []string
	for _, n := range t.kind(kindCluster, kindCompute) {
		if path.Dir(t.path(n)) == path.Join(r.Datacenter, "host") {
			top = append(top, t.path(n))
		}
	}
	switch {
	case len(top) == 1 && top[0] == r.Compute.Path:
	case len(top) > 1:
		r.Compute.Problem = severalComputes(top)
	default:
		r.Compute.Problem = fmt.Sprintf("create takes no default in a folder of hosts: name %s (--compute-resource)", r.Compute.Path)
	}
	return nil
}

func severalComputes(paths []string) string {
	several := &SelectionError{Problem: "there are several and none was named (--compute-resource)", Noun: "compute resources", Choices: paths}
	return several.Error()
}

// findInPool looks for the name where vic-machine finds the virtual machine of a virtual
// container host (vmware/vic lib/install/management/create.go): in the pool of that name
// below the chosen one, and where DRS is off in the chosen one.
func (r *placement) findInPool(ctx context.Context, t *tree) error {
	c := &r.Compute
	compute := t.computeAmong()
	if compute == nil {
		return errors.New("the compute resource is not known")
	}
	if f := compute.missing("resourcePool"); f != nil {
		return soap.WrapVimFault(f)
	}
	root, _ := compute.ref1("resourcePool")
	if t.nodes[root] == nil {
		return errors.New("they are not to be seen with this account")
	}
	at := c.Pool
	if at == "" {
		at = t.path(t.nodes[root])
	}
	if c.DRS != inventory.No {
		at = path.Join(at, r.want.Name)
	}
	for _, pool := range t.kind(kindPool) {
		if t.path(pool) != at {
			continue
		}
		found, err := r.hasChild(ctx, pool.Obj, r.want.Name)
		if found {
			r.Taken.InPool = path.Join(at, r.want.Name)
		}
		if found || err != nil {
			return err
		}
	}
	if c.Cluster && c.DRS == inventory.Unknown {
		return errors.New("which of them it is depends on DRS, which is not known to be on")
	}
	return nil
}
