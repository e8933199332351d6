package main

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("flags that show in what a vCenter is asked", func() {
	It("--concurrency bounds the calls in flight, and with them the connections", func(ctx SpecContext) {
		connections := func(more ...string) int {
			vc := start("large?hosts=150")
			Expect(invocation{args: flags(vc, append(more, "--firewall-state", "--refresh")...)}.run(ctx).code).To(BeElementOf(exitOK, exitFailed))
			return vc.Connections()
		}
		Expect(connections("--concurrency", "1")).To(Equal(1))
		Expect(connections("--concurrency", "3")).To(BeNumerically("<=", 3))
		Expect(connections()).To(BeNumerically(">", 3), "by itself there are more")
	}, SpecTimeout(time.Minute))

	It("--firewall-state asks every host, also where no verdict hangs on it", func(ctx SpecContext) {
		asked := func(more ...string) (calls int, states map[string]int) {
			vc := start("open")
			out := invocation{args: flags(vc, append(more, "-o", "json")...)}.run(ctx)
			Expect(out.code).To(Equal(exitOK), out.stderr)
			var r struct {
				Hosts []struct{ Checks []struct{ ID, Reason string } }
			}
			onTarget(out, &r)
			states = map[string]int{}
			for _, h := range r.Hosts {
				for _, c := range h.Checks {
					if c.ID == "firewall-state" {
						states[c.Reason]++
					}
				}
			}
			return vc.RequestsOf("ExecuteSoap"), states
		}
		calls, states := asked()
		Expect(calls).To(BeZero())
		Expect(states).To(Equal(map[string]int{"switch-not-asked": 5}))
		calls, states = asked("--firewall-state")
		Expect(calls).To(Equal(5))
		Expect(states).To(Equal(map[string]int{"filtering": 5}))
	}, SpecTimeout(time.Minute))
})
