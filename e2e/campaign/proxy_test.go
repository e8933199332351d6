package campaign_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// call is one call of the API on its way through a proxy.
type call struct {
	n            int // from 1
	method, this string
	gone         <-chan struct{} // closed when the caller waits no longer
	proxy        *proxy
	request      *http.Request
	body         []byte
}

// answer is what comes back for a call.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// proxy stands between the tool and a simulator, and does what its fault says.
type proxy struct {
	vc       *sim.VCenter
	fault    *fault
	listener net.Listener
	server   *http.Server
	client   *http.Client
	cert     tls.Certificate
	calls    atomic.Int64

	mu    sync.Mutex
	open  map[*faultyConn]bool
	seen  map[string]int // calls by method
	paths map[string]bool
	// sessions are cookies' values, and keys of logins.
	sessions map[string]bool
}

func startProxy(vc *sim.VCenter, f *fault) (*proxy, error) {
	p := &proxy{
		vc: vc, fault: f, open: map[*faultyConn]bool{}, seen: map[string]int{}, paths: map[string]bool{}, sessions: map[string]bool{},
		client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}, // the simulator's, on loopback
	}
	var err error
	if p.cert, err = certificate(f.expired); err != nil {
		return nil, err
	}
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	if f.refused {
		return p, p.listener.Close()
	}
	var served net.Listener = faultyListener{p.listener, p}
	if !f.plain {
		served = tls.NewListener(served, &tls.Config{Certificates: []tls.Certificate{p.cert}})
	}
	p.server = &http.Server{Handler: p, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = p.server.Serve(served) }()
	return p, nil
}

func (p *proxy) close() {
	if p.server != nil {
		_ = p.server.Close()
	}
	p.cut()
	p.client.CloseIdleConnections()
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) thumbprint() string { return fmt.Sprintf("%x", sha256.Sum256(p.cert.Certificate[0])) }

// pem is the certificate as a file of authorities holds it.
func (p *proxy) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Certificate[0]})
}

// connections is how many the tool has open.
func (p *proxy) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}

// cut resets all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	var conns []*faultyConn
	for c := range p.open {
		conns = append(conns, c)
	}
	p.mu.Unlock()
	for _, c := range conns {
		c.reset()
	}
}

var (
	methodIn = regexp.MustCompile(`<(?:\w+:)?Body[^>]*>\s*<(?:\w+:)?(\w+)`)
	thisIn   = regexp.MustCompile(`<_this[^>]*>([^<]*)<`)
	keyIn    = regexp.MustCompile(`<key>([^<]*)</key>`)
	pathIn   = regexp.MustCompile(`<propSet><name>([^<]*)</name>`)
)

func group(re *regexp.Regexp, body []byte) string {
	if m := re.FindSubmatch(body); m != nil {
		return string(m[1])
	}
	return ""
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller is gone
	}
	c := &call{
		n: int(p.calls.Add(1)), method: group(methodIn, body), this: group(thisIn, body),
		gone: r.Context().Done(), proxy: p, request: r, body: body,
	}
	p.mu.Lock()
	p.seen[c.method]++
	p.mu.Unlock()
	if p.fault.serve == nil || !p.fault.serve(w, c) {
		c.pass().write(w)
	}
}

// pass passes the call on. A simulator that has ended answers nothing.
func (c *call) pass() answer {
	url := *c.request.URL
	url.Scheme, url.Host = "https", c.proxy.vc.URL.Host
	on, err := http.NewRequest(c.request.Method, url.String(), bytes.NewReader(c.body))
	if err != nil {
		return answer{status: http.StatusBadGateway}
	}
	on.Header = c.request.Header.Clone()
	res, err := c.proxy.client.Do(on)
	if err != nil {
		return answer{status: http.StatusBadGateway}
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	c.proxy.mu.Lock()
	defer c.proxy.mu.Unlock()
	for _, m := range pathIn.FindAllSubmatch(body, -1) {
		c.proxy.paths[string(m[1])] = true
	}
	for _, cookie := range res.Cookies() {
		c.proxy.sessions[strings.Trim(cookie.Value, `"`)] = true
	}
	if key := group(keyIn, body); c.method == "Login" && key != "" {
		c.proxy.sessions[key] = true
	}
	return answer{res.StatusCode, res.Header, body}
}

func (a answer) write(w http.ResponseWriter) {
	for key, values := range a.header {
		if key == "Set-Cookie" || key == "Content-Type" {
			w.Header()[key] = values
		}
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// faultyListener hands out connections that break.
type faultyListener struct {
	net.Listener
	p *proxy
}

func (l faultyListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		f := &faultyConn{Conn: c, p: l.p, up: l.p.fault.up, down: l.p.fault.down}
		l.p.mu.Lock()
		l.p.open[f] = true
		l.p.mu.Unlock()
		switch {
		case l.p.fault.resets:
			f.reset()
		case l.p.fault.mute: // it is accepted, and that was all
			go func() { _, _ = io.Copy(io.Discard, f); _ = f.Close() }()
		default:
			return f, nil
		}
	}
}

// faultyConn is reset after so many bytes of a direction; 0 means never.
type faultyConn struct {
	net.Conn
	p        *proxy
	mu       sync.Mutex
	up, down int
}

func (c *faultyConn) reset() {
	_ = c.Conn.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}

func (c *faultyConn) Close() error {
	c.p.mu.Lock()
	delete(c.p.open, c)
	c.p.mu.Unlock()
	return c.Conn.Close()
}

// spend takes n bytes off what is left, and returns how many go through and whether that
// was the end.
func (c *faultyConn) spend(left *int, n int) (through int, over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case *left == 0:
		return n, false
	case n < *left:
		*left -= n
		return n, false
	}
	through, *left = *left, 1
	return through, true
}

func (c *faultyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if through, over := c.spend(&c.up, n); n > 0 && over {
		c.reset()
		return through, net.ErrClosed
	}
	return n, err
}

func (c *faultyConn) Write(b []byte) (int, error) {
	through, over := c.spend(&c.down, len(b))
	n, err := c.Conn.Write(b[:through])
	if over {
		c.reset()
		return n, net.ErrClosed
	}
	return n, err
}

var keyOnce = sync.OnceValues(func() (*ecdsa.PrivateKey, error) {
	return ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
})

// certificate is a new one for loopback, its own authority.
func certificate(expired bool) (tls.Certificate, error) {
	key, err := keyOnce()
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := crand.Int(crand.Reader, big.NewInt(1<<62))
	if err != nil {
		return tls.Certificate{}, err
	}
	until := time.Now().Add(time.Hour)
	if expired {
		until = time.Now().Add(-time.Hour)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "vcenter.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(crand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
