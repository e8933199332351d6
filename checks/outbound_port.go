package checks

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// OutboundPort is the ID of the check that decides the main question.
const OutboundPort = "outbound-port"

func outboundPort() Check {
	return Check{
		ID:    OutboundPort,
		Title: "The host's firewall lets {service} {way} {to} {the peer}",
		Why: "Where the ESXi firewall keeps a required port shut, {breaks}. What lets it {way} is a ruleset. The vSphere " +
			"Client lists rulesets, with their allowed IP addresses, under Configure, System, Firewall; PowerCLI calls each " +
			"a firewall exception (Get-VMHostFirewallException).",
		Run: perRequirement(OutboundPort, func(j *Judgement, _ Requirement) *Verdict { return j.Port }),
	}
}

// firewallFacts are all that a verdict on the port hangs on.
type firewallFacts struct {
	rulesets                         rulesetsID
	master                           inventory.Switch
	incomingBlocked, outgoingBlocked inventory.Tristate
}

// port is the first line of the verdict table (docs/verdicts.md) that applies.
func (b *bench) port(h *inventory.Host) *Verdict {
	if v := unreadable(h); v != nil {
		return v
	}
	// The verdict is given nothing else, so that it cannot hang on it. Whether a
	// ruleset lasts is the one thing that hosts who share a verdict may differ in.
	fw := inventory.Firewall{
		Rulesets: h.Firewall.Rulesets, Switch: h.Firewall.Switch,
		IncomingBlocked: h.Firewall.IncomingBlocked, OutgoingBlocked: h.Firewall.OutgoingBlocked,
	}
	facts := firewallFacts{idOf(fw.Rulesets), fw.Switch, fw.IncomingBlocked, fw.OutgoingBlocked}
	v, ok := b.ports[facts]
	if !ok {
		groups := b.groupsOf(fw.Rulesets)
		for i := range groups {
			v = worse(v, groups[i].judge(&fw, b.req))
		}
		if b.req.From != "" {
			v.Detail += fmt.Sprintf(" (%s)", b.req.From)
		}
		v.Rulesets = rulesetVerdicts(groups, b.req, v.Decides)
		b.ports[facts] = v
	}
	return on(h, &b.req, v)
}

// on is the shared verdict with what is known of this host besides: whether its
// rulesets last (the list that is shared holds what their keys tell), what a probe
// has settled, and whether the facts are fresh enough to say that all is well.
func on(h *inventory.Host, req *Requirement, shared *Verdict) *Verdict {
	v := *shared
	switch {
	case shared.Reason == ListsOverlap && answered(h, req):
		v.Status, v.Reason, v.Detail = Pass, Permitted, fmt.Sprintf("%s; a connection %s the host got %s", shared.Detail, req.of(), req.way())
	case shared.Status == Pass && h.Firewall.Stale != "":
		v.Status, v.Reason = Unknown, FactsStale
		v.Detail = fmt.Sprintf("%s, by a copy that may be minutes old: the refresh failed: %s", shared.Detail, h.Firewall.Stale)
	case byKeyAlone(h):
		return shared
	}
	if !byKeyAlone(h) {
		v.Rulesets = slices.Clone(shared.Rulesets)
		for i := range v.Rulesets {
			v.Rulesets[i].Persistent = originOf(h, v.Rulesets[i].Key).lasts
		}
	}
	return &v
}

// judge passes the verdict on one group of ports.
func (m *matches) judge(fw *inventory.Firewall, req Requirement) *Verdict {
	own, any := reachOf(m.own), reachOf(slices.Concat(m.own, m.borrowed))
	service := req.service(m.ports)

	switch {
	case own.covers(&req):
		d := m.decider(req)
		if narrower := m.overlapping(req, d.by); len(narrower) > 0 {
			return &Verdict{
				Status: Warn, Reason: ListsOverlap, Decides: keys(d.by),
				Detail: fmt.Sprintf("%s; but %s covers the port too, for a list that leaves the peer out, and what ESXi makes of both is not documented",
					d.sentence(req, service), joined(narrower)),
			}
		}
		return &Verdict{Status: Pass, Reason: Permitted, Decides: keys(d.by), Detail: d.sentence(req, service), Note: d.note(req)}

	case !req.peersKnown() && len(own.prefixes) > 0 && len(own.missing(req.Peers)) == 0:
		return m.unverified(own, req, service)

	case any.covers(&req):
		return &Verdict{
			Status: Warn, Reason: BorrowedRuleset, Decides: keys(m.borrowed),
			Detail: fmt.Sprintf("%s passes only through %s, which belongs to another service and goes when that does",
				service, joined(m.borrowed)),
		}

	case fw.Off():
		return &Verdict{
			Status: Warn, Reason: FirewallOff,
			Detail: fmt.Sprintf("%s passes only because the firewall is off; no ruleset permits it", service),
		}

	case fw.PassesByDefault(req.Direction):
		v := &Verdict{
			Status: Warn, Reason: DefaultPass,
			Detail: fmt.Sprintf("%s passes only by the default action; no ruleset permits it", service),
		}
		if req.ByVICMachine() {
			// vic-machine looks at the rulesets alone (lib/install/validate,
			// CheckFirewallForTether).
			v.Status = Fail
			v.Detail += ", and vic-machine create refuses such a host"
		}
		return v

	case len(any.unknown) > 0:
		return &Verdict{
			Status: Unknown, Reason: FactsUnavailable, Decides: any.unknown,
			Detail: fmt.Sprintf("%s is enabled, but %s", strings.Join(any.unknown, " and "), strings.Join(any.why, "; ")),
		}
	}
	return m.shut(own, req, service)
}

// unverified is the verdict where a list lets through what is known of the peers, and not
// all of them are known.
func (m *matches) unverified(own reach, req Requirement, service string) *Verdict {
	v := &Verdict{Status: Warn, Reason: AllowedHostsUnverified, Decides: keys(m.own), reach: own.canonical()}
	v.Detail = req.Say(fmt.Sprintf("%s lets %s {way} {to} %s alone; ", joined(m.own), service, joinPrefixes(own.prefixes)))
	if len(req.Unnamed) > 0 {
		v.Detail += fmt.Sprintf("whether that has %s is not known: a list holds addresses", strings.Join(req.Unnamed, ", "))
	} else {
		v.Detail += req.Say("give {the peer}'s address with {option}")
	}
	return v
}

// shut is the verdict where nothing lets the ports through.
func (m *matches) shut(own reach, req Requirement, service string) *Verdict {
	switch {
	case m.opensWhenNeeded(req):
		return &Verdict{
			Status: Skip, Reason: SwitchedWhenNeeded, Note: "shut until it is needed",
			Detail: fmt.Sprintf("%s does not get %s now; ESXi itself switches %s, %s", service, req.way(), strings.Join(req.Prefer, " or "), req.Switched),
		}

	case len(m.own) > 0 && len(own.prefixes) == 0:
		return &Verdict{
			Status: Fail, Reason: AllowedHostsExcludePeer, Decides: keys(m.own), Missing: req.Peers,
			Detail: fmt.Sprintf("%s is enabled, but its allowed hosts are an empty list: nothing passes", joined(m.own)),
		}

	case len(m.own) > 0:
		missing := own.missing(req.Peers)
		return &Verdict{
			Status: Fail, Reason: AllowedHostsExcludePeer, Decides: keys(m.own), Missing: missing,
			Detail: fmt.Sprintf("%s lets %s %s %s %s, which leaves out %s", joined(m.own), service, req.way(), req.to(),
				joinPrefixes(own.prefixes), joinPrefixes(missing)),
		}

	case len(m.disabled) > 0:
		return m.disabledOne(req, service)
	}
	detail := fmt.Sprintf("no ruleset of this host lets %s %s", service, req.way())
	if m.foreign > 0 {
		detail = fmt.Sprintf("only rulesets of other services could let %s %s", service, req.way())
	}
	return &Verdict{Status: Fail, Reason: NoRuleset, Detail: detail}
}

// opensWhenNeeded reports whether ESXi itself will open the ports by a ruleset that the host
// has: one for other ports, as of a key server that listens elsewhere, never does.
func (m *matches) opensWhenNeeded(req Requirement) bool {
	return (req.Momentary || req.Switched != "" && req.From == "") &&
		slices.ContainsFunc(m.all, func(rs *inventory.Ruleset) bool { return slices.Contains(req.Prefer, rs.Key) })
}

// disabledOne is the verdict where a ruleset only has to be enabled.
func (m *matches) disabledOne(req Requirement, service string) *Verdict {
	rs := m.pick(req)
	v := &Verdict{Status: Fail, Reason: RulesetDisabled, Decides: []string{rs.Key}}
	v.Detail = fmt.Sprintf("%s would let %s %s%s, but it is disabled", rs.Key, service, req.way(), req.besides(rs))
	switch by, daemon := req.SwitchedBy(rs); {
	case by == ByService:
		v.Reason, v.Daemon = SwitchedByService, daemon
		v.Detail += fmt.Sprintf("; the service %s switches it", daemon)
	case by == ByHost && req.Owner == ByHost:
		v.Reason = SwitchedByHost
		v.Detail += "; ESXi itself switches it"
	case by == ByHost:
		v.Detail += ", and the host says that users may not switch it"
	}
	if len(m.borrowed) > 0 && req.OfVCH() { // that one opens all ports, and is taken for it
		v.Detail += fmt.Sprintf(" (%s is enabled, but for its own service's peers)", joined(m.borrowed))
	}
	return v
}

// matches are the rulesets of one host that cover a group of ports, sorted by
// what they can do for them.
type matches struct {
	ports    []int
	own      []*inventory.Ruleset // enabled, dedicated or broad
	disabled []*inventory.Ruleset // the same, but disabled
	borrowed []*inventory.Ruleset // enabled, borrowed
	foreign  int                  // borrowed ones, enabled or not
	all      []*inventory.Ruleset
}

// match makes a group of the ports that the same rulesets cover: most often all
// are one.
func match(rulesets []*inventory.Ruleset, req Requirement) []matches {
	var groups []matches
	for _, port := range req.Ports {
		m := matchPort(rulesets, req, port)
		i := slices.IndexFunc(groups, func(g matches) bool { return slices.Equal(g.all, m.all) })
		if i < 0 {
			groups = append(groups, m)
			continue
		}
		groups[i].ports = append(groups[i].ports, port)
	}
	return groups
}

func matchPort(rulesets []*inventory.Ruleset, req Requirement, port int) matches {
	m := matches{ports: []int{port}}
	for _, rs := range rulesets {
		if !rs.Covers(req.Direction, req.Protocol, port) {
			continue
		}
		m.all = append(m.all, rs)
		borrowed := req.BreadthOf(rs) == Borrowed
		switch {
		case borrowed && rs.Enabled:
			m.borrowed = append(m.borrowed, rs)
		case borrowed:
		case rs.Enabled:
			m.own = append(m.own, rs)
		default:
			m.disabled = append(m.disabled, rs)
		}
		if borrowed {
			m.foreign++
		}
	}
	return m
}

// Pick returns the key of the ruleset that a fix enables on a host when the user
// names none, empty where the host has none: the first of Prefer, else the
// narrowest that is nobody else's, may be switched and survives a reboot, else the
// first of Fallback. The choice is made by presence alone, so that it can be told
// before anything is tried.
func (r Requirement) Pick(h *inventory.Host) string {
	var best *inventory.Ruleset
	order := func(rs *inventory.Ruleset) int { return r.order(rs, PersistentOn(h, rs)) }
	for _, rs := range h.Firewall.Rulesets {
		if !r.Covers(rs) || r.BreadthOf(rs) == Borrowed || order(rs) >= notByItself {
			continue
		}
		if best == nil || cmp.Or(order(rs)-order(best), openedAtAll(rs)-openedAtAll(best)) < 0 {
			best = rs
		}
	}
	if best == nil {
		return ""
	}
	return best.Key
}

// openedAtAll is how many ports a ruleset opens in every direction and protocol: of two that
// open as much for a requirement, the one that opens less besides is taken.
func openedAtAll(rs *inventory.Ruleset) (n int) {
	for _, direction := range []string{inventory.Outbound, inventory.Inbound} {
		n += rs.Opened(direction, inventory.TCP) + rs.Opened(direction, inventory.UDP)
	}
	return n
}

// The places of rulesets in the order in which one is taken: those of Prefer have
// theirs from 0 on, dedicated ones by how many ports they open.
const (
	dedicatedFrom = 1 << 10
	fallbackFrom  = 1 << 20
	notByItself   = 1 << 30
)

func (r Requirement) order(rs *inventory.Ruleset, lasts inventory.Tristate) int {
	prefer, fallback := slices.Index(r.Prefer, rs.Key), slices.Index(r.Fallback, rs.Key)
	switch {
	case prefer >= 0:
		return prefer
	case r.BreadthOf(rs) == Dedicated && lasts == inventory.Yes && rs.UserControllable != inventory.No:
		return dedicatedFrom + rs.Opened(r.Direction, r.Protocol)
	case fallback >= 0:
		return fallbackFrom + fallback
	case !builtin[rs.Key]:
		return notByItself
	}
	return notByItself + 1
}

// pick is the ruleset that a user would enable: the one that Pick names, or else
// one of the site's own, and a built-in one that is no more than accepted, such as
// remoteSerialPort, only when there is nothing else. It is called when there is
// one.
func (m *matches) pick(req Requirement) *inventory.Ruleset {
	var anyHost inventory.Host // what is known of one is no other's
	order := func(rs *inventory.Ruleset) int { return req.order(rs, PersistentOn(&anyHost, rs)) }
	return slices.MinFunc(m.disabled, func(a, b *inventory.Ruleset) int {
		return cmp.Or(order(a)-order(b), openedAtAll(a)-openedAtAll(b))
	})
}

// overlapping are the rulesets beside those that permit which are enabled, cover a
// wide range around the port, and have a list that leaves a peer out. Those that
// ESXi manages itself do not count: nfsClient is on wherever NFS is mounted. Of a
// site's own, a narrowed range has shut what lay inside it (OpenNebula issue 1728).
// Two rulesets of one key are two rulesets.
func (m *matches) overlapping(req Requirement, permit []*inventory.Ruleset) []*inventory.Ruleset {
	var list []*inventory.Ruleset
	for _, rs := range m.own {
		one := reachOf([]*inventory.Ruleset{rs})
		if !slices.Contains(permit, rs) && req.BreadthOf(rs) == Broad && len(one.unknown) == 0 && !one.covers(&req) {
			list = append(list, rs)
		}
	}
	return list
}

// rulesetVerdicts lists all rulesets that cover one of the ports, the deciding
// ones first, then the enabled ones, each group in the host's order.
func rulesetVerdicts(groups []matches, req Requirement, decides []string) []RulesetVerdict {
	order := func(v RulesetVerdict) int {
		switch {
		case slices.Contains(decides, v.Key):
			return 0
		case v.Enabled:
			return 1
		default:
			return 2
		}
	}
	var all []*inventory.Ruleset
	for _, m := range groups {
		all = union(all, m.all)
	}
	var list []RulesetVerdict
	var anyHost inventory.Host // what is known of one is no other's
	for _, rs := range all {
		list = append(list, RulesetVerdict{
			Key: rs.Key, Enabled: rs.Enabled, Breadth: req.BreadthOf(rs), Allowed: rs.Allowed, Persistent: PersistentOn(&anyHost, rs),
			Locked: rs.UserControllable == inventory.No, ListLocked: rs.IPListConfigurable == inventory.No,
		})
	}
	slices.SortStableFunc(list, func(a, b RulesetVerdict) int { return order(a) - order(b) })
	return list
}

// reach is whom a set of enabled rulesets lets through together.
type reach struct {
	all      bool
	prefixes []netip.Prefix
	// unknown are the keys of rulesets whose allowed hosts could not be read
	// or understood, and why says it of each.
	unknown, why []string
}

func reachOf(rulesets []*inventory.Ruleset) reach {
	var r reach
	for _, rs := range rulesets {
		if rs.Allowed == nil {
			r.unknown = append(r.unknown, rs.Key)
			r.why = append(r.why, fmt.Sprintf("whom %s lets through could not be read", rs.Key))
			continue
		}
		r.all = r.all || rs.Allowed.All
		prefixes, malformed := rs.Allowed.Prefixes()
		r.prefixes = append(r.prefixes, prefixes...)
		if len(malformed) > 0 {
			r.unknown = append(r.unknown, rs.Key)
			r.why = append(r.why, fmt.Sprintf("the list of %s holds what is no address: %s", rs.Key, strings.Join(quoteAll(malformed), ", ")))
		}
	}
	return r
}

// covers reports whether every peer passes. Where not all peers are known, only "all"
// is known to cover them.
func (r reach) covers(req *Requirement) bool {
	return r.all || req.peersKnown() && !slices.ContainsFunc(req.Peers, r.leavesOut)
}

func (r reach) leavesOut(peer netip.Prefix) bool {
	return !r.all && !inventory.Covered(peer, r.prefixes)
}

func (r reach) missing(peers []netip.Prefix) (missing []netip.Prefix) {
	for _, p := range peers {
		if r.leavesOut(p) {
			missing = append(missing, p)
		}
	}
	return missing
}

// decision is the ruleset, or the rulesets together, by which the ports pass.
type decision struct {
	by    []*inventory.Ruleset
	broad int // ports opened by a broad ruleset; 0 for dedicated
}

// decider names the narrowest single ruleset that suffices, or all enabled
// ones when only their lists together do. It is called when they do.
func (m *matches) decider(req Requirement) decision {
	best := decision{by: m.own}
	found := false
	for _, rs := range m.own {
		if !reachOf([]*inventory.Ruleset{rs}).covers(&req) {
			continue
		}
		d := decision{by: []*inventory.Ruleset{rs}}
		if req.BreadthOf(rs) == Broad {
			d.broad = rs.Opened(req.Direction, req.Protocol)
		}
		if !found || d.broad < best.broad {
			best, found = d, true
		}
	}
	return best
}

func (d decision) sentence(req Requirement, service string) string {
	peers := "any address"
	if len(req.Peers) > 0 {
		peers = joinPrefixes(req.Peers)
	}
	s := fmt.Sprintf("%s lets %s %s %s %s", joined(d.by), service, req.way(), req.to(), peers)
	if d.broad > 0 {
		s += req.besides(d.by[0])
	}
	return s
}

// besides says what else a broad ruleset lets through, behind a sentence on what it does for
// the requirement; empty for others.
func (r Requirement) besides(rs *inventory.Ruleset) string {
	switch n := rs.Opened(r.Direction, r.Protocol); {
	case r.BreadthOf(rs) != Broad:
		return ""
	case n == allPorts:
		return fmt.Sprintf(", and all other %s %s too", r.Direction, strings.ToUpper(r.Protocol))
	default:
		return fmt.Sprintf(", and %d more ports too", n-1)
	}
}

const allPorts = 65536

// note says what else a broad ruleset opens.
func (d decision) note(req Requirement) string {
	switch {
	case d.broad == allPorts:
		return fmt.Sprintf("broad: all %s %s", req.Direction, strings.ToUpper(req.Protocol))
	case d.broad > 0:
		return fmt.Sprintf("broad: %d ports", d.broad)
	}
	return ""
}

func keys(rulesets []*inventory.Ruleset) []string {
	list := make([]string, len(rulesets))
	for i, rs := range rulesets {
		list[i] = rs.Key
	}
	return list
}

// joined names rulesets in a sentence.
func joined(rulesets []*inventory.Ruleset) string { return strings.Join(keys(rulesets), "+") }
