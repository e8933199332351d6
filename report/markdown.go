package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

const (
	// markdownLength is how long a report gets, in bytes: GitHub takes 1 MiB for the
	// summary of a job, and what closes the tables comes on top.
	markdownLength = 1_000_000
	// markdownText bounds what a server says in one place, in bytes.
	markdownText = 2000
)

// page is Markdown that keeps to a length.
type page struct {
	strings.Builder
	// room is the length that rows keep to.
	room int
}

// row writes a line of a table or a list, and reports whether there was room for it.
func (p *page) row(format string, args ...any) bool {
	line := fmt.Sprintf(format, args...)
	if p.Len()+len(line) >= p.room {
		return false
	}
	p.WriteString(line + "\n")
	return true
}

func (p *page) paragraph(format string, args ...any) { fmt.Fprintf(p, format+"\n\n", args...) }

// folded writes what people open to read it. write may leave it empty.
func (p *page) folded(summary string, write func()) {
	p.paragraph("<details><summary>%s</summary>", summary)
	write()
	p.paragraph("\n</details>")
}

// Markdown writes the report for a pull request or for the summary of a job: the
// verdict, a table of the targets, and for each of them the hosts that did not pass, why
// they did not, what is waived and what to do. It stays under 1 MiB, which is what GitHub
// takes, and says how many hosts it left out for that.
func Markdown(w io.Writer, r *Report) error {
	p := &page{room: markdownLength / 4}
	p.paragraph("## vic-preflight: %s", verdictWord(r.Status()))
	p.paragraph("%s", r.total())
	names := r.labels()
	r.markdownSummary(p, names)
	for i, run := range r.Runs {
		left := len(r.Runs) - i
		if p.Len() > markdownLength-2*markdownText {
			p.paragraph("%s left out here for want of room: `vic-preflight check -o table` shows all.", counted(left, "target"))
			break
		}
		p.room = p.Len() + (markdownLength-p.Len())/left
		run.markdown(p, names[i])
	}
	_, err := io.WriteString(w, strings.TrimRight(p.String(), "\n")+"\n")
	return err
}

func (r *Report) markdownSummary(p *page, names []labels) {
	p.WriteString("| TARGET | VERDICT | HOSTS | FAILED | UNKNOWN | WARNINGS | PASSED | SKIPPED | WAIVED |\n")
	p.WriteString("|---|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for i, run := range r.Runs {
		s := run.Summary()
		verdict := verdictWord(run.Status())
		if run.Err != nil {
			verdict = "not checked"
		}
		if !p.row("| %s | %s | %d | %d | %d | %d | %d | %d | %d |", code(names[i].target), verdict, s.Hosts, s.Fail, s.Unknown, s.Warn, s.Pass, s.Skip, s.Waived) {
			p.paragraph("\n%s left out of this table for want of room.", counted(len(r.Runs)-i, "target"))
			break
		}
	}
	p.WriteString("\n")
}

func (r *Run) markdown(p *page, l labels) {
	p.paragraph("### %s", code(l.target))
	for _, it := range r.remarks(l) {
		p.row("%s: %s\n", verdictWord(it.status), prose(it.detail))
	}
	if r.Inventory == nil {
		return
	}
	p.paragraph("%s", prose(r.asked()))
	if r.ProbeTarget != "" {
		p.paragraph("%s", prose(r.probeLine()))
	}
	r.markdownPlan(p, l)
	whole := p.room
	p.room = p.Len() + (whole-p.Len())/4 // the rest is for the hosts, and for why
	r.markdownVCH(p)
	byHost := r.byHost()
	p.room = p.Len() + (whole-p.Len())*3/4 // the rest is for why
	r.markdownHosts(p, l, byHost)
	p.room = whole
	r.markdownReasons(p, l)
	r.markdownWaivers(p, l)
	r.markdownAdvice(p)
}

// asked is what was required of the target's hosts.
func (r *Run) asked() string {
	text := "Required: " + Clean(required(r.Requirements))
	if r.Inventory.Endpoint.Simulated {
		text += " (the target is a simulator)"
	}
	return text
}

// markdownPlan writes what is or was to be done, folded.
func (r *Run) markdownPlan(p *page, l labels) {
	items := r.changes(l)
	if len(r.Plan) == 0 {
		return
	}
	title := "Changes"
	if r.DryRun {
		title = "Plan (dry run: nothing was changed)"
	}
	p.folded(fmt.Sprintf("%s: %s", title, planSummary(r.Plan, r.DryRun)), func() {
		p.WriteString("| HOST | CHANGE | DETAIL |\n|---|---|---|\n")
		for i, it := range items {
			if !p.row("| %s | %s | %s |", code(it.subject), code(strings.TrimPrefix(it.check, "change: ")), prose(it.detail)) {
				p.paragraph("\n%s left out here for want of room: `-o table` shows all.", counted(len(items)-i, "change"))
				break
			}
		}
		if r.Journal != "" {
			p.paragraph("\nThe journal %s takes the changes back: `vic-preflight undo`.", code(Clean(r.Journal)))
		}
	})
}

// markdownVCH writes what was found of the virtual container host itself, below what
// create does about it, and counts what is fine.
func (r *Run) markdownVCH(p *page) {
	if c := r.Classes(); c != nil {
		p.paragraph("%s: %s.", prose(r.vchName()), prose(c.line(Style{})))
	}
	var told []checks.Result
	fine := ""
	for _, g := range r.vchGroups() {
		if g.title == fineTitle {
			fine = finePart(g.results)
		} else {
			told = append(told, g.results...)
		}
	}
	if len(told) > 0 {
		p.WriteString("| ABOUT | VERDICT | CREATE | CHECK | REASON |\n|---|---|---|---|---|\n")
		for i, res := range told {
			if !p.row("| %s | %s | %s | %s | %s |", code(Clean(res.Subject)), verdictWord(res.Status), classCell(classOf(res)), code(Clean(res.Check)), prose(Clean(r.told(res)))) {
				p.paragraph("\n%s left out here for want of room.", counted(len(told)-i, "finding"))
				break
			}
		}
		p.WriteString("\n")
	}
	if fine != "" {
		p.paragraph("Of the virtual container host's own checks: %s.", fine)
	}
}

// markdownHosts writes the hosts that did not pass or have a waiver, the worst first,
// and counts the others.
func (r *Run) markdownHosts(p *page, l labels, byHost map[string][]checks.Result) {
	var told []*inventory.Host
	worst := func(h *inventory.Host) checks.Status { return checks.Worst(byHost[h.Path]) }
	for i := range r.Inventory.Hosts {
		if h := &r.Inventory.Hosts[i]; !worst(h).Fine() {
			told = append(told, h)
		}
	}
	slices.SortStableFunc(told, func(a, b *inventory.Host) int { return checks.CompareStatus(worst(a), worst(b)) })
	s := r.summary(byHost)
	if len(told) > readable {
		p.folded(s.line(Style{}), func() { r.markdownTable(p, l, told, byHost) })
	} else if len(told) > 0 {
		r.markdownTable(p, l, told, byHost)
	}
	if s.Pass > 0 {
		p.paragraph("%s passed.", counted(s.Pass, "host"))
	}
	if s.Skip > 0 {
		p.paragraph("%s skipped: no check was asked of them.", counted(s.Skip, "host"))
	}
}

func (r *Run) markdownTable(p *page, l labels, hosts []*inventory.Host, byHost map[string][]checks.Result) {
	creates := r.creates()
	if creates {
		p.WriteString("| HOST | CLUSTER | STATE | VERDICT | RULESET | PROBE | CREATE | REASON |\n|---|---|---|---|---|---|---|---|\n")
	} else {
		p.WriteString("| HOST | CLUSTER | STATE | VERDICT | RULESET | PROBE | REASON |\n|---|---|---|---|---|---|---|\n")
	}
	for i, h := range hosts {
		results := byHost[h.Path]
		reasons := strings.Join(r.reasonCodes(results), ", ")
		if creates {
			reasons = classCell(gravest(results)) + " | " + reasons
		}
		if !p.row("| %s | %s | %s | %s | %s | %s | %s |", code(l.hosts[h.Path]), code(l.clusters[h.ClusterPath]), prose(Clean(h.StateLabel())),
			verdictWord(checks.Worst(results)), code(Clean(strings.Join(deciding(results), ", "))), prose(probeCell(h.Probes)), reasons) {
			p.paragraph("\n%s left out here for want of room: `vic-preflight check -o table` names them all.", counted(len(hosts)-i, "more host"))
			return
		}
	}
	p.WriteString("\n")
}

// reasonCodes are why a host did not pass, each once, as the table has them.
func (r *Run) reasonCodes(results []checks.Result) []string {
	var codes []string
	for _, res := range results {
		if res.Status.Fine() {
			continue
		}
		text := prose(Clean(r.told(res)))
		if !slices.Contains(codes, text) {
			codes = append(codes, text)
		}
	}
	return codes
}

// sentence is what was found of several subjects.
type sentence struct {
	item
	subjects, requirements []string
}

// code is the reason, with the requirements where the run has several.
func (s *sentence) code() string {
	if len(s.requirements) == 0 {
		return s.reason
	}
	return prose(strings.Join(s.requirements, ", ")) + ": " + s.reason
}

// sentences are those of hosts, clusters and a virtual container host that did not pass, each once, the worst
// first.
func (r *Run) sentences(l labels) []*sentence {
	var list []*sentence
	index := map[string]*sentence{}
	for _, s := range r.sections(l) {
		for _, it := range s.items {
			if it.status.Fine() || it.kind != ofHost && it.kind != ofCluster && it.kind != ofVCH {
				continue
			}
			subject := it.subject
			if it.kind == ofCluster {
				subject = "cluster " + subject
			}
			key := fmt.Sprint(it.status, it.reason, it.class, it.detail, it.waiver)
			if index[key] == nil {
				index[key] = &sentence{item: it}
				list = append(list, index[key])
			}
			f := index[key]
			if len(f.subjects) == 0 || f.subjects[len(f.subjects)-1] != subject {
				f.subjects = append(f.subjects, subject)
			}
			if it.requirement != "" && !slices.Contains(f.requirements, it.requirement) {
				f.requirements = append(f.requirements, it.requirement)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b *sentence) int {
		return cmp.Or(checks.CompareStatus(a.status, b.status), len(b.subjects)-len(a.subjects))
	})
	return list
}

func (r *Run) markdownReasons(p *page, l labels) {
	list := r.sentences(l)
	if len(list) == 0 {
		return
	}
	p.folded("Why, in sentences", func() {
		for i, f := range list {
			verdict := verdictWord(f.status)
			if f.waiver != nil {
				verdict = "waived"
			}
			if f.class != "" {
				verdict += ", " + classWords(f.class)
			}
			if !p.row("- **%s** %s, %s: %s", verdict, f.code(), few(codes(f.subjects)), prose(f.detail)) {
				p.row("- %s left out here for want of room", counted(len(list)-i, "more sentence"))
				break
			}
		}
	})
}

func (r *Run) markdownWaivers(p *page, l labels) {
	list := slices.DeleteFunc(r.sentences(l), func(f *sentence) bool { return f.waiver == nil })
	if len(list) == 0 {
		return
	}
	p.WriteString("| WAIVED | FOR | BECAUSE | EXPIRES | TICKET |\n|---|---|---|---|---|\n")
	for i, f := range list {
		waiver := waiverJSON(f.waiver)
		if !p.row("| %s | %s | %s | %s | %s |", f.code(), few(codes(f.subjects)), prose(waiver.Because), waiver.Expires, prose(waiver.Ticket)) {
			p.paragraph("\n%s left out here for want of room.", counted(len(list)-i, "more waived result"))
			break
		}
	}
	p.WriteString("\n")
}

// markdownAdvice writes what to do, with commands to copy.
func (r *Run) markdownAdvice(p *page) {
	all := r.advise()
	if len(all) == 0 {
		return
	}
	places := r.places()
	p.folded("What to do", func() {
		for _, a := range all {
			title := code(a.title())
			if words := classWords(gravest(a.results)); words != "" {
				title += " (" + words + ")"
			}
			if !p.row("%s: %s\n", title, prose(a.hint(r))) {
				break
			}
			if lines := strings.Join(a.commands(r, places), "\n"); lines != "" {
				fence := "```"
				for strings.Contains(lines, fence) {
					fence += "`"
				}
				p.row("%ssh\n%s\n%s\n", fence, lines, fence)
			}
		}
	})
}

// markdownEscapes are for what Markdown, HTML, GitHub's mathematics and its links to
// people, issues and pages would take for their own. What a name looks like after @ and
// # stays apart from them by a blank of no width, as GitHub looks at what a reader sees.
var markdownEscapes = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", `\`, "&#92;", "`", "&#96;", "*", "&#42;", "_", "&#95;",
	"[", "&#91;", "]", "&#93;", "|", "&#124;", "~", "&#126;", "$", "&#36;", "!", "&#33;", "://", "&#58;//", "www.", "www&#46;", "WWW.", "WWW&#46;",
	"@", "&#64;\u200b", "#", "&#35;\u200b",
)

// prose is a server's words as text and nothing else.
func prose(s string) string { return markdownEscapes.Replace(shortened(s, markdownText)) }

func codes(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = code(n)
	}
	return out
}

// code is a name. Inside the element GitHub makes no links.
func code(s string) string {
	if s == "" {
		return ""
	}
	return "<code>" + strings.ReplaceAll(markdownEscapes.Replace(s), "\u200b", "") + "</code>"
}
