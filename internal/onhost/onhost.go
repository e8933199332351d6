// Package onhost opens the port on an ESXi host itself, by its shell: it
// installs a VIB that brings a ruleset, or writes one into service.xml, and takes
// that back. It knows ESXi's commands, files and error texts, not which hosts
// need what.
//
// The commands are those of VMware's manuals and of field reports; where they
// are documented nowhere a comment says so. No ESXi host was met.
package onhost

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// Client carries changes out. Its methods may be called concurrently for
// different hosts.
type Client struct {
	Login hostssh.Options
	// Place is where a host's SSH server is, and under which name it is known.
	Place func(*inventory.Host) hostssh.Host
	// VIB is the file to install.
	VIB []byte

	await, pause time.Duration // awaitTime and awaitPause, but for tests
}

// shell is a login on a host with commands that have to succeed.
type shell struct {
	login        *hostssh.Client
	ctx          context.Context
	await, pause time.Duration
}

const (
	// commandTime bounds a command that does no work to speak of.
	commandTime = 30 * time.Second
	// refreshTime bounds reading the firewall's files again.
	refreshTime = 2 * time.Minute
	// installTime bounds what changes a host's software.
	installTime = 10 * time.Minute
	// takeBackTime bounds taking back what failed, however long that took.
	takeBackTime = 5 * time.Minute
)

func (c *Client) dial(ctx context.Context, h *inventory.Host) (*shell, error) {
	login, err := hostssh.Dial(ctx, c.Place(h), c.Login)
	if err != nil {
		if errors.Is(err, syscall.ECONNREFUSED) {
			return nil, fmt.Errorf("log in by SSH: port %d of %s refuses: the SSH service does not run there (--ssh-start-service starts it), or a filter rejects", c.Login.Port, c.Place(h).Address)
		}
		return nil, fmt.Errorf("log in by SSH: %w", err)
	}
	return &shell{login, ctx, cmp.Or(c.await, awaitTime), cmp.Or(c.pause, awaitPause)}, nil
}

// run runs a command that has to succeed, and returns what it said.
func (s *shell) run(command string, stdin io.Reader, timeout time.Duration) (string, error) {
	r, err := s.login.Run(command, stdin, timeout)
	switch {
	case s.ctx.Err() != nil:
		return "", &unknownError{s.ctx.Err()} // it cut the connection
	case err != nil:
		return "", &unknownError{fmt.Errorf("run %s: %w", name(command), err)}
	case r.Exit != 0:
		return "", explained(name(command), r)
	}
	return r.Stdout, nil
}

// unknownError means that a command was begun, and it is not known what becomes
// of it: on ESXi a daemon does the work, with or without whoever asked.
type unknownError struct{ cause error }

func (e *unknownError) Error() string { return e.cause.Error() }

func (e *unknownError) Unwrap() error { return e.cause }

// say is run for a command that takes no input and no time.
func (s *shell) say(command string) (string, error) { return s.run(command, nil, commandTime) }

// name is what an error calls a command: it may have a file's path in it, which
// says nothing to anybody.
func name(command string) string {
	words := strings.Fields(command)
	for i, w := range words {
		if i > 0 && (strings.HasPrefix(w, "-") || strings.ContainsAny(w, "/'\"|<>")) {
			return strings.Join(words[:i], " ")
		}
	}
	return command
}

// ReadFile returns a file of a host.
func ReadFile(ctx context.Context, login hostssh.Options, host hostssh.Host, path string) ([]byte, error) {
	c := &Client{Login: login, Place: func(*inventory.Host) hostssh.Host { return host }}
	s, err := c.dial(ctx, &inventory.Host{Name: host.Name})
	if err != nil {
		return nil, err
	}
	defer s.login.Close()
	return s.read(path)
}

// Survey asks a host what has to be known before changes of the methods, in one
// login. It changes nothing.
func (c *Client) Survey(ctx context.Context, h *inventory.Host, methods ...fix.Method) fix.Survey {
	s, err := c.dial(ctx, h)
	if err != nil {
		return fix.Survey{Err: err.Error()}
	}
	defer s.login.Close()
	var found fix.Survey
	if found.Rulesets, err = s.rulesets(); err != nil {
		return fix.Survey{Err: err.Error()}
	}
	for _, method := range methods {
		if method == fix.MethodServiceXML {
			found.File, err = s.read(fix.ServiceXML)
		} else {
			err = s.software(&found)
		}
		if err != nil {
			return fix.Survey{Err: err.Error()}
		}
	}
	return found
}

// takeBack undoes the part of a change that was made before it failed. Where
// nothing failed it removes what the change has left lying about.
type takeBack func(*shell) error

// Carry makes a change of the methods vib and service-xml, or takes it back. It
// implements fix.HostClient.
func (c *Client) Carry(ctx context.Context, change *fix.Change) error {
	s, err := c.dial(ctx, change.Host)
	if err != nil {
		return err
	}
	if err := s.isHost(change.Host); err != nil {
		s.login.Close()
		return err
	}
	var back takeBack
	switch {
	case change.Method == fix.MethodServiceXML:
		back, err = s.writeService(change)
	case change.After.Absent:
		return c.finish(ctx, change, s)
	default:
		back, err = s.installVIB(change, c.VIB)
	}
	s.login.Close()
	if back == nil {
		return err
	}
	failed := c.again(ctx, change.Host, back)
	switch {
	case err == nil:
		return nil // at most a file is left in /tmp, which a reboot empties
	case failed != nil:
		return fmt.Errorf("%w; %w", err, &fix.TakeBackError{Cause: failed})
	}
	return err
}

// finish removes a VIB, and closes the login. Where that stops half way another
// one goes on with it: there is no way back.
func (c *Client) finish(ctx context.Context, change *fix.Change, s *shell) error {
	begun, err := s.removeVIB(change)
	s.login.Close()
	if err == nil || !begun {
		return err
	}
	failed := c.again(ctx, change.Host, func(s *shell) error {
		_, err := s.removeVIB(change)
		return err
	})
	if failed != nil {
		return fmt.Errorf("%w; %w", err, &fix.TakeBackError{Cause: failed})
	}
	return nil
}

// again logs in once more: what failed may have taken its login, or the run's
// time, with it.
func (c *Client) again(ctx context.Context, h *inventory.Host, do takeBack) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackTime)
	defer cancel()
	s, err := c.dial(ctx, h)
	if err != nil {
		return err
	}
	defer s.login.Close()
	if err := s.isHost(h); err != nil {
		return err
	}
	return do(s)
}

// refresh lets the host read its firewall files again. What it had to say is an
// error here: a ruleset that does not appear is of no use.
func (s *shell) refresh() error {
	_, err := s.run("esxcli network firewall refresh", nil, refreshTime)
	return err
}

// rulesets are the keys of the host's own list, below the line of dashes.
func (s *shell) rulesets() ([]string, error) {
	list, err := s.say("esxcli network firewall ruleset list")
	return readRulesets(list), err
}

func readRulesets(list string) (keys []string) {
	for line := range strings.Lines(list) {
		if words := strings.Fields(line); len(words) > 0 && words[0] != "Name" && !strings.HasPrefix(line, "---") {
			keys = append(keys, words[0])
		}
	}
	return keys
}

// expect refreshes and sees whether the ruleset is there, or is not.
func (s *shell) expect(key string, there bool) error {
	if err := s.refresh(); err != nil {
		return err
	}
	keys, err := s.rulesets()
	has := slices.Contains(keys, key)
	switch {
	case err != nil:
		return err
	case has && !there:
		return fmt.Errorf("the ruleset %s is still there after a refresh", key)
	case !has && there:
		return fmt.Errorf("the ruleset %s did not appear after a refresh", key)
	}
	return nil
}

// read returns a file of the host, the whole of it.
func (s *shell) read(path string) ([]byte, error) {
	text, err := s.say("cat " + shellescape.Quote(path))
	if err == nil && len(text) >= hostssh.MaxOutput {
		return nil, fmt.Errorf("%s is too long to be read", path)
	}
	return []byte(text), err
}

// temporary is a name that nobody else has. It does not end in .xml: ESXi reads
// every such file in the folder of its firewall.
func temporary(path string) string {
	return path + ".vic-preflight-" + strings.ToLower(rand.Text()[:8])
}

// discard removes a file of the change's own.
func (s *shell) discard(path string) error {
	if _, err := s.say("rm -f " + shellescape.Quote(path)); err != nil {
		return fmt.Errorf("%s may be left on the host: %w", path, err)
	}
	return nil
}

// put writes a new file and sees that it came whole. It leaves nothing where it
// fails, unless that has taken the login with it.
func (s *shell) put(path string, data []byte) (err error) {
	quoted := shellescape.Quote(path)
	defer func() {
		if err != nil {
			_ = s.discard(path) // or whoever called does, in another login
		}
	}()
	if _, err := s.run("umask 077; cat > "+quoted, bytes.NewReader(data), installTime); err != nil {
		return err
	}
	sum, err := s.say("sha256sum < " + quoted) // a name in the output may be escaped
	if err != nil {
		return err
	}
	if want := fmt.Sprintf("%x", sha256.Sum256(data)); !strings.HasPrefix(sum, want) {
		return errors.New("the file that was copied to the host is not what was sent")
	}
	return nil
}
