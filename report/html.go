package report

import (
	"bufio"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vic-preflight/vic-preflight/checks"
)

//go:embed html
var htmlFiles embed.FS

// htmlPages are parsed when the first page is written: most runs write none.
var htmlPages = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("report.gohtml").Funcs(template.FuncMap{
		"glyph":   func(s checks.Status) string { return glyphs[s] },
		"clean":   Clean,
		"counted": counted,
		"class":   classWords,
	}).ParseFS(htmlFiles, "html/report.gohtml"))
})

// glyphs are the signs of the statuses: colour is never the only one.
var glyphs = [...]string{checks.Unknown: "?", checks.Pass: "✓", checks.Warn: "!", checks.Fail: "✕", checks.Skip: "–"}

// HTML writes the report as one page that needs no network and no other file: the
// verdict and a heat map first, then what to do, then every host. A policy in the
// page lets nothing run in it but its own script. Without the script all of it can
// still be read. Errors are the writer's.
func HTML(w io.Writer, r *Report) error {
	buffered := bufio.NewWriterSize(w, 1<<16)
	if err := htmlPages().Execute(buffered, newHTMLPage(r)); err != nil {
		return fmt.Errorf("render the page: %w", err)
	}
	return buffered.Flush()
}

// htmlPage is what the template reads. Whatever there may be thousands of is a method,
// which the template calls as it writes.
type htmlPage struct {
	Verdict       string
	Status        checks.Status
	Required      string
	Started, Took string
	Version       string
	Counts        []htmlCount
	Waived, Hosts int
	Targets       []*htmlRun
	Style         template.CSS
	Script        template.JS
	Policy        string
	Statuses      []checks.Status
	Classes       []htmlClass
	Roomy, ToDos  bool
}

// htmlClass is how many findings have a class.
type htmlClass struct {
	Class checks.Class
	Words string
	N     int
}

// htmlClasses are those that there are findings of; none where no virtual container host is
// to be created.
func htmlClasses(c *Classes) []htmlClass {
	var list []htmlClass
	for _, class := range classes() {
		if n := c.of(class); n != nil && *n > 0 {
			list = append(list, htmlClass{class, classWords(class), *n})
		}
	}
	return list
}

// htmlCount is how many hosts have a status.
type htmlCount struct {
	Status checks.Status
	N      int
}

func newHTMLPage(r *Report) *htmlPage {
	sum := r.Summary()
	p := &htmlPage{
		Verdict: r.verdict(), Status: r.Status(), Version: Clean(r.ToolVersion), Counts: sum.counts(),
		Started: htmlTime(r.StartedAt), Took: r.Duration.Round(time.Millisecond).String(),
		Waived: sum.Waived, Hosts: sum.Hosts, Roomy: sum.Hosts <= roomy, Statuses: checks.Statuses(),
	}
	p.Classes = htmlClasses(r.Classes())
	p.Required = Clean(required(r.requirements()))
	patterns := map[string]bool{}
	for i, run := range r.Runs {
		t := newHTMLRun(run, i)
		for _, c := range t.Clusters {
			for _, h := range c.Hosts {
				patterns[h.pattern] = true
			}
		}
		p.ToDos = p.ToDos || len(t.ToDos) > 0
		p.Targets = append(p.Targets, t)
	}
	p.Style = template.CSS(htmlFile("report.css") + stripes(patterns)) //nolint:gosec // ours alone
	p.Script = template.JS(htmlFile("report.js"))                      //nolint:gosec // ours alone
	p.Policy = fmt.Sprintf("default-src 'none'; img-src data:; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'",
		sourceHash(string(p.Style)), sourceHash(string(p.Script)))
	return p
}

func htmlFile(name string) string {
	text, err := htmlFiles.ReadFile("html/" + name)
	if err != nil {
		panic(err) // it is built in
	}
	return string(text)
}

// sourceHash is how a Content-Security-Policy names an inline style or script.
func sourceHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// roomy is for how many hosts the heat map's signs can be large.
const roomy = 200

// stripes are the style rules of the heat map's hosts: a host is one element, which
// has a stripe for each check. Hosts of equal statuses share a rule.
func stripes(patterns map[string]bool) string {
	var b strings.Builder
	sorted := make([]string, 0, len(patterns))
	for p := range patterns {
		sorted = append(sorted, p)
	}
	slices.Sort(sorted)
	for _, p := range sorted {
		if p == "" {
			continue
		}
		stops := make([]string, len(p))
		for i, letter := range p {
			stops[i] = fmt.Sprintf("var(--%c) %.4g%% %.4g%%", letter, 100*float64(i)/float64(len(p)), 100*float64(i+1)/float64(len(p)))
		}
		fmt.Fprintf(&b, ".k-%s{background:var(--gaps),linear-gradient(%s)}\n", p, strings.Join(stops, ","))
	}
	return b.String()
}

// noResult stands in a pattern for a check that has no result on a host.
const noResult = 'n'

// letter is a status in a pattern.
func letter(s checks.Status) byte { return s.String()[0] }

func htmlTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func (s Summary) counts() []htmlCount {
	by := map[checks.Status]int{
		checks.Fail: s.Fail, checks.Unknown: s.Unknown, checks.Warn: s.Warn, checks.Pass: s.Pass, checks.Skip: s.Skip,
	}
	var list []htmlCount
	for _, status := range checks.Statuses() {
		if by[status] > 0 {
			list = append(list, htmlCount{status, by[status]})
		}
	}
	return list
}

// verdict is the whole report in a few words.
func (r *Report) verdict() string {
	sum, lost := r.Summary(), r.failed()
	if lost == len(r.Runs) {
		return "Nothing could be checked"
	}
	text := sum.verdict()
	found := r.Classes()
	switch status := r.Status(); {
	case found != nil && found.Refuses > 0:
		text = fmt.Sprintf("create refuses for %s, %s", counted(found.Refuses, "finding"), text)
	case !status.Worse(sum.status()):
	case found != nil && status == checks.Fail:
		text += ", the virtual container host failed"
	case found != nil && status == checks.Unknown:
		text += ", not all is known of the virtual container host"
	case found != nil && status == checks.Warn:
		text += ", the virtual container host has warnings"
	case status == checks.Fail:
		text += ", a cluster failed"
	case status == checks.Warn:
		text += ", a cluster has warnings"
	}
	if lost > 0 {
		text += fmt.Sprintf(", %s not checked", share(lost, len(r.Runs), "target"))
	}
	if slices.ContainsFunc(r.Runs, func(run *Run) bool { return run.Inventory != nil && len(run.Inventory.Hidden) > 0 }) {
		text += ", some clusters could not be read"
	}
	if slices.ContainsFunc(r.Runs, func(run *Run) bool { return run.Interrupted }) {
		text += ", interrupted"
	}
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

func (s Summary) verdict() string {
	switch {
	case s.Hosts == 0:
		return "no host was checked"
	case s.Fail > 0:
		return share(s.Fail, s.Hosts, "host") + " failed"
	case s.Unknown > 0:
		return share(s.Unknown, s.Hosts, "host") + " could not be judged"
	case s.Warn > 0:
		return share(s.Warn, s.Hosts, "host") + " passed with warnings"
	case s.Pass == 0:
		return "no host was judged"
	}
	return share(s.Pass, s.Hosts, "host") + " passed"
}

// status is the worst that was counted.
func (s Summary) status() checks.Status {
	if counts := s.counts(); len(counts) > 0 {
		return counts[0].Status
	}
	return checks.Unknown
}

// share says how many of them it is.
func share(n, of int, noun string) string {
	switch {
	case of == 1:
		return "the " + noun
	case n == of:
		return fmt.Sprintf("all %d %ss", of, noun)
	}
	return fmt.Sprintf("%d of %d %ss", n, of, noun)
}
