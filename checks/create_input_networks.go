package checks

import (
	"bytes"
	"math"
	"net"
	"strconv"
	"strings"
)

// The reasons of container-network-options.
const (
	ContainerNetworkUnreadable Reason = "container-network-unreadable"
	AliasMissing               Reason = "alias-missing"
	AliasWithBlanks            Reason = "alias-with-blanks"
	ContainerGatewayUnreadable Reason = "container-gateway-unreadable"
	ContainerGatewayTwice      Reason = "container-gateway-twice"
	ContainerGatewayUnroutable Reason = "container-gateway-unroutable"
	ContainerRangeUnreadable   Reason = "container-range-unreadable"
	RangeWithoutGateway        Reason = "range-without-gateway"
	RangeNotInSubnet           Reason = "range-not-in-subnet"
	RangesOverlap              Reason = "ranges-overlap"
	ContainerDNSUnreadable     Reason = "container-dns-unreadable"
	TrustLevelUnknown          Reason = "trust-level-unknown"
	ContainerNetworkNotNamed   Reason = "container-network-not-named"
	ContainerNetworkTwice      Reason = "container-network-twice"
)

// The options of container networks.
const (
	containerNetworkOption  = "--container-network"
	containerGatewayOption  = "--container-network-gateway"
	containerRangeOption    = "--container-network-ip-range"
	containerDNSOption      = "--container-network-dns"
	containerFirewallOption = "--container-network-firewall"
)

// containerOptions is what the options of container networks say, by the networks' names.
type containerOptions struct {
	*optionJudge
	named    map[string]bool
	gateways map[string]*net.IPNet
	ranges   map[string][]ipRange
}

func containerNetworkOptions() Check {
	return optionCheck(Check{
		ID:    "container-network-options",
		Title: "The options of container networks go together",
		Why:   "Containers get their addresses, names and rules on those networks out of them.",
		Reasons: []Reason{
			ContainerNetworkUnreadable, AliasMissing, AliasWithBlanks, ContainerGatewayUnreadable, ContainerGatewayTwice, ContainerGatewayUnroutable,
			ContainerRangeUnreadable, RangeWithoutGateway, RangeNotInSubnet, RangesOverlap, ContainerDNSUnreadable, TrustLevelUnknown, ContainerNetworkNotNamed,
			ContainerNetworkTwice,
		},
	}, containerNetworkOption, func(v *VCH) bool {
		return len(v.ContainerNetworks)+len(v.ContainerGateways)+len(v.ContainerRanges)+len(v.ContainerDNS)+len(v.ContainerFirewalls) > 0
	}, func(o *optionJudge) {
		c := containerOptions{o, map[string]bool{}, map[string]*net.IPNet{}, map[string][]ipRange{}}
		c.each(containerNetworkOption, o.vch.ContainerNetworks, c.name)
		c.each(containerGatewayOption, o.vch.ContainerGateways, c.gateway)
		c.each(containerRangeOption, o.vch.ContainerRanges, c.ipRange)
		c.each(containerDNSOption, o.vch.ContainerDNS, c.dns)
		c.each(containerFirewallOption, o.vch.ContainerFirewalls, c.firewall)
		for name := range c.named {
			c.fits(name)
		}
	})
}

// each takes NETWORK:VALUE apart as splitVnetParam of cmd/vic-machine/common/cnetworks.go
// does, and hands on what can be read.
func (c *containerOptions) each(option string, values []string, take func(name, value string)) {
	for _, text := range values {
		name, value, _ := strings.Cut(text, ":")
		subject := option + " " + name
		switch {
		case name == "" || strings.Contains(value, ":"):
			c.refuse(option+" "+text, ContainerNetworkUnreadable, "it is not a network's name and a value with one : between them")
			continue
		case strings.Contains(name, " ") && value == "":
			c.refuse(subject, AliasMissing, "the name has blanks, and so takes an alias: %s:ALIAS", name)
		case strings.Contains(value, " "):
			c.refuse(subject, AliasWithBlanks, "%q has blanks", value)
		case option != containerNetworkOption && !c.named[name]:
			c.refuse(subject, ContainerNetworkNotNamed, "no --container-network has this name; an alias does not count")
		}
		take(name, value)
	}
}

// name is ProcessContainerNetworks of cnetworks.go, which takes what the other options say
// of a network when it first meets its name.
func (c *containerOptions) name(name, _ string) {
	if c.named[name] {
		c.remark(containerNetworkOption+" "+name, ContainerNetworkTwice, "it is named twice, and create gives its gateway, ranges, servers and level to the first alias alone")
	}
	c.named[name] = true
}

func (c *containerOptions) gateway(name, value string) {
	subject := containerGatewayOption + " " + name
	ip, subnet, err := net.ParseCIDR(value)
	switch {
	case err != nil:
		c.refuse(subject, ContainerGatewayUnreadable, "%q is no address with the length of its network, such as 10.2.0.1/16", value)
	case c.gateways[name] != nil:
		c.refuse(subject, ContainerGatewayTwice, "the network has two gateways")
	default:
		c.gateways[name] = &net.IPNet{IP: ip, Mask: subnet.Mask}
	}
}

func (c *containerOptions) ipRange(name, value string) {
	r, ok := parseRange(value)
	if !ok {
		c.refuse(containerRangeOption+" "+name, ContainerRangeUnreadable, "%q is neither a network nor FIRST-LAST, such as 10.2.0.10-10.2.0.20", value)
		return
	}
	c.ranges[name] = append(c.ranges[name], r)
}

func (c *containerOptions) dns(name, value string) {
	if net.ParseIP(value) == nil {
		c.refuse(containerDNSOption+" "+name, ContainerDNSUnreadable, "%q is no address", value)
	}
}

// firewall is ParseTrustLevel of lib/config/executor.
func (c *containerOptions) firewall(name, value string) {
	switch strings.ToLower(value) {
	case "open", "closed", "published", "outbound", "peers", "":
	default:
		c.refuse(containerFirewallOption+" "+name, TrustLevelUnknown, "%q is none of Closed, Outbound, Peers, Published and Open", value)
	}
}

// fits is what network of lib/install/validate/network.go asks of a network's gateway and
// its ranges.
func (c *containerOptions) fits(name string) {
	gateway, ranges := c.gateways[name], c.ranges[name]
	subject := containerRangeOption + " " + name
	if gateway == nil || unspecified(gateway) {
		if len(ranges) > 0 {
			c.refuse(subject, RangeWithoutGateway, "it is given without --container-network-gateway")
		}
		return
	}
	if !routable(gateway) {
		c.refuse(containerGatewayOption+" "+name, ContainerGatewayUnroutable, "%s is the address of the network itself, or that of all its hosts", gateway.IP)
		return
	}
	for i, r := range ranges {
		if !gateway.Contains(r.first) || !gateway.Contains(r.last) {
			c.refuse(subject, RangeNotInSubnet, "%s is not in the gateway's network %s", r, masked(gateway))
		}
		for _, other := range ranges[i+1:] {
			switch {
			case !other.overlaps(r):
			case other.network == r.network:
				c.refuse(subject, RangesOverlap, "%s and %s overlap", r, other)
			default:
				c.remark(subject, RangesOverlap, "%s and %s overlap, which create does not see, since one is written as a network", r, other)
			}
		}
	}
}

func unspecified(n *net.IPNet) bool {
	ones, bits := n.Mask.Size()
	return n.IP.IsUnspecified() || bits == 0 || ones == 0
}

// routable is IsRoutableIP of pkg/ip.
func routable(n *net.IPNet) bool {
	ip, last := n.IP.To4(), make(net.IP, net.IPv4len)
	if ip == nil {
		return true // it knows the broadcast addresses of IPv4 alone
	}
	for i := range ip {
		last[i] = ip[i] | ^n.Mask[i]
	}
	return !ip.Equal(ip.Mask(n.Mask)) && !ip.Equal(last)
}

// ipRange is pkg/ip's Range. One that is written as a network has addresses of 4 bytes
// there and others have 16, so that the two never seem to overlap.
type ipRange struct {
	first, last net.IP
	network     bool
}

func (r ipRange) String() string { return r.first.String() + "-" + r.last.String() }

func (r ipRange) overlaps(other ipRange) bool {
	return bytes.Compare(r.first, other.last) <= 0 && bytes.Compare(other.first, r.last) <= 0
}

// parseRange is ParseRange of pkg/ip: a network, FIRST-LAST, or FIRST and the last byte
// of LAST.
func parseRange(text string) (ipRange, bool) {
	if _, n, err := net.ParseCIDR(text); err == nil {
		last := make(net.IP, len(n.IP))
		for i := range n.IP {
			last[i] = n.IP[i] | ^n.Mask[i]
		}
		// vic-machine starts at the address as it is written.
		first, _, _ := net.ParseCIDR(text)
		return ipRange{first.To16(), last.To16(), true}, true
	}
	from, to, ok := strings.Cut(text, "-")
	first := net.ParseIP(from)
	if !ok || first == nil {
		return ipRange{}, false
	}
	last := net.ParseIP(to)
	if last == nil {
		end, err := strconv.Atoi(to)
		if err != nil || end <= int(first[15]) || end > math.MaxUint8 {
			return ipRange{}, false
		}
		last = net.IPv4(first[12], first[13], first[14], byte(end))
	}
	return ipRange{first, last, false}, bytes.Compare(first, last) <= 0
}
