package main

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"
)

var _ = Describe("flags that show in what a vCenter is asked", func() {
	DescribeTable("--concurrency bounds the calls in flight", func(ctx SpecContext, want int, more ...string) {
		vc := start("large?hosts=100")
		release := vc.Hold("RefreshFirewall", types.ManagedObjectReference{}, nil)
		DeferCleanup(release)
		done := make(chan int)
		go func() { done <- invocation{args: flags(vc, append(more, "--refresh")...)}.run(ctx).code }()
		inFlight := func() int { return vc.RequestsOf("RefreshFirewall") } // none of which is answered
		Eventually(inFlight).Within(30 * time.Second).Should(Equal(want))
		Consistently(inFlight).WithTimeout(200 * time.Millisecond).Should(Equal(want))
		release()
		Expect(<-done).To(BeElementOf(exitOK, exitFailed))
		Expect(inFlight()).To(Equal(100))
	},
		Entry("to 1", SpecTimeout(time.Minute), 1, "--concurrency", "1"),
		Entry("to 3", SpecTimeout(time.Minute), 3, "--concurrency", "3"),
		Entry("to 16 by itself, while nothing is answered", SpecTimeout(time.Minute), 16),
	)

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
