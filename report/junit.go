package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/vic-preflight/vic-preflight/checks"
)

// junitReport, junitSuite and junitCase are the library's types but for what Jenkins'
// schema has otherwise: a skipped test has a text and no attributes.
type junitReport struct {
	junit.Testsuites
	Suites []junitSuite `xml:"testsuite,omitempty"`
}

type junitSuite struct {
	junit.Testsuite
	Testcases []junitCase `xml:"testcase,omitempty"`
}

type junitCase struct {
	Skipped *junit.Output `xml:"skipped,omitempty"`
	junit.Testcase
}

// JUnit writes a test suite for each target and cluster with a test case for each host
// and check. What failed is a failure, what is unknown an error. Warnings and what is
// waived pass; their output says so. What create does about a finding stands in the class
// name of its test case and in its text, and the suite counts it in its properties. A target that could not be reached is a suite with
// one error.
func JUnit(w io.Writer, r *Report) error {
	doc := junitReport{Testsuites: junit.Testsuites{Name: "vic-preflight", Time: seconds(r.Duration)}}
	var before *Run
	for id, s := range r.sections() {
		suite := s.junit(r, id)
		if s.run != before { // the time that the target took counts once
			suite.Time = seconds(s.run.Duration)
		}
		before = s.run
		doc.Tests += suite.Tests
		doc.Failures += suite.Failures
		doc.Errors += suite.Errors
		doc.Suites = append(doc.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("write the report as JUnit XML: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

func (s *section) junit(r *Report, id int) junitSuite {
	suite := junitSuite{Testsuite: junit.Testsuite{Name: representable(s.title), ID: id, Time: seconds(0)}}
	suite.SetTimestamp(s.run.StartedAt.UTC())
	for _, p := range s.properties(r) {
		suite.AddProperty(p.Name, p.Value)
	}
	for _, it := range s.items {
		c := it.junit(suite.Name)
		suite.AddTestcase(c.Testcase)
		suite.Testcases = append(suite.Testcases, c)
	}
	return suite
}

func (s *section) properties(r *Report) []junit.Property {
	var list []junit.Property
	add := func(name, value string) {
		if value != "" {
			list = append(list, junit.Property{Name: name, Value: representable(Clean(value))})
		}
	}
	add("vic-preflight", r.ToolVersion)
	add("target", s.target)
	add("cluster", s.cluster)
	if inv := s.run.Inventory; inv != nil {
		add("endpoint", inv.Endpoint.FullName)
		if inv.Endpoint.Simulated {
			add("simulated", "true")
		}
	}
	if s.run.ProbeTarget != "" {
		add("probe", s.run.probeLine())
	}
	if s.run.DryRun {
		add("dryRun", "true")
	}
	add("journal", s.run.Journal)
	if s.run.creates() {
		add("vch", s.run.VCH)
		n := map[checks.Class]int{}
		for _, it := range s.items {
			n[it.class]++
		}
		for _, class := range classes() {
			add(string(class), strconv.Itoa(n[class]))
		}
	}
	return list
}

func (it *item) junit(class string) junitCase {
	c := junitCase{Testcase: junit.Testcase{Classname: class, Name: representable(it.subject + ": " + it.check)}}
	text := it.reason + ": " + it.detail
	if it.class != "" {
		c.Classname += ": " + classWords(it.class)
		text += "\nclass: " + string(it.class)
	}
	if it.hint != "" && !it.status.Fine() {
		text += "\n" + it.hint
	}
	text = representable(text)
	result := &junit.Result{Message: representable(it.detail), Type: it.reason, Data: text}
	switch {
	case it.waiver != nil:
		c.SystemOut = &junit.Output{Data: representable(accepted(it.waiver)) + "\n" + text}
	case it.status == checks.Fail:
		c.Failure = result
	case it.status == checks.Warn:
		c.SystemOut = &junit.Output{Data: "warning: " + text}
	case it.status == checks.Pass:
	case it.status == checks.Skip:
		c.Testcase.Skipped = result // for the count
		c.Skipped = &junit.Output{Data: text}
	default:
		c.Error = result
	}
	return c
}

var replacements = strings.NewReplacer("\ufffe", "\ufffd", "\uffff", "\ufffd")

// representable replaces the two characters that Clean leaves and neither XML nor YAML
// may hold.
func representable(s string) string { return replacements.Replace(s) }
