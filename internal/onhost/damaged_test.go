package onhost_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/hostssh/sshtest"
)

var _ = DescribeTable("a file that was damaged on its way to the host is not used",
	func(ctx SpecContext, o operation, where string) {
		h := newFakeHost()
		o.ready(h)
		before := h.state()
		h.be(func() {
			h.on = func(_ int, c *sshtest.Command) (int, bool) {
				if !strings.HasPrefix(c.Line, "umask 077; cat > ") {
					return 0, false
				}
				exit := h.carryOut(c)
				copies, err := filepath.Glob(h.dir + where)
				Expect(err).NotTo(HaveOccurred())
				Expect(copies).To(HaveLen(1))
				// Of the same length, and still what the host would read.
				text, err := os.ReadFile(copies[0])
				Expect(err).NotTo(HaveOccurred())
				Expect(os.WriteFile(copies[0], []byte(strings.Replace(string(text), key, "vicIn_", 1)), 0o600)).To(Succeed())
				return exit, true
			}
		})
		err := h.carry(ctx, o.change())
		Expect(err).To(MatchError("the file that was copied to the host is not what was sent"))
		var left *fix.TakeBackError
		Expect(errors.As(err, &left)).To(BeFalse(), "%v", err)
		Expect(h.state()).To(Equal(before), "nothing is changed, and the copy is gone")
	},
	Entry("a VIB", SpecTimeout(time.Minute), installation, "/tmp/*.vib"),
	Entry("service.xml", SpecTimeout(time.Minute), insertion, firewall+"/*.vic-preflight-*"),
	Entry("service.xml, where it is written in place", SpecTimeout(time.Minute), inPlace, firewall+"/*.vic-preflight-*"),
)
