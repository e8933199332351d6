package oracle_test

import (
	"net/netip"
	"slices"
	"strconv"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"pgregory.net/rapid"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/profile"
)

// demands are the flows that a setting asks for, each with all of its ports at a time.
var demands = map[inventory.PeerOrigin][]need{
	inventory.SyslogLogHosts: {
		{flow: flow{"outbound", "udp", 514}, scheme: "udp", carries: true},
		{flow: flow{"outbound", "tcp", 514}, scheme: "tcp", carries: true},
		{flow: flow{"outbound", "tcp", 1514}, scheme: "ssl", carries: true},
	},
	inventory.NTPServers:        {{flow: flow{"outbound", "udp", 123}}},
	inventory.ManagingVCenter:   {{flow: flow{"outbound", "udp", 902}}, {flow: flow{"inbound", "tcp", 443}}, {flow: flow{"inbound", "tcp", 902}}},
	inventory.NFSMounts:         {{flow: flow{"outbound", "tcp", 111}}, {flow: flow{"outbound", "tcp", 2049}}},
	inventory.NFS41Mounts:       {{flow: flow{"outbound", "tcp", 2049}}},
	inventory.ISCSITargets:      {{flow: flow{"outbound", "tcp", 3260}, carries: true}},
	inventory.KMIPServers:       {{flow: flow{"outbound", "tcp", 5696}, carries: true}},
	inventory.VMotionHosts:      {{flow: flow{"outbound", "tcp", 8000}}, {flow: flow{"inbound", "tcp", 8000}}},
	inventory.ProvisioningHosts: {{flow: flow{"outbound", "tcp", 902}}},
	inventory.VSANHosts: {
		{flow: flow{"outbound", "tcp", 2233}},
		{flow: flow{"inbound", "tcp", 2233}},
		{flow: flow{"outbound", "udp", 12321}},
		{flow: flow{"inbound", "udp", 12321}},
		{flow: flow{"outbound", "udp", 12345}},
		{flow: flow{"inbound", "udp", 12345}},
		{flow: flow{"outbound", "udp", 23451}},
		{flow: flow{"inbound", "udp", 23451}},
		{flow: flow{"inbound", "tcp", 443}, since: "8.0.2"},
	},
}

type need struct {
	flow
	scheme  string // that picks it
	carries bool   // the peer may bring its own port
	since   string
}

// peer is what a setting names.
type peer struct {
	addr   netip.Addr // invalid where it is a name
	scheme string
	port   int
	// nonsense is no peer at all.
	nonsense string
}

func (p peer) String() string {
	host := "logs.example"
	switch {
	case p.nonsense != "":
		return p.nonsense
	case p.addr.IsValid():
		host = p.addr.String()
		if p.addr.Is6() && (p.port != 0 || p.scheme != "") {
			host = "[" + host + "]"
		}
	}
	if p.port != 0 {
		host += ":" + strconv.Itoa(p.port)
	}
	if p.scheme != "" {
		host = p.scheme + "://" + host
	}
	return host
}

func drawPeer(t *rapid.T, origin inventory.PeerOrigin) (p peer) {
	if oneIn(t, 12, "nonsense") {
		return peer{nonsense: oneOf(t, "nonsense", []string{"", "10.0.0.300", "10.0.0.1:99999", "udp://", "a b", "10.0.0.9/24", "http://x/y", "::1::"})}
	}
	if !oneIn(t, 5, "a name") {
		p.addr = drawAddr(t)
	}
	if carries := demands[origin][0].carries; carries && rapid.Bool().Draw(t, "own port") || oneIn(t, 20, "a port") {
		p.port = oneOf(t, "port", []int{514, 1514, 3260, 5696, 9000})
	}
	if origin == inventory.SyslogLogHosts && rapid.Bool().Draw(t, "own scheme") || oneIn(t, 20, "a scheme") {
		p.scheme = oneOf(t, "scheme", []string{"udp", "tcp", "ssl", "gopher"})
	}
	return p
}

// flows are what a setting demands of a host by one peer; false where the peer is none that
// the setting could have.
func flows(origin inventory.PeerOrigin, version string, p peer) (list []flow, ok bool) {
	scheme := p.scheme
	if origin == inventory.SyslogLogHosts && scheme == "" {
		scheme = "udp" // what the setting means by none
	}
	for _, n := range demands[origin] {
		switch {
		case p.nonsense != "", p.port != 0 && !n.carries, n.scheme == "" && scheme != "":
			return nil, false
		case n.scheme != scheme, n.since != "" && version != "" && older(version, n.since):
			continue
		case p.port != 0:
			n.port = p.port
		}
		list = append(list, n.flow)
	}
	return list, len(list) > 0 || origin == inventory.VSANHosts
}

// drawSetUp is a host with settings, and with rulesets about what they demand.
func drawSetUp(t *rapid.T, id int) (inventory.Host, map[inventory.PeerOrigin][]peer) {
	said := map[inventory.PeerOrigin][]peer{}
	var about []checks.Requirement
	version := oneOf(t, "version", versions)
	for _, origin := range inventory.PeerOrigins() {
		if !oneIn(t, 3, "set up") {
			continue
		}
		for range rapid.IntRange(1, 3).Draw(t, "values") {
			p := drawPeer(t, origin)
			said[origin] = append(said[origin], p)
			all, _ := flows(origin, version, p)
			for _, f := range all {
				req := checks.Requirement{Direction: f.direction, Protocol: f.protocol, Ports: []int{f.port}}
				if p.addr.IsValid() {
					req.Peers = []netip.Prefix{netip.PrefixFrom(p.addr, p.addr.BitLen())}
				}
				about = append(about, req)
			}
		}
	}
	if len(about) == 0 {
		about = []checks.Requirement{{Direction: "outbound", Protocol: "tcp", Ports: []int{514}}}
	}
	h := drawHost(t, id, about, false)
	h.Version = version
	for range rapid.IntRange(0, 8).Draw(t, "of ESXi") {
		key := oneOf(t, "made for it", []string{"syslog", "ntpClient", "vpxHeartbeats", "vSphereClient", "nfsClient", "iSCSI", "vsanEncryption", "vMotion", "NFC", "rdt", "cmmds"})
		h.Firewall.Rulesets = append(h.Firewall.Rulesets, drawRuleset(t, key, about))
	}
	h.PeerSettings = []inventory.PeerSetting{}
	for _, origin := range inventory.PeerOrigins() {
		s := inventory.PeerSetting{Origin: origin, Name: string(origin)}
		for _, p := range said[origin] {
			s.Values = append(s.Values, p.String())
		}
		h.PeerSettings = append(h.PeerSettings, s)
	}
	return h, said
}

// judgedFor are the judgements on a host of what covers a flow.
func judgedFor(all []checks.Judgements, id string, f flow) (list []*checks.Judgement) {
	for _, judged := range all {
		for i := range judged.Hosts {
			j := &judged.Hosts[i]
			if r := j.Required; j.Host.ID == id && r.Direction == f.direction && r.Protocol == f.protocol && slices.Contains(r.Ports, f.port) {
				list = append(list, j)
			}
		}
	}
	return list
}

// answers holds what was made of one peer of a host against what it demands: each flow has a
// verdict, and where all of those pass, so do packets to the peer.
func answers(t *rapid.T, all []checks.Judgements, h *inventory.Host, s *inventory.PeerSetting, p peer) (passed int) {
	want, ok := flows(s.Origin, h.Version, p)
	if !ok {
		if s.Unreadable == "" {
			t.Fatalf("%s: %s is passed over", s.Name, p)
		}
		return 0
	}
	for _, f := range want {
		about := slices.DeleteFunc(judgedFor(all, h.ID, f), func(j *checks.Judgement) bool {
			if !p.addr.IsValid() {
				return !slices.Contains(j.Required.Unnamed, "logs.example")
			}
			return !slices.Contains(j.Required.Peers, netip.PrefixFrom(p.addr, p.addr.BitLen()))
		})
		if len(about) == 0 {
			t.Fatalf("%s: nothing is required for %s of %s: %v\n%s", h.Name, p, s.Name, f, shown(h))
		}
		for _, j := range about {
			if j.Port.Status != checks.Pass {
				continue
			}
			passed++
			one := checks.Requirement{Prefer: j.Required.Prefer, Accept: j.Required.Accept, Direction: f.direction, Protocol: f.protocol, Ports: []int{f.port}}
			if p.addr.IsValid() {
				one.Peers = []netip.Prefix{netip.PrefixFrom(p.addr, p.addr.BitLen())}
			}
			if !through(h, &one) || h.Firewall.Stale != "" {
				t.Fatalf("%s: a false pass of %s of %s: %s\n%s", h.Name, p, s.Name, j.Port.Detail, shown(h))
			}
		}
	}
	return passed
}

var _ = It("what hosts' settings demand has a verdict each, and a pass lets each peer through", func() {
	passed := 0
	always(func(t *rapid.T) int {
		inv := &inventory.Inventory{}
		var said []map[inventory.PeerOrigin][]peer
		for i := range rapid.IntRange(1, 5).Draw(t, "hosts") {
			h, says := drawSetUp(t, i)
			inv.Hosts, said = append(inv.Hosts, h), append(said, says)
		}
		var reqs []checks.Requirement
		for _, n := range profile.Demanded(profile.FromSettings(), inv) {
			reqs = append(reqs, n.Requirement)
		}
		all := checks.JudgeAll(inv, reqs...)
		for i := range inv.Hosts {
			for n := range inv.Hosts[i].PeerSettings {
				s := &inv.Hosts[i].PeerSettings[n]
				for _, p := range said[i][s.Origin] {
					passed += answers(t, all, &inv.Hosts[i], s, p)
				}
			}
		}
		for i, judged := range all {
			for _, j := range judged.Hosts {
				req, _ := requiredOf(j.Host, reqs[i])
				if want := rule(j.Host, &req); !want.fits(j.Port) {
					t.Fatalf("%s: %s is %v, %s (%s), and by the table it is %v, %s\n%s\n%s",
						j.Host.Name, req, j.Port.Status, j.Port.Reason, j.Port.Detail, want.status, want.reasons, shown(j.Host), shown(req))
				}
				notOthers(t, j.Host, &req)
			}
		}
		return len(inv.Hosts)
	})
	Expect(passed).To(BeNumerically(">", 100), "what is drawn passes often enough to show something")
	GinkgoWriter.Printf("%d flows passed\n", passed)
})

// notOthers holds that a host's peers are its own.
func notOthers(t *rapid.T, h *inventory.Host, req *checks.Requirement) {
	own := map[string]bool{}
	for _, s := range h.PeerSettings {
		for _, value := range s.Values {
			if p, err := profile.ParsePeer(value); err == nil {
				own[p.Name], own[p.Prefix.String()] = true, true
			}
		}
	}
	for _, p := range req.Peers {
		if !own[p.String()] {
			t.Fatalf("%s: %s is required for %s, which no setting of the host names", h.Name, req.Name, p)
		}
	}
}
