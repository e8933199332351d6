package preflight_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

// watchRun is a watch of a simulator by a clock that stands still while a round runs, and
// leaps over the pauses. The simulator and what is done to it are outside of the clock.
type watchRun struct {
	vc      *sim.VCenter
	o       preflight.Options
	every   time.Duration // 5 minutes when 0
	rounds  int
	during  func() // what takes time in a round
	after   func(n int) (end bool)
	outside chan func()
	end     context.CancelFunc

	starts []time.Time
	events []string // with the round, and without the time
	last   preflight.Round
	err    error
}

// watch readies one of a scenario for so many rounds.
func watch(t *testing.T, scenario string, rounds int) *watchRun {
	w := &watchRun{rounds: rounds, outside: make(chan func()), after: func(int) bool { return false }}
	w.vc = simtest.Start(t, scenario, sim.Options{User: "root", Password: secret})
	w.o = preflight.Options{Target: preflight.Target{Address: w.vc.URL.Host, User: "root", Password: secret, Insecure: true}, Observer: &memory{}}
	w.o.Change.StateDir = t.TempDir()
	go func() {
		for f := range w.outside {
			f()
		}
	}()
	t.Cleanup(func() { close(w.outside) })
	return w
}

func (w *watchRun) run(t *testing.T) {
	t.Helper()
	done := make(chan bool) // not of the bubble
	synctest.Test(t, func(t *testing.T) {
		var ctx context.Context
		ctx, w.end = context.WithCancel(t.Context())
		defer w.end()
		w.last, w.err = preflight.Watch(ctx, []preflight.Options{w.o}, preflight.WatchOptions{
			Every: cmp.Or(w.every, 5*time.Minute), Rounds: w.rounds,
			Begin: func() {
				w.starts = append(w.starts, time.Now())
				if w.during != nil {
					w.during()
				}
			},
			Told: func(r preflight.Round) {
				var out bytes.Buffer
				if err := report.Events(&out, r.Events, report.Style{}); err != nil {
					t.Error(err)
				}
				for line := range strings.Lines(out.String()) {
					_, text, _ := strings.Cut(strings.TrimSpace(line), " ")
					w.events = append(w.events, fmt.Sprintf("%d %s", r.Number, text))
				}
				w.outside <- func() { done <- w.after(r.Number) }
				if <-done {
					w.end()
				}
			},
		})
	})
}

// tells holds that the events begin so, and that there are no others.
func (w *watchRun) tells(t *testing.T, want ...string) {
	t.Helper()
	ok := len(w.events) == len(want)
	for i := range want {
		ok = ok && strings.HasPrefix(w.events[i], want[i])
	}
	if !ok {
		t.Errorf("it tells\n  %s\nand should\n  %s", strings.Join(w.events, "\n  "), strings.Join(want, "\n  "))
	}
}

// journals are how many there are.
func (w *watchRun) journals(t *testing.T) int {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(w.o.Change.StateDir, "vic-preflight", "journals", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// shut shuts the port of a host, on the host and in vCenter's copy.
func (w *watchRun) shut(host string) {
	w.vc.Host(host).SetRuleset("vic-engine", false)
	w.vc.Host(host).Booted() // the clock of the simulator is the usual one
}

func TestWatchTells(t *testing.T) {
	w := watch(t, "open", 6)
	w.after = func(n int) bool {
		h := w.vc.Host("esx01.example")
		switch n {
		case 2:
			w.shut("esx01.example")
		case 3:
			h.SetConnection(types.HostSystemConnectionStateNotResponding)
		case 4:
			h.SetConnection(types.HostSystemConnectionStateConnected)
			h.SetRuleset("vic-engine", true)
			h.Booted()
		}
		return false
	}
	w.run(t)
	if w.err != nil || w.last.Number != 6 || !w.last.Last || w.last.Report.Watch.Round != 6 {
		t.Errorf("it ends with %+v, %v", w.last, w.err)
	}
	w.tells(t,
		"3 NEW esx01.example: outbound-port: pass permitted -> FAIL ruleset-disabled: vic-engine would let TCP 2377 out, but it is disabled",
		"3 new cluster prod: cluster-drift: pass uniform -> warn drift",
		"4 new esx01.example: host-state: pass connected -> warn not-responding",
		"4 unknown esx01.example: outbound-port: FAIL ruleset-disabled -> unknown facts-unavailable: vCenter gets no answer",
		"4 unknown esx01.example: firewall-state", "4 unknown esx01.example: rule-persistence", "4 mended cluster prod",
		"5 mended esx01.example: host-state", "5 known esx01.example: outbound-port: unknown facts-unavailable -> pass permitted", "5 known esx01.example: rule-persistence")
	for i := range w.starts[1:] {
		if d := w.starts[i+1].Sub(w.starts[i]); d != 5*time.Minute {
			t.Errorf("between rounds %d and %d: %s", i+1, i+2, d)
		}
	}
}

func TestWatchPace(t *testing.T) {
	for _, row := range []struct {
		name         string
		every, takes time.Duration
		want         []time.Duration // from start to start
	}{
		{"a round that is done in time", time.Minute, 20 * time.Second, []time.Duration{time.Minute, time.Minute}},
		{"one that takes longer, and none is made up for", time.Minute, 150 * time.Second, []time.Duration{155 * time.Second, 155 * time.Second}},
		{"one that takes nearly as long", time.Minute, 58 * time.Second, []time.Duration{63 * time.Second, 63 * time.Second}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := watch(t, "esxi", 3)
			w.every, w.during = row.every, func() { time.Sleep(row.takes) }
			w.run(t)
			var got []time.Duration
			for i := range w.starts[1:] {
				got = append(got, w.starts[i+1].Sub(w.starts[i]))
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("%s, not %s", got, row.want)
			}
		})
	}
}

func TestWatchOfAServerThatGoesAway(t *testing.T) {
	w := watch(t, "open", 5)
	address := w.vc.URL.Host
	var back *sim.VCenter
	t.Cleanup(func() { back.Close() })
	w.after = func(n int) bool {
		switch n {
		case 1:
			w.vc.Close()
		case 3:
			scenario, err := sim.ParseScenario("open")
			if err == nil {
				back, err = sim.Start(scenario, sim.Options{Listen: address, User: "root", Password: secret})
			}
			if err != nil {
				t.Error(err)
				return true
			}
			back.Host("esx01.example").SetRuleset("vic-engine", false)
		}
		return false
	}
	w.run(t)
	if w.err != nil {
		t.Error(w.err)
	}
	w.tells(t,
		"2 lost "+address+": NOT CHECKED: cannot reach "+address, "4 back "+address+": checked again: 5 hosts: 1 failed, 4 passed",
		"4 NEW esx01.example", "4 new cluster prod")
}

func TestWatchOfARefusedLogin(t *testing.T) {
	w := watch(t, "open", 5)
	logins := 0
	w.after = func(n int) bool {
		if n == 2 {
			w.vc.Fault("Login", types.ManagedObjectReference{}, &types.InvalidLogin{})
			logins = w.vc.RequestsOf("Login")
		}
		return false
	}
	w.run(t)
	var unavailable *preflight.UnavailableError
	if !errors.As(w.err, &unavailable) || !strings.Contains(w.err.Error(), "wrong passwords lock accounts") || len(unavailable.Hints) == 0 {
		t.Errorf("it ends with %v", w.err)
	}
	if w.last.Number != 3 || !w.last.Last || w.vc.RequestsOf("Login") != logins+1 {
		t.Errorf("round %d, and %d logins after %d", w.last.Number, w.vc.RequestsOf("Login"), logins)
	}
	w.tells(t, "3 lost ")
}

func TestWatchEnds(t *testing.T) {
	t.Run("in a pause", func(t *testing.T) {
		w := watch(t, "open", 0)
		w.after = func(n int) bool { return n == 3 }
		w.run(t)
		var interrupted *preflight.InterruptedError
		if !errors.As(w.err, &interrupted) || w.last.Number != 3 || len(w.starts) != 3 {
			t.Errorf("%v, %d of %d", w.err, w.last.Number, len(w.starts))
		}
	})
	t.Run("in a round, whose report does not take the place of the last whole one", func(t *testing.T) {
		w := watch(t, "open", 0)
		w.during = func() {
			if len(w.starts) == 2 {
				w.end()
			}
		}
		w.run(t)
		var interrupted *preflight.InterruptedError
		if !errors.As(w.err, &interrupted) || w.last.Number != 1 || w.last.Report == nil || len(w.starts) != 2 {
			t.Errorf("%v, %+v", w.err, w.last)
		}
		w.tells(t)
	})
}

func TestWatchRepairs(t *testing.T) {
	w := watch(t, "closed", 5)
	w.o.Change.Do = preflight.Allow
	w.vc.Host("esx02.example").SetBootTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	w.after = func(n int) bool {
		if n == 2 {
			w.shut("esx02.example")
		}
		return false
	}
	w.run(t)
	if w.err != nil || w.last.Errs[0] != nil || !w.last.Report.Status().Fine() {
		t.Errorf("it ends with %v, %v", w.err, w.last.Errs)
	}
	w.tells(t, "3 restarted esx02.example: the host has started at 20", "3 repaired esx02.example: vic-engine: disabled", "3 journal ")
	if n := w.journals(t); n != 2 {
		t.Errorf("%d journals, and two rounds changed something", n)
	}
}

func TestWatchLeavesAloneWhatDoesNotLast(t *testing.T) {
	w := watch(t, "open", 9)
	w.o.Change.Do = preflight.Allow
	w.after = func(n int) bool {
		switch n {
		case 1, 2, 3, 4, 8:
			w.vc.Host("esx01.example").SetRuleset("vic-engine", false)
		case 6:
			w.vc.Host("esx01.example").SetRuleset("vic-engine", true)
		}
		return false
	}
	w.run(t)
	w.tells(t,
		"2 repaired esx01.example", "2 journal", "3 repaired esx01.example", "3 journal", "4 repaired esx01.example", "4 journal",
		"5 refused esx01.example: repaired-in-vain: the host was changed in 3 rounds and needed it again each time",
		"5 NEW esx01.example: outbound-port: pass permitted -> FAIL ruleset-disabled", "5 new cluster prod", "5 error ",
		"7 mended esx01.example: outbound-port", "7 mended cluster prod",
		"9 repaired esx01.example", "9 journal")
	if n := w.journals(t); n != 4 {
		t.Errorf("%d journals", n)
	}
}

func TestWatchRepairsNoMoreHostsThanItMay(t *testing.T) {
	w := watch(t, "open", 7)
	w.o.Change.Do, w.o.Change.MaxHosts = preflight.Allow, 1
	w.after = func(n int) bool {
		switch n {
		case 1:
			w.vc.Host("esx01.example").SetRuleset("vic-engine", false)
			w.vc.Host("esx02.example").SetRuleset("vic-engine", false)
		case 6:
			w.vc.Host("esx02.example").SetRuleset("vic-engine", true)
		}
		return false
	}
	w.run(t)
	w.tells(t,
		"2 NEW esx01.example", "2 NEW esx02.example", "2 new cluster prod", "2 error "+w.vc.URL.Host+": the plan changes 2 hosts, and --max-hosts allows 1: nothing was changed",
		"7 repaired esx01.example", "7 journal", "7 mended esx01.example", "7 mended esx02.example", "7 mended cluster prod")
}

func TestWatchSaysWhatARoundThatWasEndedChanged(t *testing.T) {
	w := watch(t, "open", 0)
	w.o.Change.Do = preflight.Allow
	w.after = func(int) bool {
		w.vc.Host("esx01.example").SetRuleset("vic-engine", false)
		return false
	}
	w.o.Observer = lastChange{w.o.Observer, func() { w.end() }}
	w.run(t)
	var interrupted *preflight.InterruptedError
	if !errors.As(w.err, &interrupted) || w.last.Number != 1 {
		t.Errorf("%v, %d", w.err, w.last.Number)
	}
	w.tells(t, "2 repaired esx01.example", "2 journal")
}

// lastChange ends the watch when the first change is about to be made.
type lastChange struct {
	preflight.Observer
	end func()
}

func (e lastChange) Progress(stage preflight.Stage, done, _ int) {
	if stage == preflight.StageApply && done == 1 {
		e.end()
	}
}

func TestWatchRepeatsNoWarningUntilItComesBack(t *testing.T) {
	w := watch(t, "open", 7)
	w.o.Change.Do = preflight.Allow
	h := w.vc.Host("esx01.example")
	h.Revoke(fix.Privilege)
	w.after = func(n int) bool {
		h.SetRuleset("vic-engine", n != 1 && n != 2 && n != 5) // shut in rounds 2, 3 and 6
		return false
	}
	w.run(t)
	said := map[string]int{}
	for _, text := range w.o.Observer.(*memory).texts {
		said[text]++
	}
	lacks := "warning: the account lacks the privilege Host.Config.NetService on all 1 hosts that need a change: nothing is changed"
	if said[lacks] != 2 {
		t.Errorf("that the account lacks a privilege is not said twice: %v", said)
	}
	for text, n := range said {
		if text != lacks && n != 1 {
			t.Errorf("%s: said %d times in 7 rounds", text, n)
		}
	}
	if w.journals(t) != 0 {
		t.Error("it has changed something")
	}
}

func TestWatchAsksForLeave(t *testing.T) {
	no := errors.New("no")
	for _, row := range []struct {
		name   string
		says   error
		rounds int
	}{
		{"no", no, 0},
		{"yes, and of no plan", nil, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			var asked, rounds int
			_, err := preflight.Watch(t.Context(), []preflight.Options{{
				Target: preflight.Target{Address: "sim://closed"},
				Change: preflight.ChangeOptions{Do: preflight.Allow, StateDir: t.TempDir(), Confirm: func(context.Context, *report.Run) error { return errors.New("a plan is asked about") }},
			}}, preflight.WatchOptions{
				Every: time.Millisecond, Rounds: 2, Leave: func(context.Context) error { asked++; return row.says }, Begin: func() {},
				Told: func(r preflight.Round) {
					if rounds++; r.Errs[0] != nil {
						t.Error(r.Errs[0])
					}
				},
			})
			if !errors.Is(err, row.says) || asked != 1 || rounds != row.rounds {
				t.Errorf("%v, asked %d times, %d rounds", err, asked, rounds)
			}
		})
	}
}

func TestWatchSimulatorLastsAndEnds(t *testing.T) {
	rounds := 0
	_, err := preflight.Watch(t.Context(), []preflight.Options{{
		Target: preflight.Target{Address: "sim://closed"}, Change: preflight.ChangeOptions{Do: preflight.Allow, StateDir: t.TempDir()},
	}}, preflight.WatchOptions{Every: time.Millisecond, Rounds: 3, Begin: func() {}, Told: func(r preflight.Round) {
		if rounds++; len(r.Events) > 0 || !r.Report.Status().Fine() {
			t.Errorf("round %d: %+v", r.Number, r.Events)
		}
	}})
	if err != nil || rounds != 3 {
		t.Errorf("%v after %d rounds", err, rounds)
	}
}

func TestWatchRefusesWhatIsOfASingleRun(t *testing.T) {
	server, simulated := preflight.Target{Address: "vc.example"}, preflight.Target{Address: "sim://open"}
	for _, row := range []struct {
		o    preflight.Options
		w    preflight.WatchOptions
		says string
	}{
		{preflight.Options{Target: server}, preflight.WatchOptions{Every: 9 * time.Second}, "--every 9s is too short for a server that others need: it takes 10s or more"},
		{preflight.Options{Target: simulated}, preflight.WatchOptions{}, "--every 0s is no time to wait"},
		{preflight.Options{Target: simulated}, preflight.WatchOptions{Every: time.Second, Rounds: -1}, "--rounds -1 is no number of rounds"},
		{preflight.Options{Facts: "facts.json"}, preflight.WatchOptions{Every: time.Minute}, "--facts is of a file, in which nothing changes"},
		{preflight.Options{Target: simulated, Change: preflight.ChangeOptions{Do: preflight.Allow, DryRun: true}}, preflight.WatchOptions{Every: time.Minute}, "--dry-run does not go with a watch"},
		{preflight.Options{Target: simulated, Change: preflight.ChangeOptions{Do: preflight.Allow, Journal: "j"}}, preflight.WatchOptions{Every: time.Minute}, "--journal names one file"},
	} {
		row.w.Rounds, row.w.Begin, row.w.Told = cmp.Or(row.w.Rounds, 1), func() {}, func(preflight.Round) {}
		_, err := preflight.Watch(t.Context(), []preflight.Options{row.o}, row.w)
		var bad *preflight.UsageError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%+v: %v", row.w, err)
		}
	}
	var rounds int
	last, err := preflight.Watch(t.Context(), []preflight.Options{{Target: preflight.Target{Address: "sim://nosuch"}}}, preflight.WatchOptions{
		Every: time.Millisecond, Rounds: 2, Begin: func() {}, Told: func(preflight.Round) { rounds++ },
	})
	var bad *preflight.UsageError
	if err != nil || rounds != 1 || !errors.As(last.Errs[0], &bad) {
		t.Errorf("what no time mends: %v, %v after %d rounds", err, last.Errs, rounds)
	}
}
