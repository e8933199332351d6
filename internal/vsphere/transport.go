package vsphere

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
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
func newTransport(cfg *tls.Config, calls int) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       cfg,
		TLSHandshakeTimeout:   handshakeTimeout,
		MaxIdleConns:          calls,
		MaxIdleConnsPerHost:   calls,
		MaxConnsPerHost:       calls,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
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
