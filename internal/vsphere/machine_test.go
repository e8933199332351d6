package vsphere_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/vsphere"
)

var _ = DescribeTable("the tag of a probe's virtual machine",
	func(options []types.BaseOptionValue, want time.Time, tagged bool) {
		made, ok := vsphere.MadeAt(options)
		Expect(ok).To(Equal(tagged))
		Expect(made).To(BeTemporally("==", want))
	},
	Entry("none", nil, time.Time{}, false),
	Entry("another tool's", []types.BaseOptionValue{&types.OptionValue{Key: "vic.id", Value: "2026-01-02T03:04:05Z"}}, time.Time{}, false),
	Entry("a time", []types.BaseOptionValue{&types.OptionValue{Key: vsphere.ProbeTag, Value: "2026-01-02T03:04:05Z"}},
		time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), true),
	Entry("no time", []types.BaseOptionValue{&types.OptionValue{Key: vsphere.ProbeTag, Value: "yesterday"}}, time.Time{}, true),
	Entry("no text", []types.BaseOptionValue{&types.OptionValue{Key: vsphere.ProbeTag, Value: int32(1)}}, time.Time{}, true),
)

var _ = It("an SSH service that the account may not start is not stopped afterwards", func(ctx SpecContext) {
	vc := start("open")
	vc.Host("esx01.example").Revoke("Host.Config.NetService")
	s := login(ctx, vc)
	stop, err := s.StartSSH(ctx, hostNamed(collect(ctx, s, vsphere.Selection{}), "esx01.example"))
	Expect(err).To(MatchError("the account lacks the privilege Host.Config.NetService"))
	Expect(stop(ctx)).To(Succeed())
	Expect(vc.RequestsOf("StopService")).To(BeZero())
}, SpecTimeout(time.Minute))
