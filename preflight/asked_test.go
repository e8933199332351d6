package preflight_test

import (
	"context"
	"errors"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

var _ = It("a concurrency that is given bounds the hosts at a time and the calls in flight, and lets neither grow", func() {
	workers, most := preflight.Bounds(preflight.Options{Concurrency: 5})
	Expect([]int{workers, most}).To(Equal([]int{5, 5}))
	workers, most = preflight.Bounds(preflight.Options{})
	Expect([]int{workers, most}).To(Equal([]int{16, 64}), "by itself it grows")
})

var _ = It("a dry run asks nobody", func(ctx SpecContext) {
	o := on(start("closed"))
	o.Change.Do, o.Change.DryRun = preflight.Allow, true
	o.Change.Confirm = func(context.Context, *report.Run) error { return errors.New("it asks though nothing is changed") }
	run, err := preflight.Run(ctx, o)
	Expect(err).NotTo(HaveOccurred())
	Expect(run.Plan).To(HaveLen(5))
}, SpecTimeout(time.Minute))

var _ = It("a deny asks every host whether its firewall is on, also where no verdict hangs on it", func(ctx SpecContext) {
	for do, asked := range map[preflight.Change]int{preflight.Deny: 5, preflight.NoChange: 0} {
		vc := start("open")
		o := on(vc)
		o.Change.Do, o.Change.DryRun = do, do != preflight.NoChange
		_, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		Expect(vc.RequestsOf("ExecuteSoap")).To(Equal(asked), "%q", do)
	}
}, SpecTimeout(time.Minute))

var _ = It("which waivers are of no use is not said where a target told nothing", func(ctx SpecContext) {
	waiver := checks.Waiver{Reason: checks.RulesetDisabled, Host: "nowhere", Because: "it is going", Expires: time.Now().AddDate(1, 0, 0)}
	unused := func(addresses ...string) []checks.Waiver {
		var list []preflight.Options
		for _, a := range addresses {
			t, err := preflight.ParseTarget(a)
			Expect(err).NotTo(HaveOccurred())
			list = append(list, preflight.Options{Target: t, Waivers: []checks.Waiver{waiver}})
		}
		rep, _ := preflight.RunAll(ctx, list)
		return rep.UnusedWaivers
	}
	Expect(unused("sim://closed")).To(HaveLen(1))
	Expect(unused("sim://closed", "sim://nosuch")).To(BeEmpty(), "it may be of the target that could not be read")
}, SpecTimeout(time.Minute))

var _ = It("a password is the first line of its file alone", func() {
	Expect(preflight.ReadSecretFrom(strings.NewReader("first\nsecond\n"), "file")).To(Equal("first"))
	Expect(preflight.ReadSecretFrom(strings.NewReader("first\r\n"), "file")).To(Equal("first"))
	Expect(preflight.ReadSecretFrom(strings.NewReader("first"), "file")).To(Equal("first"))
	_, err := preflight.ReadSecretFrom(strings.NewReader(strings.Repeat("x", infile.Short+1)), "file")
	Expect(err).To(MatchError(infile.ErrLarge))
})
