package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
)

// The states of a Nagios plugin, by their exit codes.
const (
	nagiosOK = iota
	nagiosWarning
	nagiosCritical
	nagiosUnknown
)

const (
	// nagiosLength bounds the words of the line, in bytes: with the numbers it stays
	// under the 1,024 bytes that old NRPE hands on.
	nagiosLength = 700
	nagiosName   = 200
)

// Nagios writes one line as a plugin for Nagios does: the state, the hosts that did not
// pass, the worst first, and the counts as performance data. The state is that of
// NagiosCode for the report's Gate.
func Nagios(w io.Writer, r *Report) error {
	word := [...]string{nagiosOK: "OK", nagiosWarning: "WARNING", nagiosCritical: "CRITICAL", nagiosUnknown: "UNKNOWN"}
	text := r.total()
	separator := ": "
	list := r.troubled()
	for i, t := range list {
		t.name = cut(t.name, nagiosName)
		next := separator + nagiosClean(t.String())
		if more := fmt.Sprintf(" and %d more", len(list)-i); len(text)+len(next)+len(more) > nagiosLength {
			text += more
			break
		}
		text += next
		separator = ", "
	}
	code := r.NagiosCode(r.Gate.Strict, r.Gate.AllowUnknown)
	_, err := fmt.Fprintf(w, "VIC-PREFLIGHT %s: %s | %s\n", word[code], text, r.perfdata())
	return err
}

// NagiosCode is what a plugin for Nagios exits with: 2 (critical) where something
// failed, else 3 (unknown) where something is unknown, else 1 (warning) where there is a
// warning that no waiver accepts, else 0. strict and allowUnknown are as for Run.Grade.
func (r *Report) NagiosCode(strict, allowUnknown bool) int {
	for _, code := range []int{nagiosCritical, nagiosUnknown, nagiosWarning} {
		if slices.ContainsFunc(r.Runs, func(run *Run) bool { return run.nagiosCode(strict, allowUnknown) == code }) {
			return code
		}
	}
	if len(r.Runs) == 0 {
		return nagiosUnknown
	}
	return nagiosOK
}

func (r *Run) nagiosCode(strict, allowUnknown bool) int {
	grade := r.Grade(strict, allowUnknown)
	if r.DryRun && r.Err == nil {
		grade = r.PlanGrade(strict, allowUnknown)
	}
	for _, it := range r.changes(labels{}) {
		if it.status == checks.Fail || it.status == checks.Unknown && !r.DryRun && grade != checks.Fail {
			grade = it.status
		}
	}
	warned := slices.ContainsFunc(r.Results, func(res checks.Result) bool {
		return res.Status == checks.Warn && res.Waiver == nil && !(lost(res) && allowUnknown)
	})
	switch {
	case grade == checks.Fail:
		return nagiosCritical
	case grade == checks.Unknown || r.Interrupted || r.Unfinished:
		return nagiosUnknown
	case warned:
		return nagiosWarning
	}
	return nagiosOK
}

// total sums all targets up in a line without a server's words.
func (r *Report) total() string {
	s := r.Summary()
	line := s.line(Style{})
	if s.Hosts == 0 {
		line = "0 hosts"
	}
	if s.Waived > 0 {
		line += fmt.Sprintf(" (%d with waivers)", s.Waived)
	}
	if c := r.Classes(); c != nil {
		line += "; " + c.line(Style{})
	}
	if n := r.failed(); n > 0 {
		line += fmt.Sprintf("; %d of %s not checked", n, counted(len(r.Runs), "target"))
	}
	return line
}

func (r *Report) perfdata() string {
	s := r.Summary()
	var parts []string
	for _, p := range []struct {
		label string
		value int
	}{
		{"failed", s.Fail},
		{"unknown", s.Unknown},
		{"warnings", s.Warn},
		{"passed", s.Pass},
		{"skipped", s.Skip},
		{"waived", s.Waived},
	} {
		parts = append(parts, fmt.Sprintf("%s=%d;;;0;%d", p.label, p.value, s.Hosts))
	}
	if c := r.Classes(); c != nil {
		parts = append(parts, fmt.Sprintf("refused=%d;;;0", c.Refuses))
	}
	parts = append(parts, fmt.Sprintf("unreachable=%d;;;0;%d", r.failed(), len(r.Runs)), "duration="+seconds(r.Duration)+"s;;;0")
	return strings.Join(parts, " ")
}

// troubled is a host, a cluster, what an option names, or a target that did not pass, and why.
type troubled struct {
	name    string
	status  checks.Status
	reasons []string
}

func (t troubled) String() string {
	return fmt.Sprintf("%s (%s: %s)", t.name, verdictWord(t.status), strings.Join(t.reasons, ", "))
}

// troubled are those of all targets, the worst first; not what a waiver accepts.
func (r *Report) troubled() []troubled {
	var list []troubled
	for _, s := range r.sections() {
		index := map[string]int{}
		for _, it := range s.items {
			if it.status.Fine() || it.waiver != nil {
				continue
			}
			i, seen := index[it.subject]
			if !seen {
				i = len(list)
				index[it.subject] = i
				list = append(list, troubled{name: r.among(s, it), status: it.status})
			}
			if it.status.Worse(list[i].status) {
				list[i].status = it.status
			}
			if reason := it.of() + it.reason; !slices.Contains(list[i].reasons, reason) {
				list[i].reasons = append(list[i].reasons, reason)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b troubled) int { return checks.CompareStatus(a.status, b.status) })
	return list
}

// among is the subject's name, with its target where there are several.
func (r *Report) among(s section, it item) string {
	name := it.subject
	if it.kind == ofCluster {
		name = "cluster " + name
	}
	if len(r.Runs) < 2 || it.kind == ofTarget {
		return name
	}
	return name + " at " + s.target
}

// nagiosClean replaces what Nagios calls illegal in a plugin's output, since it reaches
// shells and web pages there, and the bar that ends the text.
func nagiosClean(s string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune("`~$&|'\"<>", c) {
			return '_'
		}
		return c
	}, s)
}
