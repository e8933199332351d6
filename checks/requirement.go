package checks

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// Requirement is what must be open on every host.
type Requirement struct {
	// Name tells the requirements of a run apart, such as vic. It is kebab-case,
	// and a contract: it appears in reports and journals.
	Name string
	// Direction is inventory.Outbound or inventory.Inbound, seen from the host.
	Direction string
	// Protocol is inventory.TCP or inventory.UDP.
	Protocol string
	// Ports are the destination ports, 1 to 65535, all of which must be open.
	// Inbound, they are ports of the host.
	Ports []int
	// Peers are the addresses or networks on the other side, as
	// inventory.ParsePrefix returns them. Empty means that they are not known yet.
	Peers []netip.Prefix

	// Prefer are the keys of the rulesets that are made for it, the best first.
	// Accept are those of others that serve as well. A ruleset of neither list may
	// belong to another service.
	Prefer, Accept []string
	// Fallback are those of Accept that a fix may enable where a host has none of
	// Prefer.
	Fallback []string

	// Owner is who switches the rulesets of Prefer; empty means ByUser. What a host
	// says of its rulesets goes before it.
	Owner Owner
	// Daemon is the key of the service that switches them, with ByService.
	Daemon string
	// Switched says when ESXi itself switches them, with ByHost; empty where that is not
	// known. Momentary ones are shut most of the time, which is as it should be.
	Switched  string
	Momentary bool
	// NeverNarrowWithout means that allowed hosts without the peers would shut out who
	// manages the host.
	NeverNarrowWithout bool
	// Since is the version of ESXi from which on it is required, such as 8.0.2; empty
	// means of every version.
	Since string

	// AmongHosts means that the peers are ESXi hosts themselves.
	AmongHosts bool

	// Of are the hosts that it is required of by their own settings, by inventory.Host.ID;
	// nil means every host, with Peers. Hosts whose demands are the same one are judged
	// together: whoever makes many makes equal ones once.
	Of map[string]*Demand
	// From says of the one host that For has returned it for where the peers came from,
	// such as Syslog.global.logHost; Unnamed are peers that are known by a name alone.
	From    string
	Unnamed []string

	// Asked are the options of a command line that ask for its profile alone; none where a
	// run is not asked for by profiles.
	Asked []string

	Words
}

// Owner is who switches a ruleset.
type Owner string

// The owners.
const (
	ByUser    Owner = "user"
	ByService Owner = "service"
	ByHost    Owner = "host"
)

// Proof is where a connection starts that shows that a requirement holds.
type Proof string

// The proofs.
const (
	FromHost     Proof = "from the host"
	FromHere     Proof = "from the machine that asks"
	FromPeerHost Proof = "from the other hosts"
	FromNothing  Proof = "none: UDP does not answer"
)

// Proof is that of the requirement.
func (r Requirement) Proof() Proof {
	switch {
	case r.Protocol == inventory.UDP:
		return FromNothing
	case r.Direction == inventory.Outbound:
		return FromHost
	case r.AmongHosts:
		return FromPeerHost
	}
	return FromHere
}

// OfVCH reports whether the peer is a virtual container host, which this tool knows by
// what it says, and stands in for by a listener.
func (r Requirement) OfVCH() bool { return r.Name == VIC().Name }

// Demand is what one host's own settings say of a requirement.
type Demand struct {
	Peers []netip.Prefix
	// Unnamed are peers whose address is not known, by their names: a list of allowed
	// hosts holds addresses, and what a name stands for on the host is the host's to say.
	Unnamed []string
	// From is the setting and what it says, such as Syslog.global.logHost: udp://logs:5514.
	From string
}

// For is the requirement of one host, with the host's own peers. It is false where
// nothing is required of the host.
func (r Requirement) For(h *inventory.Host) (Requirement, bool) {
	if r.Since != "" && h.Version != "" && inventory.CompareVersions(h.Version, r.Since) < 0 {
		return r, false
	}
	if r.Of == nil {
		return r, true
	}
	d := r.Of[h.ID]
	if d == nil {
		return r, false
	}
	r.Peers, r.Unnamed, r.From = d.Peers, d.Unnamed, d.From
	return r, true
}

// peersKnown reports whether the addresses of all peers are known.
func (r *Requirement) peersKnown() bool { return len(r.Peers) > 0 && len(r.Unnamed) == 0 }

// SwitchedBy says who switches a ruleset, and with ByService the key of the service. What
// the host says of the ruleset goes before what is said of the requirement.
func (r Requirement) SwitchedBy(rs *inventory.Ruleset) (by Owner, daemon string) {
	made := slices.Contains(r.Prefer, rs.Key)
	switch {
	case rs.UserControllable == inventory.Yes:
		return ByUser, ""
	case rs.Service != "":
		return ByService, rs.Service
	case made && r.Owner == ByService:
		return ByService, r.Daemon
	case rs.UserControllable == inventory.No, made && r.Owner == ByHost:
		return ByHost, ""
	}
	return ByUser, ""
}

// Words say in a report what the requirement is about.
type Words struct {
	// Peer is who is on the other side, with an article: a virtual container host.
	Peer string
	// PeerOption is the option that gives the peers, such as --vch-ip.
	PeerOption string
	// Breaks says what does not work where the ports are shut.
	Breaks string
}

// DefaultPort is the TCP port that ESXi hosts dial on a virtual container host.
const DefaultPort = 2377

// VIC is the requirement of vSphere Integrated Containers: hosts dial the virtual
// container host for the serial ports of container VMs (vmware/vic, doc/design/
// communications.md).
func VIC(peers ...netip.Prefix) Requirement {
	return Requirement{
		Name: "vic", Direction: inventory.Outbound, Protocol: inventory.TCP, Ports: []int{DefaultPort}, Peers: peers,
		// vic-engine opens 2377 alone, and is built in since vSphere 6.7.
		Prefer: []string{"vic-engine"},
		// vSPC opens all outbound TCP; remoteSerialPort also lets TCP 23 and
		// 1024-65535 in.
		Accept:   []string{"vmware-vic", "vicoutgoing", "vSPC", "remoteSerialPort"},
		Fallback: []string{"vSPC"},
		Owner:    ByUser,
		Words: Words{
			Peer: "a virtual container host", PeerOption: "--vch-ip",
			Breaks: "vic-machine create fails its verification, or containers stay in Starting",
		},
	}
}

// Any stands for every requirement, where what is said is about none.
func Any() Requirement {
	return Requirement{Name: "any", Words: Words{Peer: "a peer", PeerOption: VIC().PeerOption}}
}

// At is the requirement at other ports. A fallback opens more than what it was
// chosen for, and is taken for that alone.
func (r Requirement) At(ports ...int) Requirement {
	r.Ports = ports
	if !r.ByVICMachine() {
		r.Fallback = nil
	}
	return r
}

// ByVICMachine reports whether vic-machine update firewall opens the same.
func (r Requirement) ByVICMachine() bool {
	vic := VIC()
	return r.Name == vic.Name && slices.Equal(r.Ports, vic.Ports)
}

// Validate returns an error that says what is wrong with the requirement.
func (r Requirement) Validate() error {
	switch {
	case r.Name == "":
		return errors.New("a requirement has no name")
	case r.Direction != inventory.Outbound && r.Direction != inventory.Inbound:
		return fmt.Errorf("the requirement %s: the direction %q is neither outbound nor inbound", r.Name, r.Direction)
	case r.Protocol != inventory.TCP && r.Protocol != inventory.UDP:
		return fmt.Errorf("the requirement %s: the protocol %q is neither tcp nor udp", r.Name, r.Protocol)
	case len(r.Ports) == 0:
		return fmt.Errorf("the requirement %s has no port", r.Name)
	}
	for _, port := range r.Ports {
		if port < 1 || port > 65535 {
			return fmt.Errorf("the requirement %s: %d is not a port: it takes 1 to 65535", r.Name, port)
		}
	}
	return nil
}

// String describes the requirement in one phrase.
func (r Requirement) String() string {
	peer := r.Peer
	if len(r.Peers) > 0 {
		peer = joinPrefixes(r.Peers)
	}
	what := r.Direction + " " + r.Service()
	if peer == "" {
		return what
	}
	return fmt.Sprintf("%s %s %s", what, r.to(), peer)
}

// Service names protocol and ports, such as TCP 2377.
func (r Requirement) Service() string { return r.service(r.Ports) }

func (r Requirement) service(ports []int) string {
	var texts []string
	for _, s := range spans(ports) {
		switch text := strconv.Itoa(s.first); s.last - s.first {
		case 0:
			texts = append(texts, text)
		case 1:
			texts = append(texts, text, strconv.Itoa(s.last))
		default:
			texts = append(texts, text+"-"+strconv.Itoa(s.last))
		}
	}
	return strings.ToUpper(r.Protocol) + " " + enumerate(texts)
}

// span are ports that follow each other.
type span struct{ first, last int }

// spans folds ports that follow each other, in their order.
func spans(ports []int) (list []span) {
	for _, port := range ports {
		if i := len(list) - 1; i >= 0 && list[i].last+1 == port {
			list[i].last = port
			continue
		}
		list = append(list, span{port, port})
	}
	return list
}

// enumerate joins words as prose does.
func enumerate(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// way and to are the direction in words.
func (r Requirement) way() string {
	switch r.Direction {
	case inventory.Inbound:
		return "in"
	case inventory.Outbound:
		return "out"
	}
	return "through"
}

func (r Requirement) to() string {
	if r.Direction == inventory.Inbound {
		return "from"
	}
	return "to"
}

// of is where a connection is seen from that goes the requirement's way.
func (r Requirement) of() string {
	if r.Direction == inventory.Inbound {
		return "to"
	}
	return "from"
}

// Covers reports whether the ruleset's rules let all the ports through.
func (r Requirement) Covers(rs *inventory.Ruleset) bool {
	for _, port := range r.Ports {
		if !rs.Covers(r.Direction, r.Protocol, port) {
			return false
		}
	}
	return true
}

// Rules are those of a ruleset that opens the requirement and nothing else, one for ports
// that follow each other.
func (r Requirement) Rules() (rules []inventory.Rule) {
	for _, s := range spans(r.Ports) {
		rule := inventory.Rule{Port: s.first, Direction: r.Direction, PortType: inventory.Dst, Protocol: r.Protocol}
		if s.last > s.first {
			rule.EndPort = s.last
		}
		rules = append(rules, rule)
	}
	return rules
}

// Switchable are the keys of the rulesets that a fix may enable by itself, in the
// order in which it takes them: what is made for it, what a VIB brings for it, and
// what opens more.
func (r Requirement) Switchable() []string {
	keys := slices.Clone(r.Prefer)
	if key := r.KeyFrom(FromVIB); key != "" {
		keys = append(keys, key)
	}
	return append(keys, r.Fallback...)
}

// KeyFrom is the first accepted key that is known to come onto hosts by the given
// way; empty when there is none.
func (r Requirement) KeyFrom(s Source) string {
	for _, key := range r.Accept {
		if SourceOf(key) == s {
			return key
		}
	}
	return ""
}

// Say fills the requirement's words into a text: {service}, {way} (out or in),
// {to} (to or from), {traffic}, {a peer}, {the peer}, {its network}, {option}, {breaks},
// {or prefer}, and, for commands, {prefer}, {fallback} and {vib}.
func (r Requirement) Say(text string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	the := r.Peer
	for _, article := range []string{"a ", "an "} {
		if rest, ok := strings.CutPrefix(the, article); ok {
			the = "the " + rest
		}
	}
	words := []string{
		"{service}", r.Service(), "{way}", r.way(), "{to}", r.to(), "{a peer}", r.Peer, "{the peer}", the,
		"{option}", r.PeerOption, "{breaks}", r.Breaks,
	}
	traffic, network, prefer := "traffic", "the network that it is in", ""
	if r.OfVCH() { // it has no address before it is there, and several rulesets serve it
		traffic, network = "outgoing traffic", "the network it will be leased from"
		if key := first(r.Prefer); key != "" {
			prefer = fmt.Sprintf(", or let fix enable %s for that address where the host has it", key)
		}
	}
	words = append(words, "{traffic}", traffic, "{its network}", network, "{or prefer}", prefer)
	for name, key := range map[string]string{"{prefer}": first(r.Prefer), "{fallback}": first(r.Fallback), "{vib}": r.KeyFrom(FromVIB)} {
		if key != "" { // what nobody can fill stays, and its command is left out
			words = append(words, name, key)
		}
	}
	return strings.NewReplacer(words...).Replace(text)
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
