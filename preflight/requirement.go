package preflight

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/infile"
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

// Put puts into the options what must be open. The errors are *UsageError.
func (w Wanted) Put(o *Options) error {
	chosen, err := w.profiles()
	switch {
	case err != nil:
		return err
	case len(chosen) > 0:
		o.RequiredBy = w.flags()
		return w.putProfiles(o, chosen)
	}
	req, err := w.vch()
	if err == nil {
		o.Requirements = []checks.Requirement{req}
	}
	return err
}

// until is Requirements until the context ends.
func (w Wanted) until(ctx context.Context) ([]checks.Requirement, error) {
	reqs, err := infile.Until(ctx, "read --requirements", w.Requirements)
	return reqs, Ended(err)
}

// Requirements are those of Put. Peers that are in hosts' own settings are refused.
func (w Wanted) Requirements() ([]checks.Requirement, error) {
	var o Options
	err := w.Put(&o)
	if err == nil && len(o.BySettings) > 0 {
		err = usage("", "what hosts' own settings ask for is not known here: name the profiles, and their peers with --peer")
	}
	return o.Requirements, err
}

// flags ask for the same profiles.
func (w Wanted) flags() (list []string) {
	for _, f := range []struct {
		name   string
		values []string
	}{{"profile", w.Profiles}, {"requirements", w.Files}, {"peer", w.Peers}, {"vch-ip", w.VCHs}} {
		for _, v := range f.values {
			list = append(list, "--"+f.name+"="+v)
		}
	}
	return list
}

// alone are the flags that ask for one of the profiles, with its peers.
func (w Wanted) alone(p profile.Profile) []string {
	of := func(peer string) bool {
		name, _, named := strings.Cut(peer, "=")
		return !named || name == p.Name
	}
	one := Wanted{Peers: slices.DeleteFunc(slices.Clone(w.Peers), func(peer string) bool { return !of(peer) })}
	if p.Name == profile.Default {
		one.VCHs = w.VCHs
	}
	if p.File != "" {
		one.Files = []string{p.File}
	} else {
		one.Profiles = []string{p.Name}
	}
	return one.flags()
}

// vch is the port of a virtual container host.
func (w Wanted) vch() (req checks.Requirement, err error) {
	if len(w.Peers) > 0 {
		return req, &UsageError{Option: "peer", Err: errors.New("goes with --profile or --requirements"), Hints: []string{"--vch-ip gives the address of a virtual container host"}}
	}
	req = checks.VIC().At(w.Port)
	if w.Port < 1 || w.Port > 65535 {
		return req, usage("port", "%d is not a port: it takes 1 to 65535", w.Port)
	}
	if n, known := profile.ForPort(w.Port); known {
		req.Prefer, req.Accept = n.Prefer, append(slices.Clone(n.Accept), req.Accept...)
		req.Owner, req.Daemon = n.Owner, n.Daemon
	}
	for _, text := range w.VCHs {
		p, err := ParsePeer("vch-ip", text)
		if err != nil {
			return req, err
		}
		req.Peers = append(req.Peers, p)
	}
	return req, nil
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

// vchWord stands in a list of allowed hosts for the addresses of the virtual container host.
const vchWord = "vch"

// ParseAllowed reads the addresses and networks of --allowed-ip; vch stands for the peers of
// the virtual container host among the requirements. The error is a *UsageError.
func ParseAllowed(texts []string, required []checks.Requirement) (list []netip.Prefix, err error) {
	for _, text := range texts {
		if text != vchWord {
			p, err := ParsePeer("allowed-ip", text)
			if err != nil {
				return nil, err
			}
			list = append(list, p)
			continue
		}
		i := slices.IndexFunc(required, checks.Requirement.OfVCH)
		switch {
		case i < 0:
			return nil, &UsageError{Err: errors.New("--allowed-ip vch is a virtual container host's address, and no port of one is asked for"), Hints: []string{"--allowed-ip ADDRESS gives a peer's"}}
		case len(required[i].Peers) == 0:
			return nil, usage("", "--allowed-ip vch needs the virtual container host's address: give --vch-ip")
		}
		list = append(list, required[i].Peers...)
	}
	return list, nil
}

// profiles are those that are named, each once. Auto is those of FromSettings that are not
// named besides.
func (w Wanted) profiles() (list []profile.Profile, err error) {
	for _, name := range w.Profiles {
		if name == profile.Auto {
			continue
		}
		p, err := profile.Named(name)
		if err != nil {
			return nil, &UsageError{Option: "profile", Err: err, Hints: []string{"vic-preflight profiles lists them; auto reads from the hosts' own settings what they need"}}
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
		if indexOf(list[:i], p.Name) >= 0 {
			return nil, usage("", "the profile %s is given twice", p.Name)
		}
	}
	if slices.Contains(w.Profiles, profile.Auto) {
		for _, p := range profile.FromSettings() {
			if indexOf(list, p.Name) < 0 {
				list = append(list, p)
			}
		}
	}
	return list, nil
}

func (w Wanted) putProfiles(o *Options, chosen []profile.Profile) error {
	if len(w.VCHs) > 0 && indexOf(chosen, profile.Default) < 0 || w.Port != checks.DefaultPort {
		return &UsageError{Err: errors.New("--vch-ip and --port are of a virtual container host, and --profile names what else must be open"), Hints: []string{"--peer gives the address on the other side"}}
	}
	peers, err := w.peers(chosen)
	if err != nil {
		return err
	}
	o.StandIns = map[string][]profile.Peer{}
	for _, p := range chosen {
		given := peers[p.Name]
		needs, err := p.Requirements(given.list...)
		if err != nil {
			return &UsageError{Err: fmt.Errorf("--peer: %w", err)}
		}
		if given.fromSettings || w.bySettings(p) {
			o.BySettings = append(o.BySettings, p)
			o.StandIns[p.Name] = given.list
			continue
		}
		for _, n := range needs {
			if n.OneOf != "" && o.Change.Do != Deny { // all of them are closed
				return choose(chosen, p, n)
			}
			n.Asked = w.alone(p)
			o.Requirements = append(o.Requirements, n.Requirement)
		}
	}
	return distinct(o)
}

// distinct refuses two requirements of one name, which two files can make (the need b-c of
// a profile a, and c of a-b): a report tells requirements apart by the name alone.
func distinct(o *Options) error {
	names := map[string]bool{}
	reqs := slices.Clone(o.Requirements)
	for _, p := range o.BySettings {
		for _, n := range p.Needs {
			reqs = append(reqs, n.Requirement)
		}
	}
	for _, req := range reqs {
		if names[req.Name] {
			return &UsageError{Err: fmt.Errorf("two requirements have the name %s", req.Name), Hints: []string{
				"a requirement is called by its profile and its own name: give one of the two profiles another name, or check them one after the other",
			}}
		}
		names[req.Name] = true
	}
	return nil
}

func indexOf(list []profile.Profile, name string) int {
	return slices.IndexFunc(list, func(p profile.Profile) bool { return p.Name == name })
}

func namesOf(list []profile.Profile) []string {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.Name
	}
	return names
}

// choose is the error where nothing says which alternative of a profile is meant.
func choose(chosen []profile.Profile, p profile.Profile, n profile.Need) error {
	forms := p.Forms()
	for i := range forms {
		if len(chosen) > 1 {
			forms[i] = p.Name + "=" + forms[i]
		}
	}
	hints := []string{fmt.Sprintf("--peer %s says which; vic-preflight profiles %s shows them", strings.Join(forms, ", or "), p.Name)}
	if p.InSettings() {
		hints = append(hints, fmt.Sprintf("--peer %s=%s reads it from each host's own settings, but for vib and rule", p.Name, profile.Auto))
	}
	return &UsageError{
		Err:   fmt.Errorf("the profile %s is one of several, and which one is not known: %s", p.Name, strings.Join(p.Alternatives(n.OneOf), ", ")),
		Hints: hints,
	}
}

// nameless is the error about a peer without a profile. It suggests one that takes the peer.
func (w Wanted) nameless(chosen []profile.Profile, text string) error {
	hint := "--peer PROFILE=PEER; vic-preflight profiles PROFILE shows what its peers look like"
	if text != profile.Auto {
		if _, err := addressed(text); err != nil {
			return err
		}
	}
	if i := slices.IndexFunc(chosen, func(p profile.Profile) bool { return w.takes(p, text) }); i >= 0 {
		hint = fmt.Sprintf("--peer PROFILE=PEER, such as --peer %s=%s", chosen[i].Name, text)
	}
	return &UsageError{Option: "peer", Err: errors.New("does not say of which profile it is"), Hints: []string{hint}}
}

// takes reports whether a text that is auto, or a peer, can be given for the profile.
func (w Wanted) takes(p profile.Profile, text string) bool {
	if text == profile.Auto {
		return p.InSettings()
	}
	peer, err := addressed(text)
	if err != nil {
		return false
	}
	needs, err := p.Requirements(peer)
	return err == nil && (w.bySettings(p) || !slices.ContainsFunc(needs, func(n profile.Need) bool { return n.OneOf != "" }))
}

// bySettings reports whether --profile auto stands for the profile too.
func (w Wanted) bySettings(p profile.Profile) bool {
	return slices.Contains(w.Profiles, profile.Auto) && p.InSettings()
}

// addressed reads a peer that must have an address.
func addressed(text string) (profile.Peer, error) {
	p, err := profile.ParsePeer(text)
	switch {
	case err != nil:
		return p, file("peer", err)
	case !p.Prefix.IsValid():
		return p, &UsageError{Option: "peer", Err: fmt.Errorf("%s is a name, and allowed hosts are addresses", p.Name), Hints: []string{"give its address, or the network that it is in"}}
	}
	return p, nil
}

// given are the peers of a profile: a list, or those in hosts' own settings.
type given struct {
	list         []profile.Peer
	fromSettings bool
}

// peers are those of each profile, by its name.
func (w Wanted) peers(chosen []profile.Profile) (map[string]given, error) {
	peers := map[string]given{}
	texts := slices.Clone(w.Peers)
	for _, text := range w.VCHs { // the option of the default profile's peers
		texts = append(texts, profile.Default+"="+text)
	}
	for _, text := range texts {
		name, rest, named := strings.Cut(text, "=")
		if !named {
			if name, rest = chosen[0].Name, text; len(chosen) > 1 {
				return nil, w.nameless(chosen, text)
			}
		}
		at := indexOf(chosen, name)
		if at < 0 {
			return nil, usage("peer", "is of a profile that is not asked for: there are %s", strings.Join(namesOf(chosen), ", "))
		}
		of := peers[name]
		switch p, err := addressed(rest); {
		case rest == profile.Auto && !chosen[at].InSettings():
			return nil, &UsageError{Option: "peer", Err: fmt.Errorf("no setting of a host has the peers of the profile %s", name), Hints: []string{"give their address"}}
		case rest == profile.Auto:
			of.fromSettings = true
		case err != nil:
			return nil, err
		default:
			of.list = append(of.list, p)
		}
		peers[name] = of
	}
	return peers, nil
}
