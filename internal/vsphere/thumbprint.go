package vsphere

import (
	"bytes"
	"crypto/sha1" // vSphere prints SHA-1 thumbprints; a pin by one is the user's choice
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/internal/infile"
)

// Thumbprint is a certificate's SHA-1 (20 bytes) or SHA-256 (32 bytes) digest.
// The zero value pins nothing.
type Thumbprint []byte

// ParseThumbprint reads a thumbprint in any usual spelling: either case, with
// colons, spaces, dashes or none, also as openssl prints it
// ("sha256 Fingerprint=AB:CD..."). Empty text is the zero value.
func ParseThumbprint(s string) (Thumbprint, error) {
	text := s
	if i := strings.LastIndex(text, "="); i >= 0 {
		text = text[i+1:]
	}
	text = strings.NewReplacer(":", "", " ", "", "-", "", "\t", "", "\n", "", "\r", "").Replace(text)
	if text == "" && strings.TrimSpace(s) == "" {
		return nil, nil
	}
	digest, err := hex.DecodeString(text)
	if err != nil || (len(digest) != sha1.Size && len(digest) != sha256.Size) {
		return nil, errors.New("it is not a certificate thumbprint, which has 40 (SHA-1) or 64 (SHA-256) hexadecimal digits") // and may be a password
	}
	return digest, nil
}

// String returns the thumbprint in upper case with colons, as vSphere prints it.
func (t Thumbprint) String() string {
	parts := make([]string, len(t))
	for i, b := range t {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

func (t Thumbprint) matches(cert *x509.Certificate) bool {
	if len(t) == sha1.Size {
		return bytes.Equal(t, sha1Of(cert))
	}
	return bytes.Equal(t, sha256Of(cert))
}

func sha1Of(cert *x509.Certificate) Thumbprint {
	sum := sha1.Sum(cert.Raw)
	return sum[:]
}

func sha256Of(cert *x509.Certificate) Thumbprint {
	sum := sha256.Sum256(cert.Raw)
	return sum[:]
}

// ThumbprintMismatchError means that the server presented another certificate
// than the pinned ones: it was renewed, or somebody is in between.
type ThumbprintMismatchError struct {
	Address         string
	Want            []Thumbprint
	Presented       Thumbprint // SHA-256
	PresentedLegacy Thumbprint // SHA-1
}

func (e *ThumbprintMismatchError) Error() string {
	presented, want := e.Presented, fmt.Sprintf("none of the %d given", len(e.Want))
	if len(e.Want) == 1 {
		want = "not the given " + e.Want[0].String()
	}
	// The digest is the one that the user can compare.
	if !slices.ContainsFunc(e.Want, func(t Thumbprint) bool { return len(t) == sha256.Size }) {
		presented = e.PresentedLegacy
	}
	return fmt.Sprintf("the certificate of %s has the thumbprint %s, %s", e.Address, presented, want)
}

// UntrustedError means that the server's certificate does not verify, and no
// thumbprint was given to pin it.
type UntrustedError struct {
	Address    string
	Thumbprint Thumbprint // SHA-256 of the one presented
	// Legacy is its SHA-1, which vic-machine, govc and many consoles show.
	Legacy Thumbprint
	Cause  error
}

func (e *UntrustedError) Error() string {
	return fmt.Sprintf("the certificate of %s is not trusted: %v", e.Address, e.Cause)
}

func (e *UntrustedError) Unwrap() error { return e.Cause }

// tlsConfig verifies the server by the pinned thumbprints when there are any,
// even where the system would trust the certificate; else by the root CAs;
// else, with insecure, not at all. A thumbprint beats insecure.
func tlsConfig(pins []Thumbprint, insecure bool, roots *x509.CertPool) *tls.Config {
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: roots, ServerName: "",
		// Each connection after the first costs a short handshake.
		ClientSessionCache: tls.NewLRUClientSessionCache(1),
	}
	switch {
	case len(pins) > 0:
		// A pin takes the place of the chain: see VerifyConnection.
		cfg.InsecureSkipVerify = true
		cfg.VerifyConnection = func(cs tls.ConnectionState) error {
			if len(cs.PeerCertificates) == 0 {
				return errors.New("the server presented no certificate")
			}
			leaf := cs.PeerCertificates[0]
			if !slices.ContainsFunc(pins, func(t Thumbprint) bool { return t.matches(leaf) }) {
				return &ThumbprintMismatchError{Want: pins, Presented: sha256Of(leaf), PresentedLegacy: sha1Of(leaf)}
			}
			return nil
		}
	case insecure:
		cfg.InsecureSkipVerify = true
	}
	return cfg
}

// tlsError turns what the handshake says into this package's errors.
func tlsError(address string, err error) error {
	var mismatch *ThumbprintMismatchError
	if errors.As(err, &mismatch) {
		mismatch.Address = address
		return mismatch
	}
	var invalid *tls.CertificateVerificationError
	if errors.As(err, &invalid) && len(invalid.UnverifiedCertificates) > 0 {
		return &UntrustedError{Address: address, Thumbprint: sha256Of(invalid.UnverifiedCertificates[0]), Legacy: sha1Of(invalid.UnverifiedCertificates[0]), Cause: invalid.Err}
	}
	return nil
}

// rootCAs reads PEM files, separated as in PATH, into a pool. No files mean
// the system's own roots (nil).
func rootCAs(list string) (*x509.CertPool, error) {
	if list == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	for _, name := range filepath.SplitList(list) {
		pem, err := infile.Read(filepath.Clean(name), infile.Long)
		if err != nil {
			return nil, fmt.Errorf("read CA certificates: %w", err)
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read CA certificates: %s holds no PEM certificate", name)
		}
	}
	return pool, nil
}

// KnownThumbprint looks address up in known-hosts files as govc writes them:
// lines of "host:port thumbprint", files separated as in PATH. It returns the
// zero Thumbprint when the host is not listed or a file does not exist.
func KnownThumbprint(list string, t Target) (Thumbprint, error) {
	for _, name := range filepath.SplitList(list) {
		text, err := infile.Read(filepath.Clean(name), infile.Long)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read known hosts: %w", err)
		}
		for line := range strings.Lines(string(text)) {
			host, print, ok := strings.Cut(strings.TrimSpace(line), " ")
			if ok && host == t.hostPort() {
				return ParseThumbprint(print)
			}
		}
	}
	return nil, nil
}
