package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"github.com/vic-preflight/vic-preflight/checks"
)

// DiffSchemaVersion is the version of a diff in JSON, which docs/diff.schema.json
// describes. It changes as SchemaVersion does.
const DiffSchemaVersion = 1

// Diff is what became of one report's findings in another.
type Diff struct {
	ToolVersion string
	// OldName and NewName are the reports' names, for people.
	OldName, NewName string
	Old, New         time.Time
	Targets          []*Comparison
}

// NewDiff compares two reports. It is an error where they have no requirement in common,
// or one of the same name with another port: what the earlier one is then stands in it.
// What hosts' own settings ask for may be another thing each time.
func NewDiff(then, now *Saved) (*Diff, error) {
	common := then.bySettings() && now.bySettings()
	var differs error
	for _, r := range now.requirements {
		named := slices.ContainsFunc(then.requirements, func(was jsonRequirement) bool { return was.Name == r.Name })
		err := then.Covers(r.requirement())
		if named && err != nil {
			return nil, err
		}
		common = common || named
		differs = cmp.Or(differs, err)
	}
	if !common {
		return nil, differs
	}
	d := &Diff{Old: then.startedAt, New: now.startedAt}
	known := make([]bool, len(then.targets))
	for i, j := range pairTargets(then.targets, now.targets) {
		if j < 0 {
			d.Targets = append(d.Targets, compare(nil, &now.targets[i]))
			continue
		}
		known[j] = true
		d.Targets = append(d.Targets, compare(&then.targets[j], &now.targets[i]))
	}
	for j := range then.targets {
		if !known[j] {
			d.Targets = append(d.Targets, compare(&then.targets[j], nil))
		}
	}
	return d, nil
}

// Tally counts the findings of all targets.
func (d *Diff) Tally() Tally {
	var all Tally
	for _, c := range d.Targets {
		all.add(c.Tally)
	}
	return all
}

// jsonSide is what one report says; it has a status unless it is missing.
type jsonSide struct {
	Missing Missing        `json:"missing,omitempty"`
	Status  *checks.Status `json:"status,omitempty"`
	Reason  checks.Reason  `json:"reason,omitempty"`
	Detail  string         `json:"detail,omitempty"`
	Waiver  *jsonWaiver    `json:"waiver,omitempty"`
}

func (s *Side) json() *jsonSide {
	if s.Missing != "" {
		return &jsonSide{Missing: s.Missing}
	}
	return &jsonSide{Status: &s.Status, Reason: s.Reason, Detail: s.Detail, Waiver: s.waiver}
}

type jsonDifference struct {
	Change      Change       `json:"change"`
	Scope       checks.Scope `json:"scope"`
	Name        string       `json:"name"`
	Path        string       `json:"path"`
	OldPath     string       `json:"oldPath,omitempty"`
	UUID        string       `json:"uuid,omitempty"`
	Cluster     string       `json:"cluster,omitempty"`
	Check       string       `json:"check"`
	Requirement string       `json:"requirement,omitempty"`
	Old         *jsonSide    `json:"old"`
	New         *jsonSide    `json:"new"`
}

func (d *Difference) json() jsonDifference {
	return jsonDifference{
		d.Change, d.Scope, d.Name, d.Path, d.Was, d.UUID, d.Cluster, d.Check, d.Requirement, d.Then.json(), d.Now.json(),
	}
}

type jsonStanding struct {
	Target    string  `json:"target,omitempty"`
	StartedAt string  `json:"startedAt,omitempty"`
	Missing   Missing `json:"missing,omitempty"`
}

func (s Standing) json() jsonStanding {
	out := jsonStanding{Target: s.Target, Missing: s.Missing}
	if !s.StartedAt.IsZero() {
		out.StartedAt = s.StartedAt.UTC().Format(time.RFC3339)
	}
	return out
}

type jsonComparison struct {
	Target   string           `json:"target"`
	Old      jsonStanding     `json:"old"`
	New      jsonStanding     `json:"new"`
	Appeared []Subject        `json:"appeared,omitempty"`
	Vanished []Subject        `json:"vanished,omitempty"`
	Findings []jsonDifference `json:"findings"`
	Summary  Tally            `json:"summary"`
}

// JSON writes the diff as docs/diff.schema.json describes it.
func (d *Diff) JSON(w io.Writer) error {
	type side struct {
		Report    string `json:"report"`
		StartedAt string `json:"startedAt"`
	}
	doc := struct {
		SchemaVersion int              `json:"schemaVersion"`
		Tool          jsonTool         `json:"tool"`
		Old           side             `json:"old"`
		New           side             `json:"new"`
		Targets       []jsonComparison `json:"targets"`
		Summary       Tally            `json:"summary"`
	}{
		DiffSchemaVersion,
		jsonTool{Version: d.ToolVersion},
		side{Clean(d.OldName), d.Old.UTC().Format(time.RFC3339)},
		side{Clean(d.NewName), d.New.UTC().Format(time.RFC3339)},
		[]jsonComparison{},
		d.Tally(),
	}
	for _, c := range d.Targets {
		t := jsonComparison{c.name(), c.Then.json(), c.Now.json(), c.Appeared, c.Vanished, make([]jsonDifference, len(c.Differences)), c.Tally}
		for i := range c.Differences {
			t.Findings[i] = c.Differences[i].json()
		}
		doc.Targets = append(doc.Targets, t)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indentation)
	return enc.Encode(doc)
}

func (c *Comparison) name() string { return cmp.Or(c.Now.Target, c.Then.Target) }

// jsonBaseline is a comparison in the report of the run itself. What stands at the
// checks of the report is not repeated.
type jsonBaseline struct {
	Report    string    `json:"report"`
	StartedAt string    `json:"startedAt,omitempty"`
	Missing   Missing   `json:"missing,omitempty"`
	Appeared  []Subject `json:"appeared,omitempty"`
	Vanished  []Subject `json:"vanished,omitempty"`
	// Elsewhere are the findings that this report has no check for.
	Elsewhere []jsonDifference `json:"elsewhere,omitempty"`
	Summary   Tally            `json:"summary"`
}

func (c *Comparison) baselineJSON() jsonBaseline {
	then := c.Then.json()
	out := jsonBaseline{Report: c.Report, StartedAt: then.StartedAt, Missing: then.Missing, Appeared: c.Appeared, Vanished: c.Vanished, Summary: c.Tally}
	for i := range c.Differences {
		if c.Differences[i].Now.Missing != "" {
			out.Elsewhere = append(out.Elsewhere, c.Differences[i].json())
		}
	}
	return out
}

// ofJSON is what became of a result; empty and nil where there is nothing to tell.
func (c *Comparison) ofJSON(res checks.Result) (Change, *jsonSide) {
	d, found := c.Of(res)
	if !found {
		return "", nil
	}
	return d.Change, d.Then.json()
}

// compared counts the findings of all targets against an earlier report; nil without
// one.
func (r *Report) compared() *Tally {
	var all *Tally
	for _, run := range r.Runs {
		if run.Compared == nil {
			continue
		}
		if all == nil {
			all = &Tally{}
		}
		all.add(run.Compared.Tally)
	}
	return all
}

// Table writes, for each target, a row for each finding that is not what it was, the
// worst change first, and counts the others.
func (d *Diff) Table(w io.Writer, style Style) error {
	var b strings.Builder
	line := func(text string) { style.writeLine(&b, text) }
	line(fmt.Sprintf("%s of %s, against %s of %s", Clean(d.NewName), minute(d.New), Clean(d.OldName), minute(d.Old)))
	for _, c := range d.Targets {
		b.WriteString("\n")
		line(c.title())
		if err := c.table(&b, style); err != nil {
			return err
		}
		for _, hosts := range []struct {
			what string
			list []Subject
		}{{"appeared", c.Appeared}, {"vanished", c.Vanished}} {
			if len(hosts.list) > 0 {
				line(fmt.Sprintf("%s %s: %s", counted(len(hosts.list), "host"), hosts.what, firstNames(hosts.list)))
			}
		}
		if c.Tally != (Tally{}) || c.Then.Missing == "" && c.Now.Missing == "" {
			line(c.Tally.line(style))
		}
	}
	if len(d.Targets) > 1 {
		b.WriteString("\n")
		line(fmt.Sprintf("%s: %s", counted(len(d.Targets), "target"), d.Tally().line(style)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// title says of the target what keeps it from being compared.
func (c *Comparison) title() string {
	title := c.name()
	for _, side := range []struct {
		which string
		Standing
	}{{"old", c.Then}, {"new", c.Now}} {
		switch side.Missing {
		case MissingTarget:
			title += fmt.Sprintf(": the %s report does not have this target", side.which)
		case MissingRead:
			title += fmt.Sprintf(": NOT CHECKED in the %s report", side.which)
		}
	}
	return title
}

// table writes the findings that are not what they were: a line for each where the width
// takes it, without the checks where it does not, and else below its host. No name is
// broken for the sake of a column.
func (c *Comparison) table(b *strings.Builder, style Style) error {
	groups := c.alike(style)
	if len(groups) == 0 {
		return nil
	}
	header := []string{"CHANGE", "HOST", "CHECK", "THEN", "NOW"}
	rows := make([][]string, len(groups))
	for i, alike := range groups {
		rows[i] = alike[0].cells()
		if len(alike) > 1 {
			rows[i][1] = counted(len(alike), "host")
		}
	}
	if !fits(header, rows, style.Width) {
		header = slices.Delete(header, 2, 3)
		narrow := make([][]string, len(rows))
		for i, row := range rows {
			narrow[i] = slices.Delete(slices.Clone(row), 2, 3)
		}
		if !fits(header, narrow, style.Width) {
			listFindings(b, groups, rows, style)
			return nil
		}
		rows = narrow
	}
	lines, err := render(header, rows, 0, func(n int) checks.Status { return groups[n][0].status() }, style)
	if err != nil {
		return err
	}
	b.WriteString(lines[0] + "\n")
	for i, line := range lines[1:] {
		b.WriteString(line + "\n")
		writeAlike(b, groups[i], style)
	}
	return nil
}

// listFindings writes each finding below its host.
func listFindings(b *strings.Builder, groups [][]*Difference, rows [][]string, style Style) {
	for i, row := range rows {
		fmt.Fprintf(b, "%s  %s\n", style.paint(groups[i][0].status(), row[0]), row[1])
		b.WriteString(indent(fmt.Sprintf("%s: %s -> %s", row[2], row[3], row[4]), "    ", style.Width) + "\n")
		writeAlike(b, groups[i], style)
	}
}

// writeAlike names the hosts of a row that is about several, or says how many more there
// are and what names them.
func writeAlike(b *strings.Builder, alike []*Difference, style Style) {
	if len(alike) == 1 {
		return
	}
	shown := alike
	if style.Group != GroupAlways {
		shown = alike[:min(len(alike), fewNames)]
	}
	for part := range slices.Chunk(shown, namesALine) {
		names := make([]string, len(part))
		for i, d := range part {
			names[i] = cmp.Or(d.Name, d.Path)
		}
		b.WriteString(indent(strings.Join(names, ", "), "    ", style.Width) + "\n")
	}
	if more := len(alike) - len(shown); more > 0 {
		fmt.Fprintf(b, "    and %d more: --group always names them, --group never gives each a line\n", more)
	}
}

// alike are the findings to show, those of hosts together that would have the same row
// where there are more rows than anybody reads.
func (c *Comparison) alike(style Style) (groups [][]*Difference) {
	shown := len(c.Differences) - c.Unchanged
	grouped := style.Group == GroupAlways || style.Group == GroupAuto && style.Width > 0 && shown > readable
	index := map[string]int{}
	for i := range c.Differences {
		d := &c.Differences[i]
		if d.Change == ChangeUnchanged {
			continue
		}
		row := d.cells()
		key := strings.Join(append(row[2:], row[0], string(d.Scope)), "\x00")
		if n, ok := index[key]; ok && grouped && d.Scope == checks.ScopeHost {
			groups[n] = append(groups[n], d)
			continue
		}
		index[key] = len(groups)
		groups = append(groups, []*Difference{d})
	}
	return groups
}

// fits reports whether a line takes the widest cells. A width under 1 takes all.
func fits(header []string, rows [][]string, width int) bool {
	sum := gap * (len(header) - 1)
	for col, text := range header {
		widest := twwidth.Width(text)
		for _, row := range rows {
			widest = max(widest, twwidth.Width(row[col]))
		}
		sum += widest
	}
	return width < 1 || sum <= width
}

func (d *Difference) cells() []string {
	change := string(d.Change)
	if d.Change == ChangeNew && d.Now.Status == checks.Fail {
		change = "NEW"
	}
	name := cmp.Or(d.Name, d.Path)
	if d.Scope == checks.ScopeCluster {
		name = "cluster " + name
	}
	if _, was, moved := cutLast(d.Was, "/"); moved && was != d.Name {
		name += fmt.Sprintf(" (was %s)", was)
	}
	check := d.Check
	if d.Requirement != "" && d.Requirement != checks.VIC().Name {
		check += fmt.Sprintf(" (%s)", d.Requirement)
	}
	return []string{change, name, check, d.Then.words(), d.Now.words()}
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+len(sep):], true
}

// words are the status with its reason, or why there is none.
func (s *Side) words() string {
	switch s.Missing {
	case MissingTarget:
		return "target not in the report"
	case MissingRead:
		return "target not read"
	case MissingHost:
		return "not there"
	case MissingLook:
		return "not looked at"
	case MissingCheck:
		return "not checked"
	}
	word := verdictWord(s.Status)
	if s.Waived() {
		word = "waived"
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s", word, s.Reason))
}

// status is the one whose colour the change has.
func (d *Difference) status() checks.Status {
	switch d.Change {
	case ChangeNew, ChangeChanged:
		return d.Now.Status
	case ChangeUnknown:
		return checks.Unknown
	case ChangeWaived:
		return checks.Warn
	case ChangeMended:
		return checks.Pass
	}
	return checks.Skip
}

func firstNames(list []Subject) string {
	var names []string
	for _, s := range list[:min(len(list), fewNames)] {
		names = append(names, cmp.Or(s.Name, s.Path))
	}
	text := strings.Join(names, ", ")
	if n := len(list) - fewNames; n > 0 {
		text += fmt.Sprintf(" and %d more (-o json names all)", n)
	}
	return text
}

// line counts the findings: "2 new (1 fails), 1 mended".
func (t Tally) line(style Style) string {
	var parts []string
	for _, p := range []struct {
		n      int
		status checks.Status
		text   string
	}{
		{t.NewFailures, checks.Fail, counted(t.NewFailures, "new failure")},
		{t.New - t.NewFailures, checks.Warn, counted(t.New-t.NewFailures, "new warning")},
		{t.Unknown, checks.Unknown, fmt.Sprintf("%d not known now", t.Unknown)},
		{t.Changed, checks.Warn, fmt.Sprintf("%d changed", t.Changed)},
		{t.Waived, checks.Warn, fmt.Sprintf("%d waived", t.Waived)},
		{t.Mended, checks.Pass, fmt.Sprintf("%d mended", t.Mended)},
		{t.Unchanged, checks.Skip, fmt.Sprintf("%d unchanged", t.Unchanged)},
		{t.Gone, checks.Skip, fmt.Sprintf("%d gone", t.Gone)},
	} {
		if p.n > 0 {
			parts = append(parts, style.paint(p.status, p.text))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "no finding then, and none now")
}

// lines tell the table of the run what is new against the earlier report, and count
// the rest.
func (c *Comparison) lines(style Style) string {
	if c == nil {
		return ""
	}
	var b strings.Builder
	line := func(text string) { style.writeLine(&b, text) }
	var fresh []Subject
	for _, d := range c.Differences {
		if d.Change == ChangeNew && d.Now.Status == checks.Fail {
			fresh = append(fresh, Subject{Name: d.Name, Path: d.Path})
		}
	}
	against := fmt.Sprintf("against %s of %s", c.Report, minute(c.Then.StartedAt))
	switch c.Then.Missing {
	case MissingTarget:
		against = fmt.Sprintf("against %s, which does not have this target", c.Report)
	case MissingRead:
		against += ", when this target was not checked"
	}
	line(fmt.Sprintf("%s: %s", against, c.Tally.line(style)))
	if fresh = slices.Compact(fresh); len(fresh) > 0 && c.Then.Missing == "" {
		line("new failures: " + firstNames(fresh))
	}
	return b.String()
}
