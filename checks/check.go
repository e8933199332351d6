// Package checks passes verdicts: pure functions from facts to results.
//
// It knows what ESXi lets through and what that means for a virtual container
// host. It never does I/O, and it never learns where a fact came from.
package checks

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// DefaultPort is the TCP port that ESXi hosts dial on a virtual container host.
const DefaultPort = 2377

// Requirement is what must be open: outbound TCP to one destination port.
type Requirement struct {
	// Port is the destination port, 1 to 65535.
	Port int
	// Peers are the virtual container host's addresses, or the networks it
	// will be leased one from, as inventory.ParsePrefix returns them. Empty
	// means that the address is not known yet.
	Peers []netip.Prefix
}

// String describes the requirement in one phrase.
func (r Requirement) String() string {
	to := "a virtual container host"
	if len(r.Peers) > 0 {
		to = joinPrefixes(r.Peers)
	}
	return fmt.Sprintf("outbound TCP %d to %s", r.Port, to)
}

// Facts are what a check may look at.
type Facts struct {
	Inventory   *inventory.Inventory
	Requirement Requirement
}

// Check is one question about the facts.
type Check struct {
	// ID is kebab-case and a contract with users: it appears in --skip and
	// --only, in JSON and in JUnit.
	ID    string
	Title string
	// Why says in a sentence or two what goes wrong when the check fails.
	Why string
	// Run answers for every host, or for every cluster. It must be pure, and
	// it must leave no subject out.
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
	}
}

// UnknownIDError names check IDs that do not exist, and those that do.
type UnknownIDError struct {
	IDs   []string
	Known []string
}

func (e *UnknownIDError) Error() string {
	return fmt.Sprintf("unknown check %s; the checks are: %s",
		strings.Join(quoteAll(e.IDs), ", "), strings.Join(e.Known, ", "))
}

// Select narrows checks down to the IDs in only (all when it is empty) without
// those in skip, in the order of checks. IDs that do not exist are an
// *UnknownIDError.
func Select(all []Check, only, skip []string) ([]Check, error) {
	known := make([]string, len(all))
	for i, c := range all {
		known[i] = c.ID
	}
	var unknown []string
	for _, id := range slices.Concat(only, skip) {
		if !slices.Contains(known, id) {
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

// perHost makes a Check.Run out of a verdict on one host.
func perHost(id string, verdict func(*inventory.Host, Requirement) Result) func(Facts) []Result {
	return func(f Facts) []Result {
		results := make([]Result, len(f.Inventory.Hosts))
		for i := range f.Inventory.Hosts {
			h := &f.Inventory.Hosts[i]
			r := verdict(h, f.Requirement)
			r.Check, r.Scope, r.Subject = id, ScopeHost, h.Path
			results[i] = r
		}
		return results
	}
}

// unreadable is the result of every check that needs the host's firewall when
// that is not known; ok is false then.
func unreadable(h *inventory.Host) (r Result, ok bool) {
	switch {
	case !h.IsConnected():
		return Result{Status: Unknown, Reason: FactsUnavailable, Detail: judgeHostState(h, Requirement{}).Detail}, false
	case h.Firewall.Unreadable != "":
		return Result{Status: Unknown, Reason: FactsUnavailable, Detail: h.Firewall.Unreadable}, false
	}
	return Result{}, true
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
		texts[i] = p.String()
		if p.IsSingleIP() {
			texts[i] = p.Addr().String()
		}
	}
	return strings.Join(texts, ", ")
}
