package checks

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Waiver accepts a failure, or a warning, for a reason and for a time.
type Waiver struct {
	// Check and Reason are what is accepted; an empty Check means any.
	Check  string
	Reason Reason
	// Host is a glob for the names of hosts and, for a result about a cluster or a virtual
	// container host, of what its subject ends in: a cluster, a datastore, an option.
	// Target is one for what the user named. Empty means all.
	Host, Target string
	// Requirement is a glob for the names of requirements, such as syslog-*. Empty means all,
	// and results about none.
	Requirement string
	// Because says why, Ticket where that was agreed; Ticket may be empty.
	Because, Ticket string
	// Expires is the day from which on it no longer counts, at 00:00 UTC.
	Expires time.Time
}

// Waived is a result after a waiver.
type waived struct {
	verdict *Verdict
	waiver  *Waiver
}

// String names what the waiver is for.
func (w *Waiver) String() string {
	text := string(w.Reason)
	for _, part := range []struct{ word, value string }{{"check", w.Check}, {"requirement", w.Requirement}, {"host", w.Host}, {"target", w.Target}} {
		if part.value != "" {
			text += fmt.Sprintf(", %s %s", part.word, part.value)
		}
	}
	return fmt.Sprintf("%s (%s; expires on %s)", text, w.Because, w.Expires.Format(time.DateOnly))
}

// Waive returns the results as the waivers leave them: what is waived is a warning
// that names its waiver. Nothing is taken away, and what is unknown stays so: nobody
// can accept what nobody has seen. The results are not written to; those that are waived
// point to elements of waivers.
func Waive(results []Result, waivers []Waiver, target string, now time.Time) []Result {
	left := slices.Clone(results)
	shared := map[waived]*Verdict{} // hosts that are alike go on sharing their verdicts
	for n, res := range results {
		if i := fitting(waivers, res, target, now); i >= 0 {
			key := waived{res.Verdict, &waivers[i]}
			if shared[key] == nil {
				v := *res.Verdict
				v.Status, v.Waiver = Warn, key.waiver
				shared[key] = &v
			}
			left[n].Verdict = shared[key]
		}
	}
	return left
}

func fitting(waivers []Waiver, res Result, target string, now time.Time) int {
	if res.Status != Fail && res.Status != Warn {
		return -1
	}
	for i := range waivers {
		if waivers[i].fits(res, target) && now.Before(waivers[i].Expires) {
			return i
		}
	}
	return -1
}

func (w *Waiver) fits(res Result, target string) bool {
	return (w.Check == "" || w.Check == res.Check) && w.Reason == res.Reason &&
		globbed(w.Requirement, res.Requirement) && globbed(w.Host, path.Base(res.Subject)) && globbed(w.Target, target)
}

func globbed(glob, name string) bool {
	if glob == "" {
		return true
	}
	// A target has slashes that part nothing.
	flat := strings.NewReplacer("/", "\x00")
	ok, err := path.Match(flat.Replace(glob), flat.Replace(name))
	return ok && err == nil
}
