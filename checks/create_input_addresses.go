package checks

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// The reasons of static-addresses, dns-servers and bridge-range.
const (
	GatewayWithoutAddress      Reason = "gateway-without-address"
	AddressUnreadable          Reason = "address-unreadable"
	GatewayUnreadable          Reason = "gateway-unreadable"
	GatewayNotInSubnet         Reason = "gateway-not-in-subnet"
	AddressWithoutGateway      Reason = "address-without-gateway"
	GatewayWithDestinations    Reason = "gateway-with-destinations"
	GatewayWithoutDestination  Reason = "gateway-without-destination"
	AddressOnPublicPortGroup   Reason = "address-on-public-port-group"
	TwoAddressesOnePortGroup   Reason = "two-addresses-one-port-group"
	SameSubnet                 Reason = "same-subnet"
	DNSServerUnreadable        Reason = "dns-server-unreadable"
	TooManyDNSServers          Reason = "too-many-dns-servers"
	DefaultDNSServers          Reason = "default-dns-servers"
	BridgeRangeUnreadable      Reason = "bridge-range-unreadable"
	BridgeWidthUnreadable      Reason = "bridge-width-unreadable"
	BridgeWidthShorterThanPool Reason = "bridge-width-shorter-than-range"
)

// static is what a network's options of addresses say.
type static struct {
	option string // such as --client-network
	Role
	// ip keeps the host's part. ip and gateway are nil where they are not given, or not
	// readable.
	ip           *net.IPNet
	gateway      net.IP
	destinations int
}

// given is data.NetworkConfig.Empty, the other way round.
func (s *static) given() bool { return s.IP != "" || s.Gateway != "" }

// address reports whether there is an address: 0.0.0.0 counts for none.
func (s *static) address() bool { return s.ip != nil && !s.ip.IP.IsUnspecified() }

// statics are the roles, client first, management last.
func (v *VCH) statics() [3]*static {
	return [3]*static{
		{option: "--client-network", Role: v.Client}, {option: "--public-network", Role: v.Public}, {option: "--management-network", Role: v.Management},
	}
}

// read is ProcessNetwork of create.go. It returns what is wrong: all three are empty where
// nothing is.
func (s *static) read() (option string, reason Reason, detail string) {
	if s.IP != "" {
		ip, subnet, err := net.ParseCIDR(s.IP)
		if err != nil {
			return s.option + "-ip", AddressUnreadable, fmt.Sprintf("%q is no address with the length of its network, such as 10.0.0.2/24", s.IP)
		}
		s.ip = &net.IPNet{IP: ip, Mask: subnet.Mask}
	}
	option = s.option + "-gateway"
	switch {
	case s.Gateway == "":
		return "", "", ""
	case s.IP == "":
		return option, GatewayWithoutAddress, fmt.Sprintf("it is given without %s-ip", s.option)
	}
	gateway, destinations, ok := parseGateway(s.Gateway)
	if !ok {
		return option, GatewayUnreadable, fmt.Sprintf("%q is not [DESTINATION,DESTINATION:]GATEWAY, such as 10.1.0.0/16:10.0.0.1", s.Gateway)
	}
	s.gateway, s.destinations = gateway, destinations
	if !s.ip.Contains(gateway) {
		return option, GatewayNotInSubnet, fmt.Sprintf("%s is not in the network of %s", gateway, s.ip)
	}
	return "", "", ""
}

// parseGateway is parseGatewaySpec of create.go: it knows no IPv6.
func parseGateway(text string) (gateway net.IP, destinations int, ok bool) {
	parts := strings.Split(text, ":")
	if len(parts) > 2 {
		return nil, 0, false
	}
	if gateway = net.ParseIP(parts[len(parts)-1]); gateway == nil {
		return nil, 0, false
	}
	if len(parts) == 2 && parts[0] != "" {
		for _, d := range strings.Split(parts[0], ",") {
			if _, _, err := net.ParseCIDR(d); err != nil {
				return nil, 0, false
			}
			destinations++
		}
	}
	return gateway, destinations, true
}

func staticAddresses() Check {
	return optionCheck(Check{
		ID:    "static-addresses",
		Title: "The static addresses and gateways go together",
		Why:   "A virtual container host with a wrong address or route is not reached, least of all by the hosts' serial ports.",
		Reasons: []Reason{
			GatewayWithoutAddress, AddressUnreadable, GatewayUnreadable, GatewayNotInSubnet, AddressWithoutGateway, GatewayWithDestinations,
			GatewayWithoutDestination, AddressOnPublicPortGroup, TwoAddressesOnePortGroup, SameSubnet,
		},
	}, "--public-network-ip", func(v *VCH) bool {
		for _, s := range v.statics() {
			if s.given() {
				return true
			}
		}
		return false
	}, func(o *optionJudge) {
		all := o.vch.statics()
		for _, s := range all {
			if option, reason, detail := s.read(); reason != "" {
				o.refuse(option, reason, "%s", detail)
			}
		}
		client, public, management := all[0], all[1], all[2]
		o.publicRoute(public)
		o.sharedPortGroups(client, public, management)
		for _, s := range []*static{client, management} {
			if s.Network != public.Network && s.gateway != nil && !s.gateway.IsUnspecified() && s.destinations == 0 {
				o.refuse(s.option+"-gateway", GatewayWithoutDestination, "it names no destination, and the public network has the default route")
			}
		}
		o.sameSubnets(public, client, management)
	})
}

// publicRoute is what network of lib/install/validate/network.go asks of the public
// network.
func (o *optionJudge) publicRoute(public *static) {
	routed := public.gateway != nil && !public.gateway.IsUnspecified()
	if public.address() && !routed && (public.Gateway == "" || public.gateway != nil) {
		o.refuse("--public-network-ip", AddressWithoutGateway, "it is given without a --public-network-gateway")
	}
	if routed && public.destinations > 0 {
		o.refuse("--public-network-gateway", GatewayWithDestinations, "it names destinations, and the public network has the default route")
	}
}

// sharedPortGroups is checkPortGroups of network.go. Names are compared as they are given.
func (o *optionJudge) sharedPortGroups(client, public, management *static) {
	for _, s := range []*static{client, management} {
		if s.Network == public.Network && s.given() {
			o.refuse(s.option+"-ip", AddressOnPublicPortGroup, "it is on %s as the public network is, whose address it has", s.Network)
		}
	}
	if client.Network == management.Network && client.Network != public.Network && client.given() && management.given() {
		o.refuse(management.option+"-ip", TwoAddressesOnePortGroup, "the client network has an address on %s already", client.Network)
	}
}

func (o *optionJudge) sameSubnets(list ...*static) {
	for i, s := range list {
		for _, before := range list[:i] {
			if s.ip == nil || before.ip == nil || s.Network == before.Network {
				continue
			}
			if subnet := masked(s.ip); subnet == masked(before.ip) {
				o.warn(s.option+"-ip", SameSubnet, "%s is the network of %s-ip, too, on another port group", subnet, before.option)
			}
		}
	}
}

func masked(n *net.IPNet) string { return (&net.IPNet{IP: n.IP.Mask(n.Mask), Mask: n.Mask}).String() }

// effective returns the address of a role: its own, or that of a role which shares its
// port group (configureSharedPortGroups of network.go). It is nil for DHCP, and for one
// that cannot be read.
func (v *VCH) effective(role Role) net.IP {
	if role.IP != "" {
		return addressOf(role)
	}
	for _, other := range []Role{v.Client, v.Public, v.Management} {
		if other.Network == role.Network && other.IP != "" {
			return addressOf(other)
		}
	}
	return nil
}

func addressOf(role Role) net.IP {
	ip, _, err := net.ParseCIDR(role.IP)
	if err != nil || ip.IsUnspecified() {
		return nil
	}
	return ip
}

// Address is the one that hosts will dial: the static address of the management network,
// or of the client's or the public network that is on the same port group. ok is false
// where there is none, as with DHCP, and where it cannot be read.
func (v *VCH) Address() (address netip.Prefix, ok bool) {
	a, ok := netip.AddrFromSlice(v.effective(v.Management))
	if !ok {
		return netip.Prefix{}, false
	}
	a = a.Unmap()
	return netip.PrefixFrom(a, a.BitLen()), true
}

func dnsServers() Check {
	const option = "--dns-server"
	return optionCheck(Check{
		ID:      "dns-servers",
		Title:   "The DNS servers are addresses, three at most",
		Why:     "The virtual container host resolves the names of vCenter and of registries with them.",
		Reasons: []Reason{DNSServerUnreadable, TooManyDNSServers, DefaultDNSServers},
	}, option, func(v *VCH) bool { return len(v.DNSServers) > 0 || v.allStatic() }, func(o *optionJudge) {
		servers := 0
		for _, text := range o.vch.DNSServers {
			switch {
			case text == "":
			case net.ParseIP(text) == nil:
				o.refuse(option, DNSServerUnreadable, "%q is no address; each server has an option of its own", text)
			default:
				servers++
			}
		}
		switch {
		case servers > 3:
			o.warn(option, TooManyDNSServers, "%d servers are given, and create takes the first three", servers)
		case servers == 0 && len(o.results) == 0 && o.vch.allStatic():
			o.say(option, Pass, "", DefaultDNSServers, "all addresses are static and no server is given: create puts in 8.8.8.8 and 8.8.4.4")
			o.results[0].Note = "create puts in 8.8.8.8 and 8.8.4.4"
		}
	})
}

// allStatic reports whether DHCP is on none of the three networks.
func (v *VCH) allStatic() bool {
	return v.effective(v.Client) != nil && v.effective(v.Public) != nil && v.effective(v.Management) != nil
}

// The defaults of vic-machine create's bridge networks.
const (
	defaultBridgeRange = "172.16.0.0/12"
	defaultBridgeWidth = "16"
)

func bridgeRange() Check {
	const option = "--bridge-network-range"
	return optionCheck(Check{
		ID:      "bridge-range",
		Title:   "The range of the bridge networks holds at least one of them",
		Why:     "Each bridge network of containers gets its addresses out of the range.",
		Reasons: []Reason{BridgeRangeUnreadable, BridgeWidthUnreadable, BridgeWidthShorterThanPool},
	}, option, func(v *VCH) bool { return v.BridgeRange != "" || v.BridgeWidth != "" }, func(o *optionJudge) {
		_, pool, err := net.ParseCIDR(cmp.Or(o.vch.BridgeRange, defaultBridgeRange))
		if err != nil {
			o.refuse(option, BridgeRangeUnreadable, "%q is no network such as 172.16.0.0/12", o.vch.BridgeRange)
		}
		text := cmp.Or(o.vch.BridgeWidth, defaultBridgeWidth)
		width, unreadable := strconv.Atoi(text)
		if unreadable != nil || width > 30 {
			o.refuse("--bridge-network-width", BridgeWidthUnreadable, "%q is no whole number up to 30", text)
			return
		}
		if err != nil {
			return
		}
		if length, _ := pool.Mask.Size(); width < length {
			o.refuse("--bridge-network-width", BridgeWidthShorterThanPool, "networks of /%d do not fit into %s", width, pool)
		}
	})
}
