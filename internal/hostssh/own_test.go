package hostssh_test

import (
	"errors"
	"io"
	"strings"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/crypto/ssh"

	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/internal/hostssh/sshtest"
)

var _ = Describe("what a host has of its own", func() {
	It("goes before what all have: the user, the port and the key", func(ctx SpecContext) {
		host, own, other := sshtest.NewKey(GinkgoTB()), sshtest.NewKey(GinkgoTB()), sshtest.NewKey(GinkgoTB())
		var user atomic.Value
		config := sshtest.AllowKey(own.PublicKey(), host)
		allowed := config.PublicKeyCallback
		config.PublicKeyCallback = func(c ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
			user.Store(c.User())
			return allowed(c, k)
		}
		s := sshtest.Start(GinkgoTB(), config, silent)
		opts := options(s, s.Known(GinkgoTB(), host.PublicKey()), other)
		opts.Port = 1
		c, err := hostssh.Dial(ctx, hostssh.Host{
			Name: "esx1.example", Address: "127.0.0.1", User: "operator", Port: s.Port(), Signers: []ssh.Signer{own},
		}, opts)
		Expect(err).NotTo(HaveOccurred())
		c.Close()
		Expect(user.Load()).To(Equal("operator"))
	}, SpecTimeout(limit))
})

var _ = Describe("a login that cannot be made", func() {
	It("is not tried without a key or a password", func(ctx SpecContext) {
		host := sshtest.NewKey(GinkgoTB())
		s := sshtest.Start(GinkgoTB(), sshtest.AllowKey(host.PublicKey(), host), silent)
		opts := options(s, s.Known(GinkgoTB(), host.PublicKey()))
		opts.Password = ""
		_, err := dial(ctx, opts)
		Expect(err).To(MatchError("the host refused the login"))
		s.Close()
		Expect(s.Attempts()).To(Equal([]string{"none"}))
	}, SpecTimeout(limit))

	It("is a *DialError where the server is not reached", func(ctx SpecContext) {
		key, hostKey := sshtest.NewKey(GinkgoTB()), sshtest.NewKey(GinkgoTB())
		s := sshtest.Start(GinkgoTB(), sshtest.AllowKey(key.PublicKey(), hostKey), silent)
		opts := options(s, s.Known(GinkgoTB(), hostKey.PublicKey()), key)
		opts.Port = 1 // where nobody listens
		var unreached *hostssh.DialError
		_, err := dial(ctx, opts)
		Expect(errors.As(err, &unreached)).To(BeTrue(), "%v", err)
	}, SpecTimeout(limit))
})

var _ = It("what a command says is kept up to the bound to the byte, in whatever pieces it comes", func(ctx SpecContext) {
	c := login(ctx, func(c *sshtest.Command) int {
		for range hostssh.MaxOutput/1000 + 100 {
			_, _ = io.WriteString(c.Stdout, strings.Repeat("x", 1000))
		}
		return 0
	})
	r, err := c.Run("talk", nil, limit)
	Expect(err).NotTo(HaveOccurred())
	Expect(r.Exit).To(BeZero())
	Expect(r.Stdout).To(HaveLen(hostssh.MaxOutput))
}, SpecTimeout(limit))
