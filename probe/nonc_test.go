package probe_test

import (
	"net"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/crypto/ssh"

	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/probe"
)

var _ = DescribeTable("a host that does not run nc is not taken for one whose packets are dropped, or refused",
	func(ctx SpecContext, stderr string, exit int, took time.Duration, cause string) {
		client := newSigner()
		f := &fakeHost{key: newSigner(), client: client.PublicKey(), run: func(string, string) (string, string, int) {
			time.Sleep(took) // the host is slow
			return "", stderr, exit
		}}
		f.start()
		h := &probe.Attempt{Host: &inventory.Host{ID: "1", Name: "esx1"}, To: probe.Target{Host: "203.0.113.20", Port: 2377}}
		probe.SSH(ctx, []*probe.Attempt{h}, func(*inventory.Host) hostssh.Host { return hostssh.Host{Address: "127.0.0.1"} }, probe.SSHOptions{
			Login:   hostssh.Options{User: "root", Signers: []ssh.Signer{client}, HostKeys: knownHosts(f, f.key.PublicKey()), Dialer: &net.Dialer{}, Port: f.port()},
			Workers: 1, Timeout: time.Second,
		})
		Expect(h.Found.Outcome).To(Equal(inventory.ProbeError))
		Expect(h.Found.Cause).To(Equal(cause))
	},
	Entry("there is none", SpecTimeout(20*time.Second), "sh: nc: not found", 127, time.Duration(0), "the host has no nc"),
	Entry("there is none, and the shell says nothing for as long as nc may take", SpecTimeout(20*time.Second), "", 127, time.Second, "the host has no nc"),
	Entry("the account may not run it", SpecTimeout(20*time.Second), "sh: nc: Permission denied", 126, time.Duration(0), "the host does not let this account run nc"),
	Entry("the account may not run it, and the shell says nothing", SpecTimeout(20*time.Second), "", 126, time.Second, "the host does not let this account run nc"),
)
