package preflight

import (
	"net/netip"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/profile"
)

// managing are the keys of rulesets by which hosts are managed.
func managing(reqs []checks.Requirement) []string {
	keys := profile.Managing()
	for _, req := range reqs {
		if req.NeverNarrowWithout {
			keys = append(keys, req.Prefer...)
		}
	}
	return keys
}

// managers finds the addresses that must not be shut out of those: the vCenter's, and on a
// bare host, inbound, that of this machine.
func managers(s *session, reqs []checks.Requirement) func(*inventory.Host, string) ([]netip.Prefix, string) {
	return func(h *inventory.Host, direction string) (list []netip.Prefix, unknown string) {
		if s.Endpoint().Kind == inventory.ESXi && direction == inventory.Inbound {
			here := s.LocalAddress()
			if !here.IsValid() {
				return nil, "the address of this machine, as the host sees it, is not known"
			}
			list = append(list, netip.PrefixFrom(here, here.BitLen()))
		}
		vCenter, known := managingVCenter(h, reqs)
		if !known {
			return nil, "the vCenter's address is not known; --profile vcenter --peer vcenter=ADDRESS gives it"
		}
		return append(list, vCenter...), ""
	}
}

// managingVCenter are the vCenter's addresses by the host's own setting where that was read,
// else by what the user says of it. None that are known mean that there is no vCenter.
func managingVCenter(h *inventory.Host, reqs []checks.Requirement) (list []netip.Prefix, known bool) {
	for _, s := range h.PeerSettings {
		if s.Origin != inventory.ManagingVCenter {
			continue
		}
		known = s.Unreadable == "" && len(s.Unnamed) == 0
		for _, value := range s.Values {
			p, err := inventory.ParsePeer(value)
			known = known && err == nil
			list = append(list, p)
		}
	}
	for _, req := range reqs {
		if req.Name != profile.ManagementByVCenter {
			continue
		}
		own, required := req.For(h)
		if required && len(own.Peers) > 0 && len(own.Unnamed) == 0 {
			list, known = append(list, own.Peers...), true
		}
	}
	return list, known
}
