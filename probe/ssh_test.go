package probe_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/probe"
)

func newSigner() ssh.Signer {
	GinkgoHelper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	s, err := ssh.NewSignerFromKey(private)
	Expect(err).NotTo(HaveOccurred())
	return s
}

// fakeHost is an SSH server that answers one command as it is told.
type fakeHost struct {
	key    ssh.Signer
	client ssh.PublicKey // may log in; nil means by password
	// run answers a command. A negative exit ends the session without one.
	run func(command, stdin string) (stdout, stderr string, exit int)

	listener   net.Listener
	passwords  atomic.Int32 // attempts
	zeroRounds bool
	insistent  bool // asks again in the same round
}

const hostPassword = "host-pass"

func (f *fakeHost) start() {
	GinkgoHelper()
	var err error
	f.listener, err = net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { _ = f.listener.Close() }) // a spec may have done so
	config := &ssh.ServerConfig{MaxAuthTries: 6}
	config.AddHostKey(f.key)
	if f.client != nil {
		config.PublicKeyCallback = func(_ ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
			if string(k.Marshal()) == string(f.client.Marshal()) {
				return nil, nil
			}
			return nil, fmt.Errorf("no")
		}
	} else {
		config.PasswordCallback = func(_ ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) { return f.judge(string(p)) }
		config.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			if f.zeroRounds { // as ESXi may send
				if _, err := ask("", "", nil, nil); err != nil {
					return nil, err
				}
			}
			if f.insistent {
				for range 5 {
					if answers, err := ask("", "", []string{"Password: "}, []bool{false}); err != nil || len(answers) != 1 {
						return nil, fmt.Errorf("no")
					}
					f.passwords.Add(1)
				}
			}
			answers, err := ask("", "", []string{"Password: "}, []bool{false})
			if err != nil || len(answers) != 1 {
				return nil, fmt.Errorf("no")
			}
			return f.judge(answers[0])
		}
	}
	go func() {
		for {
			c, err := f.listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer GinkgoRecover()
				f.serve(c, config)
			}()
		}
	}()
}

func (f *fakeHost) judge(password string) (*ssh.Permissions, error) {
	f.passwords.Add(1)
	if password == hostPassword {
		return nil, nil
	}
	return nil, fmt.Errorf("no")
}

func (f *fakeHost) serve(c net.Conn, config *ssh.ServerConfig) {
	defer c.Close()
	_, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for ch := range channels {
		channel, requests, err := ch.Accept()
		if err != nil {
			return
		}
		for r := range requests {
			if r.Type != "exec" {
				_ = r.Reply(false, nil)
				continue
			}
			_ = r.Reply(true, nil)
			stdin, _ := io.ReadAll(channel)
			stdout, stderr, exit := f.run(string(r.Payload[4:]), string(stdin))
			_, _ = io.WriteString(channel, stdout)
			_, _ = io.WriteString(channel.Stderr(), stderr)
			if exit >= 0 {
				_, _ = channel.SendRequest("exit-status", false, binary.BigEndian.AppendUint32(nil, uint32(exit)))
			}
			_ = channel.Close()
		}
	}
}

func (f *fakeHost) port() int { return f.listener.Addr().(*net.TCPAddr).Port }

// knownHosts is a file with the keys, for the host's address.
func knownHosts(f *fakeHost, keys ...ssh.PublicKey) *hostssh.Known {
	GinkgoHelper()
	file := filepath.Join(GinkgoT().TempDir(), "known_hosts")
	var b strings.Builder
	for _, k := range keys {
		b.WriteString(knownhosts.Line([]string{f.listener.Addr().String()}, k) + "\n")
	}
	Expect(os.WriteFile(file, []byte(b.String()), 0o600)).To(Succeed())
	callback, err := hostssh.KnownHosts(file)
	Expect(err).NotTo(HaveOccurred())
	return callback
}

var _ = Describe("SSH", func() {
	var f *fakeHost
	var opts probe.SSHOptions
	var client ssh.Signer
	target := probe.Target{Host: "203.0.113.20", Port: 2377}
	BeforeEach(func() {
		client = newSigner()
		f = &fakeHost{key: newSigner(), client: client.PublicKey()}
		opts = probe.SSHOptions{
			Login: hostssh.Options{User: "root", Signers: []ssh.Signer{client}, Dialer: &net.Dialer{}}, Workers: 4, Timeout: time.Second,
		}
	})
	run := func(ctx context.Context, key *probe.Key) inventory.Probe {
		GinkgoHelper()
		if f.listener == nil {
			f.start()
		}
		if opts.Login.HostKeys == nil {
			opts.Login.HostKeys = knownHosts(f, f.key.PublicKey())
		}
		opts.Login.Port = f.port()
		attempt := &probe.Attempt{Host: &inventory.Host{ID: "1", Name: "esx1"}, To: target, Key: key}
		probe.SSH(ctx, []*probe.Attempt{attempt}, func(*inventory.Host) hostssh.Host { return hostssh.Host{Address: "127.0.0.1"} }, opts)
		Expect(attempt.Found.Vantage).To(Equal(inventory.VantageSSH))
		return attempt.Found
	}

	DescribeTable("classes what nc says and does",
		func(ctx SpecContext, stdout, stderr string, exit int, took time.Duration, want inventory.Outcome) {
			f.run = func(string, string) (string, string, int) { time.Sleep(took); return stdout, stderr, exit }
			Expect(run(ctx, nil).Outcome).To(Equal(want))
		},
		Entry("OpenBSD: open", "", "Connection to 203.0.113.20 2377 port [tcp/*] succeeded!", 0, time.Duration(0), inventory.OpenUnverified),
		Entry("OpenBSD: refused", "", "nc: connect to 203.0.113.20 port 2377 (tcp) failed: Connection refused", 1, time.Duration(0), inventory.Refused),
		Entry("OpenBSD: filtered", "", "nc: connect to 203.0.113.20 port 2377 (tcp) timed out: Operation now in progress", 1, time.Duration(0), inventory.Timeout),
		Entry("no machine", "", "nc: connect to 203.0.113.20 port 2377 (tcp) failed: No route to host", 1, time.Duration(0), inventory.Unreachable),
		Entry("no route", "", "nc: connect to 203.0.113.20 port 2377 (tcp) failed: Network is unreachable", 1, time.Duration(0), inventory.NoRoute),
		Entry("prohibited", "", "nc: connect to 203.0.113.20 port 2377 (tcp) failed: Permission denied", 1, time.Duration(0), inventory.Unreachable),
		Entry("reset", "", "nc: connect to 203.0.113.20 port 2377 (tcp) failed: Connection reset by peer", 1, time.Duration(0), inventory.Refused),
		Entry("name unknown", "", "nc: getaddrinfo for host \"vch\" port 2377: Name or service not known", 1, time.Duration(0), inventory.DNS),
		Entry("name server silent", "", "nc: getaddrinfo: Temporary failure in name resolution", 1, time.Duration(0), inventory.DNS),
		Entry("silent and quick explains nothing", "", "", 1, time.Duration(0), inventory.ProbeError),
		Entry("words that nobody knows", "", "This account is currently not available.", 1, time.Duration(0), inventory.ProbeError),
		Entry("an option that nobody knows", "", "nc: invalid option -- 'w'", 1, time.Duration(0), inventory.ProbeError),
		Entry("not allowed to run", "", "sh: nc: Permission denied", 126, time.Duration(0), inventory.ProbeError),
		Entry("an older nc that speaks on standard output", "Connection to 203.0.113.20 2377 port [tcp/*] succeeded!\n", "", 0, time.Duration(0), inventory.OpenUnverified),
		Entry("another telnet server's greeting", "\xff\xfd\x18", "", 0, time.Duration(0), inventory.OpenUnverified),
		Entry("silent until the time is up", "", "", 1, time.Second, inventory.Timeout),
		Entry("a concentrator's greeting", "\xff\xfd\xe8", "", 0, time.Duration(0), inventory.Open),
		Entry("no nc", "", "sh: nc: not found", 127, time.Duration(0), inventory.ProbeError),
		Entry("killed without a code", "", "", -1, time.Duration(0), inventory.ProbeError),
	)

	It("is open when the listener's token came back, and intercepted when something else did", func(ctx SpecContext) {
		key := newKey()
		l := listen(ctx, key, probe.ListenOptions{})
		f.run = func(command, stdin string) (string, string, int) {
			Expect(command).To(Equal("nc -n -v -w 1 203.0.113.20 2377"))
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				return "", err.Error(), 1
			}
			defer c.Close()
			_, _ = io.WriteString(c, stdin)
			answer, _ := io.ReadAll(c)
			return "Connection to 203.0.113.20 2377 port [tcp/*] succeeded!\n" + string(answer), "", 0
		}
		Expect(run(ctx, &key).Outcome).To(Equal(inventory.Open))
		for _, other := range []string{"VIC-PREFLIGHT/1 OPEN 00\n", "\xff\xfd\xe8"} {
			f.run = func(string, string) (string, string, int) { return other, "", 0 }
			Expect(run(ctx, &key).Outcome).To(Equal(inventory.Intercepted))
		}
	}, SpecTimeout(20*time.Second))

	It("takes nothing that nc says of itself for the target's answer", func(ctx SpecContext) {
		key := newKey()
		f.run = func(string, string) (string, string, int) {
			return "Connection to 203.0.113.20 2377 port [tcp/*] succeeded!\n", "", 0
		}
		found := run(ctx, &key)
		Expect(found.Outcome).To(Equal(inventory.OpenUnverified), "nobody answered in the listener's place: "+found.Cause)
	}, SpecTimeout(20*time.Second))

	It("does without -v where nc does not know it", func(ctx SpecContext) {
		var commands []string
		f.run = func(command, _ string) (string, string, int) {
			commands = append(commands, command)
			if strings.Contains(command, "-v") {
				return "", "nc: invalid option -- 'v'\nusage: nc ...", 1
			}
			return "", "", 0
		}
		Expect(run(ctx, nil).Outcome).To(Equal(inventory.OpenUnverified))
		Expect(commands).To(HaveLen(2))
	}, SpecTimeout(20*time.Second))

	It("makes a host's attempts by one login, and asks a service for no more than to accept", func(ctx SpecContext) {
		var commands []string
		f.client = nil
		f.run = func(command, stdin string) (string, string, int) {
			commands = append(commands, command)
			Expect(stdin).To(BeEmpty())
			switch {
			case strings.Contains(command, "-z") && strings.Contains(command, " 514"):
				return "", "Connection to 203.0.113.20 514 port [tcp/*] succeeded!", 0
			case strings.Contains(command, "-z"):
				return "", "nc: invalid option -- 'z'", 1
			}
			return "", "nc: connect to 203.0.113.20 port 1514 (tcp) failed: Connection refused", 1
		}
		f.start()
		opts.Login.Signers, opts.Login.Password = nil, hostPassword
		opts.Login.HostKeys, opts.Login.Port = knownHosts(f, f.key.PublicKey()), f.port()
		h := &inventory.Host{ID: "1", Name: "esx1"}
		attempts := []*probe.Attempt{
			{Host: h, To: probe.Target{Host: "203.0.113.20", Port: 514}, Service: true},
			{Host: h, To: probe.Target{Host: "203.0.113.20", Port: 1514}, Service: true},
		}
		probe.SSH(ctx, attempts, func(*inventory.Host) hostssh.Host { return hostssh.Host{Address: "127.0.0.1"} }, opts)
		Expect(f.passwords.Load()).To(BeEquivalentTo(1))
		Expect(attempts[0].Found.Outcome).To(Equal(inventory.OpenUnverified))
		Expect(attempts[0].Found.Cause).To(BeEmpty())
		Expect(attempts[1].Found.Outcome).To(Equal(inventory.Refused))
		Expect(commands).To(Equal([]string{
			"nc -n -z -v -w 1 203.0.113.20 514", "nc -n -z -v -w 1 203.0.113.20 1514", "nc -n -z -w 1 203.0.113.20 1514", "nc -n -v -w 1 203.0.113.20 1514",
		}))
	}, SpecTimeout(20*time.Second))

	It("sends a password that was refused no second time, however many attempts a host has", func(ctx SpecContext) {
		f.client = nil
		f.start()
		opts.Login.Signers, opts.Login.Password = nil, "wrong"
		opts.Login.HostKeys, opts.Login.Port = knownHosts(f, f.key.PublicKey()), f.port()
		h := &inventory.Host{ID: "1", Name: "esx1"}
		attempts := []*probe.Attempt{{Host: h, To: target}, {Host: h, To: target}, {Host: h, To: target}}
		probe.SSH(ctx, attempts, func(*inventory.Host) hostssh.Host { return hostssh.Host{Address: "127.0.0.1"} }, opts)
		Expect(f.passwords.Load()).To(BeEquivalentTo(1), "hosts lock accounts out")
		for _, a := range attempts {
			Expect(a.Found.Outcome).To(Equal(inventory.ProbeError))
			Expect(a.Found.Cause).To(ContainSubstring("the host refused the login"))
		}
	}, SpecTimeout(20*time.Second))

	It("quotes a name for the host's shell, and lets the host resolve it", func(ctx SpecContext) {
		f.run = func(command, _ string) (string, string, int) {
			Expect(command).To(Equal(`nc -v -w 1 'vch'"'"'; reboot' 2377`))
			return "", "", 0
		}
		target = probe.Target{Host: "vch'; reboot", Port: 2377}
		DeferCleanup(func() { target.Host = "203.0.113.20" })
		run(ctx, nil)
	}, SpecTimeout(20*time.Second))

	It("takes a password by keyboard-interactive, past rounds without a question", func(ctx SpecContext) {
		f.client, f.zeroRounds = nil, true
		f.run = func(string, string) (string, string, int) { return "", "", 0 }
		opts.Login.Signers, opts.Login.Password = nil, hostPassword
		Expect(run(ctx, nil).Outcome).To(Equal(inventory.OpenUnverified))
		Expect(f.passwords.Load()).To(BeEquivalentTo(1))
	}, SpecTimeout(20*time.Second))

	It("gives a password once, also to a server that asks again and again", func(ctx SpecContext) {
		f.client, f.insistent = nil, true
		opts.Login.Signers, opts.Login.Password = nil, "wrong-pass"
		Expect(run(ctx, nil).Cause).To(Equal("log in by SSH: the host refused the login"))
		Expect(f.passwords.Load()).To(BeEquivalentTo(1))
	}, SpecTimeout(20*time.Second))

	It("tries a password once", func(ctx SpecContext) {
		f.client = nil
		opts.Login.Signers, opts.Login.Password = nil, "wrong-pass"
		p := run(ctx, nil)
		Expect(p.Outcome).To(Equal(inventory.ProbeError))
		Expect(p.Cause).To(Equal("log in by SSH: the host refused the login"))
		Expect(f.passwords.Load()).To(BeEquivalentTo(1), "hosts lock accounts out")
		Expect(p.Cause).NotTo(ContainSubstring("wrong-pass"))
	}, SpecTimeout(20*time.Second))

	It("refuses a host key that has changed, or is not known", func(ctx SpecContext) {
		f.start()
		opts.Login.HostKeys = knownHosts(f, newSigner().PublicKey())
		Expect(run(ctx, nil).Cause).To(ContainSubstring("the host's key has changed"))
		opts.Login.HostKeys = knownHosts(f)
		Expect(run(ctx, nil).Cause).To(ContainSubstring("the host's key is not known"))
	}, SpecTimeout(20*time.Second))

	It("ends when the run is interrupted while the host says nothing", func(ctx SpecContext) {
		f.run = func(string, string) (string, string, int) { time.Sleep(10 * time.Second); return "", "", 0 }
		interrupted, cancel := context.WithCancel(ctx)
		time.AfterFunc(300*time.Millisecond, cancel)
		start := time.Now()
		Expect(run(interrupted, nil).Outcome).To(Equal(inventory.ProbeError))
		Expect(time.Since(start)).To(BeNumerically("<", 5*time.Second))
	}, SpecTimeout(20*time.Second))

	It("says so where no SSH server listens", func(ctx SpecContext) {
		f.start()
		opts.Login.HostKeys = knownHosts(f, f.key.PublicKey())
		Expect(f.listener.Close()).To(Succeed())
		Expect(run(ctx, nil).Cause).To(ContainSubstring("log in by SSH: refused"))
	}, SpecTimeout(20*time.Second))
})
