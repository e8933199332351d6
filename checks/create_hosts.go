package checks

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// The IDs of the checks of hosts that go beyond their firewalls' outbound side.
const (
	ESXCLICheck     = "esxcli"
	TimeSyncCheck   = "time-sync"
	Inbound443Check = "inbound-443"
)

func esxcli() Check {
	return Check{
		ID:    ESXCLICheck,
		Title: "The host answers esxcli network firewall get",
		Why: "create asks every host that it looks at whether its firewall is on, whatever the rulesets say, and ends at the " +
			"first that does not answer: the hosts after it are not judged.",
		Reasons: []Reason{ESXCLIRefused, PlaceUnreadable},
		Run: onSite(func(s *site) []Result {
			return s.perAttached(ESXCLICheck, func(h *inventory.Host) finding {
				if sw := h.Firewall.Switch; sw.NotAsked && !s.attachment().Looks(h.ID) {
					return leftOut(NotAskedFor, "create does not ask this host")
				}
				return judgeESXCLI(&h.Firewall.Switch)
			})
		}),
	}
}

// judgeESXCLI tells what the server refused from what this tool did not get to: another
// run may find it.
func judgeESXCLI(sw *inventory.Switch) finding {
	says := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(sw.Unreadable, w) })
	}
	switch {
	case sw.NotAsked:
		return notKnown("the host was not asked, and create asks it")
	case says("time ran out", "not read", "session has expired"):
		return notKnown("the host was asked in vain: %s", sw.Unreadable)
	case says("has no method"):
		// lib/install/validate/config.go, FirewallEnabled.
		return inOrder("the host has no such command, and create takes its firewall for switched on")
	case sw.Unreadable != "":
		return refuses(ESXCLIRefused, "the host does not answer: %s", sw.Unreadable)
	case sw.Enabled == inventory.Unknown:
		return notKnown("whether the host answers is not known")
	}
	return inOrder("the host answers")
}

func timeSync() Check {
	return Check{
		ID:    TimeSyncCheck,
		Title: "The host keeps its time by the same NTP servers as the others",
		Why: "Certificates are valid by the clock. Where a host's clock is off, the virtual container host and its " +
			"container VMs cannot trust each other.",
		Reasons: []Reason{NTPUnset, NTPStopped, NTPDiffers, PlaceUnreadable},
		Run: onSite(func(s *site) []Result {
			norm := s.usualServers()
			return s.perHost(TimeSyncCheck, func(h *inventory.Host) finding { return s.timeOf(h, norm) })
		}),
	}
}

func (s *site) timeOf(h *inventory.Host, norm string) finding {
	f := s.judgeTime(h, norm)
	if f.Reason == NTPUnset || f.Reason == NTPDiffers {
		f.Servers = s.serversNamed(norm)
	}
	return f
}

func (s *site) judgeTime(h *inventory.Host, norm string) finding {
	placed := s.Hosts[h.ID]
	why := cmp.Or(placed.Unreadable, s.HostsUnreadable, "it was not read")
	if placed.NTPServers == nil {
		return notKnown("which NTP servers the host has is not known: %s", why)
	}
	if len(placed.NTPServers) == 0 {
		return ours(NTPUnset, "the host has no NTP server")
	}
	var list []finding
	switch placed.NTPRunning {
	case inventory.No:
		list = append(list, ours(NTPStopped, "the service ntpd is not running on the host"))
	case inventory.Unknown:
		list = append(list, notKnown("whether the service ntpd is running is not known: %s", why))
	}
	if servers := serversOf(placed); servers != norm {
		list = append(list, ours(NTPDiffers, "the host asks %s, and most others ask %s", servers, norm))
	}
	if len(list) == 0 {
		return inOrder("the host asks %s", serversOf(placed))
	}
	return gravest(list)
}

// serversOf is equal for hosts that ask the same servers.
func serversOf(p inventory.PlacedHost) string {
	servers := slices.Clone(p.NTPServers)
	for i := range servers {
		servers[i] = strings.ToLower(servers[i])
	}
	slices.Sort(servers)
	return enumerate(slices.Compact(servers))
}

// serversNamed are the servers that serversOf gave a name; none where no host asks them.
func (s *site) serversNamed(name string) []string {
	for _, h := range s.hosts {
		if p := s.Hosts[h.ID]; name != "" && serversOf(p) == name {
			return p.NTPServers
		}
	}
	return nil
}

// usualServers are those that most hosts ask, and of several alike the same in every run.
func (s *site) usualServers() string {
	hosts := map[string]int{}
	for _, h := range s.hosts {
		if p := s.Hosts[h.ID]; len(p.NTPServers) > 0 {
			hosts[serversOf(p)]++
		}
	}
	usual := ""
	for _, servers := range slices.Sorted(maps.Keys(hosts)) {
		if usual == "" || hosts[servers] > hosts[usual] {
			usual = servers
		}
	}
	return usual
}

func inbound443() Check {
	return Check{
		ID:      Inbound443Check,
		Title:   "The host's firewall lets TCP 443 in",
		Why:     "Files go to and from datastores through the hosts, as the product's installation manual asks for. create does not look.",
		Reasons: []Reason{InboundShut, PlaceUnreadable},
		Run: onSite(func(s *site) []Result {
			judge := NewJudge(httpsIn(s.facts))
			return s.perHost(Inbound443Check, func(h *inventory.Host) finding {
				j, _ := judge.Host(h) // it is required of every host
				v := j.Port
				switch v.Status {
				case Pass:
					return inOrder("%s", v.Detail)
				case Unknown:
					return notKnown("%s", v.Detail)
				}
				return ours(InboundShut, "%s", v.Detail)
			})
		}),
	}
}

// httpsIn is what uploads to datastores need, from the virtual container host where its
// address is known.
func httpsIn(f Facts) Requirement {
	req := Requirement{
		Name: "https-in", Direction: inventory.Inbound, Protocol: inventory.TCP, Ports: []int{443},
		// vSphereClient is ESXi's own for this, and has 902 besides.
		Accept: []string{"vSphereClient"},
		Words:  Words{Peer: "a virtual container host", PeerOption: "--vch-ip"},
	}
	for _, judged := range f.Judged {
		if judged.Requirement.ByVICMachine() {
			req.Peers = judged.Requirement.Peers
		}
	}
	return req
}
