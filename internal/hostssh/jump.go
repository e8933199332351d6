package hostssh

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// connect opens the connection to a host, through another machine where that is the way.
// That login lasts until run ends, or the connection is closed. A password is the hosts'
// own and is never sent to a machine on the way.
func (o *Options) connect(ctx, run context.Context, host Host, address string) (net.Conn, error) {
	if host.Jump == nil {
		conn, err := o.Dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, &DialError{err}
		}
		return conn, nil
	}
	way := *o
	way.Password = ""
	if len(way.Signers) == 0 && len(host.Jump.Signers) == 0 {
		return nil, fmt.Errorf("%s is reached through %s, which takes a key: the hosts' password is not sent there", host.Name, host.Jump.Name)
	}
	jump, err := Dial(run, *host.Jump, way)
	if err != nil {
		return nil, fmt.Errorf("through %s: %w", host.Jump.Name, err)
	}
	conn, err := jump.client.DialContext(ctx, "tcp", address)
	if err != nil {
		jump.Close()
		return nil, fmt.Errorf("through %s: %w", host.Jump.Name, &DialError{err})
	}
	_ = jump.conn.SetDeadline(time.Time{})
	return &tunnel{Conn: conn, way: jump}, nil
}

// tunnel is a connection through another machine. SSH's own knows no deadlines: at its
// deadline this one is closed.
type tunnel struct {
	net.Conn
	way *Client

	mu    sync.Mutex
	timer *time.Timer
}

// SetDeadline implements net.Conn.
func (t *tunnel) SetDeadline(at time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
	if !at.IsZero() {
		t.timer = time.AfterFunc(time.Until(at), func() { _ = t.Close() })
	}
	return nil
}

// Close implements net.Conn.
func (t *tunnel) Close() error {
	err := t.Conn.Close()
	t.way.Close()
	return err
}
