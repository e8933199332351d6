package vsphere

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

const (
	// dialTimeout bounds connecting to a vCenter that does not answer at all.
	dialTimeout = 15 * time.Second
	// handshakeTimeout bounds a server that accepts and then says nothing.
	handshakeTimeout = 15 * time.Second
	// drainLimit is how much of an answer is read after its last byte that
	// counts: what follows </Envelope> is white space and the end of a chunk.
	drainLimit = 64 << 10
)

// newTransport keeps one idle connection for each call that may be in flight.
// govmomi's own keeps two, and its TLS dial ignores the context.
func newTransport(cfg *tls.Config, calls int, dial func(context.Context, string, string) (net.Conn, error)) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dial,
		TLSClientConfig:       cfg,
		TLSHandshakeTimeout:   handshakeTimeout,
		MaxIdleConns:          calls,
		MaxIdleConnsPerHost:   calls,
		MaxConnsPerHost:       calls,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// dial connects, and notes from which address of this machine. A proxy's end is not the
// server's.
func (s *Session) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if host, _, err := net.SplitHostPort(address); err == nil && host == s.cfg.Target.url().Hostname() {
		if here, err := netip.ParseAddrPort(conn.LocalAddr().String()); err == nil {
			addr := here.Addr().Unmap().WithZone("")
			s.here.Store(&addr)
		}
	}
	return conn, nil
}

// LocalAddress is that of this machine, as the server sees it where nothing in between
// translates it; not valid where a proxy is in between.
func (s *Session) LocalAddress() netip.Addr {
	if here := s.here.Load(); here != nil {
		return *here
	}
	return netip.Addr{}
}

// drainedTransport reads an answer to its end before it closes it. govmomi's decoder
// stops at </Envelope>; for a chunked answer net/http then drops the
// connection, and every call pays for a new one.
type drainedTransport struct{ next http.RoundTripper }

func (d drainedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := d.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = drainBody{res.Body}
	return res, nil
}

type drainBody struct{ io.ReadCloser }

func (b drainBody) Close() error {
	_, _ = io.CopyN(io.Discard, b.ReadCloser, drainLimit) // an error here only costs the connection
	return b.ReadCloser.Close()
}
