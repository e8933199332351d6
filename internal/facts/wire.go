package facts

import (
	"time"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// The types of the file. What is absent is not known: a boolean that is absent is
// neither true nor false. A list that is absent was not told, and one that is empty was.

type document struct {
	FactsVersion int          `json:"factsVersion"`
	Tool         string       `json:"tool,omitempty"`
	Targets      list[target] `json:"targets"`
}

type target struct {
	head
	Rulesets     list[ruleset] `json:"rulesets"`
	RulesetLists list[indexes] `json:"rulesetLists"`
	VIBs         list[vib]     `json:"vibs"`
	VIBLists     list[indexes] `json:"vibLists"`
	Hosts        list[host]    `json:"hosts"`
}

// head is a target without what it has many of.
type head struct {
	Target      string   `json:"target"`
	CollectedAt string   `json:"collectedAt"`
	Refreshed   bool     `json:"refreshed"`
	Endpoint    endpoint `json:"endpoint"`
	Datacenter  string   `json:"datacenter,omitempty"`
	Hidden      []string `json:"hidden,omitzero"`
}

type endpoint struct {
	Address      string `json:"address,omitempty"`
	Kind         string `json:"kind"`
	FullName     string `json:"fullName,omitempty"`
	InstanceUUID string `json:"instanceUuid,omitempty"`
	Simulated    bool   `json:"simulated,omitempty"`
}

type ruleset struct {
	Key                string   `json:"key"`
	Label              string   `json:"label,omitempty"`
	Enabled            bool     `json:"enabled"`
	Required           bool     `json:"required,omitempty"`
	Service            string   `json:"service,omitempty"`
	UserControllable   *bool    `json:"userControllable,omitempty"`
	IPListConfigurable *bool    `json:"ipListConfigurable,omitempty"`
	Rules              []rule   `json:"rules,omitzero"`
	Allowed            *allowed `json:"allowedHosts,omitempty"`
}

// Numbers have the size that they have in the vSphere API.
type rule struct {
	Port      int32  `json:"port"`
	EndPort   int32  `json:"endPort,omitempty"`
	Direction string `json:"direction,omitempty"`
	PortType  string `json:"portType,omitempty"`
	Protocol  string `json:"protocol,omitempty"`
}

type allowed struct {
	All      bool      `json:"all"`
	Addrs    []string  `json:"addresses,omitzero"`
	Networks []network `json:"networks,omitzero"`
}

type network struct {
	Address string `json:"address"`
	Bits    int32  `json:"bits"`
}

type vib struct {
	Name            string `json:"name"`
	Version         string `json:"version,omitempty"`
	Vendor          string `json:"vendor,omitempty"`
	AcceptanceLevel string `json:"acceptanceLevel,omitempty"`
	Installed       string `json:"installed,omitempty"`
}

type host struct {
	ID          string   `json:"id"`
	UUID        string   `json:"uuid,omitempty"`
	Name        string   `json:"name"`
	Path        string   `json:"path"`
	Cluster     string   `json:"cluster,omitempty"`
	ClusterPath string   `json:"clusterPath,omitempty"`
	Connection  string   `json:"connection,omitempty"`
	Maintenance *bool    `json:"maintenance,omitempty"`
	Quarantine  *bool    `json:"quarantine,omitempty"`
	Standby     string   `json:"standby,omitempty"`
	BootTime    string   `json:"bootTime,omitempty"`
	Stateless   *bool    `json:"stateless,omitempty"`
	Version     string   `json:"version,omitempty"`
	Firewall    firewall `json:"firewall"`
	Software    software `json:"software"`
	// PeerSettings are absent when they were not asked for.
	PeerSettings []peerSetting `json:"peerSettings,omitzero"`
}

type peerSetting struct {
	Origin     string   `json:"origin"`
	Name       string   `json:"name"`
	Values     []string `json:"values,omitzero"`
	Unnamed    []string `json:"unnamed,omitzero"`
	Unreadable string   `json:"unreadable,omitempty"`
}

type firewall struct {
	ID              string         `json:"id,omitempty"`
	Unreadable      string         `json:"unreadable,omitempty"`
	Stale           string         `json:"stale,omitempty"`
	Switch          firewallSwitch `json:"switch"`
	IncomingBlocked *bool          `json:"incomingBlocked,omitempty"`
	OutgoingBlocked *bool          `json:"outgoingBlocked,omitempty"`
	// Rulesets is the place of the list in rulesetLists.
	Rulesets *int `json:"rulesets,omitempty"`
}

type firewallSwitch struct {
	Enabled     *bool  `json:"enabled,omitempty"`
	Loaded      *bool  `json:"loaded,omitempty"`
	DefaultPass *bool  `json:"defaultPass,omitempty"`
	Unreadable  string `json:"unreadable,omitempty"`
	NotAsked    bool   `json:"notAsked,omitempty"`
}

type software struct {
	// VIBs is the place of the list in vibLists.
	VIBs       *int   `json:"vibs,omitempty"`
	Unreadable string `json:"unreadable,omitempty"`
	NotAsked   bool   `json:"notAsked,omitempty"`
}

// indexes are places in the list of what is shared, rulesets or vibs.
type indexes []int

func rulesetOf(rs *inventory.Ruleset) ruleset {
	r := ruleset{
		Key: rs.Key, Label: rs.Label, Enabled: rs.Enabled, Required: rs.Required, Service: rs.Service,
		UserControllable: pointer(rs.UserControllable), IPListConfigurable: pointer(rs.IPListConfigurable),
		Rules: mapped(rs.Rules, func(r inventory.Rule) rule {
			return rule{int32(r.Port), int32(r.EndPort), r.Direction, r.PortType, r.Protocol}
		}),
	}
	if a := rs.Allowed; a != nil {
		r.Allowed = &allowed{All: a.All, Addrs: a.Addrs, Networks: mapped(a.Networks, func(n inventory.Network) network {
			return network{n.Address, int32(n.Bits)}
		})}
	}
	return r
}

func (r *ruleset) facts() *inventory.Ruleset {
	rs := &inventory.Ruleset{
		Key: r.Key, Label: r.Label, Enabled: r.Enabled, Required: r.Required, Service: r.Service,
		UserControllable: inventory.FromPtr(r.UserControllable), IPListConfigurable: inventory.FromPtr(r.IPListConfigurable),
		Rules: mapped(r.Rules, func(r rule) inventory.Rule {
			return inventory.Rule{Port: int(r.Port), EndPort: int(r.EndPort), Direction: r.Direction, PortType: r.PortType, Protocol: r.Protocol}
		}),
	}
	if a := r.Allowed; a != nil {
		rs.Allowed = &inventory.AllowedHosts{All: a.All, Addrs: a.Addrs, Networks: mapped(a.Networks, func(n network) inventory.Network {
			return inventory.Network{Address: n.Address, Bits: int(n.Bits)}
		})}
	}
	return rs
}

func vibOf(v inventory.VIB) vib {
	return vib{v.Name, v.Version, v.Vendor, v.AcceptanceLevel, timeText(v.Installed)}
}

func switchOf(s inventory.Switch) firewallSwitch {
	return firewallSwitch{pointer(s.Enabled), pointer(s.Loaded), pointer(s.DefaultPass), s.Unreadable, s.NotAsked}
}

func (s *firewallSwitch) facts() inventory.Switch {
	return inventory.Switch{
		Enabled: inventory.FromPtr(s.Enabled), Loaded: inventory.FromPtr(s.Loaded), DefaultPass: inventory.FromPtr(s.DefaultPass),
		Unreadable: s.Unreadable, NotAsked: s.NotAsked,
	}
}

func peerSettingOf(s inventory.PeerSetting) peerSetting {
	return peerSetting{string(s.Origin), s.Name, s.Values, s.Unnamed, s.Unreadable}
}

func (s peerSetting) facts() inventory.PeerSetting {
	return inventory.PeerSetting{
		Origin: inventory.PeerOrigin(s.Origin), Name: s.Name, Values: s.Values, Unnamed: s.Unnamed, Unreadable: s.Unreadable,
	}
}

// mapped keeps a list that was not told apart from one that is empty.
func mapped[A, B any](in []A, f func(A) B) []B {
	if in == nil {
		return nil
	}
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = f(a)
	}
	return out
}

// pointer is the opposite of inventory.FromPtr.
func pointer(t inventory.Tristate) *bool {
	if t == inventory.Unknown {
		return nil
	}
	yes := t == inventory.Yes
	return &yes
}

// timeText is empty for a time that is not known.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}
