//go:build linux

package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

var _ sim.Network = (*Lab)(nil)

// firewall is a host's, as it was set last.
type firewall struct {
	mu      sync.Mutex
	state   sim.FirewallState
	set     bool
	verdict string
}

// Address is the host's IPv4 address; the zero Addr for a host that is not in
// the lab.
func (l *Lab) Address(name string) netip.Addr {
	if h := l.hosts[name]; h != nil {
		return h.ns.Addr4
	}
	return netip.Addr{}
}

// Dial opens a TCP connection from the host, through its firewall.
func (l *Lab) Dial(ctx context.Context, name, address string) (net.Conn, error) {
	h, err := l.host(name)
	if err != nil {
		return nil, err
	}
	return h.ns.DialContext(ctx, "tcp", address)
}

// SetFirewall makes the host's firewall what the state says, in both directions and one
// step. Connections that are open already stay open, as on ESXi.
func (l *Lab) SetFirewall(name string, state sim.FirewallState) error {
	return l.changeFirewall(name, func(f *firewall) { f.state, f.set = state, true })
}

// SetVerdict makes the host treat packets that no ruleset permits otherwise
// than by dropping them: "reject", "reject with icmpx type admin-prohibited",
// or any other statement of nft's that ends a rule. "" is back to dropping.
func (l *Lab) SetVerdict(name, verdict string) error {
	return l.changeFirewall(name, func(f *firewall) { f.verdict = verdict })
}

// changeFirewall keeps the change only if it can be loaded.
func (l *Lab) changeFirewall(name string, change func(*firewall)) error {
	h, err := l.host(name)
	if err != nil {
		return err
	}
	f := &h.firewall
	f.mu.Lock()
	defer f.mu.Unlock()
	next := firewall{state: f.state, set: f.set, verdict: f.verdict}
	change(&next)
	if next.set {
		script, err := render(next.state, next.verdict)
		if err == nil {
			err = h.ns.NFT(script)
		}
		if err != nil {
			return fmt.Errorf("set the firewall of %s: %w", name, err)
		}
	}
	f.state, f.set, f.verdict = next.state, next.set, next.verdict
	return nil
}

// directions are the sides of a host's firewall: the hook of nft's, what an allowed address
// is compared with, and what passes besides rulesets: the lab's own way in is SSH.
var directions = []struct {
	name                   types.HostFirewallRuleDirection
	hook, address, besides string
}{
	{types.HostFirewallRuleDirectionOutbound, "output", "daddr", "oif lo accept\nudp dport 53 accept\n"},
	{types.HostFirewallRuleDirectionInbound, "input", "saddr", "iif lo accept\ntcp dport 22 accept\n"},
}

// render is the firewall as a script for nft, which replaces the one before.
// Neighbour discovery is ICMPv6 and must pass, or nothing would.
func render(state sim.FirewallState, verdict string) (string, error) {
	const open = "chain output { type filter hook output priority filter; policy accept; }\n"
	if state.Off || state.DefaultPass {
		return table("esxfw", open), nil
	}
	if state.Info == nil {
		return "", fmt.Errorf("no firewall info, though it is on")
	}
	var chains strings.Builder
	for _, d := range directions {
		sets, rules, err := rulesOf(state.Info.Ruleset, d.name, d.address)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&chains, "%schain %s {\ntype filter hook %s priority filter; policy drop;\n"+
			"ct state established,related accept\nmeta l4proto { icmp, ipv6-icmp } accept\n%s%s%s\n}\n", sets, d.hook, d.hook, d.besides, rules, verdict)
	}
	return table("esxfw", chains.String()), nil
}

// rulesOf are the enabled rulesets' rules of one direction, with the sets of addresses
// that they need.
func rulesOf(rulesets []types.HostFirewallRuleset, direction types.HostFirewallRuleDirection, address string) (declared, accepted string, err error) {
	var sets, rules strings.Builder
	for i, rs := range rulesets {
		if !rs.Enabled {
			continue
		}
		addresses := []string{""}
		if list := rs.AllowedHosts; list != nil && !list.AllIp {
			v4, v6, err := split(list)
			if err != nil {
				return "", "", fmt.Errorf("ruleset %s: %w", rs.Key, err)
			}
			addresses = nil
			addresses = append(addresses, set(&sets, "ip", "ipv4_addr", address, i, v4)...)
			addresses = append(addresses, set(&sets, "ip6", "ipv6_addr", address, i, v6)...)
		}
		for _, r := range rs.Rule {
			if match := ports(r); match != "" && r.Direction == direction {
				for _, to := range addresses {
					fmt.Fprintf(&rules, "%s%s accept\n", to, match)
				}
			}
		}
	}
	return sets.String(), rules.String(), nil
}

// table is a script that replaces a table, whether or not there is one.
func table(name, body string) string {
	return fmt.Sprintf("table inet %[1]s\ndelete table inet %[1]s\ntable inet %[1]s {\n%[2]s\n}\n", name, body)
}

// set declares a set of addresses and returns what matches it: nothing when
// the set would be empty.
func set(sets *strings.Builder, family, kind, address string, number int, elements []string) []string {
	if len(elements) == 0 {
		return nil
	}
	name := fmt.Sprintf("%s_%s_%d", family, address, number)
	fmt.Fprintf(sets, "set %s { type %s; flags interval; auto-merge; elements = { %s }; }\n",
		name, kind, strings.Join(elements, ", "))
	return []string{fmt.Sprintf("%s %s @%s ", family, address, name)}
}

// split sorts allowed addresses and networks by family.
func split(list *types.HostFirewallRulesetIpList) (v4, v6 []string, err error) {
	add := func(text string, network bool) error {
		var addr netip.Addr
		var err error
		if network {
			var p netip.Prefix
			p, err = netip.ParsePrefix(text)
			addr, text = p.Addr(), p.Masked().String()
		} else {
			addr, err = netip.ParseAddr(text)
		}
		switch {
		case err != nil:
			return fmt.Errorf("allowed hosts: %w", err)
		case addr.Is4():
			v4 = append(v4, text)
		default:
			v6 = append(v6, text)
		}
		return nil
	}
	for _, a := range list.IpAddress {
		if err := add(a, false); err != nil {
			return nil, nil, err
		}
	}
	for _, n := range list.IpNetwork {
		if err := add(fmt.Sprintf("%s/%d", n.Network, n.PrefixLength), true); err != nil {
			return nil, nil, err
		}
	}
	return v4, v6, nil
}

// ports is what matches a rule's ports. Other protocols than TCP and UDP (there is one, of
// the link layer) never come this way.
func ports(r types.HostFirewallRule) string {
	if r.Protocol != "tcp" && r.Protocol != "udp" {
		return ""
	}
	side := "dport"
	if r.PortType == types.HostFirewallRulePortTypeSrc {
		side = "sport"
	}
	if r.EndPort > r.Port {
		return fmt.Sprintf("%s %s %d-%d", r.Protocol, side, r.Port, r.EndPort)
	}
	return fmt.Sprintf("%s %s %d", r.Protocol, side, r.Port)
}
