package checks

import (
	"fmt"
	"net/netip"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// RulePersistence is the ID of the check that looks past the next reboot.
const RulePersistence = "rule-persistence"

func rulePersistence() Check {
	return Check{
		ID:    RulePersistence,
		Title: "What permits the port survives a reboot of the host",
		Why: "A ruleset written into /etc/vmware/firewall by hand is gone after a reboot, and with it the " +
			"container VMs' serial ports on that host.",
		Run: perHost(RulePersistence, judgePersistence),
	}
}

func judgePersistence(h *inventory.Host, req Requirement) Result {
	if r, ok := unreadable(h); !ok {
		return r
	}
	own := match(h.Firewall.Rulesets, req.Port).own
	var lasting, unsure []*inventory.Ruleset
	for _, rs := range own {
		switch Persistent(rs) {
		case inventory.Yes:
			lasting = append(lasting, rs)
			unsure = append(unsure, rs)
		case inventory.Unknown:
			unsure = append(unsure, rs)
		}
	}

	now := reachOf(own).extent(req.Peers)
	switch {
	case now == nothing:
		return Result{Status: Skip, Reason: NothingToPersist, Detail: "no ruleset of its own permits the port now"}
	case reachOf(lasting).extent(req.Peers) == now:
		return Result{
			Status: Pass, Reason: SurvivesReboot, Decides: keys(lasting),
			Detail: fmt.Sprintf("%s is built in or comes from a VIB: it survives a reboot", keys(lasting)),
		}
	case reachOf(unsure).extent(req.Peers) == now:
		return Result{
			Status: Warn, Reason: OriginUnknown, Decides: keys(unsure),
			Detail: fmt.Sprintf("%s is not built in: unless a VIB brought it, it is lost at the next reboot", keys(unsure)),
		}
	}
	return Result{
		Status: Warn, Reason: LostAtReboot, Decides: keys(own),
		Detail: fmt.Sprintf("%s is written into service.xml by hand: it is lost at the next reboot", VICOutgoing),
	}
}

// extent ranks how far a reach goes, so that what lasts can be compared with
// what is there now.
type extent int

const (
	nothing extent = iota
	someone        // a list, and no peer to compare it with
	everyone
)

func (r reach) extent(peers []netip.Prefix) extent {
	switch {
	case r.covers(peers):
		return everyone
	case len(peers) == 0 && len(r.prefixes) > 0:
		return someone
	}
	return nothing
}
