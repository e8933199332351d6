package vsphere

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Selection says which hosts a run is about.
type Selection struct {
	// Datacenter is a name or an inventory path. Empty means the only one.
	Datacenter string
	// ComputeResource is a cluster, a host or a resource pool, by name,
	// relative path or full inventory path, as vic-machine takes it. Empty
	// means all hosts of the datacenter.
	ComputeResource string
	// Hosts are globs over host names (or over paths, when they hold a slash)
	// that narrow the selection. Each must match a host.
	Hosts []string
	// Wanted, when not empty, are the hosts that are wanted, in whichever
	// datacenter: names change, and a host that was removed and added again has
	// another ID. One that is not there any more is no error as long as another is.
	Wanted []HostIdentity
}

// HostIdentity is a host by what lasts: its hardware's UUID, or where that is not known
// its managed object ID.
type HostIdentity struct{ ID, UUID string }

// SelectionError means that a name of the Selection fits nothing, or too much.
// Choices are what there is to choose from.
type SelectionError struct {
	Problem string
	// Noun says what the choices are, such as "clusters and hosts".
	Noun    string
	Choices []string
	// Datacenter is the path of the datacenter that was looked in; empty where it is that
	// which was not found.
	Datacenter string
}

// shownChoices is how many choices an error lists before it only counts them.
const shownChoices = 20

func (e *SelectionError) Error() string {
	if len(e.Choices) == 0 {
		return fmt.Sprintf("%s; there are no %s", e.Problem, e.Noun)
	}
	shown := e.Choices
	more := ""
	if n := len(shown) - shownChoices; n > 1 {
		shown, more = shown[:shownChoices], fmt.Sprintf(", and %d more", n)
	}
	return fmt.Sprintf("%s; the %s are: %s%s", e.Problem, e.Noun, strings.Join(shown, ", "), more)
}

// locate finds the datacenter and the selected hosts, in order of their path.
func (s *Session) locate(ctx context.Context, t *tree, sel Selection) (dc *node, hosts []*node, err error) {
	if len(sel.Wanted) > 0 {
		return t.locateWanted(sel)
	}
	if dc, err = t.datacenter(sel); err != nil {
		return nil, nil, err
	}
	within := func(nodes []*node) []*node {
		return slices.DeleteFunc(nodes, func(n *node) bool { return t.above(n, kindDatacenter) != dc })
	}
	// A host whose place cannot be read belongs to every datacenter rather than
	// to none: no host is dropped silently.
	hosts = slices.DeleteFunc(t.kind(kindHost), func(n *node) bool {
		place := t.above(n, kindDatacenter)
		return place != nil && place != dc
	})
	if len(hosts) == 0 {
		if hidden := t.hidden(dc, sel); len(hidden) > 0 {
			return dc, nil, fmt.Errorf("the hosts of %s cannot be listed", strings.Join(hidden, ", nor those of "))
		}
		return dc, nil, &SelectionError{Problem: fmt.Sprintf("the datacenter %s has no hosts to check", t.path(dc)), Noun: "hosts in it"}
	}
	if sel.ComputeResource != "" {
		computes := within(t.kind(kindCluster, kindCompute))
		if hosts, err = s.computeResource(ctx, t, dc, computes, hosts, sel.ComputeResource); err != nil {
			return dc, nil, err
		}
	}
	if hosts, err = t.matchHosts(hosts, sel.Hosts); err != nil {
		return dc, nil, err
	}
	return dc, hosts, nil
}

// datacenter picks the named one, the one that the compute resource's full path
// names, or the only one.
func (t *tree) datacenter(sel Selection) (*node, error) {
	all := t.kind(kindDatacenter)
	problem := "there are several datacenters and none was named (--target HOST/DATACENTER)"
	var found []*node
	switch cr := path.Clean(sel.ComputeResource); {
	case sel.Datacenter != "":
		problem = fmt.Sprintf("there is no datacenter %q", sel.Datacenter)
		for _, dc := range all {
			if matchesPath(t.path(dc), "/", sel.Datacenter) {
				found = append(found, dc)
			}
		}
		if len(found) > 1 {
			problem = fmt.Sprintf("the datacenter %q is ambiguous", sel.Datacenter)
		}
	case len(all) > 1 && path.IsAbs(cr):
		for _, dc := range all {
			if strings.HasPrefix(cr, t.path(dc)+"/") {
				found = append(found, dc)
			}
		}
	default:
		found = all
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if len(all) == 0 {
		problem = "no datacenter is to be seen with this account"
	}
	return nil, &SelectionError{Problem: problem, Noun: "datacenters", Choices: t.pathsOf(all)}
}

// matchesPath reports whether name is the full path, the path relative to
// base, or the last elements of the path.
func matchesPath(full, base, name string) bool {
	name = path.Clean(name)
	if path.IsAbs(name) {
		return full == name
	}
	return full == path.Join(base, name) || strings.HasSuffix(full, "/"+name)
}

func (s *Session) computeResource(ctx context.Context, t *tree, dc *node, computes, hosts []*node, name string) ([]*node, error) {
	base := path.Join(t.path(dc), "host")
	matching := func(nodes []*node) []*node {
		var found []*node
		for _, n := range nodes {
			if matchesPath(t.path(n), base, name) || n.Obj.Type == kindPool && matchesPath(t.poolPath(n), base, name) {
				found = append(found, n)
			}
		}
		return found
	}
	found := matching(computes)
	if len(found) == 0 {
		found = matching(hosts)
	}
	var pools []*node
	if len(found) == 0 {
		if err := s.readPools(ctx, t, computes); err != nil {
			return nil, fmt.Errorf("read the resource pools: %w", err)
		}
		pools = t.kind(kindPool)
		found = matching(pools)
	}
	switch len(found) {
	case 1:
		if why := t.hides(found[0]); why != "" {
			return nil, fmt.Errorf("the hosts of %s cannot be listed", why)
		}
		return t.hostsOf(found[0], hosts), nil
	case 0:
		// The root pool that every compute resource has is no other choice than it.
		pools = slices.DeleteFunc(pools, func(n *node) bool { p := t.parent(n); return p == nil || p.Obj.Type != kindPool })
		choices := slices.Concat(t.pathsOf(computes), t.pathsOf(pools))
		return nil, &SelectionError{
			Problem: fmt.Sprintf("there is no cluster, host or resource pool %q in %s", name, t.path(dc)),
			Noun:    "compute resources", Choices: choices,
		}
	}
	return nil, &SelectionError{
		Problem: fmt.Sprintf("the compute resource %q is ambiguous", name),
		Noun:    "matches", Choices: t.pathsOf(found),
	}
}

// poolPath is a pool's path without the root pool that every cluster has,
// since vic-machine takes CLUSTER/POOL.
func (t *tree) poolPath(n *node) string {
	owner, _ := n.ref1("owner")
	c := t.nodes[owner]
	if c == nil {
		return t.path(n)
	}
	return strings.Replace(t.path(n), t.path(c)+"/Resources/", t.path(c)+"/", 1)
}

// hostsOf returns the hosts of a host, a compute resource or a pool.
func (t *tree) hostsOf(n *node, hosts []*node) []*node {
	ref := n.Obj
	switch ref.Type {
	case kindHost:
		return []*node{n}
	case kindPool:
		ref, _ = n.ref1("owner")
	}
	var found []*node
	for _, h := range hosts {
		if parent := t.parent(h); parent != nil && parent.Obj == ref {
			found = append(found, h)
		}
	}
	return found
}

// hides says which compute resource the node is and why its hosts cannot be listed;
// empty when they can, or it is none.
func (t *tree) hides(n *node) string {
	f := n.missing("host")
	if f == nil {
		return ""
	}
	return fmt.Sprintf("%s (%s)", t.path(n), describeFault(f, ""))
}

// hidden are the compute resources whose hosts cannot be listed and that would be of
// the selection, or may be.
func (t *tree) hidden(dc *node, sel Selection) (list []string) {
	if sel.ComputeResource != "" || len(sel.Wanted) > 0 {
		return nil
	}
	for _, n := range t.kind(kindCluster, kindCompute) {
		place := t.above(n, kindDatacenter)
		if why := t.hides(n); why != "" && (place == nil || place == dc) {
			list = append(list, why)
		}
	}
	return list
}

// locateWanted finds hosts by what lasts. The datacenter is the first one's.
func (t *tree) locateWanted(sel Selection) (dc *node, hosts []*node, err error) {
	ids, uuids := map[string]bool{}, map[string]bool{"": false}
	for _, m := range sel.Wanted {
		ids[m.ID] = true
		if m.UUID != "" {
			uuids[m.UUID] = true
		}
	}
	hosts = slices.DeleteFunc(t.kind(kindHost), func(h *node) bool {
		return !ids[h.Obj.Value] && !uuids[h.text("summary.hardware.uuid")]
	})
	if len(hosts) == 0 {
		return nil, nil, &SelectionError{Problem: fmt.Sprintf("none of the %d wanted hosts is in the inventory any more", len(sel.Wanted)), Noun: "other hosts to take"}
	}
	if hosts, err = t.matchHosts(hosts, sel.Hosts); err != nil {
		return nil, nil, err
	}
	return t.above(hosts[0], kindDatacenter), hosts, nil
}

func (t *tree) matchHosts(hosts []*node, globs []string) ([]*node, error) {
	return matchHosts(hosts, globs, func(n *node) (name, path string) { return n.name, t.path(n) })
}

// matchHosts picks the hosts that a glob fits. Each glob must fit one.
func matchHosts[H comparable](hosts []H, globs []string, called func(H) (name, path string)) ([]H, error) {
	if len(hosts) == 0 {
		return nil, &SelectionError{Problem: "the compute resource has no hosts to check", Noun: "hosts in it"}
	}
	if len(globs) == 0 {
		return hosts, nil
	}
	names := make([]string, len(hosts))
	for i, h := range hosts {
		names[i], _ = called(h)
	}
	selected := map[H]bool{}
	for _, glob := range globs {
		hit := false
		for _, h := range hosts {
			subject, full := called(h)
			if strings.Contains(glob, "/") {
				subject = full
			}
			ok, err := path.Match(glob, subject)
			if err != nil {
				return nil, &SelectionError{Problem: fmt.Sprintf("the host pattern %q is malformed", glob), Noun: "hosts", Choices: names}
			}
			hit = hit || ok
			selected[h] = selected[h] || ok
		}
		if !hit {
			return nil, &SelectionError{Problem: fmt.Sprintf("no host matches %q", glob), Noun: "hosts", Choices: names}
		}
	}
	return slices.DeleteFunc(slices.Clone(hosts), func(h H) bool { return !selected[h] }), nil
}

func (t *tree) pathsOf(nodes []*node) []string {
	paths := make([]string, len(nodes))
	for i, n := range nodes {
		paths[i] = t.path(n)
	}
	return paths
}
