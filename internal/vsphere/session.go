// Package vsphere speaks to a vCenter or an ESXi host: the session, the
// collection of facts, and the firewall calls. It is the only production
// package that knows govmomi's client. It passes no verdict.
package vsphere

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/internal/linger"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// DefaultWorkers is how many calls are in flight at a time unless told
// otherwise: enough to hide a round trip of 10 ms behind the server's own work,
// and few enough for a vCenter that serves others too.
const DefaultWorkers = 16

// logoutTimeout bounds the last call of a run, which is made even when the run
// was interrupted.
const logoutTimeout = 2 * time.Second

// Config says where to log in, and as whom.
type Config struct {
	Target         Target
	User, Password string
	// Thumbprints pin the server's certificate, which must fit one of them, and
	// beat Insecure.
	Thumbprints []Thumbprint
	Insecure    bool
	// CACerts are PEM files, separated as in PATH; empty means the system's.
	CACerts string
	// Workers bounds the calls in flight; 0 means DefaultWorkers.
	Workers int
	// MostWorkers is up to how many there may be while the server answers as
	// quickly as it did at Workers; up to Workers it means no growth.
	MostWorkers int
	// UserAgent names the tool in the server's session list.
	UserAgent string
}

// Session is a login. Its methods may be called concurrently.
type Session struct {
	cfg     Config
	client  *vim25.Client
	http    *http.Transport
	limiter *limiter
	here    atomic.Pointer[netip.Addr]

	// kept is what equal parts of answers are decoded to.
	kept *keeper

	renewLock  sync.Mutex
	renewals   int    // how often the login was renewed
	sessionKey string // of the last login
}

// ConfigError means that something on this machine is wrong, and nothing was
// sent.
type ConfigError struct{ Cause error }

func (e *ConfigError) Error() string { return e.Cause.Error() }

func (e *ConfigError) Unwrap() error { return e.Cause }

// LoginError means that the server refused the user name or the password.
type LoginError struct{ Address, User string }

func (e *LoginError) Error() string {
	return fmt.Sprintf("%s refused the login of %s: wrong user name or password", e.Address, e.User)
}

// NotVSphereError means that something answers at the target, but not a
// vCenter or an ESXi host.
type NotVSphereError struct {
	Address string
	Cause   error
}

func (e *NotVSphereError) Error() string {
	return fmt.Sprintf("%s answers, but is neither a vCenter nor an ESXi host: %v", e.Address, e.Cause)
}

func (e *NotVSphereError) Unwrap() error { return e.Cause }

// UnreachableError means that no connection could be made.
type UnreachableError struct {
	Address string
	Cause   error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("cannot reach %s: %s", e.Address, Describe(e.Cause))
}

func (e *UnreachableError) Unwrap() error { return e.Cause }

// Connect logs in. The errors are *UnreachableError, *UntrustedError,
// *ThumbprintMismatchError, *NotVSphereError, *LoginError, or the context's.
// The caller must Close the session.
func Connect(ctx context.Context, cfg Config) (s *Session, err error) {
	if cfg.Workers <= 0 {
		cfg.Workers = DefaultWorkers
	}
	cfg.MostWorkers = max(cfg.MostWorkers, cfg.Workers)
	roots, err := infile.Until(ctx, "read CA certificates", func() (*x509.CertPool, error) { return rootCAs(cfg.CACerts) })
	if err != nil {
		return nil, &ConfigError{err}
	}
	s = &Session{cfg: cfg, kept: newKeeper()}
	s.http = newTransport(tlsConfig(cfg.Thumbprints, cfg.Insecure, roots), cfg.MostWorkers, s.dial)
	defer func(transport *http.Transport) {
		if err != nil { // nobody gets the session to close
			transport.CloseIdleConnections()
		}
	}(s.http)

	sc := soap.NewClient(cfg.Target.url(), false)
	s.limiter = newLimiter(cfg.Workers, cfg.MostWorkers)
	sc.Client.Transport = limitedTransport{drainedTransport{s.http}, s.limiter}
	sc.UserAgent = cfg.UserAgent

	sc.Namespace, sc.Version = "urn:"+vim25.Namespace, vim25.Version
	client, err := vim25.NewClient(ctx, whole{sc})
	if err != nil {
		return nil, s.connectError(ctx, err)
	}
	client.Client, client.RoundTripper = sc, s
	s.client = client
	if kind := s.kind(); kind == "" || client.ServiceContent.SessionManager == nil {
		return nil, &NotVSphereError{
			Address: cfg.Target.Address,
			Cause:   fmt.Errorf("its API is of the type %q", client.ServiceContent.About.ApiType),
		}
	}
	if err := s.login(ctx); err != nil { // nobody else has the session yet
		if _, ok := deref(faultOf(err)).(types.InvalidLogin); ok {
			return nil, &LoginError{Address: cfg.Target.Address, User: cfg.User}
		}
		if faultOf(err) != nil {
			return nil, fmt.Errorf("log in to %s: %s", cfg.Target.Address, without(cfg.Password, Describe(err)))
		}
		return nil, s.connectError(ctx, err)
	}
	if ctx.Err() != nil {
		s.Close()
		return nil, s.connectError(ctx, ctx.Err())
	}
	return s, nil
}

// without is a server's text that does not repeat a secret.
func without(secret, text string) string {
	if secret == "" {
		return text
	}
	return strings.ReplaceAll(text, secret, "***")
}

// connectError sorts an error of the first calls by what the user can do.
func (s *Session) connectError(ctx context.Context, err error) error {
	address := s.cfg.Target.Address
	if ctx.Err() != nil {
		return fmt.Errorf("connect to %s: %w", address, ctx.Err())
	}
	if tlsErr := tlsError(address, err); tlsErr != nil {
		return tlsErr
	}
	if text := err.Error(); strings.Contains(text, "503 ") || strings.Contains(text, "429 ") {
		return &UnreachableError{Address: address, Cause: errors.New("its proxy answers, and the service behind it is not ready (HTTP 503 or 429)")}
	}
	if isNetworkError(err) {
		return &UnreachableError{Address: address, Cause: err}
	}
	return &NotVSphereError{Address: address, Cause: errors.New(Describe(err))}
}

func (s *Session) kind() inventory.Kind {
	switch s.client.ServiceContent.About.ApiType {
	case "VirtualCenter":
		return inventory.VCenter
	case "HostAgent":
		return inventory.ESXi
	}
	return ""
}

// Endpoint identifies what the session is logged in to.
func (s *Session) Endpoint() inventory.Endpoint {
	about := s.client.ServiceContent.About
	return inventory.Endpoint{
		Address: s.cfg.Target.Address, Kind: s.kind(),
		FullName: about.FullName, InstanceUUID: about.InstanceUuid,
		Simulated: strings.Contains(about.FullName, "simulat"),
	}
}

// login is answered for a moment after the context has ended: a session that nobody knows
// of would stay on the server.
func (s *Session) login(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	req := types.Login{
		This:     *s.client.ServiceContent.SessionManager,
		UserName: s.cfg.User, Password: s.cfg.Password, Locale: "en_US",
	}
	asked, cancel := linger.Context(ctx, 0, linger.Grace)
	defer cancel()
	res, err := methods.Login(asked, whole{s.client.Client}, &req)
	if err == nil {
		s.sessionKey = res.Returnval.Key
	}
	return err
}

// key names the session to the server.
func (s *Session) key() string {
	s.renewLock.Lock()
	defer s.renewLock.Unlock()
	return s.sessionKey
}

// Close logs out and closes the connections. It works after the run's context
// has ended.
func (s *Session) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), logoutTimeout)
	defer cancel()
	// A logout that fails leaves a session that expires by itself.
	_, _ = methods.Logout(ctx, whole{s.client.Client}, &types.Logout{This: *s.client.ServiceContent.SessionManager})
	s.http.CloseIdleConnections()
}
