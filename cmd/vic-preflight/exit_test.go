package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

var _ = Describe("the exit code", func() {
	DescribeTable("of a signal is its own, as shells have it", func(cause error, want int) {
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(cause)
		Expect(signalled(ctx)).To(Equal(want))
	},
		Entry("hangup", errors.New("hangup signal received"), 129),
		Entry("interrupt", errors.New("interrupt signal received"), 130),
		Entry("terminated", errors.New("terminated signal received"), 143),
		Entry("Ctrl-C at a prompt, without one", context.Canceled, 130),
	)

	It("of a signal counts before all others of several targets", func() {
		rep := &report.Report{Runs: []*report.Run{{Target: "a"}, {Target: "b"}}}
		for _, errs := range [][]error{
			{&preflight.InterruptedError{}, &preflight.UnfinishedError{Err: syscall.EIO}}, {&preflight.UnfinishedError{Err: syscall.EIO}, &preflight.InterruptedError{}},
		} {
			Expect(exitOf((&outputFlags{}).settle(rep, errs, true)).code).To(Equal(exitInterrupted))
		}
	})

	It("is never green where a run ends with an error, of whatever kind", func() {
		rep := &report.Report{Runs: []*report.Run{{Target: "a"}}}
		Expect(exitOf((&outputFlags{}).settle(rep, []error{syscall.EIO}, false)).code).To(Equal(exitUnknown))
	})

	It("is that of what could not be read for it, and of no fault in that", func() {
		Expect(exitOf(usageError(fmt.Errorf("open file: %w", context.Canceled))).code).To(Equal(exitInterrupted))
		Expect(exitOf(usageError(fmt.Errorf("open file: %w", context.DeadlineExceeded))).code).To(Equal(exitUnknown))
		Expect(exitOf(usageError(fmt.Errorf("open file: %w", syscall.ENOENT))).code).To(Equal(exitUsage))
	})
})
