package hostssh_test

import (
	"context"
	"io"
	"net"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/internal/hostssh/sshtest"
)

// hasty is a dialer whose connections have a hundredth of the time that they are
// given.
type hasty struct{ net.Dialer }

func (h *hasty) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := h.Dialer.DialContext(ctx, network, address)
	return hastyConn{c}, err
}

type hastyConn struct{ net.Conn }

func (c hastyConn) SetDeadline(t time.Time) error {
	return c.Conn.SetDeadline(time.Now().Add(time.Until(t) / 100))
}

// mute is a server that sends this, and then nothing.
func mute(greeting string) *net.TCPAddr {
	GinkgoHelper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	conns := make(chan net.Conn, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = io.WriteString(c, greeting)
			conns <- c
		}
		close(conns)
	}()
	DeferCleanup(func() {
		_ = l.Close()
		for c := range conns {
			_ = c.Close()
		}
	})
	return l.Addr().(*net.TCPAddr)
}

var _ = Describe("a login to a server that goes silent", func() {
	for _, greeting := range []string{"", "SSH-2.0-OpenSSH_9.6\r\n"} {
		to := func() hostssh.Options {
			return hostssh.Options{
				User: "root", Password: secret, Dialer: &net.Dialer{}, Port: mute(greeting).Port,
				HostKeys: written(""),
			}
		}
		It("ends by its own time after "+quoted(greeting), func(ctx SpecContext) {
			opts := to()
			opts.Dialer = &hasty{}
			_, err := dial(ctx, opts)
			Expect(err).To(MatchError("the host stopped answering in the middle"))
		}, SpecTimeout(limit))

		It("ends with its context after "+quoted(greeting), func(ctx SpecContext) {
			short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			defer cancel()
			_, err := dial(short, to())
			Expect(err).To(MatchError(context.DeadlineExceeded))
			Expect(err).NotTo(MatchError(ContainSubstring("closed network connection")), "that is nothing to a reader")
		}, SpecTimeout(limit))
	}

	It("has not reached it where nobody listens", func(ctx SpecContext) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		port := l.Addr().(*net.TCPAddr).Port
		Expect(l.Close()).To(Succeed())
		_, err = dial(ctx, hostssh.Options{Dialer: &net.Dialer{}, Port: port, HostKeys: written("")})
		var dialError *hostssh.DialError
		Expect(err).To(BeAssignableToTypeOf(dialError))
	}, SpecTimeout(limit))

	It("is not begun when its context has ended", func(ctx SpecContext) {
		ended, cancel := context.WithCancel(ctx)
		cancel()
		_, err := dial(ended, hostssh.Options{Dialer: &net.Dialer{}, Port: mute("").Port, HostKeys: written("")})
		Expect(err).To(HaveOccurred())
	}, SpecTimeout(limit))
})

func quoted(greeting string) string {
	if greeting == "" {
		return "nothing"
	}
	return strings.TrimSpace(greeting)
}

var _ = Describe("a command on a host that goes silent", func() {
	It("is left at its time", func(ctx SpecContext) {
		c := login(ctx, silent)
		_, err := c.Run("sleep 9", nil, 100*time.Millisecond)
		Expect(err).To(MatchError("the host stopped answering in the middle"))
		_, err = c.Run("true", nil, limit)
		Expect(err).To(HaveOccurred(), "and so is its login")
	}, SpecTimeout(limit))

	It("is left with its context", func(ctx SpecContext) {
		ends, cancel := context.WithCancel(ctx)
		begun := make(chan struct{})
		c := login(ends, func(c *sshtest.Command) int { close(begun); return silent(c) })
		go func() { <-begun; cancel() }()
		_, err := c.Run("sleep 9", nil, limit)
		Expect(err).To(HaveOccurred())
		Expect(ctx.Err()).NotTo(HaveOccurred())
	}, SpecTimeout(limit))
})
