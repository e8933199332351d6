package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
	"golang.org/x/sync/errgroup"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// SSHOptions say how to log in to the hosts.
type SSHOptions struct {
	User string
	// Signers are private keys. With keys there is no password.
	Signers []ssh.Signer
	// Password is used when there are no keys: by keyboard-interactive, which
	// ESXi offers, or else as a password, never both. There is one attempt for
	// each host: ESXi locks root out after a few.
	Password string
	// HostKeys verifies the host's key; see KnownHosts.
	HostKeys ssh.HostKeyCallback
	Port     int
	Workers  int
	// Timeout is how long the host may take to connect, in whole seconds.
	Timeout  time.Duration
	Dialer   Dialer
	Progress func(stage string, done, total int)
}

// loginTime is what a login may take besides the connection itself.
const loginTime = 15 * time.Second

// KnownHosts verifies host keys by OpenSSH known_hosts files.
func KnownHosts(files ...string) (ssh.HostKeyCallback, error) {
	callback, err := knownhosts.New(files...)
	if err != nil {
		return nil, fmt.Errorf("read the known hosts: %w", err)
	}
	return callback, nil
}

// SSH lets each host's own nc connect to the target, over SSH. address is where
// a host's SSH server is. The result is in each host's Probe. key is nil where
// no listener of this tool stands at the target.
func SSH(ctx context.Context, hosts []*inventory.Host, address func(*inventory.Host) string, t Target, key *Key, opts SSHOptions) {
	// nc counts whole seconds.
	opts.Timeout = max((opts.Timeout + time.Second - 1).Truncate(time.Second), time.Second)
	var g errgroup.Group
	g.SetLimit(max(opts.Workers, 1))
	var done atomic.Int64
	for _, h := range hosts {
		g.Go(func() error {
			p := sshHost(ctx, address(h), t, key, opts)
			h.Probe = &p
			if n := done.Add(1); opts.Progress != nil {
				opts.Progress("probe", int(n), len(hosts))
			}
			return nil
		})
	}
	_ = g.Wait() // the results are in the hosts
}

func sshHost(ctx context.Context, host string, t Target, key *Key, opts SSHOptions) inventory.Probe {
	p := inventory.Probe{Vantage: inventory.VantageSSH, Outcome: inventory.ProbeError}
	if ctx.Err() != nil {
		p.Cause = "not begun: the run ended before"
		return p
	}
	client, err := login(ctx, net.JoinHostPort(host, fmt.Sprint(opts.Port)), opts)
	if err != nil {
		p.Cause = fmt.Sprintf("log in by SSH: %v", err)
		return p
	}
	defer client.Close()
	ask, want := "", ""
	if key != nil {
		if ask, want, err = key.challenge(); err != nil {
			p.Cause = err.Error()
			return p
		}
	}
	start := time.Now()
	said, err := runNC(client, t, ask, opts.Timeout, true)
	if err == nil && said.badOption() {
		start = time.Now()
		said, err = runNC(client, t, ask, opts.Timeout, false)
	}
	p.Elapsed = time.Since(start)
	if err != nil {
		p.Cause = fmt.Sprintf("run nc on the host: %v", err)
		return p
	}
	said.elapsed = p.Elapsed
	p.Outcome, p.Cause = said.outcome(want, opts.Timeout)
	return p
}

// login makes the one attempt. The deadline stands on the connection itself: a
// server that goes silent half way hangs a session for good otherwise.
func login(ctx context.Context, address string, opts SSHOptions) (*ssh.Client, error) {
	dialling, cancel := context.WithTimeout(ctx, loginTime)
	defer cancel()
	conn, err := opts.Dialer.DialContext(dialling, "tcp", address)
	if err != nil {
		outcome, cause := classify(err, 0)
		return nil, fmt.Errorf("%s: %s", outcome, cause)
	}
	_ = conn.SetDeadline(time.Now().Add(loginTime + 2*opts.Timeout))
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	c, channels, requests, err := ssh.NewClientConn(conn, address, &ssh.ClientConfig{
		User: opts.User, Auth: opts.auth(), HostKeyCallback: opts.HostKeys,
		HostKeyAlgorithms: knownAlgorithms(opts.HostKeys, address, conn.RemoteAddr()),
		ClientVersion:     "SSH-2.0-vic-preflight",
	})
	if err != nil {
		stop()
		_ = conn.Close()
		return nil, loginError(err)
	}
	return ssh.NewClient(c, channels, requests), nil
}

// errOnce keeps a password from being tried twice.
var errOnce = errors.New("a password is tried once, as hosts lock accounts out")

// auth offers keys, or the password once.
func (o *SSHOptions) auth() []ssh.AuthMethod {
	if len(o.Signers) > 0 {
		return []ssh.AuthMethod{ssh.PublicKeys(o.Signers...)}
	}
	tried := false
	return []ssh.AuthMethod{
		ssh.KeyboardInteractive(func(_, _ string, questions []string, echo []bool) ([]string, error) {
			// Rounds without a question are answered with nothing. A second
			// question means that the password was wrong, or that something else
			// is wanted, such as a new one.
			switch {
			case len(questions) == 0:
				return nil, nil
			case tried || len(questions) > 1 || echo[0]:
				return nil, errOnce
			}
			tried = true
			return []string{o.Password}, nil
		}),
		ssh.PasswordCallback(func() (string, error) {
			if tried {
				return "", errOnce
			}
			return o.Password, nil
		}),
	}
}

// knownAlgorithms are those of the keys that are known of the host. Without
// them a host with several keys may present one that is not known.
func knownAlgorithms(callback ssh.HostKeyCallback, address string, remote net.Addr) []string {
	var unknown *knownhosts.KeyError
	if !errors.As(callback(address, remote, noKey{}), &unknown) {
		return nil
	}
	var algorithms []string
	for _, k := range unknown.Want {
		if k.Key.Type() == ssh.KeyAlgoRSA {
			algorithms = append(algorithms, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		}
		algorithms = append(algorithms, k.Key.Type())
	}
	return algorithms
}

// noKey is a key that nobody has.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return nil }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }

func loginError(err error) error {
	var unknown *knownhosts.KeyError
	var timeout net.Error
	switch {
	case errors.As(err, &unknown) && len(unknown.Want) > 0:
		return errors.New("the host's key has changed: it was set up anew, or somebody is in between")
	case errors.As(err, &unknown):
		return errors.New("the host's key is not known: add it to the known hosts (ssh-keyscan, and compare)")
	case errors.Is(err, errOnce), strings.Contains(err.Error(), "unable to authenticate"):
		return errors.New("the host refused the login")
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("the host stopped answering in the middle")
	}
	return err
}

// spoken is what nc said and did.
type spoken struct {
	stdout, stderr string
	exit           int
	elapsed        time.Duration
}

// runNC runs the host's nc. Its flags are those that OpenBSD's and busybox's
// share, and -v for its words, which a host that does not know it refuses.
func runNC(client *ssh.Client, t Target, ask string, timeout time.Duration, verbose bool) (spoken, error) {
	session, err := client.NewSession()
	if err != nil {
		return spoken{}, loginError(err)
	}
	defer session.Close()
	flags := fmt.Sprintf("-w %d", int(timeout/time.Second))
	if verbose {
		flags = "-v " + flags
	}
	if _, err := netip.ParseAddr(t.Host); err == nil {
		flags = "-n " + flags // a reverse lookup can hang for a minute
	}
	var stdout, stderr limited
	session.Stdin = strings.NewReader(ask)
	session.Stdout, session.Stderr = &stdout, &stderr
	err = session.Run(fmt.Sprintf("nc %s %s %d", flags, shellWord(t.Host), t.Port))
	said := spoken{stdout: stdout.String(), stderr: stderr.String()}
	var exit *ssh.ExitError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		said.exit = exit.ExitStatus()
	default:
		return said, loginError(err)
	}
	return said, nil
}

// limited keeps the first 4 KiB of what is written to it.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if room := 4<<10 - l.Len(); room > 0 {
		l.Buffer.Write(p[:min(len(p), room)])
	}
	return len(p), nil
}

// shellWord quotes a host name for the host's shell.
func shellWord(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func (s *spoken) badOption() bool {
	text := strings.ToLower(s.stderr)
	for _, sign := range []string{"invalid option", "unrecognized option", "illegal option", "usage:"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

// slack is what a time-out may seem to be early by: clocks and rounding.
const slack = 400 * time.Millisecond

// outcome decides by what came back, then by nc's words, then by its exit code
// and time together: its code is 1 for everything, and ESXi's nc may say less
// than others. A failure that explains itself by none of them is an error: it
// must not read as "packets get out".
func (s *spoken) outcome(want string, timeout time.Duration) (inventory.Outcome, string) {
	said := withoutNC(s.stdout)
	outcome, cause := proof(said, want)
	switch {
	case outcome == inventory.Open, outcome == inventory.Intercepted && s.exit == 0:
		return outcome, cause
	case s.exit == 127:
		return inventory.ProbeError, "the host has no nc"
	case s.exit == 126:
		return inventory.ProbeError, "the host does not let this account run nc"
	}
	text := strings.ToLower(s.stderr + s.stdout)
	for _, sign := range ncSigns {
		if strings.Contains(text, sign.text) {
			return sign.outcome, sign.cause
		}
	}
	switch {
	case s.exit == 0:
		return inventory.OpenUnverified, "something accepted, and the listener's token did not come back"
	case strings.TrimSpace(text) == "" && s.elapsed >= timeout-slack:
		return inventory.Timeout, "no answer: dropped on the way, or nobody is there"
	case strings.TrimSpace(text) == "":
		return inventory.ProbeError, "nc failed at once, without a word why: refused, blocked, or not run at all"
	}
	return inventory.ProbeError, fmt.Sprintf("nc failed: %s", strings.Join(strings.Fields(s.stderr+" "+s.stdout), " "))
}

// withoutNC leaves out what nc itself says of a connection: older ones do so on
// standard output.
func withoutNC(stdout string) string {
	var b strings.Builder
	for line := range strings.Lines(stdout) {
		if !strings.HasPrefix(line, "Connection to ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

var ncSigns = []struct {
	text    string
	outcome inventory.Outcome
	cause   string
}{
	{"succeeded", inventory.OpenUnverified, "something accepted, and the listener's token did not come back"},
	{"refused", inventory.Refused, "nobody listens, or a filter rejects"},
	{"reset by peer", inventory.Refused, "the connection was reset"},
	{"timed out", inventory.Timeout, "no answer: dropped on the way, or nobody is there"},
	{"no route to host", inventory.Unreachable, "no machine answers at that address, or a filter says so"},
	{"host is unreachable", inventory.Unreachable, "no machine answers at that address, or a filter says so"},
	{"network is unreachable", inventory.NoRoute, "there is no route to the network"},
	{"permission denied", inventory.Unreachable, "prohibited by a filter or a route"},
	{"not permitted", inventory.Unreachable, "prohibited by a filter or a route"},
	{"not known", inventory.DNS, "the name does not resolve on the host"},
	{"name resolution", inventory.DNS, "the name does not resolve on the host"},
	{"bad address", inventory.DNS, "the name does not resolve on the host"},
}
