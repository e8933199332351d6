package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// Action is what a plan does about a host.
type Action string

// The actions of a plan entry.
const (
	Enable  Action = "enable"
	Disable Action = "disable"
	// Allow changes the allowed hosts alone.
	Allow Action = "allow"
	// Install and Remove are of a VIB, Insert and Restore of service.xml.
	Install Action = "install"
	Remove  Action = "remove"
	Insert  Action = "insert"
	Restore Action = "restore"
	None    Action = "none"
	Refuse  Action = "refuse"
)

// PlanEntry is one change to one host, or why there is none.
type PlanEntry struct {
	Host, Path, Cluster string
	Action              Action
	Ruleset             string
	// Reason is a stable kebab-case code, Detail a sentence.
	Reason, Detail string
	// Opens says what the ruleset lets through after the change.
	Opens string
	// Before and After are nil where nothing is changed.
	Before, After *RulesetState
	// Unknown means that nothing could be found out about the host.
	Unknown bool
	// Done means that the change was made, Verified that it was seen after.
	Done, Verified bool
	// NotBegun changes were left when the run ended.
	NotBegun bool
	// Error says what went wrong; empty when nothing did.
	Error    string
	Warnings []string
}

// RulesetState is what a plan changes of a ruleset.
type RulesetState struct {
	Enabled bool
	Allowed *inventory.AllowedHosts
}

type jsonPlan struct {
	Host     string     `json:"host"`
	Path     string     `json:"path"`
	Cluster  string     `json:"cluster,omitempty"`
	Action   Action     `json:"action"`
	Ruleset  string     `json:"ruleset,omitempty"`
	Reason   string     `json:"reason"`
	Detail   string     `json:"detail,omitempty"`
	Opens    string     `json:"opens,omitempty"`
	Before   *jsonState `json:"before,omitempty"`
	After    *jsonState `json:"after,omitempty"`
	Done     bool       `json:"done"`
	Verified bool       `json:"verified"`
	Error    string     `json:"error,omitempty"`
	Warnings []string   `json:"warnings,omitempty"`
}

type jsonState struct {
	Enabled      bool         `json:"enabled"`
	AllowedHosts *jsonAllowed `json:"allowedHosts,omitempty"`
}

func jsonPlans(plan []PlanEntry) []jsonPlan {
	var out []jsonPlan
	for _, e := range plan {
		out = append(out, jsonPlan{
			Host: Clean(e.Host), Path: Clean(e.Path), Cluster: Clean(e.Cluster), Action: e.Action, Ruleset: Clean(e.Ruleset),
			Reason: e.Reason, Detail: Clean(e.Detail), Opens: Clean(e.Opens),
			Before: stateJSON(e.Before), After: stateJSON(e.After),
			Done: e.Done, Verified: e.Verified, Error: Clean(e.Error), Warnings: cleanAll(e.Warnings),
		})
	}
	return out
}

func stateJSON(s *RulesetState) *jsonState {
	if s == nil {
		return nil
	}
	return &jsonState{Enabled: s.Enabled, AllowedHosts: allowedJSON(s.Allowed)}
}

func cleanAll(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = Clean(s)
	}
	return out
}

// result is the entry's result for a table, and how it is coloured. A change
// that could not be shown to hold must stand out.
func (e *PlanEntry) result(dryRun bool) (string, checks.Status) {
	switch {
	case e.Action == Refuse:
		return "refused", checks.Fail
	case e.Action == None:
		return "-", checks.Skip
	case dryRun:
		return "planned", checks.Warn
	case e.NotBegun:
		return "not begun", checks.Unknown
	case e.Error != "":
		return "FAILED", checks.Fail
	case e.Verified:
		return "verified", checks.Pass
	default:
		return "NOT SEEN", checks.Fail
	}
}

// text is the entry's sentence for a table.
func (e *PlanEntry) text() string {
	if e.Action == None || e.Action == Refuse {
		return Clean(fmt.Sprintf("%s: %s", e.Reason, e.Detail))
	}
	parts := []string{}
	if e.Error != "" {
		parts = append(parts, e.Error)
	}
	parts = append(parts, fmt.Sprintf("%s -> %s", e.Before, e.After), "opens "+e.Opens, e.Detail)
	return Clean(strings.Join(parts, "; "))
}

// String describes the state in words.
func (s *RulesetState) String() string {
	switch {
	case s == nil:
		return "absent"
	case !s.Enabled:
		return fmt.Sprintf("disabled (allowed hosts: %s)", s.Allowed)
	default:
		return fmt.Sprintf("enabled for %s", s.Allowed)
	}
}

var planHeader = []string{"HOST", "ACTION", "RULESET", "RESULT", "DETAIL"}

// planTable writes what is or was done, what needs a look first, and what the user
// should know besides, each warning once.
func (r *Run) planTable(b *strings.Builder, style Style) error {
	entries := slices.Clone(r.Plan)
	rank := func(e PlanEntry) int {
		_, status := e.result(r.DryRun)
		return slices.Index(checks.Statuses(), status)
	}
	slices.SortStableFunc(entries, func(a, b PlanEntry) int { return cmp.Compare(rank(a), rank(b)) })

	rows := make([][]string, len(entries))
	for i, e := range entries {
		result, _ := e.result(r.DryRun)
		rows[i] = []string{Clean(e.Host), string(e.Action), cmp.Or(Clean(e.Ruleset), "-"), result, e.text()}
	}
	title := "Changes"
	if r.DryRun {
		title = "Plan (dry run: nothing was changed)"
	}
	fmt.Fprintln(b, title)
	columns := shareWidth(planHeader, rows, style.Width)
	paint := func(i int) checks.Status { _, s := entries[i].result(r.DryRun); return s }
	if err := writeTable(b, planHeader, rows, columns, 3, paint, style); err != nil {
		return err
	}
	writeWarnings(b, entries, style)
	fmt.Fprintf(b, "\n%s\n", strings.Join(Wrap(planSummary(entries, r.DryRun), style.Width), "\n"))
	return nil
}

func writeWarnings(b *strings.Builder, entries []PlanEntry, style Style) {
	hosts := map[string][]string{}
	var order []string
	for _, e := range entries {
		for _, text := range e.Warnings {
			if hosts[text] == nil {
				order = append(order, text)
			}
			hosts[text] = append(hosts[text], Clean(e.Host))
		}
	}
	for _, text := range order {
		line := fmt.Sprintf("warning: %s (%s)", Clean(text), few(hosts[text]))
		b.WriteString(style.paint(checks.Warn, strings.Join(Wrap(line, style.Width), "\n")) + "\n")
	}
}

func planSummary(entries []PlanEntry, dryRun bool) string {
	counts := map[string]int{}
	for _, e := range entries {
		result, _ := e.result(dryRun)
		counts[result]++
	}
	var parts []string
	for _, p := range []struct{ result, text string }{
		{"planned", "to change"},
		{"verified", "changed and verified"},
		{"NOT SEEN", "changed but not seen to hold"},
		{"FAILED", "failed"},
		{"not begun", "not begun"},
		{"refused", "refused"},
		{"-", "left alone"},
	} {
		if n := counts[p.result]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, p.text))
		}
	}
	return strings.Join(parts, ", ")
}
