package report

import (
	"cmp"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// row is what a table says of one host, or of several that are alike.
type row struct {
	name   string
	status checks.Status
	// rulesets are what decided, probe is what came of the connection.
	rulesets []string
	probe    string
	// codes say what is wrong, the main one first; details are the sentences.
	codes, details []string
	// class is the gravest of what was found.
	class checks.Class
	hosts int
}

// ruleset names what decided.
func (r *row) ruleset() string { return cmp.Or(Clean(strings.Join(r.rulesets, ", ")), "-") }

// alike tells rows apart but for whom they are about, and their sentences apart where that
// is wanted.
func (r *row) alike(sentences bool) string {
	parts := append([]string{r.status.String(), r.ruleset(), r.probe, string(r.class)}, r.codes...)
	if sentences {
		parts = append(parts, "")
		parts = append(parts, r.details...)
	}
	return strings.Join(parts, "\x00")
}

// rows are those of all hosts, in the order of the inventory.
func (r *Run) rows(byHost map[string][]checks.Result) []row {
	rows := make([]row, len(r.Inventory.Hosts))
	for i := range r.Inventory.Hosts {
		h := &r.Inventory.Hosts[i]
		rows[i] = r.row(h, byHost[h.Path])
	}
	return rows
}

// row has the worst status of a host's results, and of each that did not pass the code
// and the sentence, once, the worst first.
func (r *Run) row(h *inventory.Host, results []checks.Result) row {
	out := row{name: Clean(h.Name), status: checks.Worst(results), probe: probeCell(h.Probes), class: gravest(results), hosts: 1}
	var notes []string
	said := map[string]bool{}
	state := h.IsConnected() && h.StateLabel() == "connected"
	results = slices.Clone(results)
	slices.SortStableFunc(results, func(x, y checks.Result) int {
		// What a waiver accepts comes behind other warnings.
		accepted := map[bool]int{true: 1}
		return cmp.Or(checks.CompareStatus(x.Status, y.Status), accepted[x.Waiver != nil]-accepted[y.Waiver != nil])
	})
	for _, res := range results {
		plain := res.Status.Fine()
		state = state || res.Check == checks.HostState && !plain
		of, code := r.of(res), r.told(res)
		switch {
		case !plain && !slices.Contains(out.codes, code):
			out.codes = append(out.codes, code)
			if !said[res.Detail] {
				out.details = append(out.details, fmt.Sprintf("%s%s: %s", of, res.Reason, Clean(res.Detail)))
			}
			said[res.Detail] = true
		case plain && res.Check == checks.OutboundPort:
			out.details = append(out.details, of+Clean(res.Detail))
		}
		if note := of + res.Note; plain && res.Note != "" && !slices.Contains(notes, note) {
			notes = append(notes, note)
		}
	}
	out.codes = append(out.codes, notes...) // behind what is wrong
	if !state {                             // no code says so
		out.codes = append(out.codes, "host "+Clean(h.StateLabel()))
	}
	if len(out.details) == 0 && len(results) > 0 {
		out.details = append(out.details, Clean(results[0].Detail))
	}
	out.rulesets = deciding(results)
	return out
}

// deciding are the keys of the rulesets that decided what is wrong, else all that decided.
func deciding(results []checks.Result) []string {
	var wrong, fine []string
	for _, res := range results {
		keys := &wrong
		if res.Status.Fine() {
			keys = &fine
		}
		for _, key := range res.Decides {
			if res.Check == checks.OutboundPort && !slices.Contains(*keys, key) {
				*keys = append(*keys, key)
			}
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	return fine
}

// several reports whether results have to say which requirement they are about.
func (r *Run) several() bool { return len(r.Requirements) > 1 }

// mixed reports whether hosts have sentences of their own though all is alike: each has
// peers, and several requirements.
func (r *Run) mixed() bool { return r.several() || r.perHost() }

// perHost reports whether hosts' own settings ask for something.
func (r *Run) perHost() bool {
	return slices.ContainsFunc(r.Requirements, func(req checks.Requirement) bool { return req.Of != nil })
}

// of is the requirement, where there are several, as it stands before what is said of a
// result.
func (r *Run) of(res checks.Result) string {
	if name := r.about(res); name != "" {
		return name + ": "
	}
	return ""
}

// about is the name of the requirement that a result is about, where there are several. It
// is empty where nothing is known of the host, which is the same for all.
func (r *Run) about(res checks.Result) string {
	if !r.several() || res.Reason == checks.FactsUnavailable && len(res.Decides) == 0 {
		return ""
	}
	return res.Requirement
}

// told is a result's code, with its requirement and what must be known beside it.
func (r *Run) told(res checks.Result) string { return r.of(res) + told(res) }

func told(res checks.Result) string {
	code := string(res.Reason)
	locked := slices.ContainsFunc(res.Rulesets, func(rs checks.RulesetVerdict) bool { return rs.Locked && slices.Contains(res.Decides, rs.Key) })
	switch {
	case res.Waiver != nil:
		return code + " (waived)"
	case locked && res.Reason == checks.RulesetDisabled:
		return code + " (locked)"
	}
	return code
}

// fewPass is how many hosts of a cluster that pass have a line each.
const fewPass = 8

// fold lets rows that pass and are alike share one, where many pass.
func fold(rows []row, sentences bool) []row {
	passing := func(r row) bool { return r.status.Fine() }
	if len(slices.Collect(filter(rows, passing))) <= fewPass {
		return rows
	}
	var folded []row
	index := map[string]int{}
	for _, row := range rows {
		key := row.alike(sentences)
		i, ok := index[key]
		if !ok || !passing(row) {
			index[key] = len(folded)
			folded = append(folded, row)
			continue
		}
		folded[i].hosts++
		folded[i].name = counted(folded[i].hosts, "host")
	}
	return folded
}

// filter yields the elements that fit.
func filter[T any](list []T, fits func(T) bool) iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, x := range list {
			if fits(x) && !yield(x) {
				return
			}
		}
	}
}

// laidOut is a table, line by line. A row's text may have lines of its own above and
// below the cells.
type laidOut struct {
	header string
	rows   []string
}

// next takes the next row's text.
func (l *laidOut) next() string {
	text := l.rows[0]
	l.rows = l.rows[1:]
	return text
}

const (
	gap = 2 // blanks between columns
	// widestName bounds a column of names that are not hosts'.
	widestName = 24
	narrowest  = 12
)

// layOut fits the rows to the width. A name is never broken: one that is too long has
// a line of its own, above its row.
func (r *Run) layOut(rows []row, style Style, wide bool) (*laidOut, error) {
	last := "REASON"
	if wide && style.Width < 1 {
		last = "DETAIL"
	}
	header := []string{"HOST", "VERDICT", "RULESET", last}
	if r.ProbeTarget != "" {
		header = slices.Insert(header, 3, "PROBE")
	}
	creates := r.creates()
	if creates {
		header = slices.Insert(header, len(header)-1, "CREATE")
	}
	cells := make([][]string, len(rows))
	for i, row := range rows {
		cells[i] = []string{row.name, verdictWord(row.status), row.ruleset(), ""}
		if r.several() && style.Width > 0 {
			cells[i][2] = fitting(strings.Split(row.ruleset(), ", "), widestName)
		}
		if r.ProbeTarget != "" {
			cells[i] = slices.Insert(cells[i], 3, row.probe)
		}
		if creates {
			cells[i] = slices.Insert(cells[i], len(cells[i])-1, classCell(row.class))
		}
	}
	beside := rows
	if r.several() {
		beside = nil // reasons may stand below
	}
	limits := limitsOf(header, cells, beside, style.Width)
	above, below := lift(cells, limits.host), make([]string, len(rows))
	for i, row := range rows {
		line := cells[i]
		if limits.host > 0 && twwidth.Width(line[2]) > widestName {
			line[2], below[i] = "(below)", "\n  ruleset "+row.ruleset()
		}
		switch end := len(line) - 1; {
		case last == "DETAIL":
			line[end] = strings.Join(row.details, "; ")
		case wide:
			line[end] = fitting(row.codes, limits.reason)
			for _, detail := range row.details {
				below[i] += "\n" + indent(detail, "    ", style.Width)
			}
		case r.several():
			text, rest := first(row.codes, limits.reason)
			if limits.reason > 0 && twwidth.Width(text) > limits.reason {
				text, rest = "(below)", row.codes
			}
			for line[end] = text; len(rest) > 0; below[i] += "\n    " + text {
				text, rest = first(rest, style.Width-4)
			}
		default:
			line[end] = fitting(row.codes, limits.reason)
		}
	}
	lines, err := render(header, cells, 1, func(i int) checks.Status { return rows[i].status }, style)
	if err != nil {
		return nil, err
	}
	out := &laidOut{header: lines[0], rows: lines[1:]}
	for i := range rows {
		out.rows[i] = above[i] + out.rows[i] + below[i]
	}
	return out, nil
}

// lift takes the names that are wider than the limit out of the first column, and returns
// for each row what is to stand above it: a name is never broken. A limit under 1 takes
// all.
func lift(cells [][]string, limit int) (above []string) {
	above = make([]string, len(cells))
	for i, line := range cells {
		if limit > 0 && twwidth.Width(line[0]) > limit {
			line[0], above[i] = "", line[0]+"\n"
		}
	}
	return above
}

// limits are the widths of a table's first and last column; 0 for no limit.
type limits struct{ host, reason int }

// limitsOf leaves the last column what the longest main code takes.
func limitsOf(header []string, cells [][]string, rows []row, width int) limits {
	if width < 1 {
		return limits{}
	}
	between, main := 0, twwidth.Width(header[len(header)-1])
	for col := 1; col < len(header)-1; col++ {
		widest := twwidth.Width(header[col])
		for _, line := range cells {
			if w := twwidth.Width(line[col]); w <= widestName {
				widest = max(widest, w)
			}
		}
		between += widest + gap
	}
	for _, row := range rows {
		if len(row.codes) > 0 {
			main = max(main, twwidth.Width(fitting(row.codes, 1)))
		}
	}
	l := limits{host: max(width-between-gap-main, narrowest)}
	widest := twwidth.Width(header[0])
	for _, line := range cells {
		if w := twwidth.Width(line[0]); w <= l.host {
			widest = max(widest, w)
		}
	}
	l.reason = max(width-between-gap-widest, 1)
	return l
}

// fitting joins the codes that a width takes, the first one in any case, and counts the
// others. A width under 1 takes all.
func fitting(codes []string, width int) string {
	text := strings.Join(codes, ", ")
	for n := len(codes) - 1; width > 0 && n > 0 && twwidth.Width(text) > width; n-- {
		text = fmt.Sprintf("%s +%d", strings.Join(codes[:n], ", "), len(codes)-n)
	}
	return text
}

// first joins the codes that a width takes, one in any case, and returns the others. A
// width under 1 takes all.
func first(codes []string, width int) (text string, rest []string) {
	text = strings.Join(codes, ", ")
	for n := len(codes) - 1; width > 0 && n > 0 && twwidth.Width(text) > width; n-- {
		text, rest = strings.Join(codes[:n], ", ")+",", codes[n:]
	}
	return text, rest
}

// render aligns the cells, and paints one of each row. It returns the header and a line
// for each row.
func render(header []string, cells [][]string, painted int, paint func(row int) checks.Status, style Style) ([]string, error) {
	var b strings.Builder
	t := newTable(&b)
	t.Header(header)
	for i, line := range cells {
		line[painted] = style.paint(paint(i), line[painted])
		if err := t.Append(line); err != nil {
			return nil, fmt.Errorf("render the table: %w", err)
		}
	}
	if err := t.Render(); err != nil {
		return nil, fmt.Errorf("render the table: %w", err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != len(cells)+1 {
		return nil, fmt.Errorf("render the table: %d lines for %d rows", len(lines)-1, len(cells))
	}
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines, nil
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
