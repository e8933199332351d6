// Package report turns results into bytes: tables and a page for people, and what
// programs read. It does not know how a result was made.
//
// The rules of the output, for all of this tool:
//
//   - Results go to standard output, with what to do about them; progress and errors to
//     standard error.
//   - Colour only on a terminal, and never as the only signal.
//   - A line never says less because the terminal is narrow: it wraps, or counts what it
//     leaves out. A name is never broken.
//   - Names that come from a server are stripped of control characters.
//   - No capitals and no full stops in fragments; sentences about a host start
//     with the fact, not with the host.
package report

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// Report is what one command came to, before it is rendered: a run for each
// target.
type Report struct {
	ToolVersion string
	StartedAt   time.Time
	Duration    time.Duration
	// Requirements are what was asked of every target.
	Requirements []checks.Requirement
	Runs         []*Run
	// UnusedWaivers are those that fitted no result of any target.
	UnusedWaivers []checks.Waiver
	// Gate says for a format that states a verdict what passes.
	Gate Gate
	// Watch is nil where the report is of a single run.
	Watch *Watch
}

// Watch says which of many reports it is.
type Watch struct {
	// Round counts from 1.
	Round int
	// Every is the time between the beginnings of two rounds.
	Every time.Duration
}

// Gate is how strict a verdict is, as Run.Grade has it.
type Gate struct{ Strict, AllowUnknown bool }

// Run is what was asked of, found on and done to one target.
type Run struct {
	// Target is what the user named, without credentials.
	Target string
	// CommandTarget is the target as commands take it, where that is not Target.
	CommandTarget string
	// StartedAt is when the facts began to be read.
	StartedAt time.Time
	Duration  time.Duration
	// Options are those that a command needs besides the target to reach the same
	// server for the same requirement, as a shell would split them: --user, --port
	// and the like, and no secret. Compute is --compute-resource as it was given.
	Options []string
	Compute string
	// VCH is the name of the virtual container host that is to be created, for titles and
	// commands; empty where the run is about none.
	VCH string
	// Refreshed runs have asked the hosts for fresh facts.
	Refreshed bool
	// Err says why nothing could be found out about the target; else it is nil.
	Err error
	// Interrupted runs report what was known when they ended.
	Interrupted bool
	// Unfinished runs were asked for a change and have not made and verified all of it, or
	// have left something.
	Unfinished bool
	// Narrowed runs were about a part of the target's hosts.
	Narrowed bool
	// Compared is what became of an earlier report's findings; nil without one. Where
	// OnlyNew is set, Grade goes by the failures that are new in it.
	Compared *Comparison
	OnlyNew  bool

	// Inventory is nil where Err is not.
	Inventory    *inventory.Inventory
	Requirements []checks.Requirement
	Results      []checks.Result

	// ProbeTarget is host:port, or what else connections went to, in words; empty when
	// none was tried. Controls are the attempts from this machine; they are no host's.
	ProbeTarget string
	Controls    []inventory.Probe
	// Leftovers name what probes could not clean up after themselves.
	Leftovers []string

	// Plan is what is or was to be done, empty when nothing was asked for.
	Plan []PlanEntry
	// DryRun reports show a plan that was not carried out.
	DryRun bool
	// Journal is the file that takes the changes back; empty when there were none.
	Journal string
}

// Summary counts hosts by their worst status.
type Summary struct {
	Hosts   int `json:"hosts"`
	Pass    int `json:"pass"`
	Warn    int `json:"warn"`
	Fail    int `json:"fail"`
	Unknown int `json:"unknown"`
	Skip    int `json:"skip"`
	// Waived hosts are counted above too, by what they are with their waivers.
	Waived int `json:"waived"`
}

func (s *Summary) count(results []checks.Result) {
	s.Hosts++
	if slices.ContainsFunc(results, func(r checks.Result) bool { return r.Waiver != nil }) {
		s.Waived++
	}
	switch checks.Worst(results) {
	case checks.Pass:
		s.Pass++
	case checks.Warn:
		s.Warn++
	case checks.Fail:
		s.Fail++
	case checks.Skip:
		s.Skip++
	default:
		s.Unknown++
	}
}

func (s *Summary) add(t Summary) {
	s.Hosts += t.Hosts
	s.Pass += t.Pass
	s.Warn += t.Warn
	s.Fail += t.Fail
	s.Unknown += t.Unknown
	s.Skip += t.Skip
	s.Waived += t.Waived
}

// Summary counts the hosts of all targets.
func (r *Report) Summary() Summary {
	var s Summary
	for _, run := range r.Runs {
		s.add(run.Summary())
	}
	return s
}

// Status is the worst status of the targets. A report without targets is unknown.
func (r *Report) Status() checks.Status {
	if len(r.Runs) == 0 {
		return checks.Unknown
	}
	worst := checks.Skip
	for _, run := range r.Runs {
		if s := run.Status(); s.Worse(worst) {
			worst = s
		}
	}
	return worst
}

// requirements are those of all targets, with what the hosts' own settings ask for on any.
func (r *Report) requirements() []checks.Requirement {
	list := slices.Clone(r.Requirements)
	for _, run := range r.Runs {
		for _, req := range run.Requirements {
			if req.Of != nil && !slices.ContainsFunc(list, func(have checks.Requirement) bool { return have.Name == req.Name }) {
				list = append(list, req)
			}
		}
	}
	return list
}

// failed counts the targets that nothing could be found out about.
func (r *Report) failed() int {
	n := 0
	for _, run := range r.Runs {
		if run.Err != nil {
			n++
		}
	}
	return n
}

// Status is the worst status of the results; unknown where there are none, or no host
// was looked at and nothing failed.
func (r *Run) Status() checks.Status {
	if r.Err != nil || len(r.Results) == 0 {
		return checks.Unknown
	}
	worst := checks.Worst(r.Results)
	if r.hostless() && checks.Unknown.Worse(worst) {
		return checks.Unknown
	}
	return worst
}

// hostless reports whether no host was looked at: then nothing is good, whatever else
// passed.
func (r *Run) hostless() bool { return r.Inventory == nil || len(r.Inventory.Hosts) == 0 }

// Summary counts the hosts of the target.
func (r *Run) Summary() Summary { return r.summary(r.byHost()) }

func (r *Run) summary(byHost map[string][]checks.Result) Summary {
	var s Summary
	if r.Inventory == nil {
		return s
	}
	for i := range r.Inventory.Hosts {
		s.count(byHost[r.Inventory.Hosts[i].Path])
	}
	return s
}

// byHost groups the host results by the host's path, in the order of checks.
func (r *Run) byHost() map[string][]checks.Result { return r.bySubject(checks.ScopeHost) }

func (r *Run) bySubject(scope checks.Scope) map[string][]checks.Result {
	if r.Inventory == nil {
		return nil
	}
	groups := make(map[string][]checks.Result, len(r.Inventory.Hosts))
	for _, res := range r.Results {
		if res.Scope == scope {
			groups[res.Subject] = append(groups[res.Subject], res)
		}
	}
	return groups
}

// requirement is the one of the name; for a check of the host itself it is the
// first one, whose words serve.
func (r *Run) requirement(name string) checks.Requirement {
	for _, req := range r.Requirements {
		if req.Name == name || name == "" {
			return req
		}
	}
	return checks.Requirement{}
}

// Clean removes what a name from a server must not do to a terminal or a log:
// control characters, the invisible ones that reorder text, and those that part
// lines without being control characters (U+2028, U+2029).
func Clean(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return s // nearly always
	}
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, s)
}
