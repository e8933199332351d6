// Package report turns results into bytes: a table for people, JSON for
// programs. It does not know how a result was made.
//
// The rules of the output, for all of this tool:
//
//   - Results go to standard output; progress, hints and errors to standard
//     error.
//   - Colour only on a terminal, and never as the only signal.
//   - A line never says less because the terminal is narrow: it wraps.
//   - Names that come from a server are stripped of control characters.
//   - No capitals and no full stops in fragments; sentences about a host start
//     with the fact, not with the host.
package report

import (
	"strings"
	"time"
	"unicode"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// Report is one run's outcome, before it is rendered.
type Report struct {
	ToolVersion string
	// Target is what the user named, without credentials.
	Target    string
	StartedAt time.Time
	Duration  time.Duration
	// Interrupted runs report what was known when they ended.
	Interrupted bool

	Inventory   *inventory.Inventory
	Requirement checks.Requirement
	Results     []checks.Result

	// ProbeTarget is host:port, empty when no connection was tried. Control is
	// the attempt from this machine; it is no host's.
	ProbeTarget string
	Control     *inventory.Probe

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
}

// Summary counts the hosts of the report.
func (r *Report) Summary() Summary { return r.summary(r.byHost()) }

func (r *Report) summary(byHost map[string][]checks.Result) Summary {
	s := Summary{Hosts: len(r.Inventory.Hosts)}
	for _, h := range r.Inventory.Hosts {
		switch checks.Worst(byHost[h.Path]) {
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
	return s
}

// byHost groups the host results by the host's path, in the order of checks.
func (r *Report) byHost() map[string][]checks.Result { return r.bySubject(checks.ScopeHost) }

func (r *Report) bySubject(scope checks.Scope) map[string][]checks.Result {
	groups := make(map[string][]checks.Result, len(r.Inventory.Hosts))
	for _, res := range r.Results {
		if res.Scope == scope {
			groups[res.Subject] = append(groups[res.Subject], res)
		}
	}
	return groups
}

// Clean removes what a name from a server must not do to a terminal or a log:
// control characters, and the invisible ones that reorder text.
func Clean(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return s // nearly always
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s)
}
