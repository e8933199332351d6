package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/sync/errgroup"

	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/probe"
	"github.com/vic-preflight/vic-preflight/report"
)

// sshing holds the flags of logins to the hosts themselves.
type sshing struct {
	sshUser, sshKey, sshPasswordFile, sshKnownHosts string
	sshPort                                         int
	sshStart                                        bool
}

func (s *sshing) register(f *pflag.FlagSet) {
	s.registerLogin(f)
	f.BoolVar(&s.sshStart, "ssh-start-service", false, "start the SSH service on hosts where it does not run, and stop it again")
}

// registerLogin leaves out what takes the vSphere API.
func (s *sshing) registerLogin(f *pflag.FlagSet) {
	f.StringVar(&s.sshUser, "ssh-user", "root", "user `name` on the hosts")
	f.StringVar(&s.sshKey, "ssh-key", "", "private key `file`; the SSH agent's keys when absent, and there is no password")
	f.StringVar(&s.sshPasswordFile, "ssh-password-file", "", "`file` with the password on the hosts; tried once a host, as hosts lock accounts out")
	f.StringVar(&s.sshKnownHosts, "ssh-known-hosts", "", "`file` with the hosts' keys (default ~/.ssh/known_hosts); a key that is not in it is never taken")
	f.IntVar(&s.sshPort, "ssh-port", 22, "`port` of the hosts' SSH servers")
}

// login reads keys and known hosts.
func (s *sshing) login(a *app) (hostssh.Options, error) {
	opts := hostssh.Options{User: s.sshUser, Port: s.sshPort, Dialer: &net.Dialer{}}
	if s.sshPort < 1 || s.sshPort > 65535 {
		return opts, usageError(fmt.Errorf("--ssh-port %d is not a port", s.sshPort))
	}
	known := s.sshKnownHosts
	if known == "" {
		known = filepath.Join(a.getenv("HOME"), ".ssh", "known_hosts")
	}
	var err error
	if opts.HostKeys, err = hostssh.KnownHosts(known); err != nil {
		return opts, usageError(err, "ssh-keyscan HOST... prints keys; compare them before you add them",
			"--ssh-known-hosts names another file")
	}
	return opts, s.credentials(a, &opts)
}

// addresses finds where the hosts' SSH servers are.
func (r *running) addresses(hosts []*inventory.Host) func(*inventory.Host) string {
	addresses, err := r.session.ManagementAddresses(r.ctx, hosts)
	if err != nil {
		fmt.Fprintf(r.app.stderr, "warning: the hosts are reached by name: %s\n", report.Clean(err.Error()))
	}
	return func(h *inventory.Host) string { return firstOf(addresses[h.ID], h.Name) }
}

// credentials takes the key, the password, or the agent's keys.
func (s *sshing) credentials(a *app, opts *hostssh.Options) error {
	switch {
	case s.sshKey != "" && s.sshPasswordFile != "":
		return usageError(errors.New("--ssh-key and --ssh-password-file exclude each other"))
	case s.sshKey != "":
		text, err := os.ReadFile(s.sshKey)
		if err != nil {
			return usageError(fmt.Errorf("--ssh-key: %w", err))
		}
		signer, err := ssh.ParsePrivateKey(text)
		var locked *ssh.PassphraseMissingError
		if errors.As(err, &locked) {
			return usageError(fmt.Errorf("--ssh-key %s has a passphrase", s.sshKey), "add it to an SSH agent, and leave --ssh-key out")
		}
		if err != nil {
			return usageError(fmt.Errorf("--ssh-key %s is no private key", s.sshKey))
		}
		opts.Signers = []ssh.Signer{signer}
		return nil
	case s.sshPasswordFile != "":
		f, err := os.Open(s.sshPasswordFile)
		if err != nil {
			return usageError(fmt.Errorf("--ssh-password-file: %w", err))
		}
		defer f.Close()
		opts.Password, err = readLine(f, s.sshPasswordFile)
		return err
	}
	socket := a.getenv("SSH_AUTH_SOCK")
	if socket == "" {
		return usageError(errors.New("no way to log in to the hosts: give --ssh-key or --ssh-password-file, or run an SSH agent"))
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return usageError(fmt.Errorf("the SSH agent: %w", err))
	}
	opts.Signers, err = agent.NewClient(conn).Signers()
	if err != nil || len(opts.Signers) == 0 {
		return usageError(errors.New("the SSH agent has no keys"), "ssh-add adds one")
	}
	return nil
}

// restoreTime bounds putting one host's SSH service back.
const restoreTime = 30 * time.Second

// overSSH probes by the hosts' own nc, with their SSH services started for the
// moment when that was asked for. They are put back whatever happens.
func (pr *prober) overSSH(r *running, hosts []*inventory.Host) {
	defer pr.startServices(r, hosts)()
	probe.SSH(r.ctx, hosts, pr.address, pr.target, pr.key, *pr.ssh)
}

// startServices starts the hosts' SSH services where that was asked for, and
// returns what puts them back.
func (s *sshing) startServices(r *running, hosts []*inventory.Host) (restoreAll func()) {
	if !s.sshStart {
		return func() {}
	}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(r.workers)
	var restores []func()
	warn := func(h *inventory.Host, what string, err error) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(r.app.stderr, "warning: %s the SSH service of %s: %s\n", what, report.Clean(h.Name), report.Clean(err.Error()))
	}
	for _, h := range hosts {
		g.Go(func() error {
			restore, err := r.session.StartSSH(r.ctx, h)
			if err != nil {
				warn(h, "could not start", err)
			}
			mu.Lock()
			defer mu.Unlock()
			restores = append(restores, func() {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), restoreTime)
				defer cancel()
				if err := restore(ctx); err != nil {
					warn(h, "could not stop", err)
				}
			})
			return nil
		})
	}
	_ = g.Wait() // failures are told by host
	return func() {
		var g errgroup.Group
		g.SetLimit(r.workers)
		for _, restore := range restores {
			g.Go(func() error { restore(); return nil })
		}
		_ = g.Wait()
	}
}
