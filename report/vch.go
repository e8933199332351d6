package report

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"github.com/vic-preflight/vic-preflight/checks"
)

// Classes counts findings by what vic-machine create does about them. What a waiver
// accepts is counted too: create knows of no waiver.
type Classes struct {
	Refuses int `json:"create-refuses"`
	Warns   int `json:"create-warns"`
	Silent  int `json:"create-silent"`
	// Unknown are results of which nothing is known, so that they have no class.
	Unknown int `json:"unknown"`

	// waived are those of Refuses that are accepted for a time; create knows no waiver.
	waived int
}

// creates reports whether the run is about a virtual container host to be created.
func (r *Run) creates() bool {
	return r.VCH != "" || slices.ContainsFunc(r.Results, func(res checks.Result) bool { return res.Scope == checks.ScopeVCH })
}

// Classes counts the run's findings; nil where it is about no virtual container host.
func (r *Run) Classes() *Classes {
	if !r.creates() {
		return nil
	}
	var c Classes
	for _, res := range r.Results {
		if res.Waiver != nil && res.Class == checks.CreateRefuses {
			c.waived++
		}
		if n := c.of(classOf(res)); n != nil {
			*n++
		} else if res.Status == checks.Unknown {
			c.Unknown++
		}
	}
	return &c
}

func (c *Classes) of(class checks.Class) *int {
	if c == nil {
		return nil
	}
	switch class {
	case checks.CreateRefuses:
		return &c.Refuses
	case checks.CreateWarns:
		return &c.Warns
	case checks.CreateSilent:
		return &c.Silent
	}
	return nil
}

func (c *Classes) add(other *Classes) *Classes {
	if c == nil || other == nil {
		return cmp.Or(c, other)
	}
	return &Classes{c.Refuses + other.Refuses, c.Warns + other.Warns, c.Silent + other.Silent, c.Unknown + other.Unknown, c.waived + other.waived}
}

// Classes counts the findings of all targets; nil where none is about a virtual container
// host.
func (r *Report) Classes() *Classes {
	var all *Classes
	for _, run := range r.Runs {
		all = all.add(run.Classes())
	}
	return all
}

// line says first what create refuses, also where that is nothing.
func (c *Classes) line(style Style) string {
	text := fmt.Sprintf("refuses for %s", counted(c.Refuses, "finding"))
	if c.waived > 0 {
		text += fmt.Sprintf(" (%d waived)", c.waived)
	}
	refused := style.paint(checks.Fail, text)
	if c.Refuses == 0 {
		refused = "refuses nothing that was found"
	}
	parts := []string{refused}
	for _, p := range []struct {
		n      int
		status checks.Status
		text   string
	}{
		{c.Warns, checks.Warn, "only warns of %d"},
		{c.Silent, checks.Warn, "does not look at %d"},
		{c.Unknown, checks.Unknown, "%d not known"},
	} {
		if p.n > 0 {
			parts = append(parts, style.paint(p.status, fmt.Sprintf(p.text, p.n)))
		}
	}
	return "create " + strings.Join(parts, ", ")
}

// classes are those of findings, the gravest first.
func classes() []checks.Class {
	return []checks.Class{checks.CreateRefuses, checks.CreateWarns, checks.CreateSilent}
}

// classOf is a finding's class; empty for a result that is none.
func classOf(res checks.Result) checks.Class {
	if res.Status.Fine() || res.Status == checks.Unknown {
		return ""
	}
	return res.Class
}

// compareClass orders the gravest first, and what has no class last.
func compareClass(a, b checks.Class) int {
	rank := func(c checks.Class) int {
		if i := slices.Index(classes(), c); i >= 0 {
			return i
		}
		return len(classes())
	}
	return rank(a) - rank(b)
}

// gravest is the class of the worst that create does about the results.
func gravest(results []checks.Result) checks.Class {
	var worst checks.Class
	for _, res := range results {
		if c := classOf(res); compareClass(c, worst) < 0 {
			worst = c
		}
	}
	return worst
}

// classWords say what create does; empty for no class.
func classWords(c checks.Class) string {
	switch c {
	case checks.CreateRefuses:
		return "create refuses"
	case checks.CreateWarns:
		return "create only warns"
	case checks.CreateSilent:
		return "create does not look"
	}
	return ""
}

// classCell is a class in a column that is headed CREATE.
func classCell(c checks.Class) string {
	return cmp.Or(strings.TrimPrefix(string(c), "create-"), "-")
}

// vchName names the virtual container host in a title.
func (r *Run) vchName() string { return strings.TrimSpace("virtual container host " + Clean(r.VCH)) }

// vchResults are those about the virtual container host, the gravest first, else in the
// order of the checks.
func (r *Run) vchResults() []checks.Result {
	list := slices.Collect(filter(r.Results, func(res checks.Result) bool { return res.Scope == checks.ScopeVCH }))
	slices.SortStableFunc(list, func(x, y checks.Result) int {
		return cmp.Or(compareClass(classOf(x), classOf(y)), checks.CompareStatus(x.Status, y.Status))
	})
	return list
}

// vchGroup are results of one class; those of none are unknown, or fine.
type vchGroup struct {
	title   string
	results []checks.Result
}

// fineTitle is above what passed and what was left out.
const fineTitle = "fine"

// vchGroups are the results about the virtual container host, those that are fine last.
func (r *Run) vchGroups() []vchGroup {
	var groups []vchGroup
	for _, res := range r.vchResults() {
		title := classWords(classOf(res))
		switch {
		case classOf(res) == checks.CreateSilent:
			title += " (ours)"
		case title == "" && res.Status.Fine():
			title = fineTitle
		case title == "" && res.Status == checks.Unknown:
			title = "not known"
		case title == "":
			title = "other findings"
		}
		if last := len(groups) - 1; last < 0 || groups[last].title != title {
			groups = append(groups, vchGroup{title: title})
		}
		last := len(groups) - 1
		groups[last].results = append(groups[last].results, res)
	}
	return groups
}

// finePart counts what passed and what was left out; empty where there is neither.
func finePart(results []checks.Result) string {
	n := map[checks.Status]int{}
	for _, res := range results {
		n[res.Status]++
	}
	var parts []string
	if n[checks.Pass] > 0 {
		parts = append(parts, fmt.Sprintf("%d passed", n[checks.Pass]))
	}
	if n[checks.Skip] > 0 {
		parts = append(parts, fmt.Sprintf("%d skipped", n[checks.Skip]))
	}
	return strings.Join(parts, ", ")
}

// vchTable writes what was found of the virtual container host itself, below what create
// does about it. What is fine is counted, or listed in the wide table.
func (r *Run) vchTable(b *strings.Builder, style Style, wide bool) {
	groups := r.vchGroups()
	if len(groups) == 0 {
		return
	}
	b.WriteString("\n")
	title := r.vchName()
	style.writeLine(b, strings.ToUpper(title[:1])+title[1:])
	widest := 0
	for _, g := range groups {
		for _, res := range g.results {
			widest = max(widest, len(r.told(res)))
		}
	}
	for _, g := range groups {
		if g.title == fineTitle && !wide {
			b.WriteString("  " + style.paint(checks.Pass, finePart(g.results)) + "\n")
			continue
		}
		b.WriteString("  " + g.title + "\n")
		for _, res := range g.results {
			b.WriteString(r.vchRow(res, widest, style, wide))
		}
	}
}

// vchRow is a verdict, a code, and what it is about: below where the width does not take
// that, for no name is broken.
func (r *Run) vchRow(res checks.Result, widest int, style Style, wide bool) string {
	verdict := verdictWord(res.Status)
	line := "    " + style.paint(res.Status, verdict) + strings.Repeat(" ", len("unknown")-len(verdict)+gap)
	subject := Clean(res.Subject)
	indented := len("    unknown") + gap
	text := fmt.Sprintf("%-*s", widest+gap, r.told(res)) + subject
	if style.Width > 0 && indented+twwidth.Width(text) > style.Width {
		text = r.told(res) + "\n" + strings.Repeat(" ", indented) + subject
	}
	line += text
	// Several checks may be about one subject, and have one code.
	switch detail := res.Check + ": " + Clean(res.Detail); {
	case wide && style.Width < 1:
		line += "  " + detail
	case wide:
		line += "\n" + indent(detail, strings.Repeat(" ", indented), style.Width)
	}
	return line + "\n"
}

// lastElement is what a path, or an option, is called for short.
func lastElement(subject string) string { return Clean(path.Base(subject)) }

// below is the last element of an inventory path in such a folder of its datacenter;
// empty where the path is not in one.
func below(folder, subject string) string {
	if strings.HasPrefix(subject, "/") && strings.Contains(subject, "/"+folder+"/") {
		return lastElement(subject)
	}
	return ""
}
