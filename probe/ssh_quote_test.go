package probe_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/crypto/ssh"

	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/probe"
)

var _ = It("sends the target to the host's shell as one word, whatever bytes it has", func(ctx SpecContext) {
	client := newSigner()
	var sent atomic.Value
	f := &fakeHost{key: newSigner(), client: client.PublicKey(), run: func(command, _ string) (string, string, int) {
		sent.Store(command)
		return "", "", 0
	}}
	f.start()
	opts := probe.SSHOptions{Timeout: time.Second, Login: hostssh.Options{
		User: "root", Signers: []ssh.Signer{client}, Dialer: &net.Dialer{}, HostKeys: knownHosts(f, f.key.PublicKey()), Port: f.port(),
	}}
	random := rand.New(rand.NewPCG(uint64(GinkgoRandomSeed()), 0))
	names := []string{"vch", "it's", "a b", "$HOME", "$(x)", "`x`", "'", "''", "\"", "\\", "\n", "*", "~", "a;b", "\xff", ""}
	for range 30 {
		name := make([]byte, 1+random.IntN(40))
		for i := range name {
			name[i] = byte(1 + random.IntN(255))
		}
		names = append(names, string(name))
	}
	for _, name := range names {
		attempt := &probe.Attempt{Host: &inventory.Host{ID: "1", Name: "esx1"}, To: probe.Target{Host: name, Port: 2377}}
		probe.SSH(ctx, []*probe.Attempt{attempt}, func(*inventory.Host) hostssh.Host { return hostssh.Host{Address: "127.0.0.1"} }, opts)
		words, err := exec.CommandContext(ctx, "/bin/sh", "-c", fmt.Sprintf(`nc() { printf '%%s\000' "$@"; }; %s`, sent.Load())).Output()
		Expect(err).NotTo(HaveOccurred(), "%q", name)
		Expect(strings.Split(string(words), "\x00")).To(Equal([]string{"-v", "-w", "1", name, "2377", ""}))
	}
}, SpecTimeout(time.Minute))
