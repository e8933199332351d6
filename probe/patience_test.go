package probe_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/probe"
)

// nobody is a listener to whom nobody comes.
type nobody struct{}

func (nobody) WaitVMX(ctx context.Context, _ string) (probe.Peer, error) {
	<-ctx.Done()
	return probe.Peer{}, ctx.Err()
}

// A host's vmx takes its time to dial: what was said to be enough for a connection is not
// enough for that. Simulated hosts dial at once.
func TestSerialProbeWaitsLongEnough(t *testing.T) {
	for _, row := range []struct {
		name         string
		simulated    bool
		asked, waits time.Duration
	}{
		{"a real host, less than a vmx takes", false, time.Second, probe.MinSerialTimeout},
		{"a real host, more", false, time.Minute, time.Minute},
		{"a simulated host", true, time.Second, time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &fakeMachines{blocked: map[string]bool{"esx1": true}, alive: map[string]bool{}}
				a := &probe.Attempt{Host: &inventory.Host{ID: "1", Name: "esx1"}, Witness: nobody{}}
				probe.Serial(t.Context(), []*probe.Attempt{a}, m, probe.SerialOptions{Timeout: row.asked, Simulated: row.simulated})
				if a.Found.Outcome != inventory.Timeout || a.Found.Elapsed != row.waits {
					t.Errorf("%s after %s, and not after %s: %s", a.Found.Outcome, a.Found.Elapsed, row.waits, a.Found.Cause)
				}
			})
		})
	}
}
