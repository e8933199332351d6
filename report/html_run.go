package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// htmlRun is a target on the page.
type htmlRun struct {
	run      *Run
	index    int
	byHost   map[string][]checks.Result
	plan     map[string][]*PlanEntry
	Columns  []htmlColumn
	Clusters []*htmlCluster
	ToDos    []htmlToDo
	// VCH is what was found of the virtual container host itself, the gravest first.
	VCH []htmlFinding
	// More are those that are folded away, since many would push the hosts off the page.
	More []htmlToDo
	// Others are the plan's entries on hosts that are not on the page.
	Others []htmlChange
	// cases are what was written in full, with the hosts that it stands at.
	cases map[string]*htmlHost
	ids   map[*checks.Verdict]int
	texts map[string]int
}

// htmlColumn is a check in the heat map, of one requirement where there are several.
type htmlColumn struct{ check, requirement string }

// htmlCluster is a cluster, or the standalone hosts, the worst host first.
type htmlCluster struct {
	Name     string
	Hosts    []*htmlHost
	Findings []htmlVerdict
	Summary  Summary
}

// htmlFinding is a result about the virtual container host itself.
type htmlFinding struct {
	htmlVerdict
	index, target int
}

// ID is the finding's anchor.
func (f htmlFinding) ID() string { return fmt.Sprintf("v%d-%d", f.target, f.index) }

// About is what it is about.
func (f htmlFinding) About() string { return Clean(f.Subject) }

func (t *htmlRun) findings() {
	for i, v := range t.verdicts(t.run.vchResults()) {
		t.VCH = append(t.VCH, htmlFinding{v, i, t.index})
	}
}

// VCHName names the virtual container host; empty where none is to be created.
func (t *htmlRun) VCHName() string {
	if !t.run.creates() {
		return ""
	}
	return t.run.vchName()
}

// Found sums up what create does about the findings.
func (t *htmlRun) Found() string {
	line := t.run.Classes().line(Style{})
	return strings.ToUpper(line[:1]) + line[1:]
}

// htmlToDo is advice on hosts or clusters that need the same.
type htmlToDo struct {
	Status       checks.Status
	Class        checks.Class
	Title, Names string
	Hint         string
	Commands     []string
}

func newHTMLRun(run *Run, index int) *htmlRun {
	t := &htmlRun{
		run: run, index: index, byHost: run.byHost(), plan: map[string][]*PlanEntry{},
		cases: map[string]*htmlHost{}, ids: map[*checks.Verdict]int{}, texts: map[string]int{},
	}
	if run.Inventory == nil {
		return t
	}
	known := map[string]bool{}
	for i := range run.Inventory.Hosts {
		known[run.Inventory.Hosts[i].Path] = true
	}
	for i := range run.Plan {
		e := &run.Plan[i]
		if t.plan[e.Path] = append(t.plan[e.Path], e); !known[e.Path] {
			t.Others = append(t.Others, htmlChange{e, run.DryRun})
		}
	}
	t.Columns = run.htmlColumns()
	t.clusters()
	t.findings()
	t.toDos()
	return t
}

// htmlColumns are the checks of hosts, in the order of the results. Of several requirements
// what was left out on every host has none.
func (r *Run) htmlColumns() []htmlColumn {
	var columns []htmlColumn
	seen, made := map[htmlColumn]bool{}, map[htmlColumn]bool{}
	for _, res := range r.Results {
		c := htmlColumn{res.Check, res.Requirement}
		if res.Scope == checks.ScopeHost && !seen[c] {
			seen[c] = true
			columns = append(columns, c)
		}
		made[c] = made[c] || res.Status != checks.Skip
	}
	if r.several() {
		columns = slices.DeleteFunc(columns, func(c htmlColumn) bool { return !made[c] })
	}
	return columns
}

func (t *htmlRun) clusters() {
	findings := t.run.bySubject(checks.ScopeCluster)
	for _, c := range t.run.Inventory.Clusters() {
		list := &htmlCluster{Name: cmp.Or(Clean(c.Name), "Standalone hosts"), Findings: t.verdicts(findings[c.Path])}
		list.Findings = slices.DeleteFunc(list.Findings, func(v htmlVerdict) bool {
			return v.Status.Fine()
		})
		for i := range list.Findings[:max(len(list.Findings)-1, 0)] {
			if list.Findings[i].Hint == list.Findings[i+1].Hint {
				list.Findings[i].Hint = "" // it is said once, behind the last
			}
		}
		delete(findings, c.Path)
		for _, i := range c.Hosts {
			h := t.host(i)
			list.Summary.count(h.results)
			list.Hosts = append(list.Hosts, h)
		}
		slices.SortStableFunc(list.Hosts, func(a, b *htmlHost) int { return checks.CompareStatus(a.Status, b.Status) })
		t.Clusters = append(t.Clusters, list)
	}
	slices.SortStableFunc(t.Clusters, func(a, b *htmlCluster) int {
		return checks.CompareStatus(a.Summary.status(), b.Summary.status())
	})
}

func (t *htmlRun) host(i int) *htmlHost {
	h := &htmlHost{t: t, index: i, Host: &t.run.Inventory.Hosts[i]}
	h.results = t.byHost[h.Host.Path]
	h.Status = checks.Worst(h.results)
	pattern := make([]byte, len(t.Columns))
	for n, c := range t.Columns {
		pattern[n] = noResult
		for _, res := range h.results {
			if res.Check == c.check && res.Requirement == c.requirement {
				pattern[n] = letter(res.Status)
			}
		}
	}
	h.pattern = string(pattern)
	return h
}

// shownToDos are how many stand there unfolded.
const shownToDos = 6

// toDos are what to do about the target's hosts. What was shut on purpose needs none.
func (t *htmlRun) toDos() {
	if slices.ContainsFunc(t.run.Plan, func(e PlanEntry) bool {
		return e.Action == Disable || e.Action == Remove || e.Action == Restore
	}) {
		return
	}
	places := t.run.places()
	for _, a := range t.run.advise() {
		names := make([]string, len(a.results))
		for i, res := range a.results {
			names[i] = places.of(res).name
		}
		todo := htmlToDo{Status: a.status, Class: gravest(a.results), Title: a.title(), Names: few(names), Hint: a.hint(t.run)}
		for _, c := range a.commands(t.run, places) {
			for line := range strings.Lines(c) {
				todo.Commands = append(todo.Commands, Clean(strings.TrimSpace(line)))
			}
		}
		if len(t.ToDos) < shownToDos {
			t.ToDos = append(t.ToDos, todo)
		} else {
			t.More = append(t.More, todo)
		}
	}
}

// ID is the target's anchor.
func (t *htmlRun) ID() string { return fmt.Sprintf("t%d", t.index) }

// Name is what the user named.
func (t *htmlRun) Name() string { return Clean(t.run.Target) }

// Err says why nothing could be found out; else it is empty.
func (t *htmlRun) Err() string {
	if t.run.Err == nil {
		return ""
	}
	return Clean(t.run.Err.Error())
}

// Counts are the target's hosts by status.
func (t *htmlRun) Counts() []htmlCount { return t.run.summary(t.byHost).counts() }

// Facts are what is known of the target as such.
func (t *htmlRun) Facts() []string {
	var facts []string
	if inv := t.run.Inventory; inv != nil {
		name := cmp.Or(Clean(inv.Endpoint.FullName), string(inv.Endpoint.Kind))
		facts = append(facts, name)
		if inv.Endpoint.Simulated && !strings.Contains(name, "simulated") {
			facts = append(facts, "simulated")
		}
	}
	facts = append(facts, fmt.Sprintf("%s, took %s", htmlTime(t.run.StartedAt), t.run.Duration.Round(time.Millisecond)))
	if t.run.ProbeTarget != "" {
		facts = append(facts, Clean(t.run.probeLine()))
	}
	return facts
}

// Notices are what must not be overlooked.
func (t *htmlRun) Notices() []string {
	var list []string
	if t.run.Interrupted {
		list = append(list, "Interrupted: what is not known was not read.")
	}
	if t.run.DryRun {
		list = append(list, "Dry run: the plan was not carried out.")
	}
	if t.run.Inventory != nil {
		for _, hidden := range t.run.Inventory.Hidden {
			list = append(list, "The hosts of a cluster could not be listed: "+Clean(hidden))
		}
	}
	for _, left := range t.run.Leftovers {
		list = append(list, fmt.Sprintf("The virtual machine %s could not be removed: vic-preflight probe --cleanup removes it later.", Clean(left)))
	}
	warned := map[string]bool{}
	for i := range t.run.Plan {
		for _, text := range t.run.Plan[i].Warnings {
			if !warned[text] {
				warned[text] = true
				list = append(list, "Warning of the plan: "+Clean(text))
			}
		}
	}
	return list
}

// Planned sums the plan up; empty where there is none.
func (t *htmlRun) Planned() string {
	if len(t.run.Plan) == 0 {
		return ""
	}
	return planSummary(t.run.Plan, t.run.DryRun)
}

// Journal is the file that takes the changes back.
func (t *htmlRun) Journal() string { return Clean(t.run.Journal) }

// Undo is the command that does; empty where none would.
func (t *htmlRun) Undo() string { return t.run.undoCommand() }

// column names the check, and the requirement where there are several.
func (t *htmlRun) column(c htmlColumn) string {
	if len(t.run.Requirements) > 1 && c.requirement != "" {
		return fmt.Sprintf("%s (%s)", Clean(c.check), Clean(c.requirement))
	}
	return Clean(c.check)
}

// ColumnNames are the checks in the order of the heat map's stripes.
func (t *htmlRun) ColumnNames() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = t.column(c)
	}
	return names
}

// Probed says whether any host tried to connect.
func (t *htmlRun) Probed() bool {
	return slices.ContainsFunc(t.run.Inventory.Hosts, func(h inventory.Host) bool { return len(h.Probes) > 0 })
}

// Counts are the cluster's hosts by status.
func (c *htmlCluster) Counts() []htmlCount { return c.Summary.counts() }
