package checks

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// RulePersistence is the ID of the check that looks past the next reboot.
const RulePersistence = "rule-persistence"

func rulePersistence() Check {
	return Check{
		ID:    RulePersistence,
		Title: "What permits the port survives a reboot of the host",
		Why: "A ruleset written into /etc/vmware/firewall by hand is gone after a reboot, and with it the " +
			"container VMs' serial ports on that host. One that a VIB brought stays, and so do those that ESXi brings.",
		Run: func(f Facts) []Result {
			seen := matches{}
			return perHost(RulePersistence, func(h *inventory.Host, req Requirement) Result { return judgePersistence(h, req, seen) })(f)
		},
	}
}

func judgePersistence(h *inventory.Host, req Requirement, seen matches) Result {
	if r, ok := unreadable(h); !ok {
		return r
	}
	own := seen.of(h.Firewall.Rulesets, req.Port).own
	lasting := ofOrigin(h, own, inventory.Yes)
	now := reachOf(own)
	permits, unread := now.permits(req.Peers)
	if permits && reachOf(lasting).reaches(now, req.Peers) {
		return Result{
			Status: Pass, Reason: SurvivesReboot, Decides: keys(lasting),
			Detail: ways(h, lasting, ": it survives a reboot"),
		}
	}
	if r, ok := lost(h, req); ok {
		return r
	}
	unsure := ofOrigin(h, own, inventory.Yes, inventory.Unknown)
	switch {
	case unread:
		return Result{
			Status: Unknown, Reason: FactsUnavailable, Decides: keys(own),
			Detail: fmt.Sprintf("whom %s lets through could not be read", strings.Join(now.unknown, " and ")),
		}
	case !permits:
		return Result{Status: Skip, Reason: NothingToPersist, Detail: "no ruleset of its own permits the port now"}
	case reachOf(unsure).reaches(now, req.Peers):
		return Result{
			Status: Warn, Reason: OriginUnknown, Decides: keys(unsure),
			Detail: ways(h, ofOrigin(h, own, inventory.Unknown), ""),
		}
	}
	return Result{
		Status: Warn, Reason: LostAtReboot, Decides: keys(own),
		Detail: ways(h, ofOrigin(h, own, inventory.No), ""),
	}
}

// Lasts reports whether what permits the port on the host is known to survive a
// reboot.
func Lasts(h *inventory.Host, req Requirement) bool {
	return judgePersistence(h, req, matches{}).Status == Pass
}

// Lost reports whether what permits the port on the host is known not to survive
// a reboot.
func Lost(h *inventory.Host, req Requirement) bool {
	return judgePersistence(h, req, matches{}).Reason == LostAtReboot
}

// lost is the verdict on a host that was started since an earlier report, and
// has a ruleset no more that permitted the port then.
func lost(h *inventory.Host, req Requirement) (r Result, ok bool) {
	if h.Earlier == nil || !h.BootTime.After(h.Earlier.ReportedAt) {
		return Result{}, false
	}
	gone := slices.DeleteFunc(slices.Clone(h.Earlier.Rulesets), func(key string) bool { return h.Firewall.Ruleset(key) != nil })
	if len(gone) == 0 {
		return Result{}, false
	}
	return Result{
		Status: Fail, Reason: LostByReboot, Decides: strings.Join(gone, "+"),
		Detail: fmt.Sprintf("%s permitted TCP %d on %s; the host started again at %s, and it is gone",
			strings.Join(gone, "+"), req.Port, moment(h.Earlier.ReportedAt), moment(h.BootTime)),
	}, true
}

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// ofOrigin are those of the rulesets that last, that do not, or of which that is
// not known.
func ofOrigin(h *inventory.Host, rulesets []*inventory.Ruleset, lasts ...inventory.Tristate) []*inventory.Ruleset {
	var list []*inventory.Ruleset
	for _, rs := range rulesets {
		if slices.Contains(lasts, PersistentOn(h, rs)) {
			list = append(list, rs)
		}
	}
	return list
}

// ways says of each ruleset where it came from.
func ways(h *inventory.Host, rulesets []*inventory.Ruleset, tail string) string {
	texts := make([]string, len(rulesets))
	for i, rs := range rulesets {
		texts[i] = rs.Key + " " + originOf(h, rs.Key).way + tail
	}
	return strings.Join(texts, "; ")
}

// SoftwareMatters returns a function that reports whether what is installed on a
// host can make another verdict of whether its rules last. Where built-in
// rulesets do, or nothing permits the port, it cannot. The function may be called
// concurrently.
func SoftwareMatters(req Requirement) func(*inventory.Host) bool {
	var mu sync.Mutex
	seen := matches{}
	return func(h *inventory.Host) bool {
		mu.Lock()
		defer mu.Unlock()
		if _, readable := unreadable(h); !readable {
			return false
		}
		own := seen.of(h.Firewall.Rulesets, req.Port).own
		lasting := slices.DeleteFunc(slices.Clone(own), func(rs *inventory.Ruleset) bool { return !builtin[rs.Key] })
		if len(lasting) == len(own) {
			return false
		}
		now := reachOf(own)
		permits, _ := now.permits(req.Peers)
		return permits && !reachOf(lasting).reaches(now, req.Peers)
	}
}

// permits reports whether r lets anything through that could be lost. That may
// hang on what was not read.
func (r reach) permits(peers []netip.Prefix) (yes, unread bool) {
	switch {
	case r.covers(peers):
		return true, false
	case len(r.unknown) > 0:
		return false, true
	}
	return len(peers) == 0 && len(r.prefixes) > 0, false
}

// reaches reports whether r still lets everything through that matters of now:
// the peers where there are any, else whatever now lets through.
func (r reach) reaches(now reach, peers []netip.Prefix) bool {
	if len(peers) > 0 || now.all {
		return r.covers(peers)
	}
	return r.all || len(r.missing(now.prefixes)) == 0
}
