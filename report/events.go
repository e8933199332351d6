package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/vic-preflight/vic-preflight/checks"
)

// Event is what a watch has to tell of a target, in a line.
type Event struct {
	At time.Time
	// Word says what happened, such as new or mended; Text to what.
	Word, Text string

	status checks.Status
	// unbroken events hold a command, which is copied.
	unbroken bool
}

// Chronicle tells what becomes of the targets from one report to the next. It compares
// them as a diff does. The reports are of the same targets, in the same order; of the first
// one only what it does not show itself is told: that its only target could not be read, and
// an error of a run, such as a plan for more hosts than a run may change.
type Chronicle struct{ targets []*followed }

// followed is what was known of a target.
type followed struct {
	// seen is what the last report found that could read the target; nil before the first.
	seen *savedTarget
	// lost targets could not be read the last time.
	lost bool
	// said is the last error of a run that was not lost.
	said string
	// refused are the entries of the last plan that were.
	refused map[string]bool
}

// Next tells what is new in a report. The errors are those of its runs.
func (c *Chronicle) Next(r *Report, errs []error) []Event {
	first := c.targets == nil
	if first {
		for range r.Runs {
			c.targets = append(c.targets, &followed{})
		}
	}
	t := teller{r: r}
	for i, run := range r.Runs {
		t.of(run)
		c.targets[i].follow(&t, errs[i])
	}
	if first && (len(r.Runs) > 1 || r.Runs[0].Err == nil) {
		return slices.DeleteFunc(t.events, func(e Event) bool { return e.Word != "error" })
	}
	return t.events
}

// Changes tells what was changed in the runs of a report that has nothing else to tell.
func (c *Chronicle) Changes(r *Report) []Event {
	t := teller{r: r}
	for _, run := range r.Runs {
		t.of(run)
		t.changes()
	}
	return t.events
}

func (f *followed) follow(t *teller, err error) {
	if err := t.run.Err; err != nil {
		if !f.lost {
			t.tell("lost", checks.Unknown, "", "NOT CHECKED: "+err.Error())
		}
		f.lost = true
		return
	}
	now := t.run.saved()
	// Both reports are of the same selection: what is not in it any more is gone from it.
	now.Partial = len(t.run.Inventory.Hidden) > 0
	then := f.seen
	if then == nil {
		then = &savedTarget{Target: now.Target, Error: "it was not read before"}
	}
	if f.lost {
		t.tell("back", checks.Pass, "", "checked again: "+t.run.Summary().line(Style{}))
	}
	c := compare(then, now)
	t.comings(c)
	t.changes()
	f.refused = t.refusals(f.refused)
	t.findings(c)
	said := ""
	if err != nil {
		said = err.Error()
	}
	if said != "" && said != f.said {
		t.tell("error", checks.Fail, "", said)
	}
	f.seen, f.lost, f.said = now, false, said
}

// teller gathers what is to be told of a report, run by run.
type teller struct {
	r      *Report
	run    *Run
	events []Event
	// hosts counts those of the run that have a name.
	hosts map[string]int
}

func (t *teller) of(run *Run) {
	t.run, t.hosts = run, map[string]int{}
	if run.Inventory == nil {
		return
	}
	for i := range run.Inventory.Hosts {
		t.hosts[Clean(run.Inventory.Hosts[i].Name)]++
	}
}

// host is a host's name, or its path where others have the name too.
func (t *teller) host(name, path string) string {
	if name = Clean(name); name == "" || t.hosts[name] > 1 {
		return Clean(path)
	}
	return name
}

// tell adds an event about a subject, which is the run's target where it is empty.
func (t *teller) tell(word string, status checks.Status, subject, text string) {
	target := Clean(t.run.Target)
	switch {
	case subject == "":
		subject = target
	case len(t.r.Runs) > 1:
		subject = target + ": " + subject
	}
	t.events = append(t.events, Event{At: t.r.StartedAt.Add(t.r.Duration), Word: word, Text: subject + ": " + Clean(text), status: status})
}

// changes tells what was changed, what takes it back, and what is left.
func (t *teller) changes() {
	for i := range t.run.Plan {
		e := &t.run.Plan[i]
		if t.run.DryRun || e.Action == None || e.Action == Refuse || e.NotBegun {
			continue
		}
		word, status := e.result(false)
		if status == checks.Pass {
			word = "repaired"
		}
		t.tell(word, status, t.host(e.Host, e.Path), e.text())
	}
	if t.run.Journal != "" {
		text := t.run.Journal
		if undo := t.run.undo(); undo != "" {
			text = "to take the changes back: " + undo
		}
		t.tell("journal", checks.Skip, "", text)
		t.events[len(t.events)-1].unbroken = true
	}
	for _, left := range t.run.Leftovers {
		t.tell("left", checks.Fail, "", leftover(left))
	}
}

// refusals tells the changes that are refused and were not before, and returns all.
func (t *teller) refusals(before map[string]bool) map[string]bool {
	refused := map[string]bool{}
	for i := range t.run.Plan {
		e := &t.run.Plan[i]
		if e.Action != Refuse {
			continue
		}
		key := strings.Join([]string{e.Path, e.Requirement, e.Reason}, "\x00")
		if !before[key] && !refused[key] {
			t.tell("refused", checks.Fail, t.host(e.Host, e.Path), e.text())
		}
		refused[key] = true
	}
	return refused
}

// comings tells of hosts that come, go, and have started.
func (t *teller) comings(c *Comparison) {
	for _, h := range c.Vanished {
		t.tell("vanished", checks.Unknown, t.host(h.Name, h.Path), "the host is no more among those that are checked")
	}
	for _, h := range c.Appeared {
		t.tell("appeared", checks.Skip, t.host(h.Name, h.Path), "the host is checked since now")
	}
	for _, h := range c.restarted {
		t.tell("restarted", checks.Skip, t.host(h.Name, h.Path), "the host has started at "+h.at)
	}
}

// findings tells of those that are not what they were.
func (t *teller) findings(c *Comparison) {
	for i := range c.Differences {
		d := &c.Differences[i]
		if d.Change == ChangeUnchanged || d.Scope == checks.ScopeHost && d.Now.Missing == MissingHost {
			continue // a host that vanished was told
		}
		t.difference(d, d.status())
	}
	for i := range c.known {
		t.difference(&c.known[i], checks.Pass)
	}
}

func (t *teller) difference(d *Difference, status checks.Status) {
	cells := d.cells()
	word, subject := cmp.Or(cells[0], "known"), cells[1]
	if d.Scope == checks.ScopeHost && t.hosts[d.Name] > 1 {
		subject = d.Path
	}
	text := fmt.Sprintf("%s: %s -> %s", cells[2], cells[3], cells[4])
	if d.Now.Detail != "" {
		text += ": " + d.Now.Detail
	}
	t.tell(word, status, subject, text)
}

// Events writes a line for each event: the time, what happened, and to what. Only a
// terminal's width breaks it, and that no command.
func Events(w io.Writer, events []Event, style Style) error {
	var b strings.Builder
	for _, e := range events {
		at := e.At.UTC().Format(time.RFC3339) + " "
		line := at + e.Word + " " + e.Text
		if !e.unbroken {
			line = strings.Join(hanging(line, style.Width), "\n")
		}
		b.WriteString(at + style.paint(e.status, e.Word) + strings.TrimPrefix(line, at+e.Word) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
