// Package inventory holds the facts: what was read of a vCenter or an ESXi
// host, its clusters, hosts, firewalls and rulesets.
//
// It is plain data over the standard library. It does not know where a fact
// came from, and it passes no verdict.
package inventory

// Kind says what answered at the target.
type Kind string

// The two kinds of endpoint that speak the vSphere API with hosts behind it.
const (
	VCenter Kind = "vCenter"
	ESXi    Kind = "ESXi"
)

// Endpoint identifies the vCenter or ESXi host that the facts were read from.
type Endpoint struct {
	// Address is host[:port] as the user gave it, without credentials.
	Address string
	Kind    Kind
	// FullName is the product's own name for itself, version and build included.
	FullName string
	// InstanceUUID is stable over restarts and renames of a vCenter. An ESXi
	// host has none, there it is the host's hardware UUID when that was read.
	InstanceUUID string
	// Simulated endpoints say of themselves that they are.
	Simulated bool
}

// Inventory is everything that one run read of one endpoint.
type Inventory struct {
	Endpoint Endpoint
	// Datacenter is the path of the datacenter that was looked at, such as /dc1.
	Datacenter string
	// Hosts are the selected hosts, ordered by cluster path, then by name.
	// Every selected host is here, also one that nothing could be read of.
	Hosts []Host
	// Hidden are the clusters, by path, whose hosts could not be listed, each with the
	// reason: what is true of Hosts is not true of all.
	Hidden []string
	// Placement is nil unless the run is about a virtual container host to be created.
	Placement *Placement
}

// Cluster is a group of hosts that belong together, in inventory order.
type Cluster struct {
	Name string
	Path string
	// Hosts are indexes into Inventory.Hosts.
	Hosts []int
}

// Clusters groups the hosts by their cluster. Standalone hosts, which vSphere
// keeps in a compute resource of their own, are gathered last in one Cluster
// with empty Name and Path.
func (inv *Inventory) Clusters() []Cluster {
	var clusters []Cluster
	var standalone Cluster
	index := map[string]int{}

	for i, h := range inv.Hosts {
		if h.Cluster == "" {
			standalone.Hosts = append(standalone.Hosts, i)
			continue
		}
		at, seen := index[h.ClusterPath]
		if !seen {
			at = len(clusters)
			index[h.ClusterPath] = at
			clusters = append(clusters, Cluster{Name: h.Cluster, Path: h.ClusterPath})
		}
		clusters[at].Hosts = append(clusters[at].Hosts, i)
	}
	if len(standalone.Hosts) > 0 {
		clusters = append(clusters, standalone)
	}
	return clusters
}
