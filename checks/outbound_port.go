package checks

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// OutboundPort is the ID of the check that decides the main question.
const OutboundPort = "outbound-port"

func outboundPort() Check {
	return Check{
		ID:    OutboundPort,
		Title: "The host's firewall lets TCP 2377 out to the virtual container host",
		Why: "A host dials the virtual container host for every container's serial port. Where the firewall " +
			"keeps the port shut, vic-machine create fails its verification, or containers stay in Starting.",
		Run: func(f Facts) []Result { return perHost(OutboundPort, newVerdicts().judge)(f) },
	}
}

// JudgeOutbound passes the verdict on one host: the first line of the verdict
// table (docs/verdicts.md) that applies.
func JudgeOutbound(h *inventory.Host, req Requirement) Result {
	return newVerdicts().judge(h, req)
}

// verdicts are those passed in one run. Hosts whose firewalls are the same share
// one: in a large inventory nearly all are.
type verdicts map[firewallFacts]Result

// firewallFacts are all that a verdict hangs on. Hosts with equal rulesets share
// the list of them.
type firewallFacts struct {
	rulesets        rulesetsID
	master          inventory.Switch
	outgoingBlocked inventory.Tristate
}

// rulesetsID tells lists of rulesets apart without looking into them.
type rulesetsID struct {
	first **inventory.Ruleset
	count int
}

func idOf(rulesets []*inventory.Ruleset) rulesetsID {
	if len(rulesets) == 0 {
		return rulesetsID{}
	}
	return rulesetsID{&rulesets[0], len(rulesets)}
}

func newVerdicts() verdicts { return verdicts{} }

func (v verdicts) judge(h *inventory.Host, req Requirement) Result {
	if r, ok := unreadable(h); !ok {
		return r
	}
	// The verdict is given nothing else, so that it cannot hang on it. Whether a
	// ruleset lasts is the one thing that hosts who share a verdict may differ in.
	fw := inventory.Firewall{Rulesets: h.Firewall.Rulesets, Switch: h.Firewall.Switch, OutgoingBlocked: h.Firewall.OutgoingBlocked}
	facts := firewallFacts{idOf(fw.Rulesets), fw.Switch, fw.OutgoingBlocked}
	r, ok := v[facts]
	if !ok {
		m := match(fw.Rulesets, req.Port)
		r = m.judge(&fw, req)
		r.Rulesets = m.verdicts(r.Decides)
		v[facts] = r
	}
	r.Rulesets = persistentOn(h, r.Rulesets)
	return r
}

// persistentOn tells of the rulesets of a shared verdict whether they last on
// this host. The list that is shared holds what their keys tell.
func persistentOn(h *inventory.Host, shared []RulesetVerdict) []RulesetVerdict {
	if !h.Software.Known() && len(h.Origins) == 0 {
		return shared
	}
	list := slices.Clone(shared)
	for i := range list {
		list[i].Persistent = originOf(h, list[i].Key).lasts
	}
	return list
}

// SwitchMatters returns a function that reports whether the verdict on a host can
// be another one when the firewall's master switch is known. Where a ruleset
// permits, it cannot. The function may be called concurrently.
func SwitchMatters(req Requirement) func(*inventory.Host) bool {
	var mu sync.Mutex
	seen := newVerdicts()
	return func(h *inventory.Host) bool {
		mu.Lock()
		defer mu.Unlock()
		r := seen.judge(h, req)
		switch {
		case r.Status == Pass, r.Reason == AllowedHostsUnverified, r.Reason == BorrowedRuleset:
			return false
		}
		_, readable := unreadable(h)
		return readable
	}
}

func (m matching) judge(fw *inventory.Firewall, req Requirement) Result {
	port := fmt.Sprintf("TCP %d", req.Port)
	own, any := reachOf(m.own), reachOf(slices.Concat(m.own, m.borrowed))

	switch {
	case own.covers(req.Peers):
		rs := m.decider(req.Peers)
		return Result{Status: Pass, Reason: Permitted, Decides: rs.keys, Detail: rs.sentence(req)}

	case len(req.Peers) == 0 && len(own.prefixes) > 0:
		return Result{
			Status: Warn, Reason: AllowedHostsUnverified, Decides: keys(m.own),
			Detail: fmt.Sprintf("%s lets %s out to %s alone; give the virtual container host's address with --vch-ip",
				keys(m.own), port, joinPrefixes(own.prefixes)),
		}

	case any.covers(req.Peers):
		return Result{
			Status: Warn, Reason: BorrowedRuleset, Decides: keys(m.borrowed),
			Detail: fmt.Sprintf("%s passes only through %s, which belongs to another service and goes when that does",
				port, keys(m.borrowed)),
		}

	case fw.Off():
		return Result{
			Status: Warn, Reason: FirewallOff,
			Detail: fmt.Sprintf("%s passes only because the firewall is off; no ruleset permits it", port),
		}

	case fw.PassesByDefault():
		return Result{
			Status: Warn, Reason: DefaultPass,
			Detail: fmt.Sprintf("%s passes only by the default action; no ruleset permits it", port),
		}

	case len(any.unknown) > 0:
		return Result{
			Status: Unknown, Reason: FactsUnavailable, Decides: strings.Join(any.unknown, "+"),
			Detail: fmt.Sprintf("%s is enabled, but whom it lets through could not be read", strings.Join(any.unknown, " and ")),
		}

	case len(m.own) > 0 && len(own.prefixes) == 0:
		return Result{
			Status: Fail, Reason: AllowedHostsExcludePeer, Decides: keys(m.own), Missing: req.Peers,
			Detail: fmt.Sprintf("%s is enabled, but its allowed hosts are an empty list: nothing passes", keys(m.own)),
		}

	case len(m.own) > 0:
		missing := own.missing(req.Peers)
		return Result{
			Status: Fail, Reason: AllowedHostsExcludePeer, Decides: keys(m.own), Missing: missing,
			Detail: fmt.Sprintf("%s lets %s out to %s, which leaves out %s", keys(m.own), port,
				joinPrefixes(own.prefixes), joinPrefixes(missing)),
		}

	case len(m.disabled) > 0:
		rs := m.pick()
		detail := fmt.Sprintf("%s would let %s out, but it is disabled", rs.Key, port)
		if rs.UserControllable == inventory.No {
			detail += ", and the host says that users may not switch it"
		}
		if len(m.borrowed) > 0 {
			detail += fmt.Sprintf(" (%s is enabled, but for its own service's peers)", keys(m.borrowed))
		}
		return Result{Status: Fail, Reason: RulesetDisabled, Decides: rs.Key, Detail: detail}

	default:
		detail := fmt.Sprintf("no ruleset of this host lets %s out", port)
		if m.foreign > 0 {
			detail = fmt.Sprintf("only rulesets of other services could let %s out", port)
		}
		return Result{Status: Fail, Reason: NoRuleset, Detail: detail}
	}
}

// matching are the rulesets of one host that cover the port, sorted by what
// they can do for it.
type matching struct {
	own      []*inventory.Ruleset // enabled, dedicated or broad
	disabled []*inventory.Ruleset // the same, but disabled
	borrowed []*inventory.Ruleset // enabled, borrowed
	foreign  int                  // borrowed ones, enabled or not
	all      []*inventory.Ruleset
}

// matches are those of one run, each list of rulesets looked through once.
type matches map[rulesetsID]matching

func (m matches) of(rulesets []*inventory.Ruleset, port int) matching {
	id := idOf(rulesets)
	found, ok := m[id]
	if !ok {
		found = match(rulesets, port)
		m[id] = found
	}
	return found
}

func match(rulesets []*inventory.Ruleset, port int) matching {
	var m matching
	for _, rs := range rulesets {
		if !rs.Covers(port) {
			continue
		}
		m.all = append(m.all, rs)
		borrowed := BreadthOf(rs) == Borrowed
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

// Pick returns the key of the ruleset that a fix enables on a host when the
// user names none: vic-engine where the host has it, since it opens the one
// port, else vSPC. It is empty where the host has neither. The choice is made
// by presence alone, so that it can be told before anything is tried.
func Pick(fw *inventory.Firewall, port int) string {
	for _, key := range []string{VICEngine, VSPC} {
		if rs := fw.Ruleset(key); rs != nil && rs.Covers(port) {
			return key
		}
	}
	return ""
}

// pick is the ruleset that a user would enable: the one that Pick names, or else
// one of the site's own, and remoteSerialPort, which opens ports inbound too,
// only when there is nothing else. It is called when there is one.
func (m matching) pick() *inventory.Ruleset {
	order := func(rs *inventory.Ruleset) int {
		switch rs.Key {
		case VICEngine:
			return 0
		case VSPC:
			return 1
		case RemoteSerialPort:
			return 3
		default:
			return 2
		}
	}
	return slices.MinFunc(m.disabled, func(a, b *inventory.Ruleset) int { return order(a) - order(b) })
}

// verdicts lists all rulesets that cover the port, the deciding ones first,
// then the enabled ones, each group in the host's order.
func (m matching) verdicts(decides string) []RulesetVerdict {
	decisive := strings.Split(decides, "+")
	order := func(v RulesetVerdict) int {
		switch {
		case slices.Contains(decisive, v.Key):
			return 0
		case v.Enabled:
			return 1
		default:
			return 2
		}
	}
	var list []RulesetVerdict
	var anyHost inventory.Host // what is known of one is no other's
	for _, rs := range m.all {
		list = append(list, RulesetVerdict{
			Key: rs.Key, Enabled: rs.Enabled, Breadth: BreadthOf(rs), Allowed: rs.Allowed, Persistent: PersistentOn(&anyHost, rs),
			Locked: rs.UserControllable == inventory.No,
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
	// or understood.
	unknown []string
}

func reachOf(rulesets []*inventory.Ruleset) reach {
	var r reach
	for _, rs := range rulesets {
		if rs.Allowed == nil {
			r.unknown = append(r.unknown, rs.Key)
			continue
		}
		r.all = r.all || rs.Allowed.All
		prefixes, malformed := rs.Allowed.Prefixes()
		r.prefixes = append(r.prefixes, prefixes...)
		if len(malformed) > 0 {
			r.unknown = append(r.unknown, rs.Key)
		}
	}
	return r
}

// covers reports whether every peer passes. When no peer is named, only "all"
// is known to cover it.
func (r reach) covers(peers []netip.Prefix) bool {
	if r.all {
		return true
	}
	return len(peers) > 0 && len(r.missing(peers)) == 0
}

func (r reach) missing(peers []netip.Prefix) []netip.Prefix {
	if r.all {
		return nil
	}
	var missing []netip.Prefix
	for _, p := range peers {
		if !inventory.Covered(p, r.prefixes) {
			missing = append(missing, p)
		}
	}
	return missing
}

// decision is the ruleset, or the rulesets together, by which the port passes.
type decision struct {
	keys  string
	broad int // outbound TCP ports opened by a broad ruleset; 0 for dedicated
}

// decider names the narrowest single ruleset that suffices, or all enabled
// ones when only their lists together do. It is called when they do.
func (m matching) decider(peers []netip.Prefix) decision {
	best := decision{keys: keys(m.own)}
	found := false
	for _, rs := range m.own {
		if !reachOf([]*inventory.Ruleset{rs}).covers(peers) {
			continue
		}
		d := decision{keys: rs.Key}
		if BreadthOf(rs) == Broad {
			d.broad = outboundTCPPorts(rs)
		}
		if !found || d.broad < best.broad {
			best, found = d, true
		}
	}
	return best
}

func (d decision) sentence(req Requirement) string {
	to := "any address"
	if len(req.Peers) > 0 {
		to = joinPrefixes(req.Peers)
	}
	s := fmt.Sprintf("%s lets TCP %d out to %s", d.keys, req.Port, to)
	switch {
	case d.broad == 65536:
		s += ", and all other outbound TCP too"
	case d.broad > 0:
		s += fmt.Sprintf(", and %d more ports too", d.broad-1)
	}
	return s
}

func keys(rulesets []*inventory.Ruleset) string {
	list := make([]string, len(rulesets))
	for i, rs := range rulesets {
		list[i] = rs.Key
	}
	return strings.Join(list, "+")
}
