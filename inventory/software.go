package inventory

import (
	"strings"
	"time"
)

// Software is what is installed on a host.
type Software struct {
	// VIBs are its packages. No host has none: an empty list was not read.
	VIBs []VIB
	// Unreadable says why nothing is known; empty when the list was read.
	Unreadable string
	// NotAsked means that nobody asked, since no verdict hangs on it.
	NotAsked bool
}

// Community is the laxest acceptance level: of such a VIB nobody vouches for
// what is in it.
const Community = "community"

// VIB is one package. Which files it brings, neither the API nor esxcli says.
type VIB struct {
	Name    string
	Version string
	Vendor  string
	// AcceptanceLevel is in the vSphere API's spelling: vmware_certified,
	// vmware_accepted, partner or Community.
	AcceptanceLevel string
	// Installed is when the host got it; zero when not known.
	Installed time.Time
}

// Known reports whether the list was read.
func (s Software) Known() bool { return len(s.VIBs) > 0 }

// VIB returns the package of the name, in whatever case; nil when there is none.
func (s Software) VIB(name string) *VIB {
	for i := range s.VIBs {
		if strings.EqualFold(s.VIBs[i].Name, name) {
			return &s.VIBs[i]
		}
	}
	return nil
}

// Origin is where a ruleset stands on a host, as the host's own shell tells.
type Origin struct {
	// File is the file that holds it, such as /etc/vmware/firewall/service.xml;
	// empty when not known.
	File string
	// VIB is the name of the package that owns that file; empty when none does.
	VIB string
}

// Earlier is what an earlier report says of a host.
type Earlier struct {
	// ReportedAt is when the facts of that report began to be read.
	ReportedAt time.Time
	// Rulesets are, by the name of a requirement, the keys of those that permitted
	// it then, and of which it was not known that they last.
	Rulesets map[string][]string
}
