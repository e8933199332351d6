package preflight_test

import (
	"errors"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/preflight"
)

var _ = DescribeTable("--max-hosts", func(ctx SpecContext, most int, changed bool) {
	vc := start("closed") // five hosts
	o := on(vc)
	o.Change.Do, o.Change.MaxHosts = preflight.Allow, most
	_, err := preflight.Run(ctx, o)
	if changed {
		Expect(err).NotTo(HaveOccurred())
		Expect(vc.RequestsOf("EnableRuleset")).To(Equal(5))
		return
	}
	var refused *preflight.UnfinishedError
	Expect(errors.As(err, &refused)).To(BeTrue(), "%v", err)
	Expect(err).To(MatchError(ContainSubstring("the plan changes 5 hosts, and --max-hosts allows 4: nothing was changed")))
	Expect(vc.RequestsOf("EnableRuleset")).To(BeZero())
},
	Entry("allows as many as it says", SpecTimeout(time.Minute), 5, true),
	Entry("refuses one more", SpecTimeout(time.Minute), 4, false),
)
