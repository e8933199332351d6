package inventory

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Firewall is what is known of one host's firewall.
//
// The rulesets come from HostFirewallSystem.firewallInfo. Whether the firewall
// is on at all is not in the vSphere API: Switch comes from
// "esxcli network firewall get" and stays unknown where that is not permitted.
type Firewall struct {
	// ID is the managed object ID of the host's firewall system; empty when
	// the host has none or it could not be read.
	ID string
	// Unreadable says in one sentence why the rulesets are not known. It is
	// empty when they were read.
	Unreadable string
	// Stale says why the copy read may be minutes old although a refresh was
	// asked for. It is empty when the refresh worked or none was asked for.
	// vCenter's copy lags the host's: https://github.com/vmware/vic/issues/3139.
	Stale string

	Switch Switch
	// IncomingBlocked and OutgoingBlocked are the API's copy of the default policy.
	IncomingBlocked, OutgoingBlocked Tristate
	// Rulesets may be shared with other hosts, the slice and what is in it:
	// neither is ever written to.
	Rulesets []*Ruleset
}

// Switch is the firewall's master switch: esxcli network firewall get.
type Switch struct {
	Enabled Tristate
	Loaded  Tristate
	// DefaultPass is Yes when the default action is PASS.
	DefaultPass Tristate
	// Unreadable says why nothing is known; empty when the switch was read.
	Unreadable string
	// NotAsked means that nobody asked, since no verdict hangs on it.
	NotAsked bool
}

// Off reports whether the firewall is known to filter nothing: switched off,
// or its module not loaded.
func (f *Firewall) Off() bool {
	return f.Switch.Enabled == No || f.Switch.Loaded == No
}

// PassesByDefault reports whether traffic in the direction that no ruleset names
// is known to pass. The host's own word, by esxcli, beats the API's cached copy.
func (f *Firewall) PassesByDefault(direction string) bool {
	if f.Switch.DefaultPass != Unknown {
		return f.Switch.DefaultPass == Yes
	}
	return f.blocked(direction) == No
}

// DropsByDefault reports whether traffic in the direction that no ruleset names is
// known to be dropped. It may be that neither this nor PassesByDefault is known.
func (f *Firewall) DropsByDefault(direction string) bool {
	if f.Switch.DefaultPass != Unknown {
		return f.Switch.DefaultPass == No
	}
	return f.blocked(direction) == Yes
}

func (f *Firewall) blocked(direction string) Tristate {
	if direction == Inbound {
		return f.IncomingBlocked
	}
	return f.OutgoingBlocked
}

// Ruleset returns the ruleset with the given key, nil when the host has none.
func (f *Firewall) Ruleset(key string) *Ruleset {
	for _, rs := range f.Rulesets {
		if rs.Key == key {
			return rs
		}
	}
	return nil
}

// Ruleset is one HostFirewallRuleset. It is immutable: hosts that have equal
// ones share it.
type Ruleset struct {
	Key     string
	Label   string
	Enabled bool
	// Required rulesets cannot be disabled.
	Required bool
	// Service is the key of the daemon that owns the ruleset; often empty.
	Service string
	// UserControllable and IPListConfigurable exist since ESXi 8.0 U2; older
	// hosts do not say, and there they are Unknown.
	UserControllable   Tristate
	IPListConfigurable Tristate
	Rules              []Rule
	// Allowed is nil when the host did not say whom the ruleset lets through.
	// That is not the same as "all".
	Allowed *AllowedHosts
}

// Direction, PortType and Protocol of a Rule, in the spelling of the vSphere
// API. esxcli capitalises them.
const (
	Outbound = "outbound"
	Inbound  = "inbound"
	Dst      = "dst"
	Src      = "src"
	TCP      = "tcp"
	UDP      = "udp"
)

// Rule is one HostFirewallRule.
type Rule struct {
	// Port is the first port, 0 to 65535.
	Port int
	// EndPort is the last port of a range; 0 means Port alone. (esxcli prints
	// the same number twice instead.)
	EndPort   int
	Direction string
	// PortType is Dst or Src; empty means Dst.
	PortType string
	Protocol string
}

// Last returns the last port that the rule covers.
func (r Rule) Last() int {
	if r.EndPort == 0 {
		return r.Port
	}
	return r.EndPort
}

// Covers reports whether the rule lets the protocol through to the given
// destination port, in the given direction. Inbound, that is a port of the host.
func (r Rule) Covers(direction, protocol string, port int) bool {
	return r.opens(direction, protocol) && port >= r.Port && port <= r.Last()
}

func (r Rule) opens(direction, protocol string) bool {
	return r.Direction == direction && r.Protocol == protocol && (r.PortType == "" || r.PortType == Dst)
}

// Covers reports whether any rule of the ruleset lets the protocol through to the
// given destination port, in the given direction. It does not look at whether the
// ruleset is enabled.
func (rs *Ruleset) Covers(direction, protocol string, port int) bool {
	for _, r := range rs.Rules {
		if r.Covers(direction, protocol, port) {
			return true
		}
	}
	return false
}

// Opened counts the destination ports that the ruleset's rules cover, in the given
// direction and protocol.
func (rs *Ruleset) Opened(direction, protocol string) int {
	var ranges [][2]int
	for _, r := range rs.Rules {
		if r.opens(direction, protocol) && r.Last() >= r.Port {
			ranges = append(ranges, [2]int{r.Port, r.Last()})
		}
	}
	slices.SortFunc(ranges, func(a, b [2]int) int { return a[0] - b[0] })

	count, next := 0, 0
	for _, r := range ranges {
		if first := max(r[0], next); first <= r[1] {
			count += r[1] - first + 1
			next = r[1] + 1
		}
	}
	return count
}

// AllowedHosts says whom a ruleset lets through: HostFirewallRulesetIpList.
type AllowedHosts struct {
	// All means any address; the lists are ignored then, as ESXi does.
	All bool
	// Addrs and Networks are kept in the order and spelling of the host, so
	// that they can be written back unchanged.
	Addrs    []string
	Networks []Network
}

// Network is one HostFirewallRulesetIpNetwork.
type Network struct {
	Address string
	Bits    int
}

// String returns address/bits.
func (n Network) String() string { return fmt.Sprintf("%s/%d", n.Address, n.Bits) }

// Empty reports whether nothing at all is let through.
func (a *AllowedHosts) Empty() bool {
	return !a.All && len(a.Addrs) == 0 && len(a.Networks) == 0
}

// Prefixes returns the lists as comparable prefixes, and the entries that are
// not addresses. Both are empty when All is set.
func (a *AllowedHosts) Prefixes() (prefixes []netip.Prefix, malformed []string) {
	if a.All {
		return nil, nil
	}
	for _, s := range a.Addrs {
		addr, err := netip.ParseAddr(s)
		if err != nil {
			malformed = append(malformed, s)
			continue
		}
		addr = addr.WithZone("").Unmap()
		prefixes = append(prefixes, netip.PrefixFrom(addr, addr.BitLen()))
	}
	for _, n := range a.Networks {
		p, err := ParsePrefix(n.String())
		if err != nil {
			malformed = append(malformed, n.String())
			continue
		}
		prefixes = append(prefixes, p)
	}
	return prefixes, malformed
}

// String returns "all", "none" or the list.
func (a *AllowedHosts) String() string {
	switch {
	case a == nil:
		return "not known"
	case a.All:
		return "all"
	case a.Empty():
		return "none"
	}
	return strings.Join(a.list(), ", ")
}

func (a *AllowedHosts) list() []string {
	list := append([]string(nil), a.Addrs...)
	for _, n := range a.Networks {
		list = append(list, n.String())
	}
	return list
}
