package preflight_test

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/preflight"
)

// fullDisk lets a journal grow by so many bytes, and no file beyond that.
type fullDisk struct {
	room uint64
}

func (fullDisk) Progress(preflight.Stage, int, int) {}
func (fullDisk) Note(string)                        {}
func (fullDisk) Warn(string)                        {}

func (d fullDisk) Journal(path string) {
	info, err := os.Stat(path)
	Expect(err).NotTo(HaveOccurred())
	var limit syscall.Rlimit
	Expect(syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit)).To(Succeed())
	limit.Cur = uint64(info.Size()) + d.room
	Expect(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)).To(Succeed())
}

var _ = Describe("a journal on a full disk", Serial, func() {
	It("ends the changes, and hides none of those that were made", func(ctx context.Context) {
		var before syscall.Rlimit
		Expect(syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before)).To(Succeed())
		signal.Ignore(syscall.SIGXFSZ)
		DeferCleanup(func() {
			signal.Reset(syscall.SIGXFSZ)
			Expect(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before)).To(Succeed())
		})
		o := on(start("closed"))
		o.Change.Do, o.Concurrency, o.Observer = preflight.Allow, 1, fullDisk{room: 700}
		run, err := preflight.Run(ctx, o)
		var unfinished *preflight.UnfinishedError
		Expect(err).To(BeAssignableToTypeOf(unfinished))
		Expect(err).To(MatchError(ContainSubstring("could not be written to its end: ")))
		Expect(run).NotTo(BeNil())
		Expect(run.Plan).To(HaveLen(5))
		made := 0
		for _, e := range run.Plan {
			if e.Done {
				made++
				Expect(e.Verified).To(BeTrue(), e.Host)
				continue
			}
			Expect(e.Error).To(HavePrefix("nothing was changed: the journal could not be written"))
		}
		Expect(made).To(Equal(1))
		passed := 0
		for _, s := range statuses(run, checks.OutboundPort) {
			if s == "pass permitted" {
				passed++
			}
		}
		Expect(passed).To(Equal(made))
	}, NodeTimeout(time.Minute))
})
