package hostssh_test

import (
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/internal/hostssh/sshtest"
)

// bastion is a machine that passes connections on, for whoever has the key.
func bastion(host ssh.Signer, user ssh.PublicKey) (port int, passed *atomic.Int64) {
	GinkgoHelper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(l.Close)
	passed = &atomic.Int64{}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, channels, requests, err := ssh.NewServerConn(conn, sshtest.AllowKey(user, host))
				if err != nil {
					return
				}
				go ssh.DiscardRequests(requests)
				for c := range channels {
					var to struct {
						Host string
						Port uint32
						From string
						Back uint32
					}
					if c.ChannelType() != "direct-tcpip" || ssh.Unmarshal(c.ExtraData(), &to) != nil {
						_ = c.Reject(ssh.UnknownChannelType, "")
						continue
					}
					on, err := net.Dial("tcp", net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))))
					if err != nil {
						_ = c.Reject(ssh.ConnectionFailed, err.Error())
						continue
					}
					passed.Add(1)
					channel, requests, err := c.Accept()
					if err != nil {
						return
					}
					go ssh.DiscardRequests(requests)
					go func() { _, _ = io.Copy(channel, on); _ = channel.Close() }()
					go func() { _, _ = io.Copy(on, channel); _ = on.Close() }()
				}
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port, passed
}

var _ = Describe("a host behind another machine", func() {
	It("is reached through it, by its own key", func(ctx SpecContext) {
		key, hostKey, bastionKey := sshtest.NewKey(GinkgoTB()), sshtest.NewKey(GinkgoTB()), sshtest.NewKey(GinkgoTB())
		s := sshtest.Start(GinkgoTB(), sshtest.AllowKey(key.PublicKey(), hostKey), func(c *sshtest.Command) int {
			_, _ = io.WriteString(c.Stdout, "it is "+c.Line)
			return 0
		})
		port, passed := bastion(bastionKey, key.PublicKey())
		at := func(name string, port int) string {
			return knownhosts.Normalize(net.JoinHostPort(name, strconv.Itoa(port)))
		}
		known := written(knownhosts.Line([]string{at("esx1.example", s.Port())}, hostKey.PublicKey()) + "\n" + knownhosts.Line([]string{at("bastion", port)}, bastionKey.PublicKey()) + "\n")
		host := hostssh.Host{Name: "esx1.example", Address: "127.0.0.1", Jump: &hostssh.Host{Name: "bastion", Address: "127.0.0.1", Port: port}}
		c, err := hostssh.Dial(ctx, host, options(s, known, key))
		Expect(err).NotTo(HaveOccurred())
		r, err := c.Run("esx1", nil, 5*time.Second)
		Expect(err).NotTo(HaveOccurred())
		Expect(r.Stdout).To(Equal("it is esx1"))
		Expect(passed.Load()).To(Equal(int64(1)))
		c.Close()

		_, err = hostssh.Dial(ctx, host, options(s, known))
		Expect(err).To(MatchError("esx1.example is reached through bastion, which takes a key: the hosts' password is not sent there"))
		host.Jump.Name = "elsewhere"
		_, err = hostssh.Dial(ctx, host, options(s, known, key))
		Expect(err).To(MatchError(ContainSubstring("through elsewhere: the host's key is not known as that of elsewhere or 127.0.0.1")))
	}, SpecTimeout(limit))

	It("is left at its time when it goes silent", func(ctx SpecContext) {
		key, hostKey := sshtest.NewKey(GinkgoTB()), sshtest.NewKey(GinkgoTB())
		hang := make(chan struct{})
		s := sshtest.Start(GinkgoTB(), sshtest.AllowKey(key.PublicKey(), hostKey), func(*sshtest.Command) int { <-hang; return 0 })
		DeferCleanup(func() { close(hang) })
		port, _ := bastion(hostKey, key.PublicKey())
		known := written(knownhosts.Line([]string{"alias"}, hostKey.PublicKey()) + "\n")
		c, err := hostssh.Dial(ctx, hostssh.Host{
			Name: "esx1.example", Address: "127.0.0.1", Alias: "alias", Jump: &hostssh.Host{Name: "bastion", Address: "127.0.0.1", Alias: "alias", Port: port},
		}, options(s, known, key))
		Expect(err).NotTo(HaveOccurred())
		defer c.Close()
		_, err = c.Run("sleep", nil, 200*time.Millisecond)
		Expect(err).To(HaveOccurred())
	}, SpecTimeout(limit))

	It("of which no login can be tried says why", func(ctx SpecContext) {
		_, err := hostssh.Dial(ctx, hostssh.Host{Name: "x", Problem: io.ErrUnexpectedEOF}, hostssh.Options{})
		Expect(err).To(MatchError(io.ErrUnexpectedEOF))
	})
})
