package profile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// Auto is the name that stands for all of FromSettings, and the peer that stands for those in
// hosts' own settings.
const Auto = "auto"

// FromSettings are the built-in profiles whose peers hosts have in their own settings.
func FromSettings() []Profile {
	return slices.DeleteFunc(All(), func(p Profile) bool { return !p.InSettings() })
}

// InSettings reports whether hosts have the profile's peers in their own settings.
func (p Profile) InSettings() bool { return len(p.Peer.From) > 0 }

// schemes are what a setting means by an address without one: the collectors of
// Syslog.global.logHost are udp:// (Broadcom, ESXi Syslog Options).
var schemes = map[inventory.PeerOrigin]string{inventory.SyslogLogHosts: "udp"}

// Demanded are the needs that the hosts have by their own settings, each with its peers by
// host, in the order of the profiles. A setting that holds what is no peer is marked as
// unreadable in the inventory: nothing is required for it.
func Demanded(profiles []Profile, inv *inventory.Inventory) []Need {
	var d demands
	for _, p := range profiles {
		for i := range inv.Hosts {
			h := &inv.Hosts[i]
			for n := range h.PeerSettings {
				s := &h.PeerSettings[n]
				if err := d.add(p, h, s); err != nil && s.Unreadable == "" {
					s.Unreadable = err.Error()
				}
			}
		}
	}
	return d.needs()
}

// StandIn puts the peers into the places of those that the hosts' settings have without an
// address, of the needs of the profile that they pick. Whoever gives them says that they are
// these; what the settings have by address stays.
func (p Profile) StandIn(demanded []Need, peers ...Peer) error {
	if len(peers) == 0 {
		return nil
	}
	picked, err := p.Requirements(peers...)
	if err != nil {
		return err
	}
	for _, n := range picked {
		for _, to := range demanded {
			if to.Name != n.Name {
				continue
			}
			addressed := map[*checks.Demand]*checks.Demand{} // of hosts that share one
			for id, demand := range to.Of {
				if len(demand.Unnamed) == 0 {
					continue
				}
				if addressed[demand] == nil {
					addressed[demand] = &checks.Demand{Peers: append(slices.Clone(demand.Peers), n.Peers...), From: demand.From + ", by --peer"}
				}
				to.Of[id] = addressed[demand]
			}
		}
	}
	return nil
}

// demands are needs in the making.
type demands struct{ list []*wanted }

type wanted struct {
	Need
	hosts map[string]*demand // by ID
}

// demand is what one setting of a host says.
type demand struct {
	checks.Demand
	setting string
	said    []string
}

// key is equal for demands that are: what is said, and what of it is no address.
func (d *demand) key() string {
	const end = "\x00"
	return d.setting + end + strings.Join(d.said, end) + end + end + strings.Join(d.Unnamed, end)
}

// add notes what the setting of a host demands of a profile. The error is about the last of
// its values that cannot be taken.
func (d *demands) add(p Profile, h *inventory.Host, s *inventory.PeerSetting) (err error) {
	if !slices.Contains(p.Origins(), s.Origin) {
		return nil
	}
	for _, value := range s.Values {
		peer, wrong := ParsePeer(address(s.Origin, value))
		if wrong != nil {
			err = fmt.Errorf("%s is not understood: %w", value, wrong)
			continue
		}
		if peer.Scheme == "" {
			peer.Scheme = schemes[s.Origin]
		}
		picked, wrong := p.pick(peer)
		if wrong != nil {
			err = wrong
		}
		for _, n := range picked {
			switch {
			case n.OneOf != "":
				err = fmt.Errorf("%s does not say which of %s it is", value, strings.Join(p.words(), ", "))
			case slices.Contains(p.from(n), s.Origin):
				to := d.demand(n, h)
				to.setting, to.said = s.Name, append(to.said, value+portTaken(s.Origin, peer, n))
				if peer.Prefix.IsValid() {
					to.Peers = append(to.Peers, peer.Prefix)
				} else {
					to.Unnamed = append(to.Unnamed, peer.Name)
				}
			}
		}
	}
	for _, n := range p.Needs {
		if len(s.Unnamed) > 0 && n.OneOf == "" && slices.Contains(p.from(n), s.Origin) {
			to := d.demand(n, h)
			to.setting, to.said, to.Unnamed = s.Name, append(to.said, s.Unnamed...), append(to.Unnamed, s.Unnamed...)
		}
	}
	return err
}

// portTaken says which port is judged for a value that names none, where that is not certain: for a
// collector by TCP pages of Broadcom say 514, and others 1514.
func portTaken(origin inventory.PeerOrigin, peer Peer, n Need) string {
	if origin == inventory.SyslogLogHosts && peer.Scheme == "tcp" && peer.Port == 0 {
		return fmt.Sprintf(" (%d taken for its port)", n.Ports[0])
	}
	return ""
}

// address is the peer in a value: a collector of ESXi 8 may have a query behind it, such as
// ?formatter=RFC_5424&framing=octet_counting (Broadcom, ESXi Syslog Options).
func address(origin inventory.PeerOrigin, value string) string {
	if origin == inventory.SyslogLogHosts {
		value, _, _ = strings.Cut(value, "?")
	}
	return value
}

// Origins are the settings that one of the profile's needs has its peers from.
func (p Profile) Origins() []inventory.PeerOrigin {
	list := slices.Clone(p.Peer.From)
	for _, n := range p.Needs {
		list = append(list, n.From...)
	}
	return list
}

// from are the settings that have the peers of a need.
func (p Profile) from(n Need) []inventory.PeerOrigin {
	if len(n.From) > 0 {
		return n.From
	}
	return p.Peer.From
}

// demand is the need's of the host, which is to be completed.
func (d *demands) demand(n Need, h *inventory.Host) *demand {
	at := slices.IndexFunc(d.list, func(t *wanted) bool { return t.Name == n.Name })
	if at < 0 {
		at = len(d.list)
		d.list = append(d.list, &wanted{Need: n, hosts: map[string]*demand{}})
	}
	t := d.list[at]
	if t.hosts[h.ID] == nil {
		t.hosts[h.ID] = &demand{}
	}
	return t.hosts[h.ID]
}

// needs are complete.
func (d *demands) needs() []Need {
	list := make([]Need, len(d.list))
	shared := map[string]*checks.Demand{}
	for i, t := range d.list {
		t.Of = make(map[string]*checks.Demand, len(t.hosts))
		for id, demand := range t.hosts {
			key := demand.key()
			if shared[key] == nil {
				demand.From = fmt.Sprintf("%s: %s", demand.setting, checks.Some(demand.said))
				shared[key] = &demand.Demand
			}
			t.Of[id] = shared[key]
		}
		list[i] = t.Need
	}
	return list
}
