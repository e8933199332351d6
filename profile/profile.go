// Package profile has named requirements: what must be open on every host for syslog, NTP,
// backup and the like. They are YAML, in the binary and in a site's own file, which
// docs/profile.schema.json describes for editors.
package profile

import (
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/nearest"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// ManagementByVCenter is the name of the requirement whose peer is the vCenter of a host.
const ManagementByVCenter = "vcenter-management"

// Default is the name of the profile of whoever names none.
const Default = "vic"

// Profile is one or more requirements under a name.
type Profile struct {
	// Name is kebab-case, and a contract.
	Name, Title string
	Peer        PeerKind
	// Needs are in the order of the file.
	Needs []Need
	// Sources are where it is known from. There is at least one.
	Sources []string
	// File is the path of a site's own; empty of a built-in one.
	File string
}

// PeerKind is who is on the other side of all requirements of a profile.
type PeerKind struct {
	// Kind has an article: a log collector.
	Kind string
	// Flag is the option that gives its address.
	Flag string
	// From are the settings of hosts that hold its address, none where no setting does.
	From []inventory.PeerOrigin
	// CarriesScheme and CarriesPort say that scheme and port come with the address.
	CarriesScheme, CarriesPort bool
}

// onHosts reports whether the peers are ESXi hosts themselves.
func (p PeerKind) onHosts() bool {
	return slices.Contains(p.From, inventory.VMotionHosts) || slices.Contains(p.From, inventory.VSANHosts)
}

// Need is a requirement with what is known of it besides.
type Need struct {
	checks.Requirement
	// OneOf is the name of the choice that it is an alternative of, empty where it must
	// hold by itself.
	OneOf string
	// Word is its name within the profile: of an alternative, the scheme that picks it.
	Word string
	// From replaces the profile's where its peers stand in another setting.
	From []inventory.PeerOrigin
}

//go:embed builtin/*.yaml
var builtin embed.FS

// names are those of the built-in profiles, in the order in which they are shown.
var names = []string{
	"vic", "syslog", "ntp", "vcenter", "vddk-nbd", "online-depot", "vmotion", "vsan", "nfs3", "nfs41", "iscsi", "kms", "ad-join", "ssh-out",
}

// builtins reads the files when they are first asked for: most runs need none.
var builtins = sync.OnceValue(func() []Profile {
	list := make([]Profile, len(names))
	for i, name := range names {
		path := "builtin/" + name + ".yaml"
		data, err := builtin.ReadFile(path)
		if err == nil {
			list[i], err = parse(path, data)
		}
		if err != nil {
			panic(err) // the tests read them all
		}
	}
	return list
})

// All are the built-in profiles, the default first.
func All() []Profile { return slices.Clone(builtins()) }

// Names are those of the built-in profiles.
func Names() []string { return slices.Clone(names) }

// UnknownError means that no built-in profile has the name.
type UnknownError struct{ Name, Nearest string }

func (e *UnknownError) Error() string {
	text := fmt.Sprintf("%q is no profile", e.Name)
	if e.Nearest != "" {
		return text + "; did you mean " + e.Nearest + "?"
	}
	return text + ": there are " + strings.Join(names, ", ")
}

// Named returns the built-in profile of the name, else an *UnknownError.
func Named(name string) (Profile, error) {
	if i := slices.Index(names, name); i >= 0 {
		return builtins()[i], nil
	}
	return Profile{}, &UnknownError{name, nearest.Of(name, names)}
}

// Requirements are what must be open for the peers, and for any peer where none is given.
// What a peer carries picks its alternative and replaces the port; alternatives that
// nothing picks are all returned, with OneOf set. The peers must have addresses.
func (p Profile) Requirements(peers ...Peer) ([]Need, error) {
	if len(peers) == 0 {
		return slices.Clone(p.Needs), nil
	}
	var list []Need
	for _, peer := range peers {
		if !peer.Prefix.IsValid() {
			return nil, fmt.Errorf("the address of %s is not known", peer)
		}
		picked, err := p.pick(peer)
		if err != nil {
			return nil, err
		}
		for _, n := range picked {
			i := slices.IndexFunc(list, func(have Need) bool { return have.Name == n.Name })
			if i < 0 {
				list, i = append(list, n), len(list)
			} else if list[i].OneOf != n.OneOf {
				return nil, fmt.Errorf("which of %s %s needs is not known: give all addresses of the profile %s with a scheme, or none",
					strings.Join(p.words(), ", "), peer, p.Name)
			}
			list[i].Peers = append(slices.Clone(list[i].Peers), peer.Prefix)
		}
	}
	return list, nil
}

// pick are the needs for one peer. They are not to be written to.
func (p Profile) pick(peer Peer) ([]Need, error) {
	switch {
	case peer.Scheme != "" && !p.Peer.CarriesScheme:
		return nil, fmt.Errorf("the profile %s takes addresses without a scheme, and %s has one", p.Name, peer)
	case peer.Port != 0 && !p.Peer.CarriesPort:
		return nil, fmt.Errorf("the profile %s takes addresses without a port, and %s has one", p.Name, peer)
	case peer.Scheme != "" && !slices.Contains(p.words(), peer.Scheme):
		return nil, fmt.Errorf("the profile %s takes one of %s for a scheme, and %s has another", p.Name, strings.Join(p.words(), ", "), peer)
	}
	if peer.Scheme == "" && peer.Port == 0 && len(p.Needs) > 1 {
		return p.Needs, nil
	}
	needs := slices.Clone(p.Needs)
	switch {
	case peer.Scheme != "":
		needs = slices.DeleteFunc(needs, func(n Need) bool { return n.Word != peer.Scheme })
	case slices.ContainsFunc(needs, func(n Need) bool { return n.Ports[0] == peer.Port }):
		needs = slices.DeleteFunc(needs, func(n Need) bool { return n.Ports[0] != peer.Port })
	}
	for i := range needs {
		if peer.Port != 0 && needs[i].Ports[0] != peer.Port {
			needs[i].Requirement = needs[i].At(peer.Port)
			needs[i].Name += "-" + strconv.Itoa(peer.Port) // peers at several ports are several requirements
		}
		if len(needs) == 1 {
			needs[i].OneOf = ""
		}
	}
	return needs, nil
}

// ForPort is what else than a virtual container host is known to need an outbound TCP port
// by rulesets that do not come and go by themselves: the first of the built-in needs.
func ForPort(port int) (Need, bool) {
	for _, p := range builtins() {
		for _, n := range p.Needs {
			if p.Name != Default && n.Direction == inventory.Outbound && n.Protocol == inventory.TCP && n.Switched == "" && slices.Contains(n.Ports, port) {
				return n, true
			}
		}
	}
	return Need{}, false
}

// Managing are the keys of rulesets by which hosts are managed.
func Managing() (keys []string) {
	for _, p := range builtins() {
		for _, n := range p.Needs {
			if n.NeverNarrowWithout {
				keys = append(keys, n.Prefer...)
			}
		}
	}
	return keys
}

// words are the names of the needs within the profile.
func (p Profile) words() []string {
	list := make([]string, len(p.Needs))
	for i, n := range p.Needs {
		list[i] = n.Word
	}
	return list
}
