package fix

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// Auto lets Allow choose the ruleset by what the host has.
const Auto = "auto"

// AllowOptions say how the port is to be opened.
type AllowOptions struct {
	// Ruleset is Auto or a key; empty means Auto.
	Ruleset string
	// Only narrows what is enabled to these peers; empty leaves the allowed
	// hosts alone where they already let the requirement through.
	Only []netip.Prefix
	// NarrowBroad lets Only narrow broad rulesets too, such as vSPC. VMware's manuals
	// (vSphere Virtual Machine Administration, serial ports over the network) ask
	// to leave their lists alone, since other services may need them.
	NarrowBroad bool
	// Managing are the keys of rulesets by which hosts are managed, as those of a
	// requirement are that is NeverNarrowWithout.
	Managing []string
	// Managers are the addresses that must not be shut out of those, in a direction. What is
	// not known of them it says in words; nil means that nothing is known.
	Managers func(h *inventory.Host, direction string) (addresses []netip.Prefix, unknown string)
}

func (o AllowOptions) named() bool { return o.Ruleset != Auto && o.Ruleset != "" }

// Allow plans to let the requirements through on every host that they are required of. Each
// is planned on the host as it would be after the changes for those before it. Where no
// peers are known, those of opts.Only should be the judged requirement's.
func Allow(judged []checks.Judgements, opts AllowOptions) *Plan {
	p := &Plan{}
	for _, h := range byHost(judged) {
		var made []*Change
		for _, j := range h.on {
			a := allowance{Judgement: j.then(made), judge: j.judge, asRead: j.Port, opts: opts}
			hp := a.plan()
			hp.Host, hp.Requirement = h.Host, j.Required.Name
			made = append(made, hp.join(made)...)
			p.Hosts = append(p.Hosts, hp)
		}
	}
	return p
}

// join puts a change of a ruleset that is changed already into the earlier change, and
// returns the others.
func (hp *HostPlan) join(made []*Change) (own []*Change) {
	if hp.Reason == SharesChange {
		for _, m := range made {
			m.For = append(m.For, hp.Requirement)
		}
	}
	for _, c := range hp.Changes {
		c.Host, c.For = hp.Host, []string{hp.Requirement}
		at := slices.IndexFunc(made, func(m *Change) bool { return m.Ruleset == c.Ruleset })
		if at < 0 {
			own = append(own, c)
			continue
		}
		earlier := made[at]
		earlier.After, earlier.Opens, earlier.For = c.After, c.Opens, append(earlier.For, c.For...)
		hp.Reason, hp.Detail = SharesChange, fmt.Sprintf("%s is changed once, for %s", c.Ruleset, strings.Join(earlier.For, " and "))
	}
	hp.Changes = own
	return own
}

// allowance is the plan for one host in the making, for one requirement.
type allowance struct {
	// Judgement is on the host as it would be after the changes that are planned already.
	*checks.Judgement
	// judge is for the host as it would be.
	judge *checks.Judge
	// asRead is the verdict on the host as it is.
	asRead *checks.Verdict
	opts   AllowOptions
}

func (a *allowance) plan() HostPlan {
	if hp, yes := unavailable(a.Host); yes {
		return hp
	}
	switch {
	case !passes(a.asRead) && passes(a.Port):
		return a.leave(SharesChange, "a change for another requirement does it: %s", a.Port.Detail)
	case a.Port.Reason == checks.SwitchedWhenNeeded:
		return a.leave(SwitchedWhenNeeded, "%s", a.Port.Detail)
	case a.opts.named() && a.Host.Firewall.Ruleset(a.opts.Ruleset) == nil:
		return a.leave(NoRuleset, "the host has no ruleset %s", a.opts.Ruleset)
	case a.permitted() && !a.replaces():
		hp := a.leave(AlreadyPermitted, "%s%s", a.Port.Detail, untilReboot(a.Judgement))
		hp.Warnings = append(stale(a.Host), a.wider()...)
		return hp
	case a.Port.Reason == checks.AllowedHostsUnverified && len(a.opts.Only) == 0 && !a.replaces():
		return a.leave(Unverified, "%s%s", a.Port.Detail, untilReboot(a.Judgement))
	case a.Port.Reason == checks.FactsStale:
		return a.leave(HostUnavailable, "%s", a.Port.Detail)
	}
	hp := a.open()
	if a.Port.Status == checks.Unknown && len(hp.Changes) == 0 {
		return a.leave(HostUnavailable, "%s", a.Port.Detail)
	}
	return hp
}

// passes reports whether a verdict says that a ruleset lets the port through, by facts of
// whatever age.
func passes(v *checks.Verdict) bool {
	return v.Reason == checks.Permitted || v.Reason == checks.ListsOverlap || v.Reason == checks.FactsStale
}

// permitted reports whether the port is let through as it is, as far as anybody
// knows.
func (a *allowance) permitted() bool {
	return a.Port.Reason == checks.Permitted || a.Port.Reason == checks.ListsOverlap
}

// open plans to enable a ruleset.
func (a *allowance) open() HostPlan {
	req := a.Required
	key, why := a.choose()
	if key == "" {
		return a.leave(NoRuleset, "%s", req.Say(fmt.Sprintf("the host has %s that lets {service} {way}; a VIB that brings one is the lasting way (--method vib)", noneOf(req))))
	}
	rs := a.Host.Firewall.Ruleset(key)
	switch {
	case !req.Covers(rs):
		return a.leave(NoRuleset, "%s", req.Say(fmt.Sprintf("the ruleset %s does not let {service} {way}", key)))
	case req.BreadthOf(rs) == checks.Borrowed:
		return a.leave(BorrowedRuleset, "the ruleset %s belongs to another service, which switches it as it needs", key)
	}
	return a.enable(rs, why)
}

// noneOf names the rulesets that a fix enables, and closes, by itself.
func noneOf(req *checks.Requirement) string {
	if keys := req.Switchable(); len(keys) > 0 {
		return "none of " + strings.Join(keys, ", ")
	}
	return "no ruleset for it alone"
}

// leave is a plan without a change.
func (a *allowance) leave(reason Reason, format string, args ...any) HostPlan {
	return HostPlan{Host: a.Host, Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// enable plans to enable the ruleset, or to lengthen its list, unless the host
// would refuse it or something would be lost.
func (a *allowance) enable(rs *inventory.Ruleset, why string) HostPlan {
	c := &Change{Host: a.Host, Ruleset: rs.Key, Why: why, Before: StateOf(rs)}
	c.After = State{Enabled: true, Allowed: a.allowedAfter(rs)}
	if hp, refused := a.refuse(rs, c); refused {
		return hp
	}
	changed := byItself(after(a.Host, c), a.Required)
	then, _ := a.judge.Host(&changed) // it is the host that this plan is for
	switch {
	case passes(then.Port), then.Port.Reason == checks.AllowedHostsUnverified:
	case then.Port.Reason == checks.AllowedHostsExcludePeer && len(a.opts.Only) > 0:
		return a.leave(WouldShutOut, "the list of --allowed-ip is too short: %s", then.Port.Detail)
	default:
		// Allowed hosts that could not be read, or hold something that is no
		// address: writing the list back would lose it.
		return a.leave(HostUnavailable, "%s", then.Port.Detail)
	}
	c.Opens = Opens(rs, c.After.Allowed)
	hp := a.leave(Chosen, "%s", why)
	hp.Changes, hp.Warnings = []*Change{c}, stale(a.Host)
	req := a.Required
	if a.permitted() && !then.Lasts() {
		hp.Warnings = append(hp.Warnings, req.Say(fmt.Sprintf("%s lets the port {way} {to} %s alone: what else permits it now is lost at the next reboot, give {option}", rs.Key, c.After.Allowed)))
	}
	if req.BreadthOf(rs) == checks.Broad && c.After.Allowed != nil && c.After.Allowed.All {
		hp.Warnings = append(hp.Warnings, fmt.Sprintf("%s lets %s", rs.Key, c.Opens))
	}
	if a.narrowsBroad(rs, c.After.Allowed) {
		hp.Warnings = append(hp.Warnings, fmt.Sprintf("%s is narrowed, and other services may need what it let through: VMware's manuals ask to leave its list alone", rs.Key))
	}
	return hp
}

// byItself is a changed host as if nothing else than rulesets that are nobody else's let
// anything through: a change must do by itself what it is made for.
func byItself(h inventory.Host, req *checks.Requirement) inventory.Host {
	h.Firewall.Switch, h.Firewall.IncomingBlocked, h.Firewall.OutgoingBlocked = inventory.Switch{}, inventory.Yes, inventory.Yes
	h.Firewall.Rulesets = slices.DeleteFunc(h.Firewall.Rulesets, func(rs *inventory.Ruleset) bool { return req.BreadthOf(rs) == checks.Borrowed })
	return h
}

// refuse returns the plan of a host on which the change is not to be made.
func (a *allowance) refuse(rs *inventory.Ruleset, c *Change) (HostPlan, bool) {
	fw := &a.Host.Firewall
	lists := !sameList(c.Before.Allowed, c.After.Allowed)
	var hp HostPlan
	switch {
	case a.permitted() && rs.Enabled && !lists:
		hp = a.leave(AlreadyPermitted, "%s%s", a.Port.Detail, untilReboot(a.Judgement))
	case a.Port.Reason == checks.AllowedHostsUnverified && rs.Enabled && !lists:
		hp = a.leave(Unverified, "%s%s", a.Port.Detail, untilReboot(a.Judgement))
	case lists && c.Before.Allowed == nil:
		hp = a.leave(HostUnavailable, "whom the ruleset %s lets through could not be read, and writing a list would lose it", rs.Key)
	case lists && fw.Stale != "":
		hp = a.leave(HostUnavailable, "the allowed hosts of the ruleset %s may be old, the refresh failed (%s), and writing them would lose what is new", rs.Key, fw.Stale)
	case !a.opts.NarrowBroad && a.narrowsBroad(rs, c.After.Allowed):
		hp = a.leave(NotNarrowed, "%s opens much more than the port, and VMware's manuals ask to leave its allowed hosts alone; --narrow-broad narrows them all the same", rs.Key)
	case !rs.Enabled && notByUsers(a.Required, rs) != "":
		reason, why := notByUsers(a.Required, rs), whoSwitches(a.Required, rs, "start")
		hp = a.leave(reason, "%s", why)
	case lists && rs.IPListConfigurable == inventory.No:
		hp = a.leave(NotUserControllable, "the host says that users may not change the allowed hosts of the ruleset %s; --ruleset names another", rs.Key)
	case lists && a.Required.Switched != "" && slices.Contains(a.Required.Prefer, rs.Key):
		hp = a.leave(NotUserControllable, "ESXi itself keeps the allowed hosts of the ruleset %s, which it switches %s", rs.Key, a.Required.Switched)
	default:
		out := a.shutOut(rs, c.After.Allowed)
		return a.leave(WouldShutOut, "%s", out), out != ""
	}
	return hp, true
}

// notByUsers is why users do not switch the ruleset; empty where they do.
func notByUsers(req *checks.Requirement, rs *inventory.Ruleset) Reason {
	switch by, _ := req.SwitchedBy(rs); by {
	case checks.ByService:
		return SwitchedByService
	case checks.ByHost:
		return NotUserControllable
	}
	return ""
}

// whoSwitches says who does in their place, and what a user may do: start or stop a service.
func whoSwitches(req *checks.Requirement, rs *inventory.Ruleset, do string) string {
	switch by, daemon := req.SwitchedBy(rs); {
	case by == checks.ByService:
		return fmt.Sprintf("the service %s switches %s: %s it", daemon, rs.Key, do)
	case rs.UserControllable == inventory.No:
		return fmt.Sprintf("the host says that users may not switch the ruleset %s; --ruleset names another", rs.Key)
	case req.Switched != "":
		return fmt.Sprintf("ESXi itself switches the ruleset %s, %s (the profile's word on %s; the host does not say)", rs.Key, req.Switched, req.Name)
	}
	return fmt.Sprintf("ESXi itself switches the ruleset %s with what it belongs to (the profile's word on %s; the host does not say)", rs.Key, req.Name)
}

// shutOut says whom a list that is put into force would shut out of a ruleset by which the
// host is managed; empty where nobody is. What is not known would be.
func (a *allowance) shutOut(rs *inventory.Ruleset, list *inventory.AllowedHosts) string {
	req := a.Required
	listed := rs.Enabled && (rs.Allowed == nil || !rs.Allowed.All) // it grows, if anything
	if list != nil && list.All || listed || !req.NeverNarrowWithout && !slices.Contains(a.opts.Managing, rs.Key) {
		return ""
	}
	needed, unknown := []netip.Prefix(nil), "who manages the host is not known"
	if a.opts.Managers != nil {
		needed, unknown = a.opts.Managers(a.Host, req.Direction)
	}
	if req.NeverNarrowWithout && (len(req.Peers) == 0 || len(req.Unnamed) > 0) && unknown == "" {
		unknown = req.Say("not all addresses of {the peer} are known, and {option} gives them")
	}
	if list == nil {
		return fmt.Sprintf("the host is managed by %s, and whom that would let through could not be read", rs.Key)
	}
	if unknown != "" {
		return fmt.Sprintf("the host is managed by %s, which would be enabled for %s alone: %s", rs.Key, list, unknown)
	}
	have, _ := list.Prefixes()
	for _, p := range slices.Concat(needed, req.Peers) {
		if !inventory.Covered(p, have) {
			return fmt.Sprintf("the host is managed by %s, which would be enabled for %s alone: that shuts out %s", rs.Key, list, inventory.PrefixText(p))
		}
	}
	return ""
}

// narrowsBroad reports whether a broad ruleset, which lets everybody through when it
// is enabled, would get a list.
func (a *allowance) narrowsBroad(rs *inventory.Ruleset, after *inventory.AllowedHosts) bool {
	return a.Required.BreadthOf(rs) == checks.Broad && rs.Allowed != nil && rs.Allowed.All && after != nil && !after.All
}

// replaces reports whether a ruleset would let the port through past the next
// reboot on a host where what permits it now does not last, or, where the user
// names the ruleset, may not.
func (a *allowance) replaces() bool {
	if a.opts.named() {
		return !a.Lasts()
	}
	if !a.Lost() {
		return false
	}
	key, _ := a.choose()
	rs := a.Host.Firewall.Ruleset(key)
	return rs != nil && checks.PersistentOn(a.Host, rs) == inventory.Yes && len(a.open().Changes) > 0
}

// untilReboot says of what permits the port that it is lost.
func untilReboot(j *checks.Judgement) string {
	if j.Lost() {
		return ", until the next reboot"
	}
	return ""
}

// wider warns that a ruleset that is enabled already lets through more than the
// addresses that were asked for: what works is left alone, not narrowed.
func (a *allowance) wider() []string {
	if len(a.opts.Only) == 0 || len(a.Port.Decides) != 1 {
		return nil
	}
	rs := a.Host.Firewall.Ruleset(a.Port.Decides[0])
	if rs == nil || rs.Allowed == nil || !rs.Allowed.All {
		return nil
	}
	return []string{fmt.Sprintf("%s was enabled already, for any address: it is left alone, and not narrowed", rs.Key)}
}

// choose names the ruleset to enable. It goes by what is there, never by what
// an attempt answers.
func (a *allowance) choose() (key, why string) {
	if a.opts.named() {
		return a.opts.Ruleset, "named by --ruleset"
	}
	req := a.Required
	key = req.Pick(a.Host)
	switch {
	case key == "":
		return "", ""
	case slices.Contains(req.Prefer, key) && req.ByVICMachine():
		return key, "the narrowest built-in ruleset: it opens this port alone"
	case slices.Contains(req.Prefer, key):
		return key, "the ruleset that is made for it"
	case !slices.Contains(req.Fallback, key):
		return key, "the narrowest ruleset of the host that lasts"
	}
	for _, better := range req.Prefer {
		if a.Host.Firewall.Ruleset(better) != nil {
			return key, fmt.Sprintf("%s opens another port, and %s is built in", better, key)
		}
	}
	lacks := strings.Join(req.Prefer, " and no ")
	if version := checks.Since(lacks); version != "" {
		lacks += fmt.Sprintf(" (%s and later do)", version)
	}
	return key, fmt.Sprintf("the host has no %s, and %s is built in", lacks, key)
}

// allowedAfter is whom the ruleset is to let through.
func (a *allowance) allowedAfter(rs *inventory.Ruleset) *inventory.AllowedHosts {
	before, peers := rs.Allowed, a.Required.Peers
	switch {
	case len(a.opts.Only) > 0 && !rs.Enabled:
		// A list that is left over from before is not in force, and is not put
		// into force: what is enabled is what was asked for.
		return merge(nil, a.opts.Only)
	case len(a.opts.Only) > 0 && before != nil && before.All:
		return before // what works is left alone, not narrowed
	case len(a.opts.Only) > 0:
		return merge(before, a.opts.Only)
	case before == nil || before.All:
		return before
	case before.Empty() && len(peers) == 0 && len(a.Required.Unnamed) == 0:
		// Enabled for nobody it would open nothing: as ESXi is installed, a
		// ruleset lets all through.
		return &inventory.AllowedHosts{All: true}
	default:
		return merge(before, peers)
	}
}
