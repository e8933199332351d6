// Package sshtest is an SSH server on the loopback for specs. It knows how a
// server can misbehave, not what a command is for.
package sshtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/vic-preflight/vic-preflight/internal/hostssh"
)

// Command is one that a client runs.
type Command struct {
	Line           string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Gone is closed when the connection is.
	Gone <-chan struct{}

	conn net.Conn
}

// Cut ends the connection in the middle of the command.
func (c *Command) Cut() { _ = c.conn.Close() }

// Run answers a command with its exit code. Where that is negative the command
// ends without one.
type Run func(*Command) (exit int)

// Server is a running server.
type Server struct {
	listener net.Listener
	config   *ssh.ServerConfig
	run      Run
	running  sync.WaitGroup

	mu       sync.Mutex
	conns    map[net.Conn]bool // nil after Close
	attempts []string
}

// Start runs a server until the test ends, at the latest; a spec gives
// GinkgoTB(). The configuration has the host's keys and who may log in.
func Start(tb testing.TB, config *ssh.ServerConfig, run Run) *Server {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{listener: l, config: config, run: run, conns: map[net.Conn]bool{}}
	config.AuthLogCallback = func(_ ssh.ConnMetadata, method string, _ error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.attempts = append(s.attempts, method)
	}
	s.running.Go(s.accept)
	tb.Cleanup(s.Close)
	return s
}

// Close ends the server with all that runs in it.
func (s *Server) Close() {
	_ = s.listener.Close()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.running.Wait()
}

// Attempts are the methods of the logins that were tried, in order. The first is
// none, by which a client asks what there is.
func (s *Server) Attempts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.attempts)
}

// Port is where the server listens on 127.0.0.1.
func (s *Server) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// Known is what verifies the keys as the server's, by a known_hosts file.
func (s *Server) Known(tb testing.TB, keys ...ssh.PublicKey) *hostssh.Known {
	tb.Helper()
	var b strings.Builder
	for _, k := range keys {
		b.WriteString(knownhosts.Line([]string{s.listener.Addr().String()}, k) + "\n")
	}
	file := filepath.Join(tb.TempDir(), "known_hosts")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		tb.Fatal(err)
	}
	callback, err := hostssh.KnownHosts(file)
	if err != nil {
		tb.Fatal(err)
	}
	return callback
}

// NewKey makes a key pair.
func NewKey(tb testing.TB) ssh.Signer {
	tb.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		tb.Fatal(err)
	}
	return signer
}

// AllowKey is a configuration with a host's keys that lets one client's key in.
func AllowKey(client ssh.PublicKey, host ...ssh.Signer) *ssh.ServerConfig {
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
			if string(k.Marshal()) != string(client.Marshal()) {
				return nil, fmt.Errorf("another key")
			}
			return nil, nil
		},
	}
	for _, k := range host {
		config.AddHostKey(k)
	}
	return config
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.conns == nil {
			_ = c.Close()
		} else {
			s.conns[c] = true
			s.running.Go(func() { s.serve(c) })
		}
		s.mu.Unlock()
	}
}

func (s *Server) serve(c net.Conn) {
	defer func() {
		_ = c.Close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	conn, channels, requests, err := ssh.NewServerConn(c, s.config)
	if err != nil {
		return
	}
	gone := make(chan struct{})
	s.running.Go(func() { _ = conn.Wait(); close(gone) })
	s.running.Go(func() { ssh.DiscardRequests(requests) })
	for ch := range channels {
		channel, requests, err := ch.Accept()
		if err != nil {
			return
		}
		s.running.Go(func() { s.session(channel, requests, &Command{Gone: gone, conn: c}) })
	}
}

// session answers the one command of a session.
func (s *Server) session(channel ssh.Channel, requests <-chan *ssh.Request, c *Command) {
	defer channel.Close()
	for r := range requests {
		if r.Type != "exec" {
			_ = r.Reply(false, nil)
			continue
		}
		_ = r.Reply(true, nil)
		s.running.Go(func() { ssh.DiscardRequests(requests) })
		c.Line, c.Stdin, c.Stdout, c.Stderr = string(r.Payload[4:]), channel, channel, channel.Stderr()
		if exit := s.run(c); exit >= 0 {
			_, _ = channel.SendRequest("exit-status", false, binary.BigEndian.AppendUint32(nil, uint32(exit)))
		}
		return
	}
}
