package onhost_test

import (
	"context"
	"os"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/internal/hostssh/sshtest"
	"github.com/vic-preflight/vic-preflight/internal/onhost"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// readers are the commands that write nothing.
const readers = `^(cat [^;|&>]+|ls [^;|&>]+|grep -l -F [^;|&>]+|esxcli software acceptance get|esxcli software vib list( --rebooting-image)?|` +
	`esxcli network firewall ruleset list|/usr/lib/vmware/secureboot/bin/secureBoot\.py -s)$`

// struck makes the n-th command of a host have the fault.
func (h *fakeHost) struck(n int, f fault) {
	h.be(func() {
		h.on = func(i int, c *sshtest.Command) (int, bool) {
			if i != n {
				return 0, false
			}
			return f.do(h, c, func() {}), true
		}
	})
}

// failing are the faults of a command that somebody waits for.
var failing = faults[:2]

var _ = Describe("a survey", func() {
	var h *fakeHost
	survey := func(ctx context.Context, methods ...fix.Method) fix.Survey {
		return h.client(ours).Survey(ctx, &inventory.Host{Name: "esx1"}, methods...)
	}
	BeforeEach(func() {
		h = newFakeHost()
		h.be(func() {
			h.level, h.secure = fix.CommunitySupported, "Enabled\n"
			h.pending = []fakeVIB{theirs}
		})
		h.have(ours)
	})

	It("tells what is there, and changes nothing", func(ctx SpecContext) {
		before := h.state()
		Expect(survey(ctx, fix.MethodVIB, fix.MethodServiceXML)).To(Equal(fix.Survey{
			Rulesets: []string{"sshServer", key}, Acceptance: fix.CommunitySupported, SecureBoot: inventory.Yes,
			VIBs: []fix.InstalledVIB{
				{Name: "esx-base", ID: "VMware_bootbank_esx-base_8.0.2"}, {Name: "vicpre", ID: ours.id}, {Name: "vicpre", ID: theirs.id},
			},
			File: []byte(ruleset("sshServer")),
		}))
		Expect(h.state()).To(Equal(before))
		Expect(h.said()).To(HaveEach(MatchRegexp(readers)))
	}, SpecTimeout(time.Minute))

	It("asks for no more than the method needs", func(ctx SpecContext) {
		Expect(survey(ctx, fix.MethodServiceXML)).To(And(HaveField("VIBs", BeEmpty()), HaveField("Acceptance", "")))
		Expect(survey(ctx, fix.MethodVIB)).To(HaveField("File", BeEmpty()))
		Expect(survey(ctx)).To(Equal(fix.Survey{Rulesets: []string{"sshServer", key}}))
	}, SpecTimeout(time.Minute))

	DescribeTable("does not guess about Secure Boot", func(ctx SpecContext, says string, want inventory.Tristate) {
		h.be(func() { h.secure = says })
		Expect(survey(ctx, fix.MethodVIB)).To(And(HaveField("SecureBoot", want), HaveField("Err", "")))
	},
		Entry("that is on", SpecTimeout(time.Minute), "Enabled\n", inventory.Yes),
		Entry("that is off", SpecTimeout(time.Minute), "Disabled\n", inventory.No),
		Entry("of which nothing is said", SpecTimeout(time.Minute), "", inventory.Unknown),
		Entry("of which something else is said", SpecTimeout(time.Minute), "not enabled\n", inventory.Unknown),
	)

	for _, f := range failing {
		It("knows nothing, and says why, when a command "+f.name, func(ctx SpecContext) {
			for n := 1; n <= 6; n++ {
				h.be(func() { h.commands = nil })
				h.struck(n, f)
				got := survey(ctx, fix.MethodVIB, fix.MethodServiceXML)
				if strings.Contains(h.said()[n-1], "secureBoot.py") && f.name == failing[0].name {
					Expect(got.SecureBoot).To(Equal(inventory.Unknown), "a host before 6.5 has no such command")
					Expect(got.Err).To(BeEmpty())
					continue
				}
				Expect(got.Err).NotTo(BeEmpty(), "command %d", n)
				Expect(got).To(Equal(fix.Survey{Err: got.Err}))
			}
		}, SpecTimeout(time.Minute))
	}

	It("knows nothing of a host that takes no login", func(ctx SpecContext) {
		h.be(func() { h.gone = true })
		Expect(survey(ctx, fix.MethodVIB)).To(Equal(fix.Survey{Err: "log in by SSH: the host refused the login"}))
	}, SpecTimeout(time.Minute))

	It("says how to start the service where nobody listens", func(ctx SpecContext) {
		h.server.Close()
		Expect(survey(ctx, fix.MethodVIB).Err).To(And(ContainSubstring(" refuses: "), ContainSubstring("--ssh-start-service")))
	}, SpecTimeout(time.Minute))
})

var _ = Describe("the origins of rulesets", func() {
	const odd = firewall + "/it's \"my\" $HOME `file` .xml"
	var h *fakeHost
	origins := func(ctx context.Context) (map[string]inventory.Origin, error) {
		return h.client(ours).Origins(ctx, &inventory.Host{Name: "esx1"}, []string{"sshServer", "brought", "byHand", "aside", "nowhere"})
	}
	BeforeEach(func() {
		h = newFakeHost()
		h.write(firewall+"/brought.xml", ruleset("brought"), 0o444)
		h.write(odd, ruleset("byHand"), 0o644)
		h.write(firewall+"/broken.xml", "<ConfigRoot><service>", 0o644)
		h.write(firewall+"/aside.bak", ruleset("aside"), 0o644)
		h.write(descriptors+"/a b-2.xml", "<vib><name>it brings</name><file-list><file>etc/vmware/firewall/brought.xml</file></file-list></vib>", 0o444)
		h.write(descriptors+"/c-3.xml", "<vib><name>mentions</name><summary>"+strings.TrimPrefix(odd, "/")+"</summary></vib>", 0o444)
	})

	It("are files and the VIBs that own them, and nothing is changed", func(ctx SpecContext) {
		before := h.state()
		found, err := origins(ctx)
		Expect(err).To(MatchError(HavePrefix(firewall+"/broken.xml: line 1")), "it is not skipped in silence")
		Expect(found).To(Equal(map[string]inventory.Origin{
			"sshServer": {File: fix.ServiceXML},
			"brought":   {File: firewall + "/brought.xml", VIB: "it brings"},
			"byHand":    {File: odd},
		}))
		Expect(h.state()).To(Equal(before))
		Expect(h.said()).To(HaveEach(MatchRegexp(readers)))
	}, SpecTimeout(time.Minute))

	for _, f := range failing {
		It("are an error when a command "+f.name, func(ctx SpecContext) {
			h.write(firewall+"/broken.xml", ruleset("notBroken"), 0o644)
			n := 1
			for ; ; n++ {
				h.be(func() { h.commands = nil })
				h.struck(n, f)
				_, err := origins(ctx)
				if len(h.said()) < n {
					break
				}
				if strings.HasPrefix(h.said()[n-1], "grep") && f.name == failing[0].name {
					Expect(err).NotTo(HaveOccurred(), "grep's 1 means that it found nothing")
					continue
				}
				Expect(err).To(HaveOccurred(), "command %d", n)
			}
			Expect(n).To(BeNumerically(">", 8))
		}, SpecTimeout(time.Minute))
	}

	It("are an error where the database of VIBs is not there", func(ctx SpecContext) {
		Expect(os.RemoveAll(h.dir + descriptors)).To(Succeed())
		_, err := origins(ctx)
		Expect(err).To(MatchError(ContainSubstring("grep failed")))
	}, SpecTimeout(time.Minute))
})

var _ = Describe("a file of a host", func() {
	It("is read whole or not at all", func(ctx SpecContext) {
		h := newFakeHost()
		text := strings.Repeat("x", hostssh.MaxOutput-1)
		h.write("/tmp/whole", text, 0o600)
		got, err := onhost.ReadFile(ctx, h.login, hostssh.Host{Address: "127.0.0.1"}, "/tmp/whole")
		Expect(err).NotTo(HaveOccurred())
		Expect(string(got) == text).To(BeTrue())
		h.write("/tmp/more", text+"xx", 0o600)
		_, err = onhost.ReadFile(ctx, h.login, hostssh.Host{Address: "127.0.0.1"}, "/tmp/more")
		Expect(err).To(MatchError(ContainSubstring("/tmp/more is too long")))
		_, err = onhost.ReadFile(ctx, h.login, hostssh.Host{Address: "127.0.0.1"}, "/tmp/none")
		Expect(err).To(MatchError(ContainSubstring("cat failed: cat: /tmp/none: No such file")))
	}, SpecTimeout(time.Minute))
})
