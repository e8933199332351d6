package checks

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// The IDs of the checks of networks.
const (
	NetworksCheck          = "networks"
	BridgeNetworkCheck     = "bridge-network"
	ContainerNetworksCheck = "container-networks"
	NetworkHostsCheck      = "network-hosts"
)

const (
	bridgeOption    = "--bridge-network"
	containerOption = "--container-network"
)

// network finds the one network that an option names, or says what keeps it from being
// found.
func (s *site) network(name, option string) (*inventory.VirtualNetwork, finding) {
	list := s.FindNetworks(name)
	switch {
	case s.NetworksUnreadable != "":
		return nil, notKnown("the networks could not be read: %s", s.NetworksUnreadable)
	case s.Networks == nil && !s.wasRead():
		return nil, notKnown("the networks were not read")
	case len(list) == 0:
		return nil, refuses(NetworkMissing, "there is no network %q, for %s", name, option)
	case len(list) > 1:
		paths := make([]string, len(list))
		for i, n := range list {
			paths[i] = n.Path
		}
		return nil, refuses(NetworkAmbiguous, "%s: %q is the name of %s", option, name, few(paths))
	}
	return list[0], finding{}
}

// role is one of the networks of the virtual container host itself.
type role struct{ option, network string }

func (s *site) roles() []role {
	return []role{
		{"--public-network", s.vch.Public.Network}, {"--client-network", s.vch.Client.Network}, {"--management-network", s.vch.Management.Network},
	}
}

// bridge is the bridge network's name: create takes the virtual container host's for want
// of one.
func (v *VCH) bridge() string { return cmp.Or(v.Bridge, v.Name, DefaultVCHName) }

// Networks are those that the options name, as they name them.
func (v *VCH) Networks() []string {
	list := []string{v.bridge(), v.Public.Network, v.Client.Network, v.Management.Network}
	for _, n := range v.containerNetworks() {
		list = append(list, n.network)
	}
	return list
}

// containerNetwork is one --container-network: NETWORK[:ALIAS].
type containerNetwork struct{ network, alias string }

func (v *VCH) containerNetworks() []containerNetwork {
	list := make([]containerNetwork, len(v.ContainerNetworks))
	for i, given := range v.ContainerNetworks {
		network, alias, _ := strings.Cut(given, ":")
		list[i] = containerNetwork{network, cmp.Or(alias, network)}
	}
	return list
}

func (n containerNetwork) option() string { return containerOption + " " + n.network }

func networks() Check {
	return Check{
		ID:      NetworksCheck,
		Title:   "The public, client and management networks are there",
		Why:     "Without them the virtual container host has no way to its users, its vCenter and its hosts.",
		Reasons: []Reason{NetworkMissing, NetworkAmbiguous, PlaceUnreadable},
		Run: onSite(func(s *site) []Result {
			var names []string
			options := map[string][]string{}
			for _, r := range s.roles() {
				if options[r.network] == nil {
					names = append(names, r.network)
				}
				options[r.network] = append(options[r.network], r.option)
			}
			var results []Result
			for _, name := range names {
				all := enumerate(options[name])
				n, f := s.network(name, all)
				subject := options[name][0]
				if n != nil {
					f, subject = inOrder("%s: %s is there", all, n.Name), n.Path
				}
				results = append(results, f.result(NetworksCheck, subject))
			}
			return onePerSubject(results)
		}),
	}
}

func bridgeNetwork() Check {
	return Check{
		ID:    BridgeNetworkCheck,
		Title: "The bridge network is a distributed port group of its own",
		Why:   "Containers of one virtual container host talk to each other on it, whichever hosts they run on, and nobody else may.",
		Reasons: []Reason{
			NetworkMissing, NetworkAmbiguous, NetworkKindUnfit, BridgeShared, BridgeSharedByObject, UplinkPortGroup, PlaceUnreadable,
		},
		Run: onSite(func(s *site) []Result {
			n, f := s.network(s.vch.bridge(), bridgeOption)
			if s.endpoint.Kind == inventory.ESXi && f.Verdict != nil && f.Reason == NetworkMissing {
				f = inOrder("create makes the network %s on a bare host", s.vch.bridge())
			}
			if n == nil {
				return gravest(append([]finding{f}, s.sharing(nil)...)).one(BridgeNetworkCheck, bridgeOption)
			}
			list := append(s.kind(n, bridgeOption), s.sharing(n)...)
			switch {
			case n.Uplink == inventory.Yes:
				list = append(list, ours(UplinkPortGroup, "%s is the port group of a distributed switch's uplinks", n.Name))
			case n.Uplink == inventory.Unknown && n.Kind == inventory.DistributedNetwork:
				list = append(list, notKnown("whether %s is for uplinks is not known: %s", n.Name, cmp.Or(n.Unreadable, "it was not read")))
			}
			list = append(list, inOrder("%s is there, and is nobody else's", n.Name))
			f = gravest(list)
			f.Switch = n.Switch
			return f.one(BridgeNetworkCheck, n.Path)
		}),
	}
}

// kind judges what kind of network it is: a bare host takes any.
func (s *site) kind(n *inventory.VirtualNetwork, option string) []finding {
	switch {
	case s.endpoint.Kind == inventory.ESXi, n.Kind == inventory.DistributedNetwork, n.Kind == inventory.OpaqueNetwork:
		return nil
	case n.Kind == inventory.SwitchNetwork:
		return []finding{refuses(NetworkKindUnfit, "%s: %s is a distributed switch, not one of its port groups", option, n.Name)}
	case n.Kind == inventory.StandardNetwork:
		return []finding{refuses(NetworkKindUnfit, "%s: %s is a port group of standard switches, not of a distributed one", option, n.Name)}
	}
	return []finding{notKnown("%s: what kind of network %s is was not read", option, n.Name)}
}

// sharing compares the bridge network with the others: create does so by the names as
// they were given (lib/install/validate/network.go, checkNetworkConflict), which may be
// spelled in several ways. bridge is nil where it was not found.
func (s *site) sharing(bridge *inventory.VirtualNetwork) []finding {
	others := s.roles()
	for _, n := range s.vch.containerNetworks() {
		others = append(others, role{containerOption, n.network})
	}
	var byName, byObject []string
	for _, other := range others {
		if other.network == s.vch.bridge() {
			byName = append(byName, other.option)
			continue
		}
		if n, _ := s.network(other.network, other.option); n != nil && n == bridge {
			byObject = append(byObject, fmt.Sprintf("%s %s", other.option, other.network))
		}
	}
	var list []finding
	if len(byName) > 0 {
		list = append(list, refuses(BridgeShared, "%s %s is also that of %s", bridgeOption, s.vch.bridge(), enumerate(byName)))
	}
	if len(byObject) > 0 {
		list = append(list, ours(BridgeSharedByObject, "%s %s is the same network as %s", bridgeOption, s.vch.bridge(), enumerate(byObject)))
	}
	return list
}

func containerNetworks() Check {
	return Check{
		ID:      ContainerNetworksCheck,
		Title:   "The container networks are there, and of a kind that spans hosts",
		Why:     "Containers are attached to them directly, on any host.",
		Reasons: []Reason{NetworkMissing, NetworkAmbiguous, NetworkKindUnfit, ReservedAlias, PlaceUnreadable},
		Run: onSite(func(s *site) []Result {
			var results []Result
			for _, c := range s.vch.containerNetworks() {
				var list []finding
				if c.alias == "bridge" {
					list = append(list, refuses(ReservedAlias, "the name bridge is that of the bridge network: give %s another alias", c.network))
				}
				n, f := s.network(c.network, containerOption)
				if n == nil {
					results = append(results, gravest(append(list, f)).result(ContainerNetworksCheck, c.option()))
					continue
				}
				list = append(append(list, s.kind(n, containerOption)...), inOrder("%s is there", n.Name))
				results = append(results, gravest(list).result(ContainerNetworksCheck, n.Path))
			}
			if len(results) == 0 {
				return leftOut(NotAskedFor, "none is asked for").one(ContainerNetworksCheck, containerOption)
			}
			return onePerSubject(results)
		}),
	}
}

func networkHosts() Check {
	return Check{
		ID:      NetworkHostsCheck,
		Title:   "Every host of the compute resource has the networks",
		Why:     "A container VM, and the virtual container host, can only run on a host that has its networks.",
		Reasons: []Reason{HostOutsideSwitch, HostOutsideNetwork, PlaceUnreadable},
		Run: onSite(func(s *site) []Result {
			if s.endpoint.Kind == inventory.ESXi {
				return leftOut(NotApplicable, "on a bare host all networks are its own").one(NetworkHostsCheck, s.computeSubject())
			}
			wanted := s.wanted()
			return s.perHost(NetworkHostsCheck, func(h *inventory.Host) finding { return wanted.on(h) })
		}),
	}
}

// membership is a network that was found, with the hosts that have it. Create asks for
// them where the network is the bridge's or the containers', and distributed or opaque
// (lib/install/validate/network.go, checkNetworkMembership).
type membership struct {
	*inventory.VirtualNetwork
	hosts map[string]bool
	asked bool
}

type memberships struct {
	list []membership
	// lost says what is not known of any host.
	lost []finding
}

// wanted are the networks that were found, each once.
func (s *site) wanted() memberships {
	var m memberships
	add := func(name, option string, asked bool) {
		n, f := s.network(name, option)
		switch {
		case n == nil && f.Status == Unknown:
			m.lost = append(m.lost, f)
			return
		case n == nil, n.Kind == inventory.SwitchNetwork: // a finding of another check
			return
		}
		asked = asked && (n.Kind == inventory.DistributedNetwork || n.Kind == inventory.OpaqueNetwork)
		if i := slices.IndexFunc(m.list, func(has membership) bool { return has.VirtualNetwork == n }); i >= 0 {
			m.list[i].asked = m.list[i].asked || asked
			return
		}
		hosts := make(map[string]bool, len(n.Hosts))
		for _, id := range n.Hosts {
			hosts[id] = true
		}
		m.list = append(m.list, membership{n, hosts, asked})
	}
	add(s.vch.bridge(), bridgeOption, true)
	for _, c := range s.vch.containerNetworks() {
		add(c.network, containerOption, true)
	}
	for _, r := range s.roles() {
		add(r.network, r.option, false)
	}
	m.lost = slices.CompactFunc(m.lost, func(a, b finding) bool { return a.Detail == b.Detail })
	return m
}

// on judges one host.
func (m memberships) on(h *inventory.Host) finding {
	var asked, unasked, names []string
	askedSwitch, unaskedSwitch := "", ""
	list := slices.Clone(m.lost)
	for _, n := range m.list {
		names = append(names, n.Name)
		switch {
		case n.Unreadable != "" || n.Hosts == nil:
			list = append(list, notKnown("which hosts have %s is not known: %s", n.Name, cmp.Or(n.Unreadable, "it was not read")))
		case n.VirtualNetwork.Hosts != nil && n.hosts[h.ID]:
		case n.asked:
			asked = append(asked, n.Name)
			askedSwitch = cmp.Or(askedSwitch, n.Switch)
		default:
			unasked = append(unasked, n.Name)
			unaskedSwitch = cmp.Or(unaskedSwitch, n.Switch)
		}
	}
	if len(asked) > 0 {
		on := ""
		if askedSwitch != "" {
			on = " (of the switch " + path.Base(askedSwitch) + ")"
		}
		f := refuses(HostOutsideSwitch, "the host does not have %s%s", enumerate(asked), on)
		f.Switch = askedSwitch
		list = append(list, f)
	}
	if len(unasked) > 0 {
		f := ours(HostOutsideNetwork, "the host does not have %s", enumerate(unasked))
		f.Switch = unaskedSwitch
		list = append(list, f)
	}
	switch {
	case len(list) > 0:
		return gravest(list)
	case len(names) == 0:
		return leftOut(NotJudged, "no network was found")
	}
	return inOrder("the host has %s", enumerate(names))
}
