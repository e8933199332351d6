package vsphere

import (
	"fmt"
	"path"
	"slices"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// Narrow picks the selected hosts out of facts that were read before, as Collect picks
// them out of a server's inventory: by ComputeResource and Hosts. Resource pools and
// clusters without hosts are no part of the facts. What it returns shares the hosts'
// rulesets with inv. An *SelectionError means that the selection fits no host.
func (sel Selection) Narrow(inv *inventory.Inventory) (*inventory.Inventory, error) {
	narrow := *inv
	hosts := make([]*inventory.Host, len(inv.Hosts))
	for i := range inv.Hosts {
		hosts[i] = &inv.Hosts[i]
	}
	if len(hosts) == 0 {
		return nil, &SelectionError{Problem: "the facts are of no host", Noun: "hosts in them"}
	}
	var err error
	if sel.ComputeResource != "" {
		narrow.Hidden = nil
		if hosts, err = sel.inCompute(inv, hosts); err != nil {
			return nil, err
		}
	}
	if hosts, err = matchHosts(hosts, sel.Hosts, func(h *inventory.Host) (name, path string) { return h.Name, h.Path }); err != nil {
		return nil, err
	}
	narrow.Hosts = make([]inventory.Host, len(hosts))
	for i, h := range hosts {
		narrow.Hosts[i] = *h
	}
	return &narrow, nil
}

// inCompute are the hosts of the one compute resource, or the one host, that is named.
func (sel Selection) inCompute(inv *inventory.Inventory, hosts []*inventory.Host) ([]*inventory.Host, error) {
	base := path.Join(inv.Datacenter, "host")
	members := map[string][]*inventory.Host{} // by the path of a compute resource, or a host
	var computes, single, found []string
	for _, h := range hosts {
		at := h.ClusterPath
		if at == "" {
			at = path.Dir(h.Path) // a standalone host has a compute resource of its own
		}
		if members[at] == nil {
			computes = append(computes, at)
		}
		members[at] = append(members[at], h)
	}
	for _, h := range hosts {
		if members[h.Path] == nil {
			members[h.Path] = []*inventory.Host{h}
			single = append(single, h.Path)
		}
	}
	for _, paths := range [][]string{computes, single} {
		for _, full := range paths {
			if matchesPath(full, base, sel.ComputeResource) {
				found = append(found, full)
			}
		}
		if len(found) > 0 {
			break
		}
	}
	switch len(found) {
	case 1:
		return members[found[0]], nil
	case 0:
		slices.Sort(computes)
		return nil, &SelectionError{
			Problem: fmt.Sprintf("there is no cluster or host %q in the facts of %s, which hold no resource pools", sel.ComputeResource, inv.Datacenter),
			Noun:    "compute resources", Choices: computes,
		}
	}
	return nil, &SelectionError{Problem: fmt.Sprintf("the compute resource %q is ambiguous", sel.ComputeResource), Noun: "matches", Choices: found}
}
