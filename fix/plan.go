// Package fix changes hosts' rulesets, and one setting of a vCenter: it plans, applies,
// verifies and undoes.
//
// A plan is a pure function of facts, so that a dry run prints what Apply would
// do. How vSphere is spoken to is behind the Client interface.
package fix

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// Reason is a stable kebab-case code that says why a host's, or a setting's, plan is what
// it is.
type Reason string

// The reasons of a plan.
const (
	// Chosen: there is something to change, and it may be changed.
	Chosen Reason = "chosen"

	AlreadyPermitted Reason = "already-permitted"
	AlreadyDenied    Reason = "already-denied"
	// Unverified: a ruleset is enabled for a list, and without the address of
	// the virtual container host nothing says that the list is wrong.
	Unverified Reason = "allowed-hosts-unverified"
	// SharesChange: what another requirement of the run changes on the host does it.
	SharesChange Reason = "shares-a-change"
	// SwitchedWhenNeeded: ESXi itself opens it for the time that it is needed.
	SwitchedWhenNeeded Reason = "switched-when-needed"
	// AlreadyRestored: what an undo would restore is as it was.
	AlreadyRestored Reason = "already-restored"

	NotUserControllable Reason = "not-user-controllable"
	// SwitchedByService: a service of the host switches the ruleset.
	SwitchedByService Reason = "switched-by-service"
	// WouldShutOut: the change would shut out who manages the host, or a peer.
	WouldShutOut Reason = "would-shut-out"
	// NotNarrowed: the ruleset opens much more, and its list is left to what else
	// may need it.
	NotNarrowed     Reason = "not-narrowed"
	NoRuleset       Reason = "no-ruleset"
	HostUnavailable Reason = "host-unavailable"
	NotPrivileged   Reason = "not-privileged"
	BorrowedRuleset Reason = "borrowed-ruleset"
	// RulesetExists: a ruleset of the key is there already, and is not what was
	// to be brought.
	RulesetExists Reason = "ruleset-exists"
	// NotSurveyed: the host could not be asked over SSH.
	NotSurveyed Reason = "not-surveyed"
	// HostUnsuited: the host would refuse the VIB, or not start with it.
	HostUnsuited Reason = "host-unsuited"
	// ChangedSince: somebody else has changed what an undo would restore.
	ChangedSince Reason = "changed-since"
	// RepairedInVain: a watch has repaired the host again and again, and it did not last.
	RepairedInVain Reason = "repaired-in-vain"

	// AlreadySet: the vCenter's setting is as vic-machine create wants it.
	AlreadySet Reason = "already-set"
	// NoSetting: a bare ESXi host has no settings of a vCenter.
	NoSetting Reason = "no-setting"
	// SettingUnknown: the vCenter's setting could not be read.
	SettingUnknown Reason = "setting-unknown"
	// SeveralSettings: the vCenter answers several options for the one.
	SeveralSettings Reason = "several-settings"
)

// refusals are the reasons for which a wanted change is not made.
var refusals = map[Reason]bool{
	NotUserControllable: true, SwitchedByService: true, WouldShutOut: true, NoRuleset: true, HostUnavailable: true, NotPrivileged: true,
	NotNarrowed:     true,
	BorrowedRuleset: true, ChangedSince: true, RulesetExists: true, HostUnsuited: true, NotSurveyed: true, RepairedInVain: true,
	NoSetting: true, SettingUnknown: true, SeveralSettings: true,
}

// Refused reports whether a change was wanted and is not going to be made.
func (r Reason) Refused() bool { return refusals[r] }

// Unknown reports whether nothing could be found out about the host, or the setting.
func (r Reason) Unknown() bool { return r == HostUnavailable || r == SettingUnknown }

// State is what can be changed of a ruleset.
type State struct {
	// Absent means that the host has no such ruleset.
	Absent  bool
	Enabled bool
	// Allowed is nil when the host did not say; then it is never changed.
	Allowed *inventory.AllowedHosts
}

// StateOf is the state of a ruleset as it was read.
func StateOf(rs *inventory.Ruleset) State { return State{Enabled: rs.Enabled, Allowed: rs.Allowed} }

// Equal reports whether both let the same through. A list that was not told equals
// none that was.
func (s State) Equal(t State) bool {
	if s.Absent || t.Absent {
		return s.Absent == t.Absent
	}
	return s.Enabled == t.Enabled && alike(s.Allowed, t.Allowed)
}

// alike compares lists by what they let through: a host may give a list back in
// another order or spelling.
func alike(a, b *inventory.AllowedHosts) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Canonical() == b.Canonical()
}

// Change is one ruleset of one host, before and after.
type Change struct {
	Host    *inventory.Host
	Ruleset string
	// Why says why this ruleset, and Opens what it lets through afterwards.
	Why, Opens    string
	Before, After State
	// For are the names of the requirements that it is for; none of an undo.
	For []string
	// Method is how the change is made. VIB and File are set for their methods.
	Method Method
	VIB    *VIBChange
	File   *FileChange
}

// Verb is what the change does, in one word: enable, disable, allow (only the
// allowed hosts change), or both enable and allow as enable; install and remove
// of a VIB, insert and restore of service.xml.
func (c *Change) Verb() string {
	switch {
	case c.Method == MethodVIB && c.After.Absent:
		return "remove"
	case c.Method == MethodVIB:
		return "install"
	case c.Method == MethodServiceXML && c.After.Absent:
		return "restore"
	case c.Method == MethodServiceXML:
		return "insert"
	case c.Before.Enabled == c.After.Enabled:
		return "allow"
	case c.After.Enabled:
		return "enable"
	}
	return "disable"
}

// HostPlan is what is to be done about one host, for one requirement.
type HostPlan struct {
	Host *inventory.Host
	// Requirement is the name of the one; empty of an undo, and of what is brought to hosts.
	Requirement string
	Reason      Reason
	Detail      string
	Changes     []*Change
	// Warnings are what the user should know besides, a sentence each.
	Warnings []string
}

// Plan is what is to be done. Apply may be called once. Where several requirements take one
// ruleset of a host, the change is the first one's.
type Plan struct {
	Hosts []HostPlan
	// Setting is of the vCenter itself; nil where that is not asked for.
	Setting *SettingPlan

	applied bool
}

// Changes returns the changes of all hosts, in order; not the setting's.
func (p *Plan) Changes() []*Change {
	var list []*Change
	for _, h := range p.Hosts {
		list = append(list, h.Changes...)
	}
	return list
}

// NotBegun returns an outcome for each change, the setting's first, that says that
// nothing was done about it. There is none where the plan changes nothing.
func (p *Plan) NotBegun() []*Outcome {
	var list []*Outcome
	if p.Setting != nil && p.Setting.Change != nil {
		list = append(list, &Outcome{Setting: p.Setting.Change, Err: ErrNotStarted})
	}
	for _, c := range p.Changes() {
		list = append(list, &Outcome{Change: c, Err: ErrNotStarted})
	}
	return list
}

// ChangedHosts returns the hosts that have changes, each once, in order.
func (p *Plan) ChangedHosts() []*inventory.Host {
	var hosts []*inventory.Host
	seen := map[*inventory.Host]bool{}
	for _, h := range p.Hosts {
		if len(h.Changes) > 0 && !seen[h.Host] {
			seen[h.Host] = true
			hosts = append(hosts, h.Host)
		}
	}
	return hosts
}

// Refuse turns the plan of the hosts that the function names a reason for into
// a refusal. It serves what is found out after planning, such as privileges.
func (p *Plan) Refuse(why func(*HostPlan) (Reason, string)) {
	for i := range p.Hosts {
		h := &p.Hosts[i]
		if len(h.Changes) == 0 && h.Reason != SharesChange {
			continue
		}
		if reason, detail := why(h); reason != "" {
			h.Reason, h.Detail, h.Changes, h.Warnings = reason, detail, nil, nil
		}
	}
}

// Privilege is what changing, and refreshing, a host's firewall takes.
const Privilege = "Host.Config.NetService"

// stale is a warning about facts that could not be refreshed.
func stale(h *inventory.Host) []string {
	if h.Firewall.Stale == "" {
		return nil
	}
	return []string{fmt.Sprintf("planned from facts that may be minutes old, the refresh failed: %s", h.Firewall.Stale)}
}

// unavailable is the plan of a host that nothing is known of.
func unavailable(h *inventory.Host) (hp HostPlan, yes bool) {
	why := checks.Unavailable(h)
	return HostPlan{Host: h, Reason: HostUnavailable, Detail: why}, why != ""
}

// Opens says in plain words what an enabled ruleset lets through, and to whom.
func Opens(rs *inventory.Ruleset, allowed *inventory.AllowedHosts) string {
	var parts []string
	for _, r := range rs.Rules {
		what := fmt.Sprintf("%s %s %d", r.Direction, strings.ToUpper(r.Protocol), r.Port)
		switch {
		case r.Port == 0 && r.Last() == 65535:
			what = fmt.Sprintf("all %s %s", r.Direction, strings.ToUpper(r.Protocol))
		case r.Last() != r.Port:
			what = fmt.Sprintf("%s-%d", what, r.Last())
		}
		if r.PortType == inventory.Src {
			what += " by source port"
		}
		parts = append(parts, what)
	}
	whom := "any address"
	switch {
	case allowed == nil:
		whom = "addresses that the host does not tell"
	case !allowed.All:
		whom = allowed.String()
		if allowed.Empty() {
			whom = "nobody"
		}
	}
	return fmt.Sprintf("%s, for %s", strings.Join(parts, " and "), whom)
}

// merge adds the prefixes that the list lacks, and keeps the spelling and order
// of what is there.
func merge(list *inventory.AllowedHosts, add []netip.Prefix) *inventory.AllowedHosts {
	merged := &inventory.AllowedHosts{}
	if list != nil && !list.All {
		merged.Addrs = append(merged.Addrs, list.Addrs...)
		merged.Networks = append(merged.Networks, list.Networks...)
	}
	for _, p := range add {
		have, _ := merged.Prefixes()
		switch {
		case inventory.Covered(p, have):
		case p.IsSingleIP():
			merged.Addrs = append(merged.Addrs, p.Addr().String())
		default:
			merged.Networks = append(merged.Networks, inventory.Network{Address: p.Addr().String(), Bits: p.Bits()})
		}
	}
	return merged
}

// judgedHost is a host with the judgements on it, in the order of the requirements.
type judgedHost struct {
	*inventory.Host
	on []judgement
}

// judgement is one of a judge, who may pass another one on the host as it would be.
type judgement struct {
	*checks.Judgement
	judge *checks.Judge
}

// byHost puts the judgements on each host together.
func byHost(judged []checks.Judgements) []*judgedHost {
	var list []*judgedHost
	index := map[*inventory.Host]*judgedHost{}
	for _, of := range judged {
		judge := checks.NewJudge(of.Requirement)
		for i := range of.Hosts {
			j := &of.Hosts[i]
			h := index[j.Host]
			if h == nil {
				h = &judgedHost{Host: j.Host}
				index[j.Host], list = h, append(list, h)
			}
			h.on = append(h.on, judgement{j, judge})
		}
	}
	return list
}

// then is the judgement on the host with the changes made. What else is known of the host
// is as fresh as it was.
func (j judgement) then(changes []*Change) *checks.Judgement {
	if len(changes) == 0 {
		return j.Judgement
	}
	changed := after(j.Host, changes...)
	changed.Firewall.Stale = j.Host.Firewall.Stale
	then, _ := j.judge.Host(&changed) // it is required of the host
	return &then
}

// after is the host as it would be with the changes made and seen, for a verdict on
// it.
func after(h *inventory.Host, changes ...*Change) inventory.Host {
	changed := *h
	changed.Firewall.Stale = ""
	changed.Firewall.Rulesets = slices.Clone(h.Firewall.Rulesets)
	for i, rs := range changed.Firewall.Rulesets {
		for _, c := range changes {
			if rs.Key == c.Ruleset {
				own := *rs
				own.Enabled, own.Allowed = c.After.Enabled, c.After.Allowed
				changed.Firewall.Rulesets[i] = &own
			}
		}
	}
	return changed
}
