// Package hostssh logs in to ESXi hosts and runs commands there. It knows SSH
// and how ESXi's server takes logins, not what a command is for.
package hostssh

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
)

// Options say how to log in.
type Options struct {
	User string
	// Signers are private keys. With keys there is no password.
	Signers []ssh.Signer
	// Password is used when there are no keys: by keyboard-interactive, which
	// ESXi offers, or else as a password, never both. There is one attempt for
	// each host: ESXi locks root out after a few.
	Password string
	// Refused are the passwords that are not sent again. nil means that none are remembered.
	Refused *Refusals
	// HostKeys are those that are taken.
	HostKeys *Known
	Port     int
	Dialer   Dialer
	// Place says where a host's SSH server is, by its name and the address that is known
	// of it, which may be empty.
	Place func(name, address string) Host
	// Notes are what its user should know of how these came about.
	Notes []string
}

// Dialer opens connections: a *net.Dialer does.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// LoginTime is what a login may take.
const LoginTime = 15 * time.Second

// DialError means that the host's SSH server was not reached.
type DialError struct{ Cause error }

func (e *DialError) Error() string { return e.Cause.Error() }

func (e *DialError) Unwrap() error { return e.Cause }

// Client is a login. Its methods may be called one after another.
type Client struct {
	client *ssh.Client
	conn   net.Conn
	stop   func() bool
	ended  chan struct{} // closed when the connection is at its end
}

// Dial makes the one attempt to log in to a host. It is over,
// with all that runs in it, when the context ends. The errors are *DialError, or
// say in plain words what the host did not like.
func Dial(ctx context.Context, host Host, opts Options) (*Client, error) {
	if host.Problem != nil {
		return nil, host.Problem
	}
	opts.Port, opts.User = cmp.Or(host.Port, opts.Port), cmp.Or(host.User, opts.User)
	if len(host.Signers) > 0 {
		opts.Signers = host.Signers
	}
	address := net.JoinHostPort(host.Address, fmt.Sprint(opts.Port))
	secret := refusal{host.Name, address, opts.User, opts.Password}
	if len(opts.Signers) > 0 {
		secret.password = "" // it is not sent
	}
	if opts.Refused.has(secret) {
		return nil, errAgain
	}
	dialling, cancel := context.WithTimeout(ctx, LoginTime)
	defer cancel()
	conn, err := opts.connect(dialling, ctx, host, address)
	if err != nil {
		return nil, err
	}
	// The deadline stands on the connection itself: a server that goes silent
	// half way hangs a session for good otherwise.
	_ = conn.SetDeadline(time.Now().Add(LoginTime))
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	c, channels, requests, err := ssh.NewClientConn(conn, address, &ssh.ClientConfig{
		User: opts.User, Auth: opts.auth(), HostKeyCallback: opts.HostKeys.verify(host, opts.Port),
		HostKeyAlgorithms: opts.HostKeys.algorithms(host, opts.Port),
		ClientVersion:     "SSH-2.0-vic-preflight",
	})
	if err != nil {
		stop()
		_ = conn.Close()
		if ctx.Err() != nil { // it closed the connection
			return nil, fmt.Errorf("broken off before the login was made: %w", ctx.Err())
		}
		if err = plain(err); errors.Is(err, errRefused) {
			opts.Refused.add(secret)
		}
		return nil, err
	}
	client := &Client{client: ssh.NewClient(c, channels, requests), conn: conn, stop: stop, ended: make(chan struct{})}
	go func() {
		_ = client.client.Wait()
		close(client.ended)
	}()
	return client, nil
}

// Close ends the login.
func (c *Client) Close() {
	c.stop()
	_ = c.client.Close()
}

// Result is what a command said and did.
type Result struct {
	// Stdout and Stderr are the first MaxOutput bytes of each.
	Stdout, Stderr string
	Exit           int
}

// MaxOutput bounds what is kept of a command's output.
const MaxOutput = 2 << 20

// Run runs a command in the host's shell, for at most the given time. A command
// that failed is a Result; an error means that it is not known what became of
// it.
func (c *Client) Run(command string, stdin io.Reader, timeout time.Duration) (Result, error) {
	deadline := time.Now().Add(timeout)
	_ = c.conn.SetDeadline(deadline)
	session, err := c.session()
	if err != nil {
		return Result{}, plain(err)
	}
	defer session.Close()
	var stdout, stderr limited
	session.Stdin, session.Stdout, session.Stderr = stdin, &stdout, &stderr
	err = session.Run(command)
	r := Result{Stdout: stdout.kept.String(), Stderr: stderr.kept.String()}
	var exit *ssh.ExitError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		r.Exit = exit.ExitStatus()
	case !time.Now().Before(deadline):
		return r, errSilent // the session's own error does not tell
	default:
		return r, plain(err)
	}
	return r, nil
}

// session begins a session. One that is begun while the connection comes to its
// end may never hear of that: golang.org/x/crypto/ssh tells the channels that it
// knows at that moment, and one that comes later waits for ever.
func (c *Client) session() (*ssh.Session, error) {
	type begun struct {
		session *ssh.Session
		err     error
	}
	answer := make(chan begun, 1)
	go func() {
		session, err := c.client.NewSession()
		answer <- begun{session, err}
	}()
	select {
	case b := <-answer:
		return b.session, b.err
	case <-c.ended:
		return nil, errEnded
	}
}

// limited keeps the first bytes that are written to it. The buffer is not
// embedded: io.Copy would find its ReadFrom, which knows no limit.
type limited struct{ kept bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if room := MaxOutput - l.kept.Len(); room > 0 {
		l.kept.Write(p[:min(len(p), room)])
	}
	return len(p), nil
}
