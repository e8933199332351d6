package checks

import (
	"fmt"
	"net/netip"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// Status is the outcome of a check. The zero value is Unknown, so that a result
// nobody set can never look green.
type Status uint8

// The statuses. Their numbers carry no order: see Status.Worse.
const (
	Unknown Status = iota
	Pass
	Warn
	Fail
	Skip
)

var statusNames = [...]string{Unknown: "unknown", Pass: "pass", Warn: "warn", Fail: "fail", Skip: "skip"}

// Statuses returns all statuses, the worst first.
func Statuses() []Status { return []Status{Fail, Unknown, Warn, Pass, Skip} }

// String returns the status as reports spell it.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("Status(%d)", uint8(s))
}

// MarshalText spells the status for JSON.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Status) UnmarshalText(text []byte) error {
	for i, name := range statusNames {
		if name == string(text) {
			*s = Status(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a status", text)
}

// Worse reports whether s is worse news than t: fail before unknown before
// warn before pass before skip.
func (s Status) Worse(t Status) bool { return CompareStatus(s, t) < 0 }

// Fine reports whether there is nothing to look at: it passed, or was left out.
func (s Status) Fine() bool { return s == Pass || s == Skip }

// CompareStatus orders the worst news first, as slices.SortFunc wants it.
func CompareStatus(s, t Status) int {
	rank := [...]int{Skip: 0, Pass: 1, Warn: 2, Unknown: 3, Fail: 4}
	return rank[t] - rank[s]
}

// Scope says what a result is about.
type Scope string

// The scopes of a result.
const (
	ScopeHost    Scope = "host"
	ScopeCluster Scope = "cluster"
	// ScopeVCH is the virtual container host that is to be created, with what its options
	// name: its Subject is an inventory path, or the option.
	ScopeVCH Scope = "vch"
)

// Class says what vic-machine create itself does about what was found. It is empty where
// a run is not about a virtual container host to be created.
type Class string

// The classes of a finding.
const (
	CreateRefuses Class = "create-refuses"
	CreateWarns   Class = "create-warns"
	// CreateSilent findings are this tool's own: create does not look.
	CreateSilent Class = "create-silent"
)

// Verdict is a check's answer. Hosts that are alike share one, so it is never
// written to.
type Verdict struct {
	Status Status
	// Reason is a stable kebab-case code, a contract; Detail is one sentence
	// that names the facts, and is not.
	Reason Reason
	Detail string
	// Rulesets are those of the host that could let the requirement through, the
	// ones that decided the verdict first. Only outbound-port fills it.
	Rulesets []RulesetVerdict
	// Decides are the keys of the rulesets that decided the verdict: those that
	// permit, or the one that would have to be enabled. Often empty.
	Decides []string
	// Missing are the peers that the deciding rulesets' allowed hosts leave out.
	Missing []netip.Prefix

	// What follows is for commands that mend what was found, and empty where none does.
	// Switch is the path of the distributed switch that it is about, Store the datastore that
	// a host lacks; Servers are the NTP servers that most other hosts ask; Daemon is the key of
	// the service that switches the ruleset.
	Switch  string
	Store   LackedStore
	Servers []string
	Daemon  string

	// Note is a few words on a pass that must not be overlooked; else empty.
	Note string
	// Waiver is the one that made a failure, or a warning, the warning that this is;
	// else it is nil.
	Waiver *Waiver

	// reach is whom an unverified list lets through, equal for equal ones.
	reach string
}

// LackedStore is a datastore that hosts do not have, or not as they should. Commands mount
// and unmount what is NFS alone: to unmount VMFS is to destroy it.
type LackedStore struct {
	Path string
	NFS  bool
	// ReadOnly says that a host has it for reading alone.
	ReadOnly bool
}

// Result is a verdict about one host, one cluster, or the virtual container host.
type Result struct {
	Check string
	// Requirement is the name of the one that the check was about; empty for a
	// check of the host itself.
	Requirement string
	Scope       Scope
	// Subject is the inventory path of the host or the cluster.
	Subject string
	// Class is of a finding alone: a result that is fine, or unknown, has none.
	Class Class
	*Verdict
}

// RulesetVerdict is what one ruleset that could let the requirement through does
// to it.
type RulesetVerdict struct {
	Key     string
	Enabled bool
	Breadth Breadth
	// Allowed is nil when the host did not say.
	Allowed *inventory.AllowedHosts
	// Persistent says whether the ruleset itself survives a reboot of the host.
	Persistent inventory.Tristate
	// Locked rulesets are not switched by users: the host says so since 8.0 U2.
	Locked bool
	// ListLocked ones keep their allowed hosts: users may not change them.
	ListLocked bool
}

// Worst returns the worst status of the results, and Skip when there are none.
// Results that all leave the question out have found out nothing: Unknown.
func Worst(results []Result) Status {
	worst := Skip
	for _, r := range results {
		if r.Status.Worse(worst) {
			worst = r.Status
		}
	}
	if worst == Skip && len(results) > 0 {
		return Unknown
	}
	return worst
}
