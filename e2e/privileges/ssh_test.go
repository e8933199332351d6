package privileges_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// withSSH makes the hosts answer by SSH at one port while the service runs on one: any
// login, and any command well.
func withSSH(vc *sim.VCenter, dir string) {
	GinkgoHelper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	signer, err := ssh.NewSignerFromKey(private)
	Expect(err).NotTo(HaveOccurred())
	config := &ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, nil }}
	config.AddHostKey(signer)
	listener, err := net.Listen("tcp4", "0.0.0.0:0") // each host has a loopback address of its own
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(listener.Close)
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			if !slices.ContainsFunc(vc.HostNames(), func(name string) bool { return vc.Host(name).ServiceRunning("TSM-SSH") }) {
				_ = c.Close()
				continue
			}
			go answerSSH(c, config)
		}
	}()
	port := fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
	var known string
	for _, name := range vc.HostNames() {
		known += knownhosts.Line([]string{net.JoinHostPort(name, port)}, signer.PublicKey()) + "\n"
	}
	for file, text := range map[string]string{"port": port, "password": "pw\n", "known_hosts": known} {
		Expect(os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600)).To(Succeed())
	}
}

func answerSSH(c net.Conn, config *ssh.ServerConfig) {
	defer func() { _ = c.Close() }()
	_, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		go succeed(channel, requests)
	}
}

// succeed answers the one command of a session: it takes all that is written to it first, as
// whoever is still writing when a command ends has lost the connection.
func succeed(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	for r := range requests {
		_ = r.Reply(r.Type == "exec", nil)
		if r.Type == "exec" {
			go ssh.DiscardRequests(requests)
			_, _ = io.Copy(io.Discard, channel)
			_, _ = channel.SendRequest("exit-status", false, make([]byte, 4))
			return
		}
	}
}
