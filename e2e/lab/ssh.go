//go:build linux

package lab

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// sshStart is how long a server may take to listen before it counts as broken;
// it takes some 10 ms.
const sshStart = 20 * time.Second

// sshServer is what answers on port 22 of a host.
type sshServer struct {
	mu      sync.Mutex
	current func() // ends what runs; nil when nothing does
	session Session
}

// Session is what logins on a host see instead of this machine's.
type Session struct {
	// Prepare, when set, is called before a server is started, on a thread with
	// mounts of its own, which the server and its sessions inherit. What it
	// mounts goes away with them.
	Prepare func() error
	// Env are variables that every session has, NAME=VALUE.
	Env []string
}

// SetSession makes what logins on the host see, from the next server on.
func (l *Lab) SetSession(name string, session Session) error {
	h, err := l.host(name)
	if err != nil {
		return err
	}
	h.ssh.mu.Lock()
	defer h.ssh.mu.Unlock()
	h.ssh.session = session
	return nil
}

// Halt ends the host's SSH server, or whatever is on its port 22, and every
// program that runs on the host, sessions too, as a reboot does.
func (l *Lab) Halt(name string) error {
	if err := l.StopSSH(name); err != nil {
		return err
	}
	l.hosts[name].ns.kill()
	return nil
}

// replace ends what runs and starts something else.
func (s *sshServer) replace(start func() (stop func(), err error)) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil {
		s.current()
		s.current = nil
	}
	if start != nil {
		s.current, err = start()
	}
	return err
}

func (s *sshServer) stop() { _ = s.replace(nil) }

// makeKeys makes the client's key, the hosts' and known_hosts.
func (l *Lab) makeKeys(hosts []string) error {
	u, err := user.Current()
	if err != nil {
		return fmt.Errorf("find out the current user: %w", err)
	}
	l.user = u.Username
	if err := makeKey(l.ClientKey()); err != nil {
		return err
	}
	for _, name := range []string{"no-keys", "authorized_keys"} {
		if err := os.WriteFile(filepath.Join(l.dir, name), nil, 0o600); err != nil {
			return fmt.Errorf("write the client's keys: %w", err)
		}
	}
	public, err := os.ReadFile(l.ClientKey() + ".pub")
	if err == nil {
		err = os.WriteFile(filepath.Join(l.dir, "authorized_keys"), public, 0o600)
	}
	if err != nil {
		return fmt.Errorf("authorize the client's key: %w", err)
	}
	var known strings.Builder
	for _, name := range hosts {
		h := l.hosts[name]
		if err := makeKey(l.hostKey(h)); err != nil {
			return err
		}
		public, err := os.ReadFile(l.hostKey(h) + ".pub")
		if err != nil {
			return fmt.Errorf("read the host key of %s: %w", name, err)
		}
		fmt.Fprintf(&known, "%s,%s,%s %s", name, h.ns.Addr4, h.ns.Addr6, public)
	}
	if err := os.WriteFile(l.KnownHosts(), []byte(known.String()), 0o600); err != nil {
		return fmt.Errorf("write known_hosts: %w", err)
	}
	return nil
}

func makeKey(path string) error {
	for _, old := range []string{path, path + ".pub"} {
		if err := os.Remove(old); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("replace a key: %w", err)
		}
	}
	return run("", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", path)
}

func (l *Lab) hostKey(h *host) string { return filepath.Join(l.dir, "key-"+h.ns.Name) }

// KnownHosts is the path of a known_hosts file with the keys that the hosts had
// at first, by name and by both addresses.
func (l *Lab) KnownHosts() string { return filepath.Join(l.dir, "known_hosts") }

// ClientKey is the path of a private key, without a passphrase, that may log in.
func (l *Lab) ClientKey() string { return filepath.Join(l.dir, "id_ed25519") }

// SSHUser is the user to log in as: the current one, since sshd in a plain
// user's sandbox can be nobody else.
func (l *Lab) SSHUser() string { return l.user }

// StartSSH starts the host's OpenSSH server, with the key that KnownHosts has,
// in place of whatever is on its port 22, and returns when it listens.
func (l *Lab) StartSSH(name string) error { return l.startSSH(name, "authorized_keys", false) }

// RefuseLogin is StartSSH with a server that accepts no key of a client's.
func (l *Lab) RefuseLogin(name string) error { return l.startSSH(name, "no-keys", false) }

// ChangeHostKey is StartSSH with a server that has a new key, which KnownHosts
// does not have.
func (l *Lab) ChangeHostKey(name string) error { return l.startSSH(name, "authorized_keys", true) }

// StopSSH leaves nobody on the host's port 22. Sessions go on.
func (l *Lab) StopSSH(name string) error {
	h, err := l.host(name)
	if err != nil {
		return err
	}
	h.ssh.stop()
	return nil
}

// HangSSH puts something on the host's port 22 that accepts connections and
// then says nothing.
func (l *Lab) HangSSH(name string) error {
	h, err := l.host(name)
	if err != nil {
		return err
	}
	err = h.ssh.replace(func() (func(), error) {
		listener, err := h.ns.Listen("tcp", ":22")
		if err != nil {
			return nil, err
		}
		return keepSilent(listener), nil
	})
	if err != nil {
		return fmt.Errorf("listen on port 22 of %s: %w", name, err)
	}
	return nil
}

// keepSilent holds every connection open until the stop that it returns.
func keepSilent(listener net.Listener) (stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
		}
	}()
	return func() {
		_ = listener.Close()
		<-done
	}
}

func (l *Lab) startSSH(name, authorized string, newKey bool) error {
	h, err := l.host(name)
	if err != nil {
		return err
	}
	err = h.ssh.replace(func() (func(), error) {
		key := l.hostKey(h)
		if newKey {
			key += "-changed"
			if err := makeKey(key); err != nil {
				return nil, err
			}
		}
		config := filepath.Join(l.dir, "sshd-"+name)
		if err := os.WriteFile(config, []byte(l.sshdConfig(h, key, authorized)), 0o600); err != nil {
			return nil, err
		}
		return h.ns.startSSHD(config, h.ssh.session.Prepare)
	})
	if err != nil {
		return fmt.Errorf("start sshd on %s: %w", name, err)
	}
	return nil
}

// sshdConfig leaves out PAM, which would want the machine's own services.
func (l *Lab) sshdConfig(h *host, key, authorized string) string {
	return "Port 22\n" +
		"ListenAddress " + h.ns.Addr4.String() + "\n" +
		"ListenAddress " + h.ns.Addr6.String() + "\n" +
		"HostKey " + key + "\n" +
		"AuthorizedKeysFile " + filepath.Join(l.dir, authorized) + "\n" +
		"PidFile none\nStrictModes no\nUsePAM no\nUseDNS no\nPasswordAuthentication no\n" +
		"KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nMaxStartups 100\n" +
		"PrintMotd no\nPrintLastLog no\nLogLevel INFO\n" + setEnv(h.ssh.session.Env)
}

// setEnv is one line: of several, sshd takes the first.
func setEnv(variables []string) string {
	if len(variables) == 0 {
		return ""
	}
	return "SetEnv " + strings.Join(variables, " ") + "\n"
}

// startSSHD returns when the server has said that it listens on both addresses.
func (n *NS) startSSHD(config string, prepare func() error) (stop func(), err error) {
	program, err := find("sshd")
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, "-D", "-e", "-f", config)
	cmd.Stderr = w
	err = n.Do(func() error { return startApart(cmd, prepare) })
	_ = w.Close()
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	stop = func() {
		_ = cmd.Process.Signal(unix.SIGKILL)
		_ = cmd.Wait()
	}
	listening := make(chan error, 1)
	go watchSSHD(r, listening)
	select {
	case err = <-listening:
	case <-time.After(sshStart):
		err = fmt.Errorf("does not listen after %s", sshStart)
	}
	if err != nil {
		stop()
		return nil, err
	}
	return stop, nil
}

// startApart starts a program with mounts of its own, if there are any to make.
// It is called on a thread that ends with it.
func startApart(cmd *exec.Cmd, prepare func() error) error {
	if prepare != nil {
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			return fmt.Errorf("make a mount namespace: %w", err)
		}
		if err := prepare(); err != nil {
			return err
		}
	}
	return cmd.Start()
}

// watchSSHD reads the server's log to its end, and tells once how it started.
func watchSSHD(log io.ReadCloser, listening chan<- error) {
	defer func() { _ = log.Close() }()
	var said []string
	addresses, told := 0, false
	tell := func(err error) {
		if !told {
			told = true
			listening <- err
		}
	}
	for lines := bufio.NewScanner(log); lines.Scan(); {
		if told {
			continue // or the server would be stopped by a full pipe
		}
		said = append(said, lines.Text())
		if strings.Contains(lines.Text(), "Bind to port") {
			tell(errors.New(lines.Text()))
		}
		if strings.HasPrefix(lines.Text(), "Server listening on ") {
			if addresses++; addresses == 2 {
				tell(nil)
			}
		}
	}
	tell(fmt.Errorf("sshd ended: %s", strings.Join(said, "; ")))
}
