package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// Table writes, for each target, the plan where there is one; then one table for
// each cluster, the worst hosts first, or, grouped, one for all with a row for each
// verdict; and a line that sums up.
func Table(w io.Writer, r *Report, style Style) error {
	var b strings.Builder
	for i, run := range r.Runs {
		if i > 0 {
			b.WriteString("\n")
		}
		if err := run.table(&b, style); err != nil {
			return err
		}
	}
	if len(r.Runs) > 1 {
		b.WriteString("\n")
		for _, line := range r.summaryLines(style) {
			b.WriteString(strings.Join(Wrap(line, style.Width), "\n") + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Run) table(b *strings.Builder, style Style) error {
	if r.Err != nil {
		b.WriteString(style.paint(checks.Unknown, strings.Join(Wrap(fmt.Sprintf("%s: NOT CHECKED: %s", r.Target, Clean(r.Err.Error())), style.Width), "\n")) + "\n")
		return nil
	}
	if len(r.Plan) > 0 {
		if err := r.planTable(b, style); err != nil {
			return err
		}
		b.WriteString("\n")
	}
	b.WriteString(strings.Join(Wrap(r.title(), style.Width), "\n") + "\n")
	if r.ProbeTarget != "" {
		fmt.Fprintln(b, strings.Join(Wrap(r.probeLine(), style.Width), "\n"))
	}
	byHost := r.byHost()
	if r.groups(style) {
		if err := r.groupedTable(b, byHost, style); err != nil {
			return err
		}
		r.groupedFindings(b, style)
	} else if err := r.clusterTables(b, byHost, style); err != nil {
		return err
	}
	b.WriteString("\n" + r.summaryLine(byHost, style) + "\n")
	return nil
}

// title names the target and what is required of its hosts.
func (r *Run) title() string {
	simulated := ""
	if r.Inventory.Endpoint.Simulated {
		simulated = " (simulated)"
	}
	texts := make([]string, len(r.Requirements))
	for i, req := range r.Requirements {
		texts[i] = req.String()
		if len(r.Requirements) > 1 {
			texts[i] = fmt.Sprintf("%s (%s)", req, req.Name)
		}
	}
	return fmt.Sprintf("%s%s: %s", r.Target, simulated, strings.Join(texts, ", "))
}

func (r *Run) clusterTables(b *strings.Builder, byHost map[string][]checks.Result, style Style) error {
	rows, byCluster := r.rows(byHost), r.bySubject(checks.ScopeCluster)
	columns := shareWidth(r.header(), rows, style.Width)
	for _, c := range r.Inventory.Clusters() {
		if err := r.clusterTable(b, c, byHost, rows, columns, byCluster[c.Path], style); err != nil {
			return err
		}
	}
	return nil
}

func (r *Run) clusterTable(b *strings.Builder, c inventory.Cluster, byHost map[string][]checks.Result, all [][]string, columns []int, findings []checks.Result, style Style) error {
	title := "Standalone hosts"
	if c.Name != "" {
		title = "Cluster " + Clean(c.Name)
	}
	fmt.Fprintf(b, "\n%s\n", strings.Join(Wrap(title, style.Width), "\n"))

	hosts := slices.Clone(c.Hosts)
	worst := func(i int) checks.Status { return checks.Worst(byHost[r.Inventory.Hosts[i].Path]) }
	slices.SortStableFunc(hosts, func(x, y int) int { return checks.CompareStatus(worst(x), worst(y)) })

	rows := make([][]string, len(hosts))
	for n, i := range hosts {
		rows[n] = all[i]
	}
	if err := writeTable(b, r.header(), rows, columns, 2, func(n int) checks.Status { return worst(hosts[n]) }, style); err != nil {
		return err
	}
	for _, res := range findings {
		if res.Status != checks.Pass && res.Status != checks.Skip {
			line := fmt.Sprintf("%s: %s, %s", verdictWord(res.Status), res.Check, Clean(res.Detail))
			b.WriteString(style.paint(res.Status, strings.Join(Wrap(line, style.Width), "\n")) + "\n")
		}
	}
	return nil
}

// header names the columns; the probe's is there when connections were tried.
func (r *Run) header() []string {
	h := []string{"HOST", "STATE", "VERDICT", "RULESET"}
	if r.ProbeTarget != "" {
		h = append(h, "PROBE")
	}
	return append(h, "DETAIL")
}

func (r *Run) probeLine() string {
	line := "probed: " + r.ProbeTarget
	if c := r.Control; c != nil {
		line += fmt.Sprintf("; from this machine, which says nothing of a host: %s", c.Outcome)
		if c.Cause != "" {
			line += fmt.Sprintf(" (%s)", Clean(c.Cause))
		}
	}
	return line
}

// verdictWord makes the one status that must be found stand out in plain text.
func verdictWord(s checks.Status) string {
	if s == checks.Fail {
		return "FAIL"
	}
	return s.String()
}

// cells is a host's row: the verdict is the worst of its checks, and the detail
// tells the main check's sentence and those of all others that did not pass,
// each reason and each sentence once.
func (r *Run) cells(h *inventory.Host, results []checks.Result) []string {
	told := map[string]bool{}
	var decides, details []string
	for _, res := range results {
		if res.Check == checks.OutboundPort {
			decides = append(decides, res.Decides...)
		}
		plain := res.Status == checks.Pass || res.Status == checks.Skip
		of := ""
		if len(r.Requirements) > 1 && res.Requirement != "" {
			of = res.Requirement + ": "
		}
		if plain && res.Check != checks.OutboundPort || told[of+string(res.Reason)] || told[res.Detail] {
			continue
		}
		told[of+string(res.Reason)], told[res.Detail] = true, true
		detail := Clean(res.Detail)
		if !plain {
			detail = fmt.Sprintf("%s: %s", res.Reason, detail)
		}
		details = append(details, of+detail)
	}
	if len(details) == 0 && len(results) > 0 {
		details = append(details, Clean(results[0].Detail))
	}
	row := []string{
		Clean(h.Name), Clean(h.StateLabel()), verdictWord(checks.Worst(results)),
		cmp.Or(Clean(strings.Join(slices.Compact(decides), ", ")), "-"),
	}
	if r.ProbeTarget != "" {
		row = append(row, probeCell(h.Probe))
	}
	return append(row, cmp.Or(strings.Join(details, "; "), "nothing to report"))
}

// probeCell says the vantage with the outcome: a connection means nothing
// without where it came from.
func probeCell(p *inventory.Probe) string {
	if p == nil {
		return "-"
	}
	return fmt.Sprintf("%s: %s", p.Vantage, p.Outcome)
}

// rows are all hosts' cells, to fit all clusters' tables to one set of columns.
func (r *Run) rows(byHost map[string][]checks.Result) [][]string {
	rows := make([][]string, len(r.Inventory.Hosts))
	for i := range r.Inventory.Hosts {
		h := &r.Inventory.Hosts[i]
		rows[i] = r.cells(h, byHost[h.Path])
	}
	return rows
}

const (
	gap       = 2  // blanks between columns
	minDetail = 24 // columns that a sentence needs to be read as one
	minCell   = 8
)

// shareWidth shares the width out: all columns but the last, which holds
// sentences, get what they need, less where that would squeeze the sentences.
// A width under 1 wraps nothing.
func shareWidth(header []string, rows [][]string, width int) []int {
	columns := make([]int, len(header))
	if width < 1 {
		return columns
	}
	for _, row := range append([][]string{header}, rows...) {
		for col, text := range row {
			columns[col] = max(columns[col], twwidth.Width(text))
		}
	}
	last := len(columns) - 1
	left := func() int {
		sum := gap * last
		for _, c := range columns[:last] {
			sum += c
		}
		return width - sum
	}
	for left() < minDetail {
		widest := 0
		for i := range columns[:last] {
			if columns[i] > columns[widest] {
				widest = i
			}
		}
		if columns[widest] <= minCell {
			break
		}
		columns[widest]--
	}
	columns[last] = min(columns[last], max(left(), minCell))
	return columns
}

// writeTable wraps the cells to the columns and paints one of them.
func writeTable(b *strings.Builder, header []string, rows [][]string, columns []int, painted int, paint func(row int) checks.Status, style Style) error {
	var rendered strings.Builder
	t := newTable(&rendered)
	t.Header(header)
	for i, row := range rows {
		wrapped := make([]string, len(row))
		for col, text := range row {
			for n, paragraph := range strings.Split(text, "\n") {
				if n > 0 {
					wrapped[col] += "\n"
				}
				wrapped[col] += strings.Join(Wrap(paragraph, columns[col]), "\n")
			}
		}
		wrapped[painted] = style.paint(paint(i), wrapped[painted])
		if err := t.Append(wrapped); err != nil {
			return fmt.Errorf("render the table: %w", err)
		}
	}
	if err := t.Render(); err != nil {
		return fmt.Errorf("render the table: %w", err)
	}
	for line := range strings.Lines(rendered.String()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return nil
}

func newTable(w io.Writer) *tablewriter.Table {
	return tablewriter.NewTable(w,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Settings: tw.Settings{Separators: tw.SeparatorsNone, Lines: tw.LinesNone},
		})),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithHeaderAlignment(tw.AlignLeft),
		tablewriter.WithRowAlignment(tw.AlignLeft),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithPadding(tw.Padding{Right: strings.Repeat(" ", gap), Overwrite: true}),
		// Bytes must not depend on RUNEWIDTH_EASTASIAN in the environment.
		tablewriter.WithEastAsian(tw.Off),
	)
}

func (r *Run) summaryLine(byHost map[string][]checks.Result, style Style) string {
	line := r.summary(byHost).line(style)
	if r.Interrupted {
		line += " (interrupted: what is not known was not read)"
	}
	return line
}

// summaryLines sum the targets up, a line each and one for all.
func (r *Report) summaryLines(style Style) []string {
	lines := make([]string, 0, len(r.Runs)+1)
	for _, run := range r.Runs {
		what := style.paint(checks.Unknown, "not checked")
		if run.Err == nil {
			what = run.Summary().line(style)
		}
		lines = append(lines, fmt.Sprintf("%s: %s", Clean(run.Target), what))
	}
	all := fmt.Sprintf("%s, %s", counted(len(r.Runs), "target"), r.Summary().line(style))
	if n := r.failed(); n > 0 {
		all += fmt.Sprintf("; %s not checked", counted(n, "target"))
	}
	return append(lines, all)
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (s Summary) line(style Style) string {
	parts := []string{}
	for _, p := range []struct {
		n      int
		status checks.Status
		text   string
	}{
		{s.Fail, checks.Fail, "failed"},
		{s.Unknown, checks.Unknown, "unknown"},
		{s.Warn, checks.Warn, "with warnings"},
		{s.Pass, checks.Pass, "passed"},
		{s.Skip, checks.Skip, "skipped"},
	} {
		if p.n > 0 {
			parts = append(parts, style.paint(p.status, fmt.Sprintf("%d %s", p.n, p.text)))
		}
	}
	return fmt.Sprintf("%s: %s", counted(s.Hosts, "host"), strings.Join(parts, ", "))
}
