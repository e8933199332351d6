package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

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
	// Set is of the vCenter's setting.
	Set    Action = "set"
	None   Action = "none"
	Refuse Action = "refuse"
)

// PlanEntry is one change to one host, or to the vCenter's setting, or why there is none.
type PlanEntry struct {
	// Host is the vCenter's name, and Path the root folder's, where Setting is not nil.
	Host, Path, Cluster string
	// Requirement is the name of the one that it is for, where the run has several.
	Requirement string
	Action      Action
	Ruleset     string
	// Reason is a stable kebab-case code, Detail a sentence.
	Reason, Detail string
	// Opens says what the ruleset lets through after the change, or what the setting comes
	// to.
	Opens string
	// Before and After are nil where nothing is changed.
	Before, After *RulesetState
	// Setting is nil for a host.
	Setting *PlanSetting
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

// PlanSetting is what a plan changes of the vCenter's own. After is empty where nothing is
// changed, Before also where it was not set.
type PlanSetting struct {
	Name          string
	Before, After []string
}

// RulesetState is what a plan changes of a ruleset.
type RulesetState struct {
	Enabled bool
	Allowed *inventory.AllowedHosts
}

type jsonPlan struct {
	Host     string       `json:"host"`
	Path     string       `json:"path"`
	Cluster  string       `json:"cluster,omitempty"`
	Required string       `json:"requirement,omitempty"`
	Action   Action       `json:"action"`
	Ruleset  string       `json:"ruleset,omitempty"`
	Reason   string       `json:"reason"`
	Detail   string       `json:"detail,omitempty"`
	Opens    string       `json:"opens,omitempty"`
	Before   *jsonState   `json:"before,omitempty"`
	After    *jsonState   `json:"after,omitempty"`
	Setting  *jsonSetting `json:"setting,omitempty"`
	Done     bool         `json:"done"`
	Verified bool         `json:"verified"`
	Error    string       `json:"error,omitempty"`
	Warnings []string     `json:"warnings,omitempty"`
}

// jsonSetting has no values before where it was not set.
type jsonSetting struct {
	Name   string   `json:"name"`
	Before []string `json:"before,omitempty"`
	After  []string `json:"after,omitempty"`
}

type jsonState struct {
	Enabled      bool         `json:"enabled"`
	AllowedHosts *jsonAllowed `json:"allowedHosts,omitempty"`
}

func jsonPlans(plan []PlanEntry) []jsonPlan {
	var out []jsonPlan
	for _, e := range plan {
		out = append(out, jsonPlan{
			Host: Clean(e.Host), Path: Clean(e.Path), Cluster: Clean(e.Cluster), Required: Clean(e.Requirement), Action: e.Action, Ruleset: Clean(e.Ruleset),
			Reason: e.Reason, Detail: Clean(e.Detail), Opens: Clean(e.Opens),
			Before: stateJSON(e.Before), After: stateJSON(e.After), Setting: settingJSON(e.Setting),
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

func settingJSON(s *PlanSetting) *jsonSetting {
	if s == nil {
		return nil
	}
	return &jsonSetting{Name: Clean(s.Name), Before: cleanAll(s.Before), After: cleanAll(s.After)}
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

// change is what becomes of the ruleset in a word or two, or why nothing does.
func (e *PlanEntry) change() string {
	if e.Action == None || e.Action == Refuse {
		return e.Reason
	}
	if e.Setting != nil {
		before, after := e.states()
		return before + " -> " + after
	}
	word := func(s *RulesetState) string {
		switch {
		case s == nil:
			return "absent"
		case s.Enabled:
			return "enabled"
		}
		return "disabled"
	}
	before, after := word(e.Before), word(e.After)
	if before == after {
		return before + ", other allowed hosts"
	}
	return before + " -> " + after
}

// text is the entry's sentence, which hosts that are alike share.
func (e *PlanEntry) text() string {
	if e.Requirement != "" {
		own := *e
		own.Requirement = ""
		return Clean(e.Requirement) + ": " + own.text()
	}
	switch {
	case e.Action == None || e.Action == Refuse:
		return Clean(fmt.Sprintf("%s: %s", e.Reason, e.Detail))
	case e.Error != "":
		return Clean(e.Error)
	}
	before, after := e.states()
	if e.Setting != nil {
		return Clean(fmt.Sprintf("%s: %s -> %s; %s; %s", e.Setting.Name, before, after, e.Opens, e.Detail))
	}
	return Clean(fmt.Sprintf("%s: %s -> %s; opens %s; %s", e.Ruleset, before, after, e.Opens, e.Detail))
}

// thing is the short name of what the entry is about: the ruleset, or of the setting the
// last part; empty where there is neither.
func (e *PlanEntry) thing() string {
	if e.Setting == nil {
		return Clean(e.Ruleset)
	}
	return Clean(e.Setting.Name[strings.LastIndexByte(e.Setting.Name, '.')+1:])
}

// states are those before and after, in words.
func (e *PlanEntry) states() (before, after string) {
	if e.Setting == nil {
		return Clean(e.Before.String()), Clean(e.After.String())
	}
	return cmp.Or(Clean(strings.Join(e.Setting.Before, " and ")), "not set"), Clean(strings.Join(e.Setting.After, " and "))
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

// Plan writes the run's plan as Table does.
func Plan(w io.Writer, r *Run, style Style) error {
	var b strings.Builder
	style.writeLine(&b, r.title())
	if err := r.planTable(&b, style); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.String())
	return err
}

var planHeader = []string{"HOST", "ACTION", "RULESET", "RESULT", "CHANGE"}

// planTable writes what is or was done, a line each and what needs a look first; below
// each sentence once, and what the user should know besides.
func (r *Run) planTable(b *strings.Builder, style Style) error {
	entries := slices.Clone(r.Plan)
	rank := func(e PlanEntry) int {
		_, status := e.result(r.DryRun)
		return slices.Index(checks.Statuses(), status)
	}
	slices.SortStableFunc(entries, func(a, b PlanEntry) int { return cmp.Compare(rank(a), rank(b)) })
	shown := slices.Clone(entries)
	if idle := func(e PlanEntry) bool { return e.Action == None }; (style.folds() || r.several()) && len(slices.Collect(filter(entries, idle))) > fewPass {
		shown = slices.DeleteFunc(shown, idle) // they are counted below
	}
	title := "Changes"
	if r.DryRun {
		title = "Plan"
	}
	b.WriteString(title + "\n")
	if err := r.planRows(b, shown, style); err != nil {
		return err
	}
	names := r.shortNames()
	writeSentences(b, shown, names, style)
	if r.DryRun && !r.creates() {
		r.writeWays(b)
	}
	writeWarnings(b, entries, names, style)
	b.WriteString("\n")
	style.writeLine(b, planSummary(entries, r.DryRun))
	return nil
}

// planRows gives names that are too long for their column a line of their own.
func (r *Run) planRows(b *strings.Builder, entries []PlanEntry, style Style) error {
	if len(entries) == 0 {
		return nil
	}
	header, colour := planHeader, 3
	several := slices.ContainsFunc(r.Plan, func(e PlanEntry) bool { return e.Requirement != "" })
	if several {
		header, colour = slices.Insert(slices.Clone(header), 1, "FOR"), colour+1
	}
	cells := make([][]string, len(entries))
	for i, e := range entries {
		result, _ := e.result(r.DryRun)
		cells[i] = []string{Clean(e.Host), string(e.Action), cmp.Or(e.thing(), "-"), result, e.change()}
		if several {
			cells[i] = slices.Insert(cells[i], 1, cmp.Or(Clean(e.Requirement), "-"))
		}
	}
	fixed := 0
	for col := 1; col < len(header); col++ {
		widest := 0
		for _, line := range cells {
			widest = max(widest, twwidth.Width(line[col]))
		}
		fixed += widest + gap
	}
	limit := 0
	if style.Width > 0 {
		limit = max(style.Width-fixed, narrowest)
	}
	above := lift(cells, limit)
	lines, err := render(header, cells, colour, func(i int) checks.Status { _, s := entries[i].result(r.DryRun); return s }, style)
	if err != nil {
		return err
	}
	b.WriteString(lines[0] + "\n")
	for i, line := range lines[1:] {
		b.WriteString(above[i] + line + "\n")
	}
	return nil
}

// writeSentences writes what is said of the entries, each sentence once. Where all is as
// it should be, the code says enough.
func writeSentences(b *strings.Builder, entries []PlanEntry, names map[string]string, style Style) {
	hosts := map[string][]string{}
	var order []string
	for _, e := range entries {
		text := e.text()
		if strings.HasPrefix(e.Reason, "already-") {
			continue
		}
		if hosts[text] == nil {
			order = append(order, text)
		}
		hosts[text] = append(hosts[text], cmp.Or(names[e.Path], Clean(e.Host)))
	}
	if style.Width < 1 {
		style.Width = proseWidth
	}
	b.WriteString("\n")
	for _, text := range order {
		b.WriteString(strings.Join(hanging(fmt.Sprintf("%s: %s", few(hosts[text]), text), style.Width), "\n") + "\n")
	}
}

// writeWays writes below a plan the commands that bring a ruleset to hosts that have none. Where
// the hosts' verdicts follow, the advice on them has them.
func (r *Run) writeWays(b *strings.Builder) {
	refused := map[string]bool{}
	for i := range r.Plan {
		if e := &r.Plan[i]; e.Action == Refuse && e.Reason == string(checks.NoRuleset) {
			refused[e.Path] = true
		}
	}
	if len(refused) == 0 {
		return // nearly always
	}
	places, seen := r.places(), map[string]bool{}
	for _, a := range r.advise() {
		if !slices.ContainsFunc(a.results, func(res checks.Result) bool { return refused[res.Subject] && res.Check == checks.OutboundPort }) {
			continue
		}
		for _, line := range a.commands(r, places) {
			brings := strings.HasPrefix(line, "vic-preflight vib build ") || strings.Contains(line, " --method vib ")
			if brings && !seen[line] {
				seen[line] = true
				fmt.Fprintf(b, "  %s\n", line) // never wrapped: it is there to be copied
			}
		}
	}
}

func writeWarnings(b *strings.Builder, entries []PlanEntry, names map[string]string, style Style) {
	hosts := map[string][]string{}
	var order []string
	for _, e := range entries {
		for _, text := range e.Warnings {
			if hosts[text] == nil {
				order = append(order, text)
			}
			hosts[text] = append(hosts[text], cmp.Or(names[e.Path], Clean(e.Host)))
		}
	}
	if style.Width < 1 {
		style.Width = proseWidth
	}
	for _, text := range order {
		line := fmt.Sprintf("warning: %s (%s)", Clean(text), few(hosts[text]))
		b.WriteString(style.paint(checks.Warn, style.wrap(line)) + "\n")
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
