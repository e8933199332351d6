// Package checks passes verdicts: pure functions from facts to results.
//
// It knows what ESXi lets through and what that means for a requirement. It never
// does I/O, and it never learns where a fact came from.
package checks

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// Facts are what a check may look at.
type Facts struct {
	Inventory *inventory.Inventory
	// Judged are the judgements on the inventory's hosts, one list for each
	// requirement of the run.
	Judged []Judgements
	// VCH is the virtual container host that is to be created; nil where the run is about
	// none. Inventory.Placement is set with it.
	VCH *VCH
}

// Check is one question about the facts.
type Check struct {
	// ID is kebab-case and a contract with users: it appears in --skip and
	// --only, in JSON and in JUnit.
	ID string
	// Title and Why are for Requirement.Say. Why tells in a sentence or two what
	// goes wrong when the check fails.
	Title, Why string
	// Reasons are those of its findings, and of what it could not find out. Only the checks
	// of Create have them: docs/create.md is made of them.
	Reasons []Reason
	// Run answers for every host, or for every cluster; a check of requirements
	// does so for each of them that is required of the host. It must be pure, and it must
	// leave no other subject out.
	Run func(Facts) []Result
}

// Default returns all checks in the order in which reports show them.
func Default() []Check {
	return []Check{
		outboundPort(),
		firewallState(),
		hostState(),
		rulePersistence(),
		tcpConnect(),
		clusterDrift(),
		peerSettings(),
	}
}

// IDs are those of all checks, those of Default first.
func IDs() []string { return idsOf(slices.Concat(Default(), Create())) }

// DefaultIDs are those of Default alone.
func DefaultIDs() []string { return idsOf(Default()) }

func idsOf(list []Check) []string {
	ids := make([]string, len(list))
	for i, c := range list {
		ids[i] = c.ID
	}
	return ids
}

// UnknownIDError names check IDs that do not exist, or that belong to another kind of run,
// and those that may be named.
type UnknownIDError struct {
	IDs   []string
	Known []string
}

func (e *UnknownIDError) Error() string {
	known := fmt.Sprintf("the checks are: %s", strings.Join(e.Known, ", "))
	var elsewhere, nowhere []string
	for _, id := range e.IDs {
		if slices.Contains(IDs(), id) {
			elsewhere = append(elsewhere, id)
		} else {
			nowhere = append(nowhere, id)
		}
	}
	switch {
	case len(nowhere) > 0:
		return fmt.Sprintf("unknown check %s; %s", strings.Join(quoteAll(nowhere), ", "), known)
	case len(elsewhere) == 1:
		return fmt.Sprintf("the check %q is made by vic-preflight create alone; here %s", elsewhere[0], known)
	}
	return fmt.Sprintf("the checks %s are made by vic-preflight create alone; here %s", strings.Join(quoteAll(elsewhere), ", "), known)
}

// Select narrows checks down to the IDs in only (all when it is empty) without
// those in skip, in the order of checks. IDs that do not exist, and those in only that are
// none of all, are an *UnknownIDError: leaving out what is not made is harmless, so that one
// configuration may serve every kind of run.
func Select(all []Check, only, skip []string) ([]Check, error) {
	known, anywhere := idsOf(all), IDs()
	var unknown []string
	for _, id := range only {
		if !slices.Contains(known, id) {
			unknown = append(unknown, id)
		}
	}
	for _, id := range skip {
		if !slices.Contains(known, id) && !slices.Contains(anywhere, id) {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) > 0 {
		return nil, &UnknownIDError{IDs: unknown, Known: known}
	}
	var selected []Check
	for _, c := range all {
		if (len(only) == 0 || slices.Contains(only, c.ID)) && !slices.Contains(skip, c.ID) {
			selected = append(selected, c)
		}
	}
	return selected, nil
}

// Run answers all the checks, in order.
func Run(selected []Check, facts Facts) []Result {
	results := make([]Result, 0, len(selected)*len(facts.Inventory.Hosts))
	for _, c := range selected {
		results = append(results, c.Run(facts)...)
	}
	return results
}

// perHost makes a Check.Run out of a verdict on one host, whatever is required.
func perHost(id string, verdict func(*inventory.Host) *Verdict) func(Facts) []Result {
	return func(f Facts) []Result {
		results := make([]Result, len(f.Inventory.Hosts))
		for i := range f.Inventory.Hosts {
			h := &f.Inventory.Hosts[i]
			results[i] = Result{Check: id, Scope: ScopeHost, Subject: h.Path, Verdict: verdict(h)}
		}
		return results
	}
}

// perRequirement makes a Check.Run out of a verdict on one host for one
// requirement.
func perRequirement(id string, verdict func(*Judgement, Requirement) *Verdict) func(Facts) []Result {
	return func(f Facts) []Result {
		results := make([]Result, 0, len(f.Judged)*len(f.Inventory.Hosts))
		for _, judged := range f.Judged {
			for i := range judged.Hosts {
				j := &judged.Hosts[i]
				results = append(results, Result{
					Check: id, Requirement: judged.Requirement.Name, Scope: ScopeHost, Subject: j.Host.Path,
					Verdict: verdict(j, judged.Requirement),
				})
			}
		}
		return results
	}
}

// Unavailable says why the facts of the host are not known; empty when they are.
func Unavailable(h *inventory.Host) string {
	if v := unreadable(h); v != nil {
		return v.Detail
	}
	return ""
}

// UnavailableHint is the way out for one cause of FactsUnavailable, by the detail of its
// verdict; empty for causes that have none of their own.
func UnavailableHint(detail string) string {
	for _, cause := range []struct{ words, hint string }{
		{"lacks the privilege", "Give the account the privilege on the host, or use another account; a role on the host's cluster that propagates does."},
		{"no permission", "Use an account that may read the host: System.Read on the host and what is in it."},
		{"session has expired", "The session ended twice in one run: check again, and look at the server's limits on sessions."},
		{"collect --profile auto", "Collect the facts again, with the profile."},
		{settingsUnknown, "Look at the setting on the host, or check for the peers themselves: --profile PROFILE --peer PEER."},
		{"time ran out", "Check again with a longer --timeout, or fewer hosts (--compute-resource, --host)."},
		{"not read", "The run ended before: check again with a longer --timeout, or fewer hosts."},
		{"no longer in the inventory", "The host was removed while the run was on: check again."},
		{"answer", "Something between here and the server, or the server itself, answers nonsense for this host: check again, and look at the server's own view of the host's firewall."},
		{"is empty", "Look at the host itself: esxcli network firewall ruleset list."},
	} {
		if strings.Contains(detail, cause.words) {
			return cause.hint
		}
	}
	return ""
}

// noRulesets is the verdict on a host that tells of no ruleset at all.
var noRulesets = &Verdict{
	Status: Unknown, Reason: FactsUnavailable,
	Detail: "the list of rulesets that was read is empty, and there is no ESXi without any",
}

// unreadable is the verdict of every check that needs the host's firewall when
// that is not known; else it is nil.
func unreadable(h *inventory.Host) *Verdict {
	switch {
	case !h.IsConnected():
		return &Verdict{Status: Unknown, Reason: FactsUnavailable, Detail: judgeHostState(h).Detail}
	case h.Firewall.Unreadable != "":
		return &Verdict{Status: Unknown, Reason: FactsUnavailable, Detail: h.Firewall.Unreadable}
	case len(h.Firewall.Rulesets) == 0:
		return noRulesets
	}
	return nil
}

func quoteAll(list []string) []string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = fmt.Sprintf("%q", s)
	}
	return quoted
}

func joinPrefixes(list []netip.Prefix) string {
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = inventory.PrefixText(p)
	}
	return Some(texts)
}
