package onhost_test

import (
	"errors"
	"io"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/hostssh/sshtest"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// answer has the host say the text to commands that begin like this, the first so many
// times, in place of what it would.
func (h *fakeHost) answer(command, text string, times int) {
	h.be(func() {
		h.on = func(_ int, c *sshtest.Command) (int, bool) {
			if times == 0 || !strings.HasPrefix(c.Line, command) {
				return 0, false
			}
			times--
			_, _ = io.WriteString(c.Stdout, text)
			return 0, true
		}
	})
}

const always = -1

var _ = Describe("what a host answers to a command that it took", func() {
	var h *fakeHost
	BeforeEach(func() { h = newFakeHost() })

	// isTakenBack sees that a change fails for the reason, and leaves the host as it was.
	isTakenBack := func(ctx SpecContext, change *fix.Change, says string) {
		GinkgoHelper()
		before := h.state()
		err := h.carry(ctx, change)
		Expect(err).To(MatchError(ContainSubstring(says)))
		var left *fix.TakeBackError
		Expect(errors.As(err, &left)).To(BeFalse(), "%v", err)
		Expect(h.state()).To(Equal(before))
	}

	It("that a VIB would want a start of the host: it is not installed", func(ctx SpecContext) {
		h.answer("esxcli software vib install --dry-run", "Installation Result\n   Reboot Required: true\n   Message: The update completed successfully, but the system needs to be rebooted\n   VIBs Removed: \n", always)
		isTakenBack(ctx, install(), "esxcli software vib install: the host would have to be started again for it")
		Expect(h.said()).NotTo(ContainElement(HavePrefix("esxcli software vib install -v")))
	}, SpecTimeout(time.Minute))

	It("that tells nothing of a VIB: it does not count as installed", func(ctx SpecContext) {
		h.answer("esxcli software vib install -v", "", 1)
		isTakenBack(ctx, install(), "esxcli software vib install did not say what became of it")
	}, SpecTimeout(time.Minute))

	It("that no VIB at all is installed: that is not believed, and nothing is tried", func(ctx SpecContext) {
		h.answer("esxcli software vib list", "", always)
		survey := h.client(ours).Survey(ctx, &inventory.Host{Name: "esx1"}, fix.MethodVIB)
		Expect(survey.Err).To(Equal("esxcli software vib list: it did not print the table of names, versions and vendors"))
		h.have(ours)
		isTakenBack(ctx, remove(), "did not print the table")
		Expect(h.said()).NotTo(ContainElement(HavePrefix("esxcli software vib remove")))
	}, SpecTimeout(time.Minute))

	const none = "Name       Enabled\n---------  -------\nsshServer     true\n"
	for _, o := range []operation{installation, insertion, inPlace} {
		It("that the ruleset does not appear: it is taken back: "+o.name, func(ctx SpecContext) {
			o.ready(h)
			h.answer("esxcli network firewall ruleset list", none, always)
			isTakenBack(ctx, o.change(), "the ruleset "+key+" did not appear after a refresh")
		}, SpecTimeout(time.Minute))
	}

	It("that the ruleset stays when its VIB has gone: the removal is not called done", func(ctx SpecContext) {
		removal.ready(h)
		h.answer("esxcli network firewall ruleset list", none+key+"  true\n", always)
		Expect(h.carry(ctx, remove())).To(MatchError(ContainSubstring("the ruleset " + key + " is still there after a refresh")))
		Expect(h.state().VIBs).NotTo(ContainElement(ours.id))
	}, SpecTimeout(time.Minute))

	It("that another text stands in the file than was written: it is not called done, and stays somebody else's", func(ctx SpecContext) {
		reads := 0
		h.be(func() {
			h.on = func(_ int, c *sshtest.Command) (int, bool) {
				if !strings.HasPrefix(c.Line, "cat ") {
					return 0, false
				}
				if reads++; reads == 2 {
					h.write(fix.ServiceXML, ruleset("other"), 0o444)
				}
				return 0, false
			}
		})
		err := h.carry(ctx, insert())
		Expect(err).To(MatchError(ContainSubstring("service.xml does not hold what was written")))
		Expect(err).To(MatchError(ContainSubstring("somebody has changed it meanwhile")))
		Expect(h.state().Files[fix.ServiceXML]).To(HaveSuffix(ruleset("other")))
	}, SpecTimeout(time.Minute))
})

var _ = Describe("taking a change back", func() {
	It("waits for a VIB that the host goes on installing when nobody waits for its answer, and removes it", func(ctx SpecContext) {
		h := newFakeHost()
		before := h.state()
		looks := 0
		h.be(func() {
			h.on = func(_ int, c *sshtest.Command) (int, bool) {
				switch {
				case strings.HasPrefix(c.Line, "esxcli software vib install -v"):
					c.Cut()
					return -1, true
				case c.Line == "esxcli software vib list":
					if looks++; looks == 2 { // the first of the take-back did not find it
						h.have(ours)
					}
				}
				return 0, false
			}
		})
		Expect(h.carry(ctx, install())).To(HaveOccurred())
		Expect(h.state()).To(Equal(before))
		Expect(h.said()).To(ContainElement("esxcli software vib remove -n vicpre"))
	}, SpecTimeout(time.Minute))

	It("writes nothing on another machine that has the address by then", func(ctx SpecContext) {
		h := newFakeHost()
		h.be(func() {
			h.on = func(_ int, c *sshtest.Command) (int, bool) {
				if c.Line != "esxcli network firewall refresh" {
					return 0, false
				}
				h.be(func() { h.platform = strings.Replace(platform, "0x4a", "0x4b", 1); h.commands = nil })
				return 1, true
			}
		})
		err := h.carry(ctx, insert())
		var left *fix.TakeBackError
		Expect(errors.As(err, &left)).To(BeTrue(), "%v", err)
		Expect(left.Error()).To(ContainSubstring("this is not esx1"))
		Expect(h.said()).To(Equal([]string{"esxcli hardware platform get"}), "it is asked who it is, and nothing else")
	}, SpecTimeout(time.Minute))

	It("has nothing to write where the file is as it was: the firewall alone reads it again", func(ctx SpecContext) {
		h := newFakeHost()
		h.be(func() { h.loaded = append(h.loaded, key) }) // it has not heard of it yet
		c := insert()
		c.Before, c.After = c.After, c.Before
		c.File.Before, c.File.After = []byte(ruleset("sshServer")), []byte(ruleset("sshServer"))
		Expect(h.carry(ctx, c)).To(Succeed())
		Expect(h.state().Loaded).To(Equal([]string{"sshServer"}))
		Expect(h.said()).NotTo(ContainElement(ContainSubstring("cat >")))
	}, SpecTimeout(time.Minute))
})

var _ = It("service.xml is written in place by the steps of the guides: the sticky bit before the text, and the mode as it was behind it", func(ctx SpecContext) {
	h := newFakeHost()
	inPlace.ready(h)
	Expect(h.carry(ctx, insert())).To(Succeed())
	const file = "/etc/vmware/firewall/service.xml"
	Expect(h.said()).To(ContainElement(MatchRegexp(`chmod 644 %[1]s && chmod \+t %[1]s && cat \S+ > %[1]s; r=\$\?; chmod 1?444 %[1]s; rm -f`, file)))
}, SpecTimeout(time.Minute))

var _ = It("a host that takes no login is not changed, and said to have taken none", func(ctx SpecContext) {
	h := newFakeHost()
	h.be(func() { h.gone = true })
	for _, change := range []*fix.Change{install(), remove(), insert()} {
		Expect(h.carry(ctx, change)).To(MatchError("log in by SSH: the host refused the login"))
	}
	Expect(h.said()).To(BeEmpty())
}, SpecTimeout(time.Minute))

var _ = It("a service.xml that was written in part is put back", func(ctx SpecContext) {
	h := newFakeHost()
	inPlace.ready(h)
	before := h.state()
	full := false
	h.on = func(_ int, c *sshtest.Command) (int, bool) {
		if full || !strings.Contains(c.Line, "chmod +t") {
			return 0, false
		}
		full = true
		h.write(fix.ServiceXML, ruleset("sshServer", key)[:100], 0o644)
		_, _ = io.WriteString(c.Stderr, "cat: write error: No space left on device\n")
		return 1, true
	}
	err := h.carry(ctx, insert())
	Expect(err).To(MatchError(ContainSubstring("No space left on device")))
	Expect(err).NotTo(BeAssignableToTypeOf(&fix.TakeBackError{}))
	after := h.state()
	Expect(after.Files[fix.ServiceXML]).To(Equal(before.Files[fix.ServiceXML]), "the part of the new text stays: %v", err)
	Expect(after.Loaded).To(Equal(before.Loaded))
}, SpecTimeout(time.Minute))

var _ = It("an edit that the host refuses leaves no file there, though the host takes no other login", func(ctx SpecContext) {
	h := newFakeHost()
	before := h.state()
	h.on = func(_ int, c *sshtest.Command) (int, bool) {
		if !strings.HasPrefix(c.Line, "case ") {
			return 0, false
		}
		h.be(func() { h.gone = true })
		_, _ = io.WriteString(c.Stderr, "Operation not permitted\n")
		return 1, true
	}
	var left *fix.TakeBackError
	Expect(errors.As(h.carry(ctx, insert()), &left)).To(BeTrue())
	Expect(h.state().stray()).To(BeEmpty(), "the new file is left beside the old one")
	Expect(h.state()).To(Equal(before))
}, SpecTimeout(time.Minute))
