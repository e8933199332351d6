package oracle_test

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// esxiBrings are rulesets that ESXi brings for services of its own (GROUND-TRUTH 1.3: 8.0 U2b,
// and 1.5, 11 for what is older).
var esxiBrings = strings.Fields(`sshServer nfsClient nfs41Client dhcp dns snmp ntpClient CIMHttpServer CIMHttpsServer CIMSLP iSCSI
vpxHeartbeats updateManager faultTolerance webAccess vMotion vSphereClient activeDirectoryAll NFC HBR gdbserver
DVFilter DHCPv6 DVSSync syslog WOL vSPC remoteSerialPort rdt cmmds ipfam iofiltervp esxupdate vsanEncryption pvrdma vic-engine
etcdClientComm etcdPeerComm settingsd vdfs gstored trusted-infrastructure-kmxd iwarp-pm ptpd trusted-infrastructure-kmxa nvmetcp
esxio-orchestrator esxioComm nvmemdns proxy dpd vltd vsanhealth-unicasttest vsanmgmt-https-tunnel vvold vit IKED vprobeServer netDump`)

// flow is what a packet is.
type flow struct {
	direction, protocol string
	port                int
}

// covered reports whether a ruleset, when it is enabled, is about such packets. The API gives a
// single port without an end, and may leave the type of the port away (GROUND-TRUTH 9, 6).
func (f flow) covered(rs *inventory.Ruleset) bool {
	for _, r := range rs.Rules {
		last := r.EndPort
		if last == 0 {
			last = r.Port
		}
		source := r.PortType != "" && r.PortType != "dst"
		if r.Direction == f.direction && r.Protocol == f.protocol && !source && r.Port <= f.port && f.port <= last {
			return true
		}
	}
	return false
}

// owned reports whether a ruleset is nobody else's: the requirement names it, or no daemon,
// host or service of ESXi has it.
func owned(req *checks.Requirement, rs *inventory.Ruleset) bool {
	if slices.Contains(req.Prefer, rs.Key) || slices.Contains(req.Accept, rs.Key) {
		return true
	}
	return rs.Service == "" && rs.UserControllable != inventory.No && !slices.Contains(esxiBrings, rs.Key)
}

// broad reports whether a ruleset opens more than 15 ports besides what is required.
func broad(req *checks.Requirement, f flow, rs *inventory.Ruleset) bool {
	if slices.Contains(req.Prefer, rs.Key) {
		return false
	}
	opened := map[int]bool{}
	for _, r := range rs.Rules {
		for port := r.Port; port <= max(r.Port, r.EndPort) && len(opened) <= len(req.Ports)+15; port++ {
			one := inventory.Ruleset{Rules: []inventory.Rule{r}}
			if (flow{f.direction, f.protocol, port}).covered(&one) {
				opened[port] = true
			}
		}
	}
	return len(opened) > len(req.Ports)+15
}

// block are addresses that follow each other.
type block struct{ first, last netip.Addr }

func blockOf(addr netip.Addr, bits int) block {
	if addr.Is4In6() && bits >= 96 {
		addr, bits = addr.Unmap(), bits-96
	}
	low, high := addr.WithZone("").AsSlice(), addr.WithZone("").AsSlice()
	for i := bits; i < len(low)*8; i++ {
		low[i/8] &^= 0x80 >> (i % 8)
		high[i/8] |= 0x80 >> (i % 8)
	}
	first, _ := netip.AddrFromSlice(low)
	last, _ := netip.AddrFromSlice(high)
	return block{first, last}
}

// audience is whom rulesets let through together.
type audience struct {
	everybody bool
	blocks    []block
	unknown   bool // there may be more
}

func audienceOf(rulesets []*inventory.Ruleset) (a audience) {
	for _, rs := range rulesets {
		switch {
		case rs.Allowed == nil:
			a.unknown = true
			continue
		case rs.Allowed.All: // the lists count for nothing then
			a.everybody = true
			continue
		}
		for _, text := range rs.Allowed.Addrs {
			addr, err := netip.ParseAddr(text)
			if err != nil {
				a.unknown = true
				continue
			}
			a.blocks = append(a.blocks, blockOf(addr, addr.BitLen()))
		}
		for _, n := range rs.Allowed.Networks {
			addr, err := netip.ParseAddr(n.Address)
			if err != nil || n.Bits < 0 || n.Bits > addr.BitLen() {
				a.unknown = true
				continue
			}
			a.blocks = append(a.blocks, blockOf(addr, n.Bits))
		}
	}
	slices.SortFunc(a.blocks, func(a, b block) int { return a.first.Compare(b.first) })
	return a
}

// has reports whether every address of the network is let through, by going from one
// address that is not reached yet to the next.
func (a audience) has(peer netip.Prefix) bool {
	if a.everybody {
		return true
	}
	want := blockOf(peer.Addr(), peer.Bits())
	next := want.first
	for _, b := range a.blocks {
		if b.first.Is4() != next.Is4() || b.first.Compare(next) > 0 || b.last.Compare(next) < 0 {
			continue
		}
		if b.last.Compare(want.last) >= 0 {
			return true
		}
		next = b.last.Next()
	}
	return false
}

// hasAll reports whether every peer is let through, whoever that is: one that is known by a
// name alone, or not at all, is where everybody is.
func (a audience) hasAll(req *checks.Requirement) bool {
	if len(req.Peers) == 0 || len(req.Unnamed) > 0 {
		return a.everybody
	}
	return !slices.ContainsFunc(req.Peers, func(p netip.Prefix) bool { return !a.has(p) })
}

// ruling is what the table comes to.
type ruling struct {
	status  checks.Status
	reasons []checks.Reason // any of them
}

func is(status checks.Status, reasons ...checks.Reason) ruling { return ruling{status, reasons} }

// fits reports whether a verdict is the ruling.
func (r ruling) fits(v *checks.Verdict) bool {
	return v.Status == r.status && slices.Contains(r.reasons, v.Reason)
}

// severity orders rulings on several ports: of warnings, those are milder where a ruleset of
// its own lets something through.
func (r ruling) severity() int {
	switch r.status {
	case checks.Pass:
		return 0
	case checks.Skip:
		return 1
	case checks.Unknown:
		return 5
	case checks.Fail:
		return 6
	}
	switch r.reasons[0] {
	case checks.ListsOverlap:
		return 2
	case checks.AllowedHostsUnverified:
		return 3
	}
	return 4
}

// requiredOf is the requirement with one host's own peers; false where nothing is required.
func requiredOf(h *inventory.Host, req checks.Requirement) (checks.Requirement, bool) {
	if req.Since != "" && h.Version != "" && older(h.Version, req.Since) {
		return req, false
	}
	if req.Of == nil {
		return req, true
	}
	d := req.Of[h.ID]
	if d == nil {
		return req, false
	}
	req.Peers, req.Unnamed, req.From = d.Peers, d.Unnamed, d.From
	return req, true
}

// older compares versions of as many numbers.
func older(a, b string) bool {
	numbers := func(s string) (list []int) {
		for _, word := range strings.Split(s, ".") {
			n, _ := strconv.Atoi(word)
			list = append(list, n)
		}
		return list
	}
	return slices.Compare(numbers(a), numbers(b)) < 0
}

// readable reports whether anything is known of the host's firewall.
func readable(h *inventory.Host) bool {
	return h.Connection == "connected" && h.Firewall.Unreadable == "" && len(h.Firewall.Rulesets) > 0
}

// rule is the ruling on a host, with the requirement as it is required of that host.
func rule(h *inventory.Host, req *checks.Requirement) ruling {
	if !readable(h) {
		return is(checks.Unknown, checks.FactsUnavailable)
	}
	var worst ruling
	for i, port := range req.Ports {
		r := rulePort(&h.Firewall, req, flow{req.Direction, req.Protocol, port})
		if i == 0 || r.severity() > worst.severity() {
			worst = r
		}
	}
	if worst.status == checks.Pass && h.Firewall.Stale != "" {
		return is(checks.Unknown, checks.FactsStale)
	}
	return worst
}

// sorted are the rulesets about a flow.
type sorted struct {
	own, borrowed, disabled []*inventory.Ruleset
	made                    bool // one that is made for it is there
}

func sortFor(fw *inventory.Firewall, req *checks.Requirement, f flow) (s sorted) {
	for _, rs := range fw.Rulesets {
		s.made = s.made || f.covered(rs) && slices.Contains(req.Prefer, rs.Key)
		switch own := owned(req, rs); {
		case !f.covered(rs):
		case rs.Enabled && own:
			s.own = append(s.own, rs)
		case rs.Enabled:
			s.borrowed = append(s.borrowed, rs)
		case own:
			s.disabled = append(s.disabled, rs)
		}
	}
	return s
}

// rulePort reads the rows of docs/verdicts.md from 3 on, in their order.
func rulePort(fw *inventory.Firewall, req *checks.Requirement, f flow) ruling {
	s := sortFor(fw, req, f)
	own, any := audienceOf(s.own), audienceOf(slices.Concat(s.own, s.borrowed))
	switch {
	case own.hasAll(req) && overlaps(req, f, s.own):
		return is(checks.Warn, checks.ListsOverlap)
	case own.hasAll(req):
		return is(checks.Pass, checks.Permitted)
	case (len(req.Peers) == 0 || len(req.Unnamed) > 0) && len(own.blocks) > 0 && !slices.ContainsFunc(req.Peers, func(p netip.Prefix) bool { return !own.has(p) }):
		return is(checks.Warn, checks.AllowedHostsUnverified)
	case any.hasAll(req):
		return is(checks.Warn, checks.BorrowedRuleset)
	case fw.Switch.Enabled == inventory.No || fw.Switch.Loaded == inventory.No:
		return is(checks.Warn, checks.FirewallOff)
	case passesAnyway(fw, f.direction) && req.Name == "vic" && slices.Equal(req.Ports, []int{2377}):
		return is(checks.Fail, checks.DefaultPass)
	case passesAnyway(fw, f.direction):
		return is(checks.Warn, checks.DefaultPass)
	case any.unknown:
		return is(checks.Unknown, checks.FactsUnavailable)
	case s.made && (req.Momentary || req.Switched != "" && req.From == ""):
		return is(checks.Skip, checks.SwitchedWhenNeeded)
	case len(s.own) > 0:
		return is(checks.Fail, checks.AllowedHostsExcludePeer)
	case len(s.disabled) > 0:
		return is(checks.Fail, checks.RulesetDisabled, checks.SwitchedByService, checks.SwitchedByHost)
	}
	return is(checks.Fail, checks.NoRuleset)
}

// overlaps reports whether one ruleset suffices, while a broad one besides has a list
// without every peer.
func overlaps(req *checks.Requirement, f flow, own []*inventory.Ruleset) bool {
	one, besides := false, false
	for _, rs := range own {
		a := audienceOf([]*inventory.Ruleset{rs})
		one = one || a.hasAll(req)
		besides = besides || broad(req, f, rs) && !a.unknown && !a.hasAll(req)
	}
	return one && besides
}

// passesAnyway goes by the host's own word on its default action before the API's copy.
func passesAnyway(fw *inventory.Firewall, direction string) bool {
	switch {
	case fw.Switch.DefaultPass != inventory.Unknown:
		return fw.Switch.DefaultPass == inventory.Yes
	case direction == "inbound":
		return fw.IncomingBlocked == inventory.No
	}
	return fw.OutgoingBlocked == inventory.No
}

// through reports whether all packets that are required pass by rulesets that are enabled
// and nobody else's, and by nothing else.
func through(h *inventory.Host, req *checks.Requirement) bool {
	for _, port := range req.Ports {
		if !audienceOf(sortFor(&h.Firewall, req, flow{req.Direction, req.Protocol, port}).own).hasAll(req) {
			return false
		}
	}
	return readable(h)
}
