package onhost_test

import (
	"errors"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/hostssh/sshtest"
)

// theirs has the name of ours, and came from somebody else.
var theirs = fakeVIB{id: "else_bootbank_vicpre_0.9", ruleset: "theirs", certified: true}

const accepted = "VMwareAccepted"

var _ = Describe("what others did since the plan was made", func() {
	var h *fakeHost
	BeforeEach(func() { h = newFakeHost() })

	// during calls once, before a command that begins like this.
	during := func(command string, do func(*sshtest.Command) (int, bool)) {
		done := false
		h.be(func() {
			h.on = func(_ int, c *sshtest.Command) (int, bool) {
				if done || !strings.HasPrefix(c.Line, command) {
					return 0, false
				}
				done = true
				return do(c)
			}
		})
	}

	// stays sees that a change is refused and nothing is changed by it.
	stays := func(ctx SpecContext, change *fix.Change, says string) {
		GinkgoHelper()
		before := h.state()
		err := h.carry(ctx, change)
		Expect(err).To(MatchError(ContainSubstring(says)))
		var left *fix.TakeBackError
		Expect(errors.As(err, &left)).To(BeFalse(), "%v", err)
		Expect(h.state()).To(Equal(before))
	}

	Describe("to service.xml", func() {
		It("is not written over", func(ctx SpecContext) {
			h.write(fix.ServiceXML, ruleset("sshServer", "other"), 0o444)
			h.be(h.refresh)
			stays(ctx, insert(), "nothing was changed: /etc/vmware/firewall/service.xml is not any more what it was")
		}, SpecTimeout(time.Minute))

		It("is not taken back with the change", func(ctx SpecContext) {
			during("esxcli network firewall refresh", func(*sshtest.Command) (int, bool) {
				h.write(fix.ServiceXML, ruleset("other"), 0o444)
				return 1, true
			})
			var left *fix.TakeBackError
			err := h.carry(ctx, insert())
			Expect(errors.As(err, &left)).To(BeTrue(), "%v", err)
			Expect(left.Error()).To(ContainSubstring("service.xml, which the journal has as it was: somebody has changed it meanwhile"))
			after := h.state()
			Expect(after.Files[fix.ServiceXML]).To(HaveSuffix(ruleset("other")))
			Expect(after.stray()).To(BeEmpty())
		}, SpecTimeout(time.Minute))
	})

	It("to its address is not taken for the host, before anything is written", func(ctx SpecContext) {
		h.be(func() { h.platform = strings.Replace(platform, "0x4a", "0x4b", 1) })
		stays(ctx, insert(), "nothing was changed: this is not esx1: its hardware's UUID is 4c4c4544-0057-5110-804b-b6c04f36344b, and by the vSphere API it should be 4c4c4544-0057-5110-804b-b6c04f36344a")
		stays(ctx, install(), "this is not esx1")
		h.be(func() { h.platform = "Platform Information\n   Product Name: x\n" })
		stays(ctx, install(), "does not tell the hardware's UUID")
		h.be(func() {
			h.platform = strings.Replace(platform, "0x4c 0x4c 0x45 0x44 0x0 0x57 0x51 0x10", "0x44 0x45 0x4c 0x4c 0x57 0x0 0x10 0x51", 1)
		})
		Expect(h.carry(ctx, insert())).To(Succeed(), "the parts may stand the other way round")
	}, SpecTimeout(time.Minute))

	Describe("to service.xml in the last moment", func() {
		for _, command := range []string{"umask 077", "case"} {
			It("is not written over, nor taken back: before "+command, func(ctx SpecContext) {
				during(command, func(*sshtest.Command) (int, bool) {
					h.write(fix.ServiceXML, ruleset("sshServer", key), 0o444) // another run's, and the same as ours
					return 0, false
				})
				Expect(h.carry(ctx, insert())).To(MatchError("somebody has changed it meanwhile, and it is left like that"))
				after := h.state()
				Expect(after.Files[fix.ServiceXML]).To(HaveSuffix(ruleset("sshServer", key)))
				Expect(after.stray()).To(BeEmpty())
			}, SpecTimeout(time.Minute))
		}
	})

	Describe("to the acceptance level", func() {
		It("is not lowered", func(ctx SpecContext) {
			h.be(func() { h.level = accepted })
			stays(ctx, install(), "the acceptance level is VMwareAccepted, and was PartnerSupported when this was planned")
		}, SpecTimeout(time.Minute))

		It("is not taken for the change's own lowering", func(ctx SpecContext) {
			h.be(func() { h.level = fix.CommunitySupported })
			stays(ctx, install(), "the acceptance level is CommunitySupported, and was PartnerSupported when this was planned")
		}, SpecTimeout(time.Minute))

		It("is not taken back with the change", func(ctx SpecContext) {
			during("esxcli software vib install", func(*sshtest.Command) (int, bool) {
				h.be(func() { h.level = accepted })
				return 0, false
			})
			Expect(h.carry(ctx, install())).To(MatchError(ContainSubstring("not compliant")))
			Expect(h.state().Level).To(Equal(accepted))
		}, SpecTimeout(time.Minute))

		It("is not taken back by a removal", func(ctx SpecContext) {
			h.be(func() { h.level = accepted })
			Expect(h.carry(ctx, remove())).To(Succeed())
			Expect(h.state().Level).To(Equal(accepted))
		}, SpecTimeout(time.Minute))

		It("of which the change is to know nothing stays", func(ctx SpecContext) {
			h.be(func() { h.level = fix.CommunitySupported })
			change := install()
			change.VIB.AcceptanceBefore = ""
			Expect(h.carry(ctx, change)).To(Succeed())
			change = remove()
			change.VIB.AcceptanceBefore = ""
			Expect(h.carry(ctx, change)).To(Succeed())
			Expect(h.state().Level).To(Equal(fix.CommunitySupported))
			Expect(h.said()).NotTo(ContainElement(ContainSubstring("acceptance set")))
		}, SpecTimeout(time.Minute))
	})

	Describe("by another VIB of the name", func() {
		It("is not replaced", func(ctx SpecContext) {
			h.have(theirs)
			stays(ctx, install(), "it would remove else_bootbank_vicpre_0.9 from the host")
		}, SpecTimeout(time.Minute))

		It("is not removed", func(ctx SpecContext) {
			h.have(theirs)
			stays(ctx, remove(), "another VIB of that name, else_bootbank_vicpre_0.9, has come since: nothing is removed")
			h.be(func() { h.level = fix.CommunitySupported })
			stays(ctx, remove(), "and the acceptance level stays")
		}, SpecTimeout(time.Minute))

		It("is not removed before it has come", func(ctx SpecContext) {
			h.be(func() { h.level = fix.CommunitySupported; h.pending = []fakeVIB{theirs} })
			h.have(ours)
			stays(ctx, remove(), "nothing is removed")
		}, SpecTimeout(time.Minute))

		It("is not taken back with the change", func(ctx SpecContext) {
			during("esxcli software vib install -v", func(*sshtest.Command) (int, bool) {
				h.have(theirs)
				return 1, true
			})
			Expect(h.carry(ctx, install())).To(MatchError(ContainSubstring("nothing is removed")))
			Expect(h.state().VIBs).To(ContainElement(theirs.id))
		}, SpecTimeout(time.Minute))
	})

	It("installed the same VIB: it stays", func(ctx SpecContext) {
		h.be(func() { h.level = fix.CommunitySupported })
		h.have(ours)
		change := install()
		change.VIB.AcceptanceBefore = ""
		stays(ctx, change, "the host is not changed: it has this VIB")
	}, SpecTimeout(time.Minute))
})
