package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// RulePersistence is the ID of the check that looks past the next reboot.
const RulePersistence = "rule-persistence"

func rulePersistence() Check {
	return Check{
		ID:    RulePersistence,
		Title: "What permits the port survives a reboot of the host",
		Why: "A ruleset written into /etc/vmware/firewall by hand is gone after a reboot, and with it " +
			"what it permits. One that a VIB brought stays, and so do those that ESXi brings.",
		Run: perRequirement(RulePersistence, func(j *Judgement, _ Requirement) *Verdict { return j.Persistence }),
	}
}

func (b *bench) persistence(h *inventory.Host) *Verdict {
	if v := unreadable(h); v != nil {
		return v
	}
	id := idOf(h.Firewall.Rulesets)
	alone := byKeyAlone(h) && h.Software.Unreadable == "" && h.Earlier == nil
	if v, ok := b.persistent[id]; ok && alone {
		return v
	}
	var v *Verdict
	for _, m := range b.groupsOf(h.Firewall.Rulesets) {
		v = worse(v, m.persistence(h, b.req))
	}
	if alone {
		b.persistent[id] = v
	}
	return v
}

// persistence passes the verdict on one group of ports.
func (m *matches) persistence(h *inventory.Host, req Requirement) *Verdict {
	lasting := ofOrigin(h, m.own, inventory.Yes)
	now := reachOf(m.own)
	permits, unread := now.permits(&req)
	if permits && reachOf(lasting).reaches(now, &req) {
		return &Verdict{
			Status: Pass, Reason: SurvivesReboot, Decides: keys(lasting),
			Detail: ways(h, lasting, ": it survives a reboot"),
		}
	}
	if v := lost(h, req); v != nil {
		return v
	}
	unsure := ofOrigin(h, m.own, inventory.Yes, inventory.Unknown)
	switch {
	case unread:
		return &Verdict{
			Status: Unknown, Reason: FactsUnavailable, Decides: keys(m.own),
			Detail: strings.Join(now.why, "; "),
		}
	case !permits:
		return nothingToPersist
	case reachOf(unsure).reaches(now, &req):
		return &Verdict{
			Status: Warn, Reason: OriginUnknown, Decides: keys(unsure),
			Detail: ways(h, ofOrigin(h, m.own, inventory.Unknown), ""),
		}
	}
	return &Verdict{
		Status: Warn, Reason: LostAtReboot, Decides: keys(m.own),
		Detail: ways(h, ofOrigin(h, m.own, inventory.No), ""),
	}
}

// nothingToPersist is the verdict on hosts that share it.
var nothingToPersist = &Verdict{Status: Skip, Reason: NothingToPersist, Detail: "no ruleset of its own permits the port now"}

// lost is the verdict on a host that was started since an earlier report, and no
// longer has a ruleset that permitted the port then; else it is nil.
func lost(h *inventory.Host, req Requirement) *Verdict {
	if h.Earlier == nil || !h.BootTime.After(h.Earlier.ReportedAt) {
		return nil
	}
	gone := slices.DeleteFunc(slices.Clone(h.Earlier.Rulesets[req.Name]), func(key string) bool { return h.Firewall.Ruleset(key) != nil })
	if len(gone) == 0 {
		return nil
	}
	return &Verdict{
		Status: Fail, Reason: LostByReboot, Decides: gone,
		Detail: fmt.Sprintf("%s permitted %s on %s; the host started again at %s, and it is gone",
			strings.Join(gone, "+"), req.Service(), moment(h.Earlier.ReportedAt), moment(h.BootTime)),
	}
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

func (m *matches) softwareMatters(req *Requirement) bool {
	lasting := slices.DeleteFunc(slices.Clone(m.own), func(rs *inventory.Ruleset) bool { return !builtin[rs.Key] })
	if len(lasting) == len(m.own) {
		return false
	}
	now := reachOf(m.own)
	permits, _ := now.permits(req)
	return permits && !reachOf(lasting).reaches(now, req)
}

// permits reports whether r lets anything through that could be lost. That may
// hang on what was not read.
func (r reach) permits(req *Requirement) (yes, unread bool) {
	switch {
	case r.covers(req):
		return true, false
	case len(r.unknown) > 0:
		return false, true
	}
	return !req.peersKnown() && len(r.prefixes) > 0 && len(r.missing(req.Peers)) == 0, false
}

// reaches reports whether r still lets everything through that matters of now:
// the peers where there are any, else whatever now lets through.
func (r reach) reaches(now reach, req *Requirement) bool {
	if req.peersKnown() || now.all {
		return r.covers(req)
	}
	return !slices.ContainsFunc(now.prefixes, r.leavesOut)
}
