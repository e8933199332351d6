package checks

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// Judgement is what one requirement comes to on one host. It is passed once for
// the facts that were read; results, plans and reports take it from here.
type Judgement struct {
	Host *inventory.Host
	// Required is the requirement as Requirement.For has it for the host.
	Required *Requirement
	// Port says whether the firewall lets the requirement through, State whether
	// the host takes part, Persistence whether what permits the port lasts.
	Port, State, Persistence *Verdict
}

// Lasts reports whether what permits the port is known to survive a reboot.
func (j *Judgement) Lasts() bool { return j.Persistence.Status == Pass }

// Lost reports whether what permits the port is known not to survive a reboot.
func (j *Judgement) Lost() bool { return j.Persistence.Reason == LostAtReboot }

// Judge passes judgements on hosts for one requirement. Hosts whose firewalls are
// the same share their verdicts: in a large inventory nearly all are. Its methods
// may be called concurrently.
type Judge struct {
	Requirement Requirement

	mu     sync.Mutex
	bench  *bench             // where every host has the requirement's own peers
	others map[*Demand]*bench // else by the hosts' peers
}

// bench judges hosts of which the same is required.
type bench struct {
	req        Requirement
	ports      map[firewallFacts]*Verdict
	persistent map[rulesetsID]*Verdict // of hosts of which the rulesets alone are known
	groups     map[rulesetsID][]matches
}

func newBench(req Requirement) *bench {
	return &bench{
		req: req, ports: map[firewallFacts]*Verdict{},
		persistent: map[rulesetsID]*Verdict{}, groups: map[rulesetsID][]matches{},
	}
}

// NewJudge returns a judge of the requirement, which must be valid.
func NewJudge(req Requirement) *Judge {
	return &Judge{Requirement: req, bench: newBench(req), others: map[*Demand]*bench{}}
}

// Judgements are those of an inventory's hosts for one requirement.
type Judgements struct {
	Requirement Requirement
	// Hosts are in the order of the inventory's, without those that nothing is required of.
	Hosts []Judgement
}

// JudgeAll passes judgement on every host, for each of the requirements.
func JudgeAll(inv *inventory.Inventory, reqs ...Requirement) []Judgements {
	all := make([]Judgements, len(reqs))
	for i, req := range reqs {
		judge := NewJudge(req)
		all[i] = Judgements{Requirement: req, Hosts: make([]Judgement, 0, len(inv.Hosts))}
		for n := range inv.Hosts {
			if j, required := judge.Host(&inv.Hosts[n]); required {
				all[i].Hosts = append(all[i].Hosts, j)
			}
		}
	}
	return all
}

// benchFor is nil where nothing is required of the host.
func (j *Judge) benchFor(h *inventory.Host) *bench {
	req, required := j.Requirement.For(h)
	switch {
	case !required:
		return nil
	case req.Of == nil:
		return j.bench
	}
	demand := j.Requirement.Of[h.ID]
	if j.others[demand] == nil {
		j.others[demand] = newBench(req)
	}
	return j.others[demand]
}

// Host passes judgement on one host. It is false where nothing is required of it.
func (j *Judge) Host(h *inventory.Host) (Judgement, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	b := j.benchFor(h)
	if b == nil {
		return Judgement{}, false
	}
	return Judgement{Host: h, Required: &b.req, Port: b.port(h), State: judgeHostState(h), Persistence: b.persistence(h)}, true
}

// SwitchMatters reports whether the verdict on a host can be another one when the
// firewall's master switch is known. Where a ruleset permits, it cannot.
func (j *Judge) SwitchMatters(h *inventory.Host) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	b := j.benchFor(h)
	if b == nil {
		return false
	}
	v := b.port(h)
	switch {
	case v.Status == Pass, v.Reason == AllowedHostsUnverified, v.Reason == BorrowedRuleset, v.Reason == ListsOverlap, v.Reason == FactsStale:
		return false
	}
	return unreadable(h) == nil
}

// SoftwareMatters reports whether what is installed on a host can make another
// verdict of whether its rules last. Where built-in rulesets do, or nothing
// permits the port, it cannot.
func (j *Judge) SoftwareMatters(h *inventory.Host) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	b := j.benchFor(h)
	return b != nil && unreadable(h) == nil && slices.ContainsFunc(b.groupsOf(h.Firewall.Rulesets), func(m matches) bool {
		return m.softwareMatters(&b.req)
	})
}

// SiteRulesets are the keys of a host's enabled rulesets for the requirement that
// ESXi does not bring itself.
func (r Requirement) SiteRulesets(h *inventory.Host) []string {
	var keys []string
	for _, rs := range h.Firewall.Rulesets {
		opens := slices.ContainsFunc(r.Ports, func(port int) bool { return rs.Covers(r.Direction, r.Protocol, port) })
		if rs.Enabled && opens && !BuiltIn(rs.Key) {
			keys = append(keys, rs.Key)
		}
	}
	return keys
}

// rulesetsID tells lists of rulesets apart without looking into them: hosts with
// equal rulesets share the list of them.
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

// groupsOf sorts a list of rulesets by what they can do, once for each group of
// ports that the same of them cover.
func (b *bench) groupsOf(rulesets []*inventory.Ruleset) []matches {
	id := idOf(rulesets)
	found, ok := b.groups[id]
	if !ok {
		found = match(rulesets, b.req)
		b.groups[id] = found
	}
	return found
}

// worse joins the verdicts on two groups of ports: the worse one counts, and of
// two alike both are told. Ports that are shut until they are needed are none that pass.
func worse(a, b *Verdict) *Verdict {
	switch {
	case a != nil && a.Reason == SwitchedWhenNeeded && b.Status == Pass:
		return a
	case a == nil || b.Status.Worse(a.Status), b.Reason == SwitchedWhenNeeded && a.Status == Pass:
		return b
	case a.Status.Worse(b.Status):
		return a
	}
	if mildness(a.Reason) > mildness(b.Reason) {
		a, b = b, a
	}
	both := *a
	if !strings.Contains("; "+a.Detail+"; ", "; "+b.Detail+"; ") { // as of one ruleset by which both pass
		both.Detail += "; " + b.Detail
	}
	both.Note = cmp.Or(a.Note, b.Note)
	both.Decides = union(a.Decides, b.Decides)
	both.Missing = union(a.Missing, b.Missing)
	both.reach = strings.Trim(a.reach+"; "+b.reach, "; ")
	return &both
}

// mildness orders warnings: where a ruleset that is nobody else's lets something through,
// another port that passes by something else is what is wrong.
func mildness(r Reason) int {
	switch r {
	case ListsOverlap:
		return 2
	case AllowedHostsUnverified:
		return 1
	}
	return 0
}

// union appends to a what it lacks of b.
func union[T comparable](a, b []T) []T {
	joined := slices.Clone(a)
	for _, x := range b {
		if !slices.Contains(joined, x) {
			joined = append(joined, x)
		}
	}
	return joined
}
