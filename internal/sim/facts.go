package sim

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/facts"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// IsFile reports whether a text names a file of facts, and no scenario: a scenario's name
// has neither a dot nor a slash, and what stands after the slash is a datacenter.
func IsFile(text string) bool {
	begins := func(prefix string) bool { return strings.HasPrefix(text, prefix) }
	return strings.HasSuffix(text, ".json") || begins("/") || begins("./") || begins("../")
}

// fromFacts is a scenario of a file of facts: the same clusters, hosts, firewalls and settings.
func fromFacts(file string) (Scenario, error) {
	f, err := facts.Read(file)
	if err != nil {
		return Scenario{}, err
	}
	if len(f.Targets) > 1 {
		return Scenario{}, fmt.Errorf("%s: holds the facts of %d targets, and a simulator is one of them: collect them into a file each", file, len(f.Targets))
	}
	sc, err := scenarioOf(file, f.Targets[0].Inventory)
	if err != nil {
		return Scenario{}, fmt.Errorf("%s: %w", file, err)
	}
	return sc, nil
}

func scenarioOf(name string, inv *inventory.Inventory) (Scenario, error) {
	if n := len(inv.Hosts); n == 0 || n > maxHosts {
		return Scenario{}, fmt.Errorf("it holds %d hosts, and a simulator has 1 to %d", n, maxHosts)
	}
	sc := Scenario{
		Name: name, bare: inv.Endpoint.Kind == inventory.ESXi,
		// A journal of a rehearsal must not be taken for one of the server itself.
		instance: stableUUID("estate", inv.Endpoint.InstanceUUID+inv.Endpoint.Address), fullName: inv.Endpoint.FullName,
	}
	if sc.bare && len(inv.Hosts) > 1 {
		return Scenario{}, errors.New("it says that an ESXi host has several hosts: collect it again")
	}
	dc, err := datacenterOf(inv)
	sc.datacenters = []datacenterSpec{dc}
	sc.furnish = func(vc *VCenter) error { vc.impersonatePeers(inv); return nil }
	return sc, err
}

// datacenterOf puts the hosts where their paths say that they are.
func datacenterOf(inv *inventory.Inventory) (datacenterSpec, error) {
	dc := datacenterSpec{name: cmp.Or(strings.Trim(inv.Datacenter, "/"), "dc1")}
	index, named := map[clusterPlace]int{}, map[string]bool{}
	shared := map[**inventory.Ruleset][]types.HostFirewallRuleset{}
	for i := range inv.Hosts {
		h := &inv.Hosts[i]
		if named[h.Name] {
			return dc, fmt.Errorf("two hosts are named %q: a simulator tells them apart by their names", h.Name)
		}
		named[h.Name] = true
		at := placeOf(h, "/"+dc.name+"/host/")
		cluster, seen := index[at]
		if !seen {
			cluster = len(dc.clusters)
			index[at] = cluster
			dc.clusters = append(dc.clusters, clusterSpec{name: at.name, folder: at.folder})
		}
		dc.clusters[cluster].hosts = append(dc.clusters[cluster].hosts, hostSpec{
			name: h.Name, version: h.Version, connection: types.HostSystemConnectionState(h.Connection),
			maintenance: h.Maintenance == inventory.Yes, facts: h, rulesets: sharedRulesets(shared, h.Firewall.Rulesets),
		})
	}
	return dc, nil
}

// clusterPlace is a cluster's; without a name it is that of standalone hosts.
type clusterPlace struct{ folder, name string }

func placeOf(h *inventory.Host, base string) clusterPlace {
	// The path of a standalone host names its compute resource too.
	at := path.Dir(path.Dir(h.Path))
	if h.Cluster != "" {
		at = path.Dir(h.ClusterPath)
	}
	folder, _ := strings.CutPrefix(at+"/", base)
	if folder == at+"/" { // it is elsewhere, or where is not known
		folder = ""
	}
	return clusterPlace{strings.Trim(folder, "/"), h.Cluster}
}

// sharedRulesets are the API's for a list of facts. Hosts that share the one share the other.
func sharedRulesets(known map[**inventory.Ruleset][]types.HostFirewallRuleset, list []*inventory.Ruleset) []types.HostFirewallRuleset {
	if len(list) == 0 {
		return nil
	}
	if have := known[&list[0]]; len(have) == len(list) {
		return have
	}
	out := make([]types.HostFirewallRuleset, len(list))
	for i, rs := range list {
		out[i] = types.HostFirewallRuleset{
			Key: rs.Key, Label: rs.Label, Enabled: rs.Enabled, Required: rs.Required, Service: rs.Service,
			UserControllable: optional(rs.UserControllable), IpListUserConfigurable: optional(rs.IPListConfigurable),
		}
		for _, r := range rs.Rules {
			out[i].Rule = append(out[i].Rule, types.HostFirewallRule{
				Port: int32(r.Port), EndPort: int32(r.EndPort), Protocol: r.Protocol,
				Direction: types.HostFirewallRuleDirection(r.Direction), PortType: types.HostFirewallRulePortType(r.PortType),
			})
		}
		if a := rs.Allowed; a != nil {
			out[i].AllowedHosts = &types.HostFirewallRulesetIpList{AllIp: a.All, IpAddress: a.Addrs}
			for _, n := range a.Networks {
				out[i].AllowedHosts.IpNetwork = append(out[i].AllowedHosts.IpNetwork,
					types.HostFirewallRulesetIpNetwork{Network: n.Address, PrefixLength: int32(n.Bits)})
			}
		}
	}
	known[&list[0]] = out
	return out
}

// optional is the API's value of a fact: nil where it is not known.
func optional(t inventory.Tristate) *bool {
	if t == inventory.Unknown {
		return nil
	}
	return types.NewBool(t == inventory.Yes)
}

// firewallOfFacts is a host's firewall as it was read. Of one that could not be read the
// rulesets are those that ESXi brings.
func firewallOfFacts(spec hostSpec) *types.HostFirewallInfo {
	fw := &spec.facts.Firewall
	policy := types.HostFirewallDefaultPolicy{IncomingBlocked: optional(fw.IncomingBlocked), OutgoingBlocked: optional(fw.OutgoingBlocked)}
	if fw.Unreadable == "" {
		return &types.HostFirewallInfo{DefaultPolicy: policy, Ruleset: spec.rulesets}
	}
	bare := spec
	bare.facts = nil
	return firewallOf(bare)
}

// privilege is named where an account lacks it.
var privilege = regexp.MustCompile(`lacks the privilege ([\w.]+)`)

// withhold is the fault of a fact that could not be read.
func withhold(object *types.ManagedObjectReference, why string) types.BaseMethodFault {
	if m := privilege.FindStringSubmatch(why); m != nil {
		return &types.NoPermission{Object: object, PrivilegeId: m[1]}
	}
	return &types.SystemErrorFault{Reason: why}
}

// impersonate gives a new host the state that facts tell of another.
func (h *Host) impersonate(facts *inventory.Host) {
	run := &h.object.Runtime
	run.InQuarantineMode, run.StandbyMode, run.BootTime = optional(facts.Quarantine), facts.Standby, nil
	if !facts.BootTime.IsZero() {
		boot := facts.BootTime
		run.BootTime = &boot
	}
	unknown := &types.SystemErrorFault{Reason: "not known"}
	if facts.Maintenance == inventory.Unknown {
		h.Deny("runtime.inMaintenanceMode", unknown)
	}
	if facts.Connection == "" {
		h.Deny("runtime.connectionState", unknown)
	}
	h.object.Config.DeploymentInfo = &types.HostDeploymentInfo{BootedFromStatelessCache: optional(facts.Stateless)}
	h.impersonateFirewall(&facts.Firewall)
	h.impersonateSoftware(&facts.Software)
}

func (h *Host) impersonateFirewall(fw *inventory.Firewall) {
	sw := fw.Switch
	h.off, h.notLoaded, h.defaultPass = sw.Enabled == inventory.No, sw.Loaded == inventory.No, sw.DefaultPass == inventory.Yes
	h.untold = untold{sw.Enabled == inventory.Unknown, sw.Loaded == inventory.Unknown, sw.DefaultPass == inventory.Unknown}
	if sw.Unreadable != "" {
		h.denySwitch, h.untold = true, untold{}
	}
	switch why := fw.Unreadable; {
	case why == "":
	case fw.ID == "":
		h.object.ConfigManager.FirewallSystem = nil
	case strings.Contains(why, "no firewall information"):
		h.system.FirewallInfo, h.object.Config.Firewall = nil, nil
	default:
		h.Deny("firewallInfo", withhold(&h.system.Self, why))
		h.Deny("config.firewall", withhold(&h.Ref, why))
	}
}

func (h *Host) impersonateSoftware(sw *inventory.Software) {
	h.image.unreadable = sw.Unreadable
	if !sw.Known() {
		return
	}
	laxest := 0
	for _, v := range sw.VIBs {
		vib := baseVIB(v.Name, v.Version, v.Vendor, "bootbank", v.Name)
		vib.AcceptanceLevel, vib.CreationDate = v.AcceptanceLevel, nil
		if !v.Installed.IsZero() {
			installed := v.Installed
			vib.CreationDate = &installed
		}
		laxest = max(laxest, AcceptanceRank(v.AcceptanceLevel))
		h.image.vibs = append(h.image.vibs, vib)
	}
	h.image.changed = true
	if level := acceptanceLevels[laxest].api; level == string(types.HostImageAcceptanceLevelCommunity) {
		h.image.acceptance = level
	}
}

// folders are the names on the way down to a place.
func folders(place string) []string {
	return slices.DeleteFunc(strings.Split(place, "/"), func(name string) bool { return name == "" })
}
