package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// htmlHost is a host on the page.
type htmlHost struct {
	t       *htmlRun
	index   int
	Host    *inventory.Host
	results []checks.Result
	Status  checks.Status
	// pattern has a letter for each of the target's columns.
	pattern string
}

// htmlVerdict is a check's answer in words.
type htmlVerdict struct {
	checks.Result
	Check, Hint, Caption string
	Rulesets             []checks.RulesetVerdict
}

// htmlChange is an entry of the plan.
type htmlChange struct {
	*PlanEntry
	dryRun bool
}

// htmlCase is what was found on a host and planned for it. Hosts that are alike share
// one, which is written in full at the first.
type htmlCase struct {
	// Like is the host where it stands, if that is another one.
	Like     *htmlHost
	Verdicts []htmlVerdict
	Changes  []htmlChange
}

// ID is the host's anchor, CaseID that of its case.
func (h *htmlHost) ID() string { return fmt.Sprintf("h%d-%d", h.t.index, h.index) }

// CaseID is the anchor of the case that is written at the host.
func (h *htmlHost) CaseID() string { return "c" + h.ID()[1:] }

// Name is what vSphere calls it.
func (h *htmlHost) Name() string { return Clean(h.Host.Name) }

// Class is the style of the host's stripes.
func (h *htmlHost) Class() string { return "k-" + h.pattern }

// Glyphs are the stripes' signs, a line each.
func (h *htmlHost) Glyphs() string {
	lines := make([]string, len(h.pattern))
	for i := range h.pattern {
		lines[i] = " "
		for _, s := range checks.Statuses() {
			if h.pattern[i] == letter(s) {
				lines[i] = glyphs[s]
			}
		}
	}
	return strings.Join(lines, "\n")
}

// Rulesets are those that decided the verdict.
func (h *htmlHost) Rulesets() string {
	return Clean(strings.Join(deciding(h.results), ", "))
}

// Probed is what became of the host's connection; empty where none was tried.
func (h *htmlHost) Probed() string {
	if len(h.Host.Probes) == 0 {
		return ""
	}
	return probeCell(h.Host.Probes)
}

// Reasons are those of all that did not pass, else that of the first check.
func (h *htmlHost) Reasons() string {
	var reasons []string
	for _, res := range h.results {
		code := strings.TrimSuffix(h.t.run.told(res), " (waived)") // the row says so in a sign of its own
		if !res.Status.Fine() && !slices.Contains(reasons, code) {
			reasons = append(reasons, code)
		}
	}
	if len(reasons) == 0 && len(h.results) > 0 {
		reasons = append(reasons, string(h.results[0].Reason))
	}
	return Clean(strings.Join(reasons, ", "))
}

// Creates are the classes of what was found on the host, the gravest first.
func (h *htmlHost) Creates() []checks.Class {
	var list []checks.Class
	for _, class := range classes() {
		if slices.ContainsFunc(h.results, func(r checks.Result) bool { return classOf(r) == class }) {
			list = append(list, class)
		}
	}
	return list
}

// Create is what create does about it; empty for what is no finding.
func (v htmlVerdict) Create() checks.Class { return classOf(v.Result) }

// Waived says that a waiver accepts something of the host.
func (h *htmlHost) Waived() bool {
	return slices.ContainsFunc(h.results, func(r checks.Result) bool { return r.Waiver != nil })
}

// Changed is what the plan does about the host and what came of it.
func (h *htmlHost) Changed() string {
	var texts []string
	for _, e := range h.t.plan[h.Host.Path] {
		switch e.Action {
		case None:
		case Refuse:
			texts = append(texts, "plan: refused")
		default:
			texts = append(texts, fmt.Sprintf("%s: %s", e.Action, htmlChange{e, h.t.run.DryRun}.Result()))
		}
	}
	return Clean(strings.Join(texts, ", "))
}

// Facts are what is known of the host besides.
func (h *htmlHost) Facts() []string {
	facts := []string{Clean(h.Host.Path), Clean(h.Host.StateLabel())}
	if h.Host.Version != "" {
		facts = append(facts, "ESXi "+Clean(h.Host.Version))
	}
	if !h.Host.BootTime.IsZero() {
		facts = append(facts, "booted "+htmlTime(h.Host.BootTime))
	}
	if h.Host.UUID != "" {
		facts = append(facts, "UUID "+Clean(h.Host.UUID))
	}
	return facts
}

// Probe tells of the connections that were tried for the host.
func (h *htmlHost) Probe() string {
	texts := make([]string, len(h.Host.Probes))
	for i, p := range h.Host.Probes {
		texts[i] = probeText(p)
		if len(texts) > 1 {
			texts[i] = fmt.Sprintf("%s, %s: %s", p.Requirement, p.Target, texts[i])
		}
	}
	return Clean(strings.Join(texts, "; "))
}

func probeText(p inventory.Probe) string {
	text := fmt.Sprintf("%s, from the host (%s), after %s", p.Outcome, p.Vantage, p.Elapsed.Round(time.Millisecond))
	switch {
	case p.Outcome == "":
		text = "not tried"
	case p.From != "":
		text = fmt.Sprintf("%s, from %s (%s), after %s", p.Outcome, p.From, p.Vantage, p.Elapsed.Round(time.Millisecond))
	}
	for _, more := range []struct{ before, value string }{{": ", p.Cause}, {"; seen as ", p.Peer}, {"; left behind: ", p.Leftover}} {
		if more.value != "" {
			text += more.before + more.value
		}
	}
	return text
}

// Case is what was found on the host. Its first call for a case returns it in full.
func (h *htmlHost) Case() htmlCase {
	key := h.caseKey()
	if first := h.t.cases[key]; first != nil {
		return htmlCase{Like: first}
	}
	h.t.cases[key] = h
	c := htmlCase{Verdicts: h.t.verdicts(h.results)}
	for _, e := range h.t.plan[h.Host.Path] {
		c.Changes = append(c.Changes, htmlChange{e, h.t.run.DryRun})
	}
	return c
}

// caseKey is equal for hosts of which the page says the same.
func (h *htmlHost) caseKey() string {
	var b strings.Builder
	for _, res := range h.results {
		fmt.Fprintf(&b, "%s %s %s %d;", res.Check, res.Requirement, res.Class, h.t.verdictID(res.Verdict))
	}
	for _, e := range h.t.plan[h.Host.Path] {
		alike := *e
		alike.Host, alike.Path, alike.Cluster, alike.Before, alike.After = "", "", "", nil, nil
		fmt.Fprintf(&b, "%q %s %s;", fmt.Sprint(alike), e.Before, e.After)
	}
	return b.String()
}

// verdictID is equal for verdicts that read the same. Hosts that are alike mostly share
// theirs, so it is seldom worked out.
func (t *htmlRun) verdictID(v *checks.Verdict) int {
	if id, ok := t.ids[v]; ok {
		return id
	}
	text := fmt.Sprintf("%d %q %q %v %p", v.Status, v.Reason, v.Detail, v.Decides, v.Waiver)
	for _, rs := range v.Rulesets {
		text += fmt.Sprintf("; %q %t %s %s %s %t", rs.Key, rs.Enabled, rs.Breadth, rs.Allowed, rs.Persistent, rs.Locked)
	}
	if _, ok := t.texts[text]; !ok {
		t.texts[text] = len(t.texts)
	}
	t.ids[v] = t.texts[text]
	return t.ids[v]
}

func (t *htmlRun) verdicts(results []checks.Result) []htmlVerdict {
	list := make([]htmlVerdict, len(results))
	for i, res := range results {
		list[i] = htmlVerdict{Result: res, Check: t.column(htmlColumn{res.Check, res.Requirement}), Rulesets: res.Rulesets}
		list[i].Caption = Clean(t.run.requirement(res.Requirement).Say("Rulesets that could let {service} {way}"))
		if !res.Status.Fine() {
			list[i].Hint = Clean(t.run.hintOf(res))
		}
	}
	return list
}

// Accepted tells of the waiver; empty where there is none.
func (v htmlVerdict) Accepted() string {
	w := v.Waiver
	if w == nil {
		return ""
	}
	text := fmt.Sprintf("Waived until %s: %s", w.Expires.Format(time.DateOnly), w.Because)
	if w.Ticket != "" {
		text += fmt.Sprintf(" (%s)", w.Ticket)
	}
	return Clean(text)
}

// Result is what came of the change, in words.
func (c htmlChange) Result() string {
	switch word, _ := c.result(c.dryRun); word {
	case "-":
		return "nothing to do"
	case "FAILED":
		return "failed"
	case "NOT SEEN":
		return "made, but not seen to hold"
	default:
		return word
	}
}

// Status is how the change is shown.
func (c htmlChange) Status() checks.Status {
	_, status := c.result(c.dryRun)
	return status
}

// What is the change in words.
func (c htmlChange) What() string {
	if c.Action == None || c.Action == Refuse {
		return "no change" + forRequirement(c.PlanEntry)
	}
	return strings.TrimSpace(string(c.Action)+" "+c.thing()) + forRequirement(c.PlanEntry)
}

// States are those before and after; empty where nothing is changed.
func (c htmlChange) States() []string {
	if c.Before == nil && c.After == nil && (c.Setting == nil || len(c.Setting.After) == 0) {
		return nil
	}
	before, after := c.states()
	return []string{before, after}
}

// Why is the entry's sentence.
func (c htmlChange) Why() string { return Clean(cmp.Or(c.Detail, c.Reason)) }

// undoFlags are those of a run's options that undo takes too: the rest is about the
// requirement, which the journal knows.
var undoFlags = []string{"--user=", "--password-file=", "--thumbprint=", "--insecure"}

// undoCommand takes back what the run changed; empty where no command can, since there
// is no journal, or the simulator has ended with the run.
func (r *Run) undoCommand() string {
	if r.Journal == "" || strings.HasPrefix(r.Target, "sim://") {
		return ""
	}
	words := []string{"vic-preflight", "undo", Clean(r.Journal), "--target", Clean(r.Target)}
	for _, o := range r.Options {
		if slices.ContainsFunc(undoFlags, func(f string) bool { return strings.HasPrefix(o, f) }) {
			words = append(words, Clean(o))
		}
	}
	return shellescape.QuoteCommand(words)
}
