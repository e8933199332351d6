package hostssh_test

import (
	"context"
	"net"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/crypto/ssh"

	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/internal/hostssh/sshtest"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestHostSSH(t *testing.T) { testsuite.Run(t, "internal/hostssh") }

// limit is far more than any of these takes, and less than what a login may.
const limit = 10 * time.Second

// secret is a password that no output may have.
const secret = "s3cret-pass"

// options are for a password where no key is given.
func options(s *sshtest.Server, known *hostssh.Known, keys ...ssh.Signer) hostssh.Options {
	opts := hostssh.Options{User: "root", Signers: keys, HostKeys: known, Port: s.Port(), Dialer: &net.Dialer{}}
	if len(keys) == 0 {
		opts.Password = secret
	}
	return opts
}

// dial makes a login that is closed after the spec.
func dial(ctx context.Context, opts hostssh.Options) (*hostssh.Client, error) {
	c, err := hostssh.Dial(ctx, hostssh.Host{Name: "esx1.example", Address: "127.0.0.1"}, opts)
	if err == nil {
		DeferCleanup(c.Close)
	}
	return c, err
}

// login is a login with a key, on a server that runs commands.
func login(ctx context.Context, run sshtest.Run) *hostssh.Client {
	GinkgoHelper()
	host, client := sshtest.NewKey(GinkgoTB()), sshtest.NewKey(GinkgoTB())
	s := sshtest.Start(GinkgoTB(), sshtest.AllowKey(client.PublicKey(), host), run)
	c, err := dial(ctx, options(s, s.Known(GinkgoTB(), host.PublicKey()), client))
	Expect(err).NotTo(HaveOccurred())
	return c
}

// silent takes a command, and never answers.
func silent(c *sshtest.Command) int {
	<-c.Gone
	return -1
}
