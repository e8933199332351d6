package inventory

import (
	"path"
	"strings"
)

// Names are looked up as govmomi's finder does it for vic-machine (vmware/vic
// lib/install/validate/storage.go and network.go): by path.Match's globs, upper and lower
// case told apart.

// FindDatastores returns the datastores that vic-machine takes a name for, as its options
// give it: [ds://]NAME[/folder in the datastore]. Without a name it is all of them. It is
// searched in all folders and datastore clusters of the datacenter. Only one is good:
// vic-machine refuses several as ambiguous.
func (p *Placement) FindDatastores(name string) []*Datastore {
	if len(name) >= len(scheme) && strings.EqualFold(name[:len(scheme)], scheme) {
		name = name[len(scheme):]
	}
	// What begins with a slash names none either: net/url finds no host in it.
	if name, _, _ = strings.Cut(name, "/"); name == "" {
		name = "*"
	}
	var found []*Datastore
	for i := range p.Datastores {
		if d := &p.Datastores[i]; matches(name, d.Path) {
			found = append(found, d)
		}
	}
	return found
}

const scheme = "ds://"

// FindNetworks returns the networks and distributed switches that vic-machine takes a
// name for. A name without a slash is searched in all folders of the datacenter; with
// one it is a path, from the datacenter's network folder or, where it begins with the
// slash, from the root. A port group's path may lead through its switch, where that is
// known. Only one is good: vic-machine refuses several as ambiguous.
func (p *Placement) FindNetworks(name string) []*VirtualNetwork {
	bare := !strings.Contains(name, "/")
	pattern := name
	if !bare {
		pattern = path.Clean(name)
	}
	base := path.Join(p.Datacenter, "network") + "/"
	var found []*VirtualNetwork
	for i := range p.Networks {
		n := &p.Networks[i]
		if bare {
			if matches(pattern, n.Path) {
				found = append(found, n)
			}
			continue
		}
		switch leads(pattern, base, n.Path) {
		case toIt:
			found = append(found, n)
			continue
		case through:
			if n.Kind != SwitchNetwork {
				return nil // the finder ends its search with an error there
			}
		}
		if n.Switch != "" && leads(pattern, base, path.Join(n.Switch, path.Base(n.Path))) == toIt {
			found = append(found, n)
		}
	}
	return found
}

// NameLeadsTo reports whether vic-machine takes a name for the object that has the path
// full. Without a slash it is a glob for the last element, with one it is a path of
// globs, from the folder base, which ends with a slash, or absolute.
func NameLeadsTo(name, base, full string) bool {
	if !strings.Contains(name, "/") {
		return matches(name, full)
	}
	return leads(path.Clean(name), base, full) == toIt
}

// matches reports whether a glob fits the last element of a path.
func matches(glob, full string) bool {
	ok, err := path.Match(glob, path.Base(full))
	return err == nil && ok
}

// Where a path of globs leads, as seen from one object.
const (
	elsewhere = iota
	toIt
	through
)

// leads compares a path of globs, absolute or from base, with an object's path.
func leads(pattern, base, full string) int {
	rest := full
	if !path.IsAbs(pattern) {
		var below bool
		if rest, below = strings.CutPrefix(full, base); !below {
			return elsewhere
		}
	}
	globs, names := strings.Split(pattern, "/"), strings.Split(rest, "/")
	for i, name := range names {
		if i == len(globs) {
			return elsewhere
		}
		if ok, err := path.Match(globs[i], name); err == nil && ok {
			continue
		}
		// Names may hold a slash, and so the finder also takes what is left of the pattern
		// for an object that it comes by when its whole path ends so: a path from the
		// folder may begin with the folder's own name.
		if i == len(names)-1 && strings.HasSuffix(full, "/"+strings.Join(globs[i:], "/")) {
			return toIt
		}
		return elsewhere
	}
	if len(globs) > len(names) {
		return through
	}
	return toIt
}
