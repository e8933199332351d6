//go:build linux

package soak_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/output"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

// TestWatch watches for four hours, as watch --fix --every 1m does, by a clock that stands
// still while a round runs and leaps over the pauses: a server whose hosts somebody else
// closes now and then, by another process, and one that is not there.
func TestWatch(t *testing.T) {
	address := serve(t, "open")
	rounds, each := 20, 4
	if whole {
		rounds, each = 4*60, 10
	}
	first := stateOf(t.Context(), t, address)
	folder := t.TempDir()
	outputs, err := output.Parse([]string{"prometheus=" + filepath.Join(folder, "watch.prom"), "json=" + filepath.Join(folder, "watch.json")})
	if err != nil {
		t.Fatal(err)
	}
	o, away := at(address), at("127.0.0.1:1")
	o.Change.Do, o.Change.StateDir = preflight.Allow, folder
	away.Change = o.Change
	var before, after usage
	var events bytes.Buffer
	closed := 0
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		last, err := preflight.Watch(t.Context(), []preflight.Options{o, away}, preflight.WatchOptions{
			Every: time.Minute, Rounds: rounds, Begin: func() {},
			Told: func(r preflight.Round) {
				if err := output.Follow(t.Context(), &events, outputs, r.Events, r.Report, report.Style{}); err != nil {
					t.Error(err)
				}
				synctest.Wait() // connections are closed by others
				after = used(t)
				if r.Number == 5 {
					before = after
				}
				if r.Number%each == 0 && r.Number < rounds {
					closed++
					shut(t, address, fmt.Sprintf("esx0%d.example", closed%3+1))
				}
			},
		})
		if err != nil || last.Number != rounds || last.Errs[0] != nil || last.Errs[1] == nil || !last.Report.Runs[0].Status().Fine() {
			t.Errorf("it ends with round %d: %v, %v", last.Number, err, last.Errs)
		}
		if d := time.Since(began); d != time.Duration(rounds-1)*time.Minute {
			t.Errorf("%d rounds took %s", rounds, d)
		}
	})
	t.Logf("%d rounds, %d hosts closed: %+v, and then %+v", rounds, closed, before, after)
	if after.goroutines > before.goroutines || after.descriptors > before.descriptors || after.heap > before.heap+mostGrowth {
		t.Errorf("it grows: %+v, and then %+v", before, after)
	}
	journals, _ := filepath.Glob(filepath.Join(folder, "vic-preflight", "journals", "*"))
	if n := strings.Count(events.String(), " repaired "); n != closed || strings.Count(events.String(), "\n") != 2*closed || len(journals) != closed {
		t.Errorf("%d hosts were closed, and there are %d journals:\n%s", closed, len(journals), events.String())
	}
	if !reflect.DeepEqual(stateOf(t.Context(), t, address), first) {
		t.Error("the hosts are not as they were")
	}
}

// shut closes the port of a host, by a process of its own.
func shut(t *testing.T, address, host string) {
	t.Helper()
	cmd := exec.Command(program, "fix", "--deny", "--yes", "--target", address, "--user", user, "--insecure", "--host", host)
	cmd.Env = []string{"HOME=" + t.TempDir(), "VIC_MACHINE_PASSWORD=" + password}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("close the port of %s: %v\n%s", host, err, out)
	}
}
