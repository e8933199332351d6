package oracle_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"pgregory.net/rapid"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// The world is small, so that what is drawn meets: few ports, few addresses, few names.
var (
	ports       = []int{2377, 514, 123, 902, 443, 1, 65535}
	directions  = []string{"outbound", "inbound"}
	protocols   = []string{"tcp", "udp"}
	keys        = []string{"vic-engine", "vSPC", "remoteSerialPort", "site-a", "site-b", "site-c", "vmware-vic", "nfsClient", "syslog", "ntpClient", "vSphereClient"}
	tristates   = []inventory.Tristate{inventory.Unknown, inventory.Yes, inventory.No}
	mostly      = []inventory.Tristate{inventory.Unknown, inventory.Unknown, inventory.Yes, inventory.Yes, inventory.Yes, inventory.No}
	noAddresses = []string{"10.0.0.x", "", "logs.example", "10.0.0.1/33", "fd00::/129", "10.0.0.0/-1"}
	versions    = []string{"", "6.5.0", "7.0.3", "8.0.1", "8.0.2", "9.0.0"}
)

func oneOf[T any](t *rapid.T, name string, list []T) T { return rapid.SampledFrom(list).Draw(t, name) }

// oneIn is true once in n times; it shrinks to false.
func oneIn(t *rapid.T, n int, what string) bool { return rapid.IntRange(0, n-1).Draw(t, what) == n-1 }

func drawAddr(t *rapid.T) netip.Addr {
	last := byte(rapid.IntRange(0, 15).Draw(t, "address"))
	if oneIn(t, 4, "v6") {
		return netip.AddrFrom16([16]byte{0: 0xfd, 15: last})
	}
	return netip.AddrFrom4([4]byte{10, 0, 0, last})
}

func drawPrefix(t *rapid.T) netip.Prefix {
	addr := drawAddr(t)
	bits := addr.BitLen()
	switch rapid.IntRange(0, 9).Draw(t, "network") {
	case 7, 8: // the networks of that size that there are
		bits -= rapid.IntRange(1, 4).Draw(t, "host bits")
	case 9:
		bits = rapid.IntRange(0, bits).Draw(t, "bits")
	}
	return netip.PrefixFrom(addr, bits).Masked()
}

func drawPeers(t *rapid.T) (peers []netip.Prefix) {
	for range rapid.IntRange(0, 3).Draw(t, "peers") {
		peers = append(peers, drawPrefix(t))
	}
	return peers
}

// list adds a network to a list, spelled in one of the ways that a host accepts.
func list(t *rapid.T, l *inventory.AllowedHosts, p netip.Prefix) {
	addr, bits := p.Addr(), p.Bits()
	if addr.Is4() && oneIn(t, 6, "IPv4 in IPv6") {
		addr, bits = netip.AddrFrom16(addr.As16()), bits+96
	}
	if bits == addr.BitLen() && !oneIn(t, 6, "as a network") {
		l.Addrs = append(l.Addrs, addr.String())
		return
	}
	l.Networks = append(l.Networks, inventory.Network{Address: addr.String(), Bits: bits})
}

// pieces adds a network to a list in parts, of which one may be left out.
func pieces(t *rapid.T, l *inventory.AllowedHosts, p netip.Prefix, deep int) {
	switch {
	case deep == 0 || p.Bits() == p.Addr().BitLen() || oneIn(t, 3, "whole"):
		if !oneIn(t, 8, "left out") {
			list(t, l, p)
		}
		return
	}
	half := blockOf(p.Addr(), p.Bits()+1)
	pieces(t, l, netip.PrefixFrom(half.first, p.Bits()+1), deep-1)
	pieces(t, l, netip.PrefixFrom(half.last.Next(), p.Bits()+1), deep-1)
}

// drawAllowed has often to do with the peers.
func drawAllowed(t *rapid.T, peers []netip.Prefix) *inventory.AllowedHosts {
	l := &inventory.AllowedHosts{}
	switch rapid.IntRange(0, 9).Draw(t, "allowed") {
	case 0, 1:
		l.All = true
	case 2:
		return nil
	case 3, 4, 5, 6:
		for _, p := range peers {
			pieces(t, l, p, 3)
		}
	case 7: // empty
	default:
		l.All = oneIn(t, 4, "all, with a list")
		for range rapid.IntRange(0, 3).Draw(t, "entries") {
			list(t, l, drawPrefix(t))
		}
	}
	if oneIn(t, 12, "no address") {
		l.Addrs = append(l.Addrs, oneOf(t, "no address", noAddresses))
	}
	if oneIn(t, 20, "no network") {
		l.Networks = append(l.Networks, inventory.Network{Address: oneOf(t, "of a network", []string{"10.0.0.0", "fd00::", "x"}), Bits: oneOf(t, "bits", []int{-1, 33, 129, 0})})
	}
	return l
}

// drawRule is about the flow, or nearly.
func drawRule(t *rapid.T, f flow) inventory.Rule {
	r := inventory.Rule{Direction: f.direction, Protocol: f.protocol, PortType: oneOf(t, "port type", []string{"dst", "dst", "dst", "", "", "src"}), Port: f.port}
	if oneIn(t, 10, "another direction") {
		r.Direction = oneOf(t, "direction", directions)
	}
	if oneIn(t, 10, "another protocol") {
		r.Protocol = oneOf(t, "protocol", protocols)
	}
	switch rapid.IntRange(0, 9).Draw(t, "range") {
	case 3:
		r.EndPort = f.port
	case 4:
		r.Port, r.EndPort = max(f.port-rapid.IntRange(0, 9).Draw(t, "before"), 0), min(f.port+rapid.IntRange(0, 9).Draw(t, "after"), 65535)
	case 5:
		r.Port, r.EndPort = 0, 65535
	case 6:
		r.Port = oneOf(t, "port", ports)
	case 7:
		r.Port, r.EndPort = min(f.port+1, 65535), min(f.port+20, 65535)
	case 8:
		r.Port, r.EndPort = max(f.port-20, 0), f.port-1
	case 9:
		r.Port, r.EndPort = oneOf(t, "from", ports), oneOf(t, "to", ports) // of which some are turned round
	}
	return r
}

func drawRuleset(t *rapid.T, key string, reqs []checks.Requirement) *inventory.Ruleset {
	rs := &inventory.Ruleset{
		Key: key, Enabled: rapid.Bool().Draw(t, "enabled"),
		UserControllable: oneOf(t, "switched by users", mostly), IPListConfigurable: oneOf(t, "listed by users", mostly),
	}
	if oneIn(t, 8, "of a service") {
		rs.Service = "somed"
	}
	rs.Required = rs.Enabled && oneIn(t, 10, "required") // it cannot be disabled
	req := oneOf(t, "about", reqs)
	for range rapid.IntRange(min(1, len(req.Ports)-1), 3).Draw(t, "rules") {
		rs.Rules = append(rs.Rules, drawRule(t, flow{req.Direction, req.Protocol, oneOf(t, "port", req.Ports)}))
	}
	rs.Allowed = drawAllowed(t, req.Peers)
	return rs
}

// drawMadeFor is a ruleset that opens what is required.
func drawMadeFor(t *rapid.T, req *checks.Requirement) *inventory.Ruleset {
	rs := drawRuleset(t, req.Prefer[0], []checks.Requirement{*req})
	for _, port := range req.Ports {
		rs.Rules = append(rs.Rules, inventory.Rule{Direction: req.Direction, Protocol: req.Protocol, Port: port})
	}
	return rs
}

// drawHost is judged for the requirements. Keys are unique where changes are to be made.
func drawHost(t *rapid.T, id int, reqs []checks.Requirement, unique bool) inventory.Host {
	h := inventory.Host{
		ID: "host-" + strconv.Itoa(id), UUID: "uuid-" + strconv.Itoa(id), Name: fmt.Sprintf("esx%d.example", id), Path: fmt.Sprintf("/dc/host/c/esx%d.example", id),
		Connection: inventory.Connected, Version: oneOf(t, "version", versions),
	}
	if oneIn(t, 12, "not connected") {
		h.Connection = oneOf(t, "connection", []inventory.ConnectionState{"disconnected", "notResponding", ""})
	}
	fw := &h.Firewall
	taken := func(key string) bool {
		return unique && slices.ContainsFunc(fw.Rulesets, func(rs *inventory.Ruleset) bool { return rs.Key == key })
	}
	for i := range reqs {
		if len(reqs[i].Prefer) > 0 && !taken(reqs[i].Prefer[0]) && rapid.Bool().Draw(t, "what is made for it") {
			fw.Rulesets = append(fw.Rulesets, drawMadeFor(t, &reqs[i]))
		}
	}
	for range oneOf(t, "rulesets", []int{3, 4, 5, 6, 2, 1, 0}) {
		if key := oneOf(t, "key", keys); !taken(key) {
			fw.Rulesets = append(fw.Rulesets, drawRuleset(t, key, reqs))
		}
	}
	if oneIn(t, 15, "unreadable") {
		fw.Unreadable = "the host did not answer"
	}
	if oneIn(t, 8, "stale") {
		fw.Stale = "NoPermission"
	}
	if oneIn(t, 3, "a switch that was read") {
		fw.Switch = inventory.Switch{Enabled: oneOf(t, "on", tristates), Loaded: oneOf(t, "loaded", tristates), DefaultPass: oneOf(t, "passes by default", tristates)}
	}
	fw.IncomingBlocked, fw.OutgoingBlocked = oneOf(t, "in blocked", mostly), oneOf(t, "out blocked", mostly)
	return h
}

// drawRequirement is a virtual container host's one time in three.
func drawRequirement(t *rapid.T, n int) checks.Requirement {
	peers := drawPeers(t)
	if n == 0 && oneIn(t, 3, "vic") {
		return checks.VIC(peers...)
	}
	req := checks.Requirement{
		Name: "need-" + strconv.Itoa(n), Direction: oneOf(t, "direction", directions), Protocol: oneOf(t, "protocol", protocols), Peers: peers,
		Ports: rapid.SliceOfNDistinct(rapid.SampledFrom(ports), 1, 3, rapid.ID[int]).Draw(t, "ports"),
		Owner: oneOf(t, "owner", []checks.Owner{checks.ByUser, checks.ByUser, checks.ByService, checks.ByHost}),
		Words: checks.Words{Peer: "a server", PeerOption: "--peer", Breaks: "much breaks"},
	}
	for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom(keys), 0, 3, rapid.ID[string]).Draw(t, "made for it") {
		if len(req.Prefer) == 0 {
			req.Prefer = append(req.Prefer, key)
		} else {
			req.Accept = append(req.Accept, key)
		}
	}
	switch req.Owner {
	case checks.ByService:
		req.Daemon = "somed"
	case checks.ByHost:
		if rapid.Bool().Draw(t, "switched") {
			req.Switched, req.Momentary = "by the first mount", oneIn(t, 3, "momentary")
		}
	}
	req.NeverNarrowWithout = oneIn(t, 5, "never narrow")
	if oneIn(t, 5, "not of all versions") {
		req.Since = oneOf(t, "since", []string{"7.0.3", "8.0.2"})
	}
	if oneIn(t, 6, "named peer") {
		req.Unnamed = []string{"logs.example"}
	}
	return req
}

// drawDemands makes a requirement one of the hosts' own settings.
func drawDemands(t *rapid.T, req *checks.Requirement, hosts int) {
	if !oneIn(t, 3, "by settings") {
		return
	}
	req.Of = map[string]*checks.Demand{}
	for i := range hosts {
		if oneIn(t, 4, "not set up") {
			continue
		}
		d := checks.Demand{Peers: req.Peers, From: "Some.setting: something"}
		if rapid.Bool().Draw(t, "own peers") {
			d.Peers = drawPeers(t)
		}
		if oneIn(t, 4, "named peer") {
			d.Unnamed = []string{"logs.example"}
		}
		req.Of["host-"+strconv.Itoa(i)] = &d
	}
}

// drawEstate are hosts and what is required of them.
func drawEstate(t *rapid.T, unique bool) (*inventory.Inventory, []checks.Requirement) {
	hosts := rapid.IntRange(1, 6).Draw(t, "hosts")
	var reqs []checks.Requirement
	for n := range rapid.IntRange(1, 3).Draw(t, "requirements") {
		req := drawRequirement(t, n)
		drawDemands(t, &req, hosts)
		reqs = append(reqs, req)
	}
	inv := &inventory.Inventory{Endpoint: inventory.Endpoint{Address: "vc.example", Kind: inventory.VCenter, InstanceUUID: "vc"}, Datacenter: "/dc"}
	for i := range hosts {
		if i > 0 && oneIn(t, 3, "alike") { // hosts that are alike share their rulesets
			h := drawHost(t, i, reqs, unique)
			h.Firewall.Rulesets = inv.Hosts[i-1].Firewall.Rulesets
			inv.Hosts = append(inv.Hosts, h)
			continue
		}
		inv.Hosts = append(inv.Hosts, drawHost(t, i, reqs, unique))
	}
	return inv, reqs
}
