package preflight_test

import (
	"context"
	"fmt"

	"github.com/vic-preflight/vic-preflight/preflight"
)

// A check of a simulated vCenter, from any Go program.
func Example() {
	target, err := preflight.ParseTarget("sim://mixed")
	if err != nil {
		fmt.Println(err)
		return
	}
	run, err := preflight.Run(context.Background(), preflight.Options{Target: target, ComputeResource: "edge"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, result := range run.Results {
		if result.Check == "outbound-port" {
			fmt.Printf("%s: %s (%s)\n", result.Subject, result.Status, result.Reason)
		}
	}
	fmt.Println("all together:", run.Status())
	// Output:
	// /dc1/host/edge/esx11.example: warn (allowed-hosts-unverified)
	// /dc1/host/edge/esx12.example: fail (allowed-hosts-exclude-peer)
	// /dc1/host/edge/esx13.example: warn (borrowed-ruleset)
	// /dc1/host/edge/esx14.example: fail (no-ruleset)
	// /dc1/host/edge/esx15.example: unknown (facts-unavailable)
	// /dc1/host/edge/esx16.example: unknown (facts-unavailable)
	// all together: fail
}
