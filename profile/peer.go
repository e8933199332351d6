package profile

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/strict"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// Peer is an address on the other side, with what comes with it.
type Peer struct {
	// Scheme is what stands before ://, in lower case; often empty.
	Scheme string
	// Name is a host's name, empty where an address was given. Prefix is invalid until
	// the caller has looked the name up.
	Name   string
	Prefix netip.Prefix
	// Port is 0 where none was given.
	Port int
}

// String is the peer as ParsePeer reads it.
func (p Peer) String() string {
	host := p.Name
	if host == "" && p.Prefix.IsSingleIP() {
		host = p.Prefix.Addr().String()
		if p.Prefix.Addr().Is6() && (p.Port != 0 || p.Scheme != "") {
			host = "[" + host + "]"
		}
	} else if host == "" {
		host = p.Prefix.String()
	}
	if p.Port != 0 {
		host += ":" + strconv.Itoa(p.Port)
	}
	if p.Scheme != "" {
		host = p.Scheme + "://" + host
	}
	return host
}

// Options are those of a command line that ask for a requirement of a built-in profile, at
// its ports; none for another's. ADDRESS stands in them for a peer's where that is not known.
func Options(req checks.Requirement) []string {
	for _, p := range builtins() {
		for _, n := range p.Needs {
			peer := Peer{Name: "ADDRESS"}
			if len(req.Peers) > 0 {
				addr := req.Peers[0].Addr() // a network has no port
				peer = Peer{Prefix: netip.PrefixFrom(addr, addr.BitLen())}
			}
			if n.OneOf != "" {
				peer.Scheme = n.Word
			}
			switch req.Name {
			case n.Name:
				if n.OneOf == "" {
					return []string{"--profile=" + p.Name}
				}
			case n.Name + "-" + strconv.Itoa(req.Ports[0]):
				peer.Port = req.Ports[0]
			default:
				continue
			}
			return []string{"--profile=" + p.Name, "--peer=" + peer.String()}
		}
	}
	return nil
}

var (
	hostname = strict.Pattern(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$`)
	numbers  = strict.Pattern(`^[0-9.]+$`)
)

// errPeer repeats nothing of what was given: it could be an address with a password.
var errPeer = errors.New("a peer is an address, a network or a host's name, such as 10.0.0.9, 10.0.0.0/24, 10.0.0.9:6514 or ssl://10.0.0.9:6514")

// ParsePeer reads an address, a network or a host's name; an address or a name may have a
// port after it, and a scheme before it.
func ParsePeer(text string) (Peer, error) {
	if prefix, err := inventory.ParsePeer(text); err == nil {
		return Peer{Prefix: prefix}, nil
	} else if two := (*inventory.AmbiguousPeerError)(nil); errors.As(err, &two) {
		return Peer{}, fmt.Errorf("%w: give %s for the address, or %s for the network", err, two.Address, two.Network)
	}
	raw := text
	if !strings.Contains(text, "://") {
		raw = "none://" + text
	}
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" || u.Host == "" {
		return Peer{}, errPeer
	}
	var p Peer
	if raw == text {
		p.Scheme = u.Scheme
	}
	if port, given := strings.CutPrefix(strings.TrimPrefix(u.Host, bracketed(u.Hostname())), ":"); given {
		if p.Port, err = strconv.Atoi(port); err != nil || p.Port < 1 || p.Port > 65535 {
			return Peer{}, errors.New("the port of a peer is a number from 1 to 65535")
		}
	}
	prefix, err := inventory.ParsePeer(u.Hostname())
	switch {
	case err == nil && !strings.Contains(u.Hostname(), "/"):
		p.Prefix = prefix
	case hostname().MatchString(u.Hostname()) && len(u.Hostname()) <= 253 && !numbers().MatchString(u.Hostname()):
		p.Name = u.Hostname()
	default:
		return Peer{}, errPeer
	}
	return p, nil
}

// bracketed is a host as a URL has it.
func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}
