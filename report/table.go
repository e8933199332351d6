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

// Table writes one table for each cluster, the worst hosts first, or, grouped,
// one for all with a row for each verdict; and a line that sums up.
func Table(w io.Writer, r *Report, style Style) error {
	var b strings.Builder
	simulated := ""
	if r.Inventory.Endpoint.Simulated {
		simulated = " (simulated)"
	}
	b.WriteString(strings.Join(Wrap(fmt.Sprintf("%s%s: %s", r.Target, simulated, r.Requirement), style.Width), "\n") + "\n")

	if r.ProbeTarget != "" {
		fmt.Fprintln(&b, strings.Join(Wrap(r.probeLine(), style.Width), "\n"))
	}
	byHost := r.byHost()
	if r.groups(style) {
		if err := r.groupedTable(&b, byHost, style); err != nil {
			return err
		}
		r.groupedFindings(&b, style)
	} else {
		rows, byCluster := r.rows(byHost), r.bySubject(checks.ScopeCluster)
		columns := shareWidth(r.header(), rows, style.Width)
		for _, c := range r.Inventory.Clusters() {
			if err := r.clusterTable(&b, c, byHost, rows, columns, byCluster[c.Path], style); err != nil {
				return err
			}
		}
	}
	b.WriteString("\n" + r.summaryLine(byHost, style) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) clusterTable(b *strings.Builder, c inventory.Cluster, byHost map[string][]checks.Result, all [][]string, columns []int, findings []checks.Result, style Style) error {
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
func (r *Report) header() []string {
	h := []string{"HOST", "STATE", "VERDICT", "RULESET"}
	if r.ProbeTarget != "" {
		h = append(h, "PROBE")
	}
	return append(h, "DETAIL")
}

func (r *Report) probeLine() string {
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
func (r *Report) cells(h *inventory.Host, results []checks.Result) []string {
	row := []string{Clean(h.Name), h.StateLabel(), verdictWord(checks.Worst(results)), "-"}
	told := map[string]bool{}
	var details []string
	for _, res := range results {
		if res.Check == checks.OutboundPort && res.Decides != "" {
			row[3] = Clean(strings.ReplaceAll(res.Decides, "+", ", "))
		}
		plain := res.Status == checks.Pass || res.Status == checks.Skip
		if plain && res.Check != checks.OutboundPort || told[string(res.Reason)] || told[res.Detail] {
			continue
		}
		told[string(res.Reason)], told[res.Detail] = true, true
		detail := Clean(res.Detail)
		if !plain {
			detail = fmt.Sprintf("%s: %s", res.Reason, detail)
		}
		details = append(details, detail)
	}
	if r.ProbeTarget != "" {
		row = append(row, probeCell(h.Probe))
	}
	if len(details) == 0 && len(results) > 0 {
		details = append(details, Clean(results[0].Detail))
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
func (r *Report) rows(byHost map[string][]checks.Result) [][]string {
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

func (r *Report) summaryLine(byHost map[string][]checks.Result, style Style) string {
	s := r.summary(byHost)
	noun := "hosts"
	if s.Hosts == 1 {
		noun = "host"
	}
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
	line := fmt.Sprintf("%d %s: %s", s.Hosts, noun, strings.Join(parts, ", "))
	if r.Interrupted {
		line += " (interrupted: what is not known was not read)"
	}
	return line
}
