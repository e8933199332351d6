package checks

import (
	"cmp"
	"slices"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// Attachment tells which hosts of the compute resource vic-machine create looks at when it
// judges firewalls and licenses: those that are connected, powered on, and have the image
// store for reading and writing (vmware/vic, govmomi's AttachedClusterHosts).
type Attachment struct {
	// Hosts are the IDs of those that it looks at, and of those of which that is not
	// known, in the order of the inventory. Where they are none, they are all
	// that are connected, so that all that is wrong with them is known at once: Assumed is
	// set then.
	Hosts   []string
	Assumed bool
	// Others says of each host that create does not look at why, Unsure of each of which
	// that is not known. Both are by IDs.
	Others, Unsure map[string]string

	looks map[string]bool
}

// Looks reports whether a host is to be judged as one that create looks at.
func (a Attachment) Looks(id string) bool { return a.looks[id] }

// AttachedHosts tells which hosts vic-machine create looks at. Without a virtual container
// host to be created there is none.
func AttachedHosts(f Facts) Attachment {
	if f.VCH == nil {
		return Attachment{}
	}
	return *siteOf(f).attachment()
}

func (s *site) attachment() *Attachment {
	if s.attached != nil {
		return s.attached
	}
	a := &Attachment{Others: map[string]string{}, Unsure: map[string]string{}, looks: map[string]bool{}}
	store, why := s.theImageStore()
	for _, h := range s.hosts {
		no, unsure := s.detached(h, store, why)
		switch {
		case no != "":
			a.Others[h.ID] = no
			continue
		case unsure != "":
			a.Unsure[h.ID] = unsure
		}
		a.add(h)
	}
	if len(a.Hosts) == 0 {
		for _, h := range s.hosts {
			if h.IsConnected() || h.Connection == "" { // not known is not no
				a.Assumed = true
				a.add(h)
			}
		}
	}
	s.attached = a
	return a
}

func (a *Attachment) add(h *inventory.Host) {
	a.Hosts = append(a.Hosts, h.ID)
	a.looks[h.ID] = true
}

// detached says why create does not look at a host, or why that is not known.
func (s *site) detached(h *inventory.Host, store *inventory.Datastore, why string) (no, unsure string) {
	placed := s.Hosts[h.ID]
	switch {
	case h.Connection != "" && !h.IsConnected():
		return "it is " + h.StateLabel(), ""
	case placed.PoweredOn == inventory.No:
		return "it is powered off", ""
	case store != nil:
		if no, unsure = s.unmounted(store, h.ID); no != "" {
			return no, ""
		}
	}
	switch {
	case h.Connection == "":
		return "", "whether it is connected was not read"
	case placed.PoweredOn == inventory.Unknown:
		return "", "whether it is powered on is not known: " + cmp.Or(placed.Unreadable, s.HostsUnreadable, "it was not read")
	case store == nil:
		return "", why
	}
	return "", unsure
}

// unmounted says why create does not count a host among those that have a datastore, or
// why that is not known.
func (s *site) unmounted(store *inventory.Datastore, host string) (no, unsure string) {
	name := store.Name
	if store.Unreadable != "" || store.Mounts == nil {
		return "", "which hosts have " + name + " is not known: " + cmp.Or(store.Unreadable, "it was not read")
	}
	m, has := s.mountsOf(store)[host]
	switch {
	case !has:
		return "it does not have " + name, ""
	case m.Mounted == inventory.No:
		return "it has " + name + " unmounted", ""
	case m.Accessible == inventory.No:
		return "it cannot access " + name, ""
	case m.ReadWrite == inventory.No:
		return "it has " + name + " for reading only", ""
	case m.Mounted == inventory.Unknown || m.Accessible == inventory.Unknown || m.ReadWrite == inventory.Unknown:
		return "", "its server does not say how it has " + name
	}
	return "", ""
}

func (s *site) mountsOf(store *inventory.Datastore) map[string]inventory.Mount {
	if s.mounts[store] == nil {
		byHost := make(map[string]inventory.Mount, len(store.Mounts))
		for _, m := range store.Mounts {
			byHost[m.Host] = m
		}
		s.mounts[store] = byHost
	}
	return s.mounts[store]
}

// AttachedHostsCheck is the ID of the check for hosts that vic-machine create does not see.
const AttachedHostsCheck = "attached-hosts"

func attachedHosts() Check {
	return Check{
		ID:    AttachedHostsCheck,
		Title: "vic-machine create looks at every host of the compute resource",
		Why: "create judges firewalls and licenses on the hosts alone that are connected, powered on and have the image " +
			"store. The others take part as soon as they can, with whatever they have then.",
		Reasons: []Reason{HostUnattached, PlaceUnreadable},
		Run: onSite(func(s *site) []Result {
			results := s.perHost(AttachedHostsCheck, func(h *inventory.Host) finding {
				if store, f := s.store(s.vch.ImageStore, imageStoreOption); store == nil && f.Status == Fail {
					return leftOut(NotJudged, "there is no image store to judge it by")
				}
				if s.attachment().Assumed && s.attachment().Looks(h.ID) {
					return leftOut(NotJudged, "no host can use the image store, which is a finding of its own: until it is mended create looks at none, "+
						"and here this one is judged as if it did")
				}
				if why := s.attachment().Others[h.ID]; why != "" {
					f := ours(HostUnattached, "create does not look at this host: %s", why)
					f.Store = s.lacks(h)
					return f
				}
				if why := s.attachment().Unsure[h.ID]; why != "" {
					return notKnown("whether create looks at this host is not known: %s", why)
				}
				return inOrder("create looks at this host")
			})
			if lost := s.lost(); len(lost) > 0 {
				f := notKnown("%s of the compute resource could not be read: %s", count(len(lost), "host"), few(lost))
				results = append(results, f.result(AttachedHostsCheck, s.computeSubject()))
			}
			return results
		}),
	}
}

// lacks is the image store where it is all that a host lacks to be looked at.
func (s *site) lacks(h *inventory.Host) LackedStore {
	store, _ := s.theImageStore()
	if no, _ := s.detached(h, nil, ""); store == nil || no != "" { // it is not connected, or off
		return LackedStore{}
	}
	return s.lacked(store, []*inventory.Host{h})
}

// lost are the IDs of hosts that the compute resource lists and nothing was read of.
func (s *site) lost() []string {
	known := map[string]bool{}
	for i := range s.facts.Inventory.Hosts {
		known[s.facts.Inventory.Hosts[i].ID] = true
	}
	return slices.DeleteFunc(slices.Clone(s.Compute.Hosts), func(id string) bool { return known[id] })
}
