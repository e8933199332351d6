package preflight

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/profile"
)

// Wanted says what must be open, as a command line does: the port of a virtual container
// host, or profiles.
type Wanted struct {
	// Port and VCHs are of a virtual container host: its port, and its addresses or networks.
	Port int
	VCHs []string
	// Profiles are names of built-in profiles, Files are profiles of a site's own.
	Profiles, Files []string
	// Peers are those of the profiles: [PROFILE=]PEER, as profile.ParsePeer reads a peer. The
	// profile may be left out where there is one alone.
	Peers []string
}

// OfProfiles reports whether profiles are asked for.
func (w Wanted) OfProfiles() bool { return len(w.Profiles)+len(w.Files) > 0 }

// Requirements are what Options take. The errors are *UsageError.
func (w Wanted) Requirements() ([]checks.Requirement, error) {
	chosen, err := w.profiles()
	switch {
	case err != nil:
		return nil, err
	case len(chosen) > 0:
		return w.ofProfiles(chosen)
	case len(w.Peers) > 0:
		return nil, &UsageError{Option: "peer", Err: errors.New("goes with --profile or --requirements"), Hints: []string{"--vch-ip gives the address of a virtual container host"}}
	}
	req := checks.VIC().At(w.Port)
	if w.Port < 1 || w.Port > 65535 {
		return nil, usage("port", "%d is not a port: it takes 1 to 65535", w.Port)
	}
	for _, text := range w.VCHs {
		p, err := ParsePeer("vch-ip", text)
		if err != nil {
			return nil, err
		}
		req.Peers = append(req.Peers, p)
	}
	return []checks.Requirement{req}, nil
}

// ParsePeer reads an address or a network that an option gives. The error is a *UsageError.
func ParsePeer(option, text string) (netip.Prefix, error) {
	p, err := inventory.ParsePeer(text)
	var two *inventory.AmbiguousPeerError
	switch {
	case errors.As(err, &two):
		return p, &UsageError{Option: option, Err: err, Hints: []string{fmt.Sprintf("give %s for the address, or %s for the network", two.Address, two.Network)}}
	case err != nil:
		return p, file(option, err)
	}
	return p, nil
}

// profiles are those that are named, each once.
func (w Wanted) profiles() (list []profile.Profile, err error) {
	for _, name := range w.Profiles {
		p, err := profile.Named(name)
		if err != nil {
			return nil, &UsageError{Option: "profile", Err: err, Hints: []string{"vic-preflight profiles lists them"}}
		}
		list = append(list, p)
	}
	for _, path := range w.Files {
		p, err := profile.Read(path)
		if err != nil {
			return nil, file("requirements", err, "docs/profile.schema.json describes the file; docs/profiles.md shows what is built in")
		}
		list = append(list, p)
	}
	for i, p := range list {
		if slices.ContainsFunc(list[:i], func(q profile.Profile) bool { return q.Name == p.Name }) {
			return nil, usage("", "the profile %s is given twice", p.Name)
		}
	}
	return list, nil
}

func (w Wanted) ofProfiles(chosen []profile.Profile) (all []checks.Requirement, err error) {
	if len(w.VCHs) > 0 || w.Port != checks.DefaultPort {
		return nil, &UsageError{Err: errors.New("--vch-ip and --port are of a virtual container host, and --profile names what else must be open"), Hints: []string{"--peer gives the address on the other side"}}
	}
	peers, err := w.peers(chosen)
	if err != nil {
		return nil, err
	}
	for _, p := range chosen {
		needs, err := p.Requirements(peers[p.Name]...)
		if err != nil {
			return nil, &UsageError{Option: "peer", Err: err}
		}
		for _, n := range needs {
			if n.OneOf != "" {
				return nil, &UsageError{
					Err:   fmt.Errorf("the profile %s is one of several, and which one is not known: %s", p.Name, strings.Join(p.Alternatives(n.OneOf), ", ")),
					Hints: []string{fmt.Sprintf("--peer %s says which; vic-preflight profiles %s shows them", p.Peer.Form(), p.Name)},
				}
			}
			all = append(all, n.Requirement)
		}
	}
	return all, nil
}

// peers are those of each profile, by its name.
func (w Wanted) peers(chosen []profile.Profile) (map[string][]profile.Peer, error) {
	peers := map[string][]profile.Peer{}
	for _, text := range w.Peers {
		name, rest, named := strings.Cut(text, "=")
		if !named {
			if name, rest = chosen[0].Name, text; len(chosen) > 1 {
				return nil, &UsageError{Option: "peer", Err: errors.New("does not say of which profile it is"), Hints: []string{"--peer PROFILE=ADDRESS, such as --peer " + chosen[0].Name + "=10.0.0.9"}}
			}
		}
		if !slices.ContainsFunc(chosen, func(p profile.Profile) bool { return p.Name == name }) {
			return nil, usage("peer", "is of a profile that is not asked for")
		}
		p, err := profile.ParsePeer(rest)
		switch {
		case err != nil:
			return nil, file("peer", err)
		case !p.Prefix.IsValid():
			return nil, &UsageError{Option: "peer", Err: fmt.Errorf("%s is a name, and allowed hosts are addresses", p.Name), Hints: []string{"give its address, or the network that it is in"}}
		}
		peers[name] = append(peers[name], p)
	}
	return peers, nil
}
