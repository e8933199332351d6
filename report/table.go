package report

import (
	"cmp"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// Table writes a line for each host, the worst cluster and the worst host first, with
// the codes of what is wrong; below, each code once with its sentence and the way out;
// and last a line that sums up. Of a dry run it writes the plan instead of the hosts, and
// before them where the run is about all that create refuses.
func Table(w io.Writer, r *Report, style Style) error { return r.table(w, style, false) }

// Wide is Table with the sentences of each host below its line; where lines are not
// wrapped, at the end of its line.
func Wide(w io.Writer, r *Report, style Style) error { return r.table(w, style, true) }

func (r *Report) table(w io.Writer, style Style, wide bool) error {
	style.advised = max(briefLines/max(len(r.Runs), 1), fewestBriefLines)
	var b strings.Builder
	for i, run := range r.Runs {
		if i > 0 {
			b.WriteString("\n")
		}
		if err := run.table(&b, style, wide); err != nil {
			return err
		}
	}
	if len(r.Runs) > 1 {
		b.WriteString("\n")
		for _, line := range r.summaryLines(style) {
			style.writeLine(&b, line)
		}
	}
	_, err := io.WriteString(w, disarm(b.String()))
	return err
}

// disarm breaks what the runner of GitHub Actions would obey in a job's log, should a name
// from a server look so: a line that begins with two colons, or ##[ anywhere.
func disarm(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(text, "##[", "## [")) {
		if at := strings.TrimLeft(line, " "); strings.HasPrefix(at, "::") {
			line = line[:len(line)-len(at)] + ": " + at[1:]
		}
		b.WriteString(line)
	}
	return b.String()
}

func (r *Run) table(b *strings.Builder, style Style, wide bool) error {
	if r.Err != nil {
		b.WriteString(style.paint(checks.Unknown, style.wrap(fmt.Sprintf("%s: NOT CHECKED: %s", Clean(r.Target), Clean(r.Err.Error())))) + "\n")
		return nil
	}
	style.writeLine(b, r.title())
	if r.ProbeTarget != "" {
		style.writeLine(b, r.probeLine())
	}
	if left := r.unasked(); left != "" && !r.DryRun {
		style.writeLine(b, left)
	}
	r.vchTable(b, style, wide)
	if len(r.Plan) > 0 {
		b.WriteString("\n")
		if err := r.planTable(b, style); err != nil || r.DryRun && !r.creates() {
			return err
		}
	}
	byHost := r.byHost()
	rows := r.rows(byHost)
	var err error
	if len(rows) == 0 {
		b.WriteString("\n" + style.paint(checks.Unknown, noHost) + "\n")
	} else if r.groups(style) && !wide {
		err = r.groupedTable(b, rows, style)
	} else {
		err = r.clusterTables(b, rows, style, wide)
	}
	if err != nil {
		return err
	}
	r.advice(b, style)
	r.waived(b, style)
	if undo := r.undo(); undo != "" {
		fmt.Fprintf(b, "\nto take the changes back:\n  %s\n", undo)
	}
	b.WriteString("\n" + r.Compared.lines(style))
	if c := r.Classes(); c != nil {
		style.writeLine(b, c.line(style))
	}
	b.WriteString(r.summaryLine(byHost, style) + "\n")
	return nil
}

// noHost is said where there is none to tell of.
const noHost = "no host was looked at"

// title names the target and what is required of its hosts.
func (r *Run) title() string {
	simulated := ""
	if r.Inventory.Endpoint.Simulated {
		simulated = " (simulated)"
	}
	if r.creates() {
		return fmt.Sprintf("%s%s, %s: what vic-machine create would refuse, and %s", Clean(r.Target), simulated, r.vchName(), required(r.Requirements))
	}
	return fmt.Sprintf("%s%s: %s", Clean(r.Target), simulated, required(r.Requirements))
}

// fewRequirements is how many are told with their peers.
const fewRequirements = 3

// required names the requirements, by their names too where there are several, and in
// short where there are many, or each host has peers of its own.
func required(reqs []checks.Requirement) string {
	var all, own []string
	for _, req := range reqs {
		short := fmt.Sprintf("%s (%s %s)", req.Name, req.Service(), req.Say("{way}"))
		switch {
		case req.Of != nil:
			own = append(own, short)
		case len(reqs) > fewRequirements:
			all = append(all, short)
		case len(reqs) > 1:
			all = append(all, fmt.Sprintf("%s (%s)", req, req.Name))
		default:
			all = append(all, req.String())
		}
	}
	if len(own) > 0 {
		all = append(all, "what the hosts' own settings ask for: "+strings.Join(own, ", "))
	}
	return cmp.Or(strings.Join(all, ", "), "no port is asked for")
}

// probeLine says where from and where to connections were tried: an outcome means
// nothing without that.
func (r *Run) probeLine() string {
	line := "probed: " + r.ProbeTarget
	for i := range r.Inventory.Hosts {
		if list := r.Inventory.Hosts[i].Probes; len(list) > 0 {
			line = fmt.Sprintf("probed by %s: %s", list[0].Vantage, r.ProbeTarget)
			break
		}
	}
	var controls []string
	for _, c := range r.Controls {
		text := string(c.Outcome)
		if len(r.Controls) > 1 {
			text = Clean(c.Target) + " " + text
		}
		if c.Cause != "" {
			text += fmt.Sprintf(" (%s)", Clean(c.Cause))
		}
		controls = append(controls, text)
	}
	if len(controls) > 0 {
		line += "; from this machine, which says nothing of a host: " + checks.Some(controls)
	}
	return line
}

// unasked says which checks alone were run, where not all were: another run may find
// more.
func (r *Run) unasked() string {
	asked := map[string]bool{}
	for _, res := range r.Results {
		asked[res.Check] = true
	}
	all := checks.Default()
	if r.creates() {
		all = append(all, checks.Create()...)
	}
	var ids []string
	left := false
	for _, c := range all {
		switch {
		case asked[c.ID]:
			ids = append(ids, c.ID)
		case c.ID != checks.ClusterDrift && c.ID != checks.PeerSettings: // there may be nothing to compare, or to read
			left = true
		}
	}
	if len(ids) == 0 || !left {
		return ""
	}
	return "checked: " + strings.Join(ids, ", ") + " alone"
}

// undo is the command that takes the changes back; empty where there are none. A
// simulator that ends with the run takes its changes along.
func (r *Run) undo() string {
	if r.Journal == "" || r.embedded() {
		return ""
	}
	words := []string{"vic-preflight", "undo", r.Journal, "--target", r.commandTarget()}
	for _, o := range r.Options {
		if slices.ContainsFunc(undoFlags, func(f string) bool { return strings.HasPrefix(o, f) }) {
			words = append(words, o)
		}
	}
	return Clean(shellescape.QuoteCommand(words))
}

// embedded reports whether the target is a simulator that nobody else reaches.
func (r *Run) embedded() bool { return strings.HasPrefix(r.commandTarget(), "sim://") }

// commandTarget is the target as commands take it.
func (r *Run) commandTarget() string { return cmp.Or(r.CommandTarget, r.Target) }

// block is a cluster, or the standalone hosts, as a table shows it.
type block struct {
	title    string
	rows     []row
	findings []finding
	worst    checks.Status
	hosts    int
	of       map[checks.Status]int // hosts
}

// fewClusters is how many clusters that pass whole are shown one by one.
const fewClusters = 5

func (r *Run) clusterTables(b *strings.Builder, rows []row, style Style, wide bool) error {
	blocks := r.blocks(rows, style, wide)
	var whole, hosts int
	if style.folds() {
		passing := func(s block) bool { return s.worst.Fine() }
		if n := len(slices.Collect(filter(blocks, passing))); n > fewClusters {
			whole = n
			for s := range filter(blocks, passing) {
				hosts += s.hosts
			}
			blocks = slices.DeleteFunc(blocks, passing)
		}
	}
	var all []row
	for _, s := range blocks {
		all = append(all, s.rows...)
	}
	table, err := r.layOut(all, style, wide)
	if err != nil {
		return err
	}
	for _, s := range blocks {
		between := "   "
		if style.Width > 0 && twwidth.Width(s.title)+len(between)+twwidth.Width(s.counts(Style{})) > style.Width {
			between = "\n  "
		}
		fmt.Fprintf(b, "\n%s%s%s\n%s\n", s.title, between, s.counts(style), table.header)
		for range s.rows {
			b.WriteString(table.next() + "\n")
		}
		for _, f := range s.findings {
			b.WriteString(style.paint(f.Status, r.findingLine(f, style, wide)) + "\n")
		}
	}
	if whole > 0 {
		fmt.Fprintf(b, "\n%s, %s: %s\n", counted(whole, "more cluster"), counted(hosts, "host"), style.paint(checks.Pass, "all pass"))
	}
	return nil
}

// blocks are the clusters with their rows, the worst first. Hosts that pass share a
// row for all that are alike where there are many.
func (r *Run) blocks(rows []row, style Style, wide bool) []block {
	clusters, findings := r.Inventory.Clusters(), r.bySubject(checks.ScopeCluster)
	named := map[string]int{}
	for _, c := range clusters {
		named[c.Name]++
	}
	blocks := make([]block, 0, len(clusters))
	for _, c := range clusters {
		s := block{title: Clean(c.Name), worst: checks.Skip, hosts: len(c.Hosts), of: map[checks.Status]int{}}
		switch {
		case c.Name == "":
			s.title = "Standalone hosts"
		case named[c.Name] > 1:
			s.title = Clean(c.Path)
		}
		for _, i := range c.Hosts {
			s.rows = append(s.rows, rows[i])
			s.of[rows[i].status]++
			if rows[i].status.Worse(s.worst) {
				s.worst = rows[i].status
			}
		}
		slices.SortStableFunc(s.rows, func(x, y row) int { return checks.CompareStatus(x.status, y.status) })
		if style.folds() {
			s.rows = fold(s.rows, wide || !r.mixed())
		}
		s.findings = join(findings[c.Path], func(f *finding, res checks.Result) bool {
			return !wide && f.Check == res.Check && told(f.Result) == told(res)
		})
		blocks = append(blocks, s)
	}
	slices.SortStableFunc(blocks, func(x, y block) int {
		return cmp.Or(checks.CompareStatus(x.worst, y.worst), y.of[x.worst]-x.of[x.worst])
	})
	return blocks
}

// counts says how many hosts have which status, the worst first.
func (s *block) counts(style Style) string {
	var parts []string
	for _, status := range checks.Statuses() {
		if n := s.of[status]; n > 0 {
			parts = append(parts, style.paint(status, fmt.Sprintf("%d %s", n, verdictWord(status))))
		}
	}
	return strings.Join(parts, "  ")
}

// finding is what was found about a cluster, or several, for one requirement or several.
type finding struct {
	checks.Result          // the first
	names         []string // of the requirements
	clusters      []string
}

// join makes one finding of those that are alike. What is fine is none.
func join(results []checks.Result, alike func(*finding, checks.Result) bool) (found []finding) {
	for _, res := range results {
		if res.Status.Fine() {
			continue
		}
		i := slices.IndexFunc(found, func(f finding) bool { return alike(&f, res) })
		if i < 0 {
			i = len(found)
			found = append(found, finding{Result: res})
		}
		f := &found[i]
		if !slices.Contains(f.names, res.Requirement) {
			f.names = append(f.names, res.Requirement)
		}
		if name := Clean(path.Base(res.Subject)); !slices.Contains(f.clusters, name) {
			f.clusters = append(f.clusters, name)
		}
	}
	return found
}

// findingLine is what was found about a cluster: one line, for its rows name the hosts;
// where sentences are told, all of it.
func (r *Run) findingLine(f finding, style Style, wide bool) string {
	if len(f.names) > 1 {
		return style.wrap(fmt.Sprintf("%s: %s for %s", verdictWord(f.Status), told(f.Result), Clean(strings.Join(f.names, ", "))))
	}
	detail := Clean(f.Detail)
	if !wide {
		detail, _, _ = strings.Cut(detail, " (")
	}
	return style.wrap(fmt.Sprintf("%s: %s, %s", verdictWord(f.Status), r.told(f.Result), detail))
}

// verdictWord makes the one status that must be found stand out in plain text.
func verdictWord(s checks.Status) string {
	if s == checks.Fail {
		return "FAIL"
	}
	return s.String()
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
	line := counted(s.Hosts, "host")
	if s.Hosts > 0 {
		line += ": " + strings.Join(parts, ", ")
	}
	if s.Waived > 0 {
		line += fmt.Sprintf("; %d waived", s.Waived)
	}
	return line
}

// probesOf are a host's connections for the requirement of a result, and all of them for a
// result that is of none.
func (r *Run) probesOf(h *inventory.Host, res checks.Result) []inventory.Probe {
	if len(r.Requirements) > 1 && res.Requirement != "" {
		return h.ProbesFor(res.Requirement)
	}
	return h.Probes
}

// graveOutcomes are those of connections, the gravest first: a cell has room for one.
var graveOutcomes = []inventory.Outcome{
	inventory.ProbeError, inventory.Intercepted, inventory.DNS, inventory.Timeout, inventory.Unreachable, inventory.NoRoute,
	inventory.OpenUnverified, inventory.Refused, inventory.Open,
}

// probeCell is the gravest outcome alone, and how many others there are: the line above the
// table says the vantage.
func probeCell(probes []inventory.Probe) string {
	var outcomes []string
	for _, outcome := range graveOutcomes {
		if slices.ContainsFunc(probes, func(p inventory.Probe) bool { return p.Outcome == outcome }) {
			outcomes = append(outcomes, string(outcome))
		}
	}
	return cmp.Or(fitting(outcomes, 1), "-")
}
