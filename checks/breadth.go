package checks

import (
	"slices"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// Breadth says what else an enabled ruleset lets through besides the requirement,
// and who may switch it off.
type Breadth string

// The breadths of a ruleset that lets a requirement through.
const (
	// Dedicated is made for the requirement, or opens it and little more.
	Dedicated Breadth = "dedicated"
	// Broad opens all of the protocol in that direction, or a great part of it.
	Broad Breadth = "broad"
	// Borrowed belongs to another service, which switches it on and off and
	// manages whom it lets through, as an NFS mount does with nfsClient.
	Borrowed Breadth = "borrowed"
)

// dedicatedPorts is how many ports a ruleset may open for one that is required, and still
// count as dedicated: a site's rule for a VCH and the Docker ports around it (2375 to 2380)
// does, a range that covers unrelated services does not.
const dedicatedPorts = 16

// BreadthOf judges a ruleset that lets the requirement through. Who owns it comes
// first: a daemon that it names, the host itself (not user-controllable), or one
// of ESXi's own services, unless the requirement names it. Then the ports that it
// opens decide.
func (r Requirement) BreadthOf(rs *inventory.Ruleset) Breadth {
	owned := builtin[rs.Key] && !byUsers[rs.Key] || rs.Service != "" || rs.UserControllable == inventory.No
	switch {
	case slices.Contains(r.Prefer, rs.Key):
		return Dedicated
	case owned && !slices.Contains(r.Accept, rs.Key):
		return Borrowed
	case rs.Opened(r.Direction, r.Protocol)-len(r.Ports) < dedicatedPorts:
		return Dedicated
	}
	return Broad
}
