package hostssh_test

import (
	"io"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/internal/hostssh/sshtest"
)

var _ = Describe("a command", func() {
	It("gets its input, and tells its output and its exit code", func(ctx SpecContext) {
		c := login(ctx, func(c *sshtest.Command) int {
			data, _ := io.ReadAll(c.Stdin)
			_, _ = io.WriteString(c.Stdout, c.Line+" of "+string(data))
			_, _ = io.WriteString(c.Stderr, "words")
			return len(data)
		})
		for _, stdin := range []string{"", "1", strings.Repeat("x", 126), strings.Repeat("x", 127), strings.Repeat("x", 255)} {
			Expect(c.Run("cat", strings.NewReader(stdin), limit)).To(Equal(hostssh.Result{Stdout: "cat of " + stdin, Stderr: "words", Exit: len(stdin)}))
		}
		Expect(c.Run("cat", nil, limit)).To(Equal(hostssh.Result{Stdout: "cat of ", Stderr: "words"}))
	}, SpecTimeout(limit))

	It("that says too much is cut short, and still ends", func(ctx SpecContext) {
		more := strings.Repeat("x", hostssh.MaxOutput+1<<20)
		c := login(ctx, func(c *sshtest.Command) int {
			_, _ = io.WriteString(c.Stdout, more)
			_, _ = io.WriteString(c.Stderr, more)
			_, _ = io.WriteString(c.Stdout, more)
			return 3
		})
		r, err := c.Run("yes", nil, limit)
		Expect(err).NotTo(HaveOccurred())
		Expect(r.Exit).To(Equal(3))
		Expect(len(r.Stdout)).To(Equal(hostssh.MaxOutput))
		Expect(len(r.Stderr)).To(Equal(hostssh.MaxOutput))
		Expect(c.Run("yes", nil, limit)).To(HaveField("Exit", 3), "the login is as good as before")
	}, SpecTimeout(limit))

	It("that does not read its input ends with its exit code all the same", func(ctx SpecContext) {
		c := login(ctx, func(*sshtest.Command) int { return 1 })
		Expect(c.Run("false", strings.NewReader(strings.Repeat("x", 8<<20)), limit)).To(HaveField("Exit", 1))
	}, SpecTimeout(limit))

	It("that was cut off is an error, with what it had said", func(ctx SpecContext) {
		for _, end := range []func(*sshtest.Command){(*sshtest.Command).Cut, func(*sshtest.Command) {}} {
			c := login(ctx, func(c *sshtest.Command) int { end(c); return -1 })
			_, err := c.Run("halt", nil, limit)
			Expect(err).To(MatchError("the connection ended before the command did"))
		}
	}, SpecTimeout(limit))

	It("ends when it is begun while the connection comes to its end", func(ctx SpecContext) {
		for range 100 {
			c := login(ctx, func(c *sshtest.Command) int { c.Cut(); return -1 })
			for range 2 {
				_, err := c.Run("halt", nil, limit)
				Expect(err).To(HaveOccurred())
			}
		}
	}, SpecTimeout(limit))

	It("is not begun after the login was closed", func(ctx SpecContext) {
		c := login(ctx, silent)
		c.Close()
		_, err := c.Run("true", nil, limit)
		Expect(err).To(HaveOccurred())
	}, SpecTimeout(limit))
})
