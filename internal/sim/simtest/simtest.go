// Package simtest starts simulators for specs and benchmarks.
package simtest

import (
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// Start runs a scenario until the test ends; a spec gives GinkgoTB().
func Start(tb testing.TB, scenario string, opts sim.Options) *sim.VCenter {
	tb.Helper()
	parsed, err := sim.ParseScenario(scenario)
	if err != nil {
		tb.Fatal(err)
	}
	vc, err := sim.Start(parsed, opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(vc.Close)
	return vc
}
