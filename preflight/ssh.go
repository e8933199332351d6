package preflight

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/sync/errgroup"

	"github.com/vic-preflight/vic-preflight/internal/guard"
	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/internal/onhost"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// ReadHostFile returns a file of a host, by name or address, over SSH. Its errors are
// *UsageError and *UnavailableError.
func ReadHostFile(ctx context.Context, o SSHOptions, host, path string) ([]byte, error) {
	login, err := infile.Until(ctx, "read the keys and known hosts of SSH", o.login)
	if err != nil {
		return nil, Ended(err)
	}
	data, err := onhost.ReadFile(ctx, login, login.Place(host, ""), path)
	if err != nil {
		return nil, &UnavailableError{Err: fmt.Errorf("read %s:%s: %w", host, path, err)}
	}
	return data, nil
}

const defaultSSHPort = 22

// login reads keys and known hosts.
func (o *SSHOptions) login() (hostssh.Options, error) {
	opts := hostssh.Options{User: o.User, Port: o.Port, Dialer: &net.Dialer{}, Refused: cmp.Or(o.refused, &hostssh.Refusals{})}
	if opts.User == "" {
		opts.User = "root"
	}
	if opts.Port == 0 {
		opts.Port = defaultSSHPort
	}
	var err error
	if o.KnownHosts == "" {
		return opts, &UsageError{Err: errors.New("no known hosts: HOME (on Windows USERPROFILE) is not set"), Hints: []string{"--ssh-known-hosts names a file with the hosts' keys"}}
	}
	if opts.HostKeys, err = hostssh.KnownHosts(o.KnownHosts); err != nil {
		return opts, &UsageError{Err: err, Hints: []string{
			"ssh-keyscan HOST... prints keys; compare them before you add them", "--ssh-known-hosts names another file",
		}}
	}
	for _, line := range opts.HostKeys.Damaged {
		opts.Notes = append(opts.Notes, line+" is damaged, and passed over: a host whose key stands there is not known")
	}
	config, err := o.readConfig()
	if err != nil { // Match, for one, is not understood; who a host is hangs on its key all the same
		opts.Notes = append(opts.Notes, fmt.Sprintf("the configuration of OpenSSH is not used: %v", err))
		config = &sshConfig{SSHOptions: *o}
	}
	opts.Place = config.host
	switch {
	case o.Key != "":
		err = o.readKey(&opts)
	case o.PasswordFile != "":
		opts.Password, err = ReadSecret("ssh-password-file", o.PasswordFile)
	default:
		if err = o.askAgent(&opts); config.hasIdentity() {
			err = nil // whose key it is shows host by host
		}
	}
	return opts, err
}

func (o *SSHOptions) readKey(opts *hostssh.Options) error {
	signer, err := readSigner(o.Key)
	var locked *ssh.PassphraseMissingError
	var unread *fs.PathError
	switch {
	case errors.As(err, &unread):
		return file("ssh-key", err)
	case errors.As(err, &locked):
		return &UsageError{Err: fmt.Errorf("--ssh-key %s has a passphrase", o.Key), Hints: []string{"add it to an SSH agent, and leave --ssh-key out"}}
	case err != nil:
		return usage("", "--ssh-key %s is no private key", o.Key)
	}
	opts.Signers = []ssh.Signer{signer}
	return nil
}

// readSigner reads a private key.
func readSigner(file string) (ssh.Signer, error) {
	text, err := infile.Read(file, infile.Short)
	if err != nil {
		return nil, err
	}
	return ssh.ParsePrivateKey(text)
}

func (o *SSHOptions) askAgent(opts *hostssh.Options) error {
	if o.Agent == "" {
		return &UsageError{Err: errNoLogin}
	}
	conn, err := net.Dial("unix", o.Agent)
	if err != nil {
		return &UsageError{Err: fmt.Errorf("the SSH agent: %w", err)}
	}
	opts.Signers, err = agent.NewClient(conn).Signers()
	if err != nil || len(opts.Signers) == 0 {
		return &UsageError{Err: errors.New("the SSH agent has no keys"), Hints: []string{"ssh-add adds one"}}
	}
	return nil
}

// ReadSecret reads a password from a file that an option names: its first line,
// without its end. Its errors are *UsageError, and hold nothing of it.
func ReadSecret(option, path string) (string, error) {
	f, err := infile.Open(path, infile.Short)
	if err != nil {
		return "", file(option, err)
	}
	defer f.Close()
	return ReadSecretFrom(f, path)
}

// ReadSecretFrom is ReadSecret for what is open already; name is for errors.
func ReadSecretFrom(r io.Reader, name string) (string, error) {
	line, err := bufio.NewReader(infile.Limit(r, name, infile.Short)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", usage("", "read the password from %s: %w", name, err)
	}
	line = strings.TrimPrefix(strings.TrimRight(line, "\r\n"), "\ufeff") // as Windows' editors write it
	if strings.HasPrefix(line, "\xff\xfe") || strings.HasPrefix(line, "\xfe\xff") {
		return "", usage("", "%s is UTF-16: save it as UTF-8", name)
	}
	if line == "" {
		return "", usage("", "%s holds no password", name)
	}
	return line, nil
}

// access is a way into hosts' shells.
type access struct {
	// place is where a host's SSH server is.
	place func(*inventory.Host) hostssh.Host
	// close stops the SSH services that were started. It may be called twice.
	close func()
}

// openHosts finds where the hosts' SSH servers are, and starts the services where
// that was asked for. The caller must close what it returns.
func openHosts(ctx context.Context, s *session, o Options, login *hostssh.Options, hosts []*inventory.Host) access {
	for _, note := range login.Notes {
		o.observer().Warn(note)
	}
	addresses, err := s.ManagementAddresses(ctx, hosts)
	if err != nil {
		o.observer().Warn("the hosts are reached by name: " + err.Error())
	}
	return access{
		place: func(h *inventory.Host) hostssh.Host {
			return login.Place(h.Name, addresses[h.ID])
		},
		close: sync.OnceFunc(startServices(ctx, s, o, hosts)),
	}
}

// restoreTime bounds putting one host's SSH service back.
const restoreTime = 30 * time.Second

// startServices starts the hosts' SSH services where that was asked for, and returns
// what puts them back, which works after the run's context has ended.
func startServices(ctx context.Context, s *session, o Options, hosts []*inventory.Host) (restore func()) {
	if !o.SSH.StartService {
		return func() {}
	}
	var mu sync.Mutex
	var restores []func()
	onEach(o, hosts, func(h *inventory.Host) func() {
		stop, err := s.StartSSH(ctx, h)
		if err != nil {
			o.observer().Warn(fmt.Sprintf("could not start the SSH service of %s: %v", h.Name, err))
		}
		mu.Lock()
		defer mu.Unlock()
		restores = append(restores, func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restoreTime)
			defer cancel()
			if err := stop(ctx); err != nil {
				o.observer().Warn(fmt.Sprintf("could not stop the SSH service of %s: %v", h.Name, err))
				s.leftRunning(h.Name)
			}
		})
		return func() {}
	})
	return func() {
		var g errgroup.Group
		g.SetLimit(o.workers())
		for _, restore := range restores {
			g.Go(func() error { restore(); return nil })
		}
		_ = g.Wait() // failures are told by host
	}
}

// onEach calls f for the hosts, some at a time. What f does with what it found, it
// does in the function that it returns, of which one runs at a time.
func onEach(o Options, hosts []*inventory.Host, f func(*inventory.Host) (found func())) {
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(o.workers())
	done := 0
	for _, h := range hosts {
		g.Go(func() error {
			var found func()
			crash := guard.Do(func() error { found = f(h); return nil })
			mu.Lock()
			defer mu.Unlock()
			if crash != nil {
				o.observer().Warn(fmt.Sprintf("%s: %v", h.Name, crash))
			} else {
				found()
			}
			done++
			o.observer().Progress(StageSurvey, done, len(hosts))
			return nil
		})
	}
	_ = g.Wait() // failures are told by host
}
