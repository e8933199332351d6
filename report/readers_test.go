package report_test

import (
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	goldmarkhtml "github.com/yuin/goldmark/renderer/html"
	"go.yaml.in/yaml/v4"
	"golang.org/x/net/html"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/report"
)

// answer is what a reader makes of a check of a host or a cluster.
type answer struct{ target, cluster, subject, check, verdict string }

func sorted(list []answer) []answer {
	slices.SortFunc(list, func(a, b answer) int { return strings.Compare(fmt.Sprintf("%q", a), fmt.Sprintf("%q", b)) })
	return list
}

// answers are those of a report whose targets, clusters and hosts all have names of
// their own, but what is said of targets and changes. verdict says how a format has a
// result.
func answers(r *report.Report, verdict func(checks.Result) string) []answer {
	var list []answer
	for _, run := range r.Runs {
		if run.Inventory == nil {
			continue
		}
		names, clusters := map[string]string{}, map[string]string{}
		for _, h := range run.Inventory.Hosts {
			names[h.Path], clusters[h.Path] = cmp.Or(report.Clean(h.Name), report.Clean(h.Path)), report.Clean(h.Cluster)
			names[h.ClusterPath], clusters[h.ClusterPath] = report.Clean(h.Cluster), report.Clean(h.Cluster)
		}
		for _, res := range run.Results {
			if v := verdict(res); v != "" && res.Scope != checks.ScopeVCH {
				list = append(list, answer{report.Clean(run.Target), clusters[res.Subject], names[res.Subject], res.Check, v})
			}
		}
	}
	return sorted(list)
}

// vchAnswers are those about virtual container hosts; their cluster is how a section is
// called that is about one.
func vchAnswers(r *report.Report, verdict func(checks.Result) string) []answer {
	var list []answer
	for _, run := range r.Runs {
		place := strings.TrimSpace("virtual container host " + report.Clean(run.VCH))
		for _, res := range run.Results {
			if res.Scope == checks.ScopeVCH {
				list = append(list, answer{report.Clean(run.Target), place, report.Clean(res.Subject), res.Check, verdict(res)})
			}
		}
	}
	return list
}

// readYAML returns the document as JSON.
func readYAML(text string) (string, error) {
	var doc any
	dec := yaml.NewDecoder(strings.NewReader(text))
	if err := dec.Decode(&doc); err != nil {
		return "", err
	}
	if err := dec.Decode(new(any)); !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("a second document: %v", err)
	}
	out, err := json.Marshal(doc)
	return string(out), err
}

type xmlSuites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Suites   []struct {
		Name       string `xml:"name,attr"`
		Tests      int    `xml:"tests,attr"`
		Failures   int    `xml:"failures,attr"`
		Errors     int    `xml:"errors,attr"`
		Skipped    int    `xml:"skipped,attr"`
		Properties []struct {
			Name  string `xml:"name,attr"`
			Value string `xml:"value,attr"`
		} `xml:"properties>property"`
		Cases []struct {
			Name    string    `xml:"name,attr"`
			Failure *struct{} `xml:"failure"`
			Error   *struct{} `xml:"error"`
			Skipped *struct{} `xml:"skipped"`
			Out     string    `xml:"system-out"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

// readJUnit returns the answers of hosts and clusters, and how many others there are.
func readJUnit(text string) (list []answer, others int, err error) {
	var doc xmlSuites
	dec := xml.NewDecoder(strings.NewReader(text))
	if err := dec.Decode(&doc); err != nil {
		return nil, 0, err
	}
	if _, err := dec.Token(); err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, err
	}
	tests, failures, errs := 0, 0, 0
	for _, s := range doc.Suites {
		var target, cluster string
		for _, p := range s.Properties {
			switch p.Name {
			case "target":
				target = p.Value
			case "cluster":
				cluster = p.Value
			}
		}
		counted := map[string]int{}
		for _, c := range s.Cases {
			verdict := "pass"
			switch {
			case c.Failure != nil:
				verdict = "fail"
			case c.Error != nil:
				verdict = "unknown"
			case c.Skipped != nil:
				verdict = "skip"
			case strings.HasPrefix(c.Out, "warning: "):
				verdict = "warn"
			case strings.HasPrefix(c.Out, "waived until "):
				verdict = "waived"
			}
			counted[verdict]++
			if s.Name == target {
				others++
				continue
			}
			at := strings.LastIndex(c.Name, ": ")
			list = append(list, answer{target, cluster, c.Name[:at], c.Name[at+2:], verdict})
		}
		if s.Tests != len(s.Cases) || s.Failures != counted["fail"] || s.Errors != counted["unknown"] || s.Skipped != counted["skip"] {
			return nil, 0, fmt.Errorf("the suite %q counts wrong", s.Name)
		}
		tests, failures, errs = tests+s.Tests, failures+s.Failures, errs+s.Errors
	}
	if tests != doc.Tests || failures != doc.Failures || errs != doc.Errors {
		return nil, 0, fmt.Errorf("the suites are counted wrong")
	}
	return sorted(list), others, nil
}

var (
	tapLine      = regexp.MustCompile(`^(not )?ok (\d+) - ((?:[^\\#]|\\.)*?)(?: # (SKIP|TODO) (.*))?$`)
	tapUnescapes = strings.NewReplacer(`\\`, `\`, `\#`, "#")
)

type tapBlock struct {
	Message, Severity, Reason, Class, Hint, Target, Cluster, Subject, Path, Check, Probe string
	Waiver                                                                               *struct{ Because, Expires, Ticket string }
}

// readTAP knows the lines of version 13, and nothing else.
func readTAP(text string) (list []answer, err error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	var planned, seen int
	if lines[0] != "TAP version 13" {
		return nil, fmt.Errorf("the first line is %q", lines[0])
	}
	if _, err := fmt.Sscanf(lines[1], "1..%d", &planned); err != nil {
		return nil, err
	}
	for i := 2; i < len(lines); i++ {
		m := tapLine.FindStringSubmatch(lines[i])
		seen++
		if m == nil || m[2] != fmt.Sprint(seen) {
			return nil, fmt.Errorf("line %d is no test, or not the %dth: %q", i+1, seen, lines[i])
		}
		verdict := map[string]string{"": "pass", "not ": "fail"}[m[1]]
		if m[4] == "SKIP" {
			verdict = "skip"
		}
		var block tapBlock
		if i+1 < len(lines) && lines[i+1] == "  ---" {
			end := slices.Index(lines[i+1:], "  ...") + i + 1
			dec := yaml.NewDecoder(strings.NewReader(strings.Join(lines[i+2:end], "\n")))
			dec.KnownFields(true)
			if err := dec.Decode(&block); err != nil {
				return nil, err
			}
			i, verdict = end, block.Severity
		}
		if (m[4] == "TODO") != (block.Waiver != nil) {
			return nil, fmt.Errorf("only what is waived is TODO: %q", lines[i])
		}
		if block.Waiver != nil {
			verdict = "waived"
		}
		description := tapUnescapes.Replace(m[3])
		list = append(list, answer{subject: description, verdict: verdict})
	}
	if seen != planned {
		return nil, fmt.Errorf("%d tests were planned, %d seen", planned, seen)
	}
	return sorted(list), nil
}

// readPrometheus returns the answers, and the statuses of hosts with an empty check.
func readPrometheus(text string) ([]answer, error) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	var list []answer
	for name, f := range families {
		for _, m := range f.GetMetric() {
			label := map[string]string{}
			for _, l := range m.GetLabel() {
				label[l.GetName()] = l.GetValue()
			}
			a := answer{label["target"], label["cluster"], label["host"], label["check"], label["status"]}
			switch {
			case name == "vic_preflight_cluster_check_status":
				a.subject = a.cluster
			case name != "vic_preflight_check_status" && name != "vic_preflight_host_status", m.GetGauge().GetValue() == 0:
				continue
			}
			list = append(list, a)
		}
	}
	return sorted(list), nil
}

// githubCommand is a line as the runner of GitHub Actions reads it.
type githubCommand struct{ name, title, text string }

// readGitHub reads as the runner does: a command from :: to ::, its properties between
// commas, and escapes.
func readGitHub(text string) (list []githubCommand, err error) {
	data := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%")
	property := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		head, tail, found := strings.Cut(strings.TrimPrefix(line, "::"), "::")
		name, properties, _ := strings.Cut(head, " ")
		if !strings.HasPrefix(line, "::") || !found || strings.Count(properties, ",") > 0 || !strings.HasPrefix(properties, "title=") {
			return nil, fmt.Errorf("no command with one title: %q", line)
		}
		list = append(list, githubCommand{name, property.Replace(strings.TrimPrefix(properties, "title=")), data.Replace(tail)})
	}
	return list, nil
}

// markdownElements are those that the report writes.
var markdownElements = []string{
	"html", "head", "body", "h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "details", "summary", "ul", "li", "strong", "pre",
}

// readMarkdown returns the hosts' verdicts out of the table that has them. It refuses
// what the report does not write: other elements, attributes, and names that GitHub
// would make links of.
func readMarkdown(text string) (list []answer, targets [][]string, err error) {
	var rendered strings.Builder
	// Raw HTML is let through: GitHub does so too.
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(goldmarkhtml.WithUnsafe()))
	if err := md.Convert([]byte(text), &rendered); err != nil {
		return nil, nil, err
	}
	root, err := html.Parse(strings.NewReader(rendered.String()))
	if err != nil {
		return nil, nil, err
	}
	var target string
	var header []string
	for n := range root.Descendants() {
		switch {
		case n.Type == html.CommentNode:
			return nil, nil, fmt.Errorf("a comment: %q", n.Data)
		case n.Type == html.TextNode && !within(n, "code") && linked.MatchString(n.Data):
			return nil, nil, fmt.Errorf("GitHub would link %q", n.Data)
		case n.Type != html.ElementNode:
			continue
		case !slices.Contains(markdownElements, n.Data):
			return nil, nil, fmt.Errorf("an element %s", n.Data)
		}
		for _, a := range n.Attr {
			if a.Key != "align" && a.Key != "style" && (a.Key != "class" || n.Data != "code") {
				return nil, nil, fmt.Errorf("an attribute %s=%q", a.Key, a.Val)
			}
		}
		switch n.Data {
		case "h3":
			target = textOf(n)
		case "tr":
			var cells []string
			for c := range n.ChildNodes() {
				if c.Type == html.ElementNode {
					cells = append(cells, textOf(c))
				}
			}
			switch {
			case within(n, "thead"):
				header = cells
			case len(cells) != len(header):
				return nil, nil, fmt.Errorf("a row of %d cells below %q", len(cells), header)
			case header[0] == "TARGET":
				targets = append(targets, cells)
			case header[0] == "HOST" && header[1] == "CLUSTER":
				list = append(list, answer{target, cells[1], cells[0], "", strings.ToLower(cells[3])})
			}
		}
	}
	return sorted(list), targets, nil
}

// linked is what GitHub links in the text that a reader sees.
var linked = regexp.MustCompile(`(^|\W)@[a-zA-Z0-9]|#[0-9]|\bGH-[0-9]`)

func within(n *html.Node, element string) bool {
	for p := range n.Ancestors() {
		if p.Data == element {
			return true
		}
	}
	return false
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// nagiosLine is a plugin's output: the text, a bar, and performance data.
var nagiosLine = regexp.MustCompile(`^VIC-PREFLIGHT (OK|WARNING|CRITICAL|UNKNOWN): ([^|\r\n]+) \|((?: [a-z]+=[0-9.]+s?(?:;[0-9]*){0,4})+)\n$`)

func readNagios(text string) (word string, values map[string]string, err error) {
	m := nagiosLine.FindStringSubmatch(text)
	if m == nil || len(text) > 1024 {
		return "", nil, fmt.Errorf("no line of a plugin: %q", text)
	}
	values = map[string]string{}
	for _, part := range strings.Fields(m[3]) {
		name, value, _ := strings.Cut(part, "=")
		values[name], _, _ = strings.Cut(value, ";")
	}
	return m[1], values, nil
}
