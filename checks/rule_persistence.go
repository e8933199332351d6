package checks

import (
	"fmt"
	"net/netip"
	"strings"

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

	now := reachOf(own)
	switch {
	case len(now.unknown) > 0 && !now.covers(req.Peers):
		return Result{
			Status: Unknown, Reason: FactsUnavailable, Decides: keys(own),
			Detail: fmt.Sprintf("whom %s lets through could not be read", strings.Join(now.unknown, " and ")),
		}
	case !now.covers(req.Peers) && (len(req.Peers) > 0 || len(now.prefixes) == 0):
		return Result{Status: Skip, Reason: NothingToPersist, Detail: "no ruleset of its own permits the port now"}
	case reachOf(lasting).reaches(now, req.Peers):
		return Result{
			Status: Pass, Reason: SurvivesReboot, Decides: keys(lasting),
			Detail: fmt.Sprintf("%s is built in or comes from a VIB: it survives a reboot", keys(lasting)),
		}
	case reachOf(unsure).reaches(now, req.Peers):
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

// reaches reports whether r still lets everything through that matters of now:
// the peers where there are any, else whatever now lets through.
func (r reach) reaches(now reach, peers []netip.Prefix) bool {
	if len(peers) > 0 || now.all {
		return r.covers(peers)
	}
	return r.all || len(r.missing(now.prefixes)) == 0
}
