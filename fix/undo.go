package fix

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// ForeignJournalError means that a journal was written on another endpoint.
type ForeignJournalError struct {
	Journal Header
	Here    inventory.Endpoint
}

func (e *ForeignJournalError) Error() string {
	return fmt.Sprintf("the journal is of %s (%s), and this is %s (%s)",
		e.Journal.Address, e.Journal.InstanceUUID, e.Here.Address, e.Here.InstanceUUID)
}

// Belongs returns a *ForeignJournalError unless the journal was written on the
// endpoint. An endpoint without an identity is known by its address.
func (h *Header) Belongs(to inventory.Endpoint) error {
	same := h.InstanceUUID == to.InstanceUUID
	if h.InstanceUUID == "" {
		same = h.Address == to.Address
	}
	if same {
		return nil
	}
	return &ForeignJournalError{*h, to}
}

// Undo plans to restore what the journal's run changed, and nothing else. A
// ruleset that is neither as it was left nor as it was found has been changed
// by somebody else since; it is refused unless force is set. Hosts of the
// journal that are not in the inventory get a row too. Relocate the entries first.
//
// Surveys, by host ID, are of the hosts whose entries were made on the host
// itself; see Entry.OnHost.
func Undo(inv *inventory.Inventory, h Header, entries []Entry, surveys map[string]Survey, force bool) (*Plan, error) {
	if err := h.Belongs(inv.Endpoint); err != nil {
		return nil, err
	}
	byID := make(map[string]*inventory.Host, len(inv.Hosts))
	for i := range inv.Hosts {
		byID[inv.Hosts[i].ID] = &inv.Hosts[i]
	}

	p := &Plan{}
	index := map[string]int{} // host ID to its place in p.Hosts
	for _, e := range firstAndLast(entries) {
		at, seen := index[e.Host.ID]
		if !seen {
			at = len(p.Hosts)
			index[e.Host.ID] = at
			p.Hosts = append(p.Hosts, undoHost(byID[e.Host.ID], e))
		}
		if hp := &p.Hosts[at]; e.OnHost() && hp.Reason != HostUnavailable {
			undoOnHost(hp, e, surveys[e.Host.ID], force)
		} else {
			undoEntry(hp, e, force)
		}
	}
	// The journal is in the order in which hosts were reached.
	slices.SortStableFunc(p.Hosts, func(a, b HostPlan) int { return cmp.Compare(a.Host.Path, b.Host.Path) })
	return p, nil
}

// Relocate returns the entries with the IDs that their hosts have now. A host that
// was removed and added again has another one, and its hardware's UUID as before.
// Where several have that, the ID alone tells.
func Relocate(inv *inventory.Inventory, entries []Entry) []Entry {
	byUUID := map[string][]string{}
	uuids := map[string]string{} // by ID
	for _, h := range inv.Hosts {
		byUUID[h.UUID] = append(byUUID[h.UUID], h.ID)
		uuids[h.ID] = h.UUID
	}
	moved := slices.Clone(entries)
	for i := range moved {
		h := &moved[i].Host
		if now := byUUID[h.UUID]; h.UUID != "" && uuids[h.ID] != h.UUID && len(now) == 1 {
			h.ID = now[0]
		}
	}
	return moved
}

// Hosts names the hosts of a journal, each once.
func Hosts(entries []Entry) []EntryHost {
	var hosts []EntryHost
	seen := map[string]bool{}
	for _, e := range entries {
		if !seen[e.Host.ID] {
			seen[e.Host.ID] = true
			hosts = append(hosts, e.Host)
		}
	}
	return hosts
}

// firstAndLast joins entries of one ruleset: from before the first to after the
// last.
func firstAndLast(entries []Entry) []Entry {
	type key struct {
		host, ruleset string
		method        Method
	}
	var joined []Entry
	index := map[key]int{}
	for _, e := range entries {
		k := key{e.Host.ID, e.Ruleset, e.Method}
		if at, seen := index[k]; seen {
			joined[at].After = e.After
			if e.File != nil && joined[at].File != nil {
				joined[at].File.After = e.File.After
			}
			continue
		}
		index[k] = len(joined)
		joined = append(joined, e)
	}
	return joined
}

func undoHost(h *inventory.Host, e Entry) HostPlan {
	gone := &inventory.Host{ID: e.Host.ID, UUID: e.Host.UUID, Name: e.Host.Name, Path: e.Host.Path}
	switch {
	case h == nil:
		return HostPlan{Host: gone, Reason: HostUnavailable, Detail: "the host is no longer in the inventory"}
	case e.Host.UUID != "" && h.UUID != "" && e.Host.UUID != h.UUID:
		return HostPlan{Host: gone, Reason: HostUnavailable, Detail: fmt.Sprintf("another machine, %s, has its place in the inventory", h.Name)}
	}
	if hp, yes := unavailable(h); yes {
		return hp
	}
	return HostPlan{Host: h, Reason: AlreadyRestored, Detail: "already as it was"}
}

// undoEntry adds to a host's plan what restores one ruleset. What is refused of
// one ruleset does not keep the host's others from being restored.
func undoEntry(hp *HostPlan, e Entry, force bool) {
	if hp.Reason == HostUnavailable {
		return
	}
	before, left := e.Before.state(), e.After.state()
	rs := hp.Host.Firewall.Ruleset(e.Ruleset)
	if rs == nil {
		hp.Reason, hp.Detail = NoRuleset, fmt.Sprintf("the host no longer has the ruleset %s", e.Ruleset)
		return
	}
	now := StateOf(rs)
	if before.Allowed == nil {
		before.Allowed = now.Allowed // the run did not touch a list that it did not know
	}
	// Facts that could not be refreshed may show what was before the run. To
	// switch a ruleset back is idempotent then; to write a list could lose what
	// somebody else has added since.
	old := hp.Host.Firewall.Stale != ""
	if old {
		now = left
	}
	switch {
	case !old && now.Enabled == before.Enabled && sameList(now.Allowed, before.Allowed):
		return
	case !force && !sameList(left.Allowed, before.Allowed) && (old || now.Allowed == nil):
		why := "the host does not tell it any more"
		if old {
			why = "the refresh failed: " + hp.Host.Firewall.Stale
		}
		hp.Reason = HostUnavailable
		hp.Detail = fmt.Sprintf("whom the ruleset %s lets through now is not known (%s); --force restores it all the same", e.Ruleset, why)
		return
	case !force && !ours(now, before, left):
		hp.Reason = ChangedSince
		hp.Detail = fmt.Sprintf("somebody has changed the ruleset %s since (it is %s); --force restores it all the same", e.Ruleset, describe(now))
		return
	}
	c := &Change{Host: hp.Host, Ruleset: e.Ruleset, Why: "as it was before", Before: now, After: before, Opens: "nothing any more"}
	if before.Enabled {
		c.Opens = Opens(rs, before.Allowed)
	}
	hp.Changes = append(hp.Changes, c)
	if !hp.Reason.Refused() {
		hp.Reason, hp.Detail = Chosen, c.Why
	}
}

// ours reports whether each part of the state is as the run found it or as it
// left it: a run that was killed may have made only the first of two calls.
func ours(now, before, left State) bool {
	list := alike(now.Allowed, before.Allowed) || alike(now.Allowed, left.Allowed)
	return list && (now.Enabled == before.Enabled || now.Enabled == left.Enabled)
}

func describe(s State) string {
	word := "disabled"
	if s.Enabled {
		word = "enabled"
	}
	return fmt.Sprintf("%s, for %s", word, s.Allowed)
}
