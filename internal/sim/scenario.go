package sim

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// Scenario is an inventory to simulate.
type Scenario struct {
	// Name is what ParseScenario was given, such as mixed, large?hosts=500 or the path of
	// a file of facts.
	Name string
	// instance and fullName are the endpoint's, where facts tell them.
	instance, fullName string

	bare        bool
	datacenters []datacenterSpec
	// furnish, when set, puts in what is there besides clusters, hosts and firewalls.
	furnish func(*VCenter) error
}

// SaysPeers reports whether hosts say in their own settings whom they talk to.
func (s Scenario) SaysPeers() bool {
	for _, dc := range s.datacenters {
		for _, c := range dc.clusters {
			for _, h := range c.hosts {
				says := func(set inventory.PeerSetting) bool { return len(set.Values)+len(set.Unnamed) > 0 }
				if h.peers.logHost != "" || h.facts != nil && slices.ContainsFunc(h.facts.PeerSettings, says) {
					return true
				}
			}
		}
	}
	return false
}

type datacenterSpec struct {
	name     string // with the folders before it
	clusters []clusterSpec
}

// clusterSpec without a name is a set of standalone hosts.
type clusterSpec struct {
	name string
	// folder is where it stands among the datacenter's hosts; empty at the top.
	folder string
	hosts  []hostSpec
}

type hostSpec struct {
	name    string
	version string
	// recorded is the version of the real host whose rulesets these are; empty for those
	// of the template.
	recorded string

	connection  types.HostSystemConnectionState // connected when empty
	maintenance bool

	// enable lists rulesets to enable, each with its allowed hosts.
	enable map[string]*types.HostFirewallRulesetIpList
	shut   []string // rulesets to disable
	extra  []types.HostFirewallRuleset
	remove []string
	// locked rulesets are not user-controllable.
	locked []string

	off         bool // the master switch
	defaultPass bool
	noInfo      bool // vCenter has no firewall information of the host
	denyInfo    bool // the account may not read it
	denySwitch  bool // the account may not run esxcli

	peers peerSpec

	// facts, when set, are of the host that this one stands for, and rulesets its.
	facts    *inventory.Host
	rulesets []types.HostFirewallRuleset
}

// ScenarioNames lists the scenarios, with a sentence on each.
func ScenarioNames() [][2]string {
	return [][2]string{
		{"mixed", "three clusters and two standalone hosts that show every verdict"},
		{"closed", "two clusters as installed: every host keeps the port shut"},
		{"open", "two clusters where every host lets the port out"},
		{"esxi", "one bare ESXi host without vCenter, as installed"},
		{"esxi80", "one bare ESXi 8.0.3 host with the rulesets of a recorded one"},
		{"esxi60", "one bare ESXi 6.0 host with the rulesets of a recorded one"},
		{"large", "many hosts, every fifth one shut: large?hosts=N, 1000 by default"},
		{"vic", "a cluster that vic-machine create would take: vic?hosts=N"},
		{"vic-broken", "the same names, with much that create would refuse"},
		{"estate", "three clusters with syslog, NTP, NFS, vSAN and more, partly wrong"},
	}
}

// maxHosts is more than any vCenter manages (15,000 in linked mode).
const maxHosts = 20000

// UnknownScenarioError names a scenario that does not exist, if by a plain word:
// anything else may be a target that holds a password.
type UnknownScenarioError struct{ Name string }

func (e *UnknownScenarioError) Error() string {
	var known []string
	for _, s := range ScenarioNames() {
		known = append(known, s[0])
	}
	name := ""
	if strings.Trim(e.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" {
		name = fmt.Sprintf(" %q", e.Name)
	}
	return fmt.Sprintf("unknown scenario%s; the scenarios are: %s", name, strings.Join(known, ", "))
}

var errNoParameter = errors.New("the scenario has no such parameter (large and vic take hosts=N)")

// ParseScenario reads NAME, NAME?hosts=N, or a file of facts.
func ParseScenario(s string) (Scenario, error) {
	if IsFile(s) {
		return fromFacts(s)
	}
	name, query, _ := strings.Cut(s, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return Scenario{}, errNoParameter
	}
	hosts := map[string]int{"large": 1000, "vic": 3}[name]
	for key := range values {
		if hosts == 0 || key != "hosts" {
			return Scenario{}, errNoParameter
		}
		n, err := strconv.Atoi(values.Get(key))
		if err != nil || n < 1 || n > maxHosts {
			return Scenario{}, fmt.Errorf("the scenario's hosts must be a number from 1 to %d", maxHosts)
		}
		hosts = n
	}

	sc := Scenario{Name: s}
	switch name {
	case "mixed":
		sc.datacenters = []datacenterSpec{{name: "dc1", clusters: mixed()}}
	case "closed":
		sc.datacenters = []datacenterSpec{{name: "dc1", clusters: uniform(nil)}}
	case "open":
		sc.datacenters = []datacenterSpec{{name: "dc1", clusters: uniform(everyone())}}
	case "esxi":
		sc.bare = true
		sc.datacenters = []datacenterSpec{{clusters: []clusterSpec{{hosts: []hostSpec{{name: "esxi.example", version: "7.0.2"}}}}}}
	case "esxi80":
		sc.bare = true
		sc.datacenters = []datacenterSpec{{clusters: []clusterSpec{{hosts: []hostSpec{{name: "esxi80.example", version: "8.0.3", recorded: "8.0.3"}}}}}}
	case "esxi60":
		sc.bare = true
		sc.datacenters = []datacenterSpec{{clusters: []clusterSpec{{hosts: []hostSpec{{name: "esxi60.example", version: "6.0.0", recorded: "6.0"}}}}}}
	case "large":
		sc.datacenters = []datacenterSpec{{name: "dc1", clusters: large(hosts)}}
	case "vic":
		sc.datacenters = []datacenterSpec{{name: "dc1", clusters: vic(hosts)}}
		sc.furnish = furnish
	case "vic-broken":
		sc.datacenters = []datacenterSpec{{name: "dc1", clusters: vic(3)}}
		sc.furnish = furnishBroken
	case "estate":
		sc.datacenters = []datacenterSpec{{name: "dc1", clusters: estateClusters()}}
		sc.furnish = furnishEstate
	default:
		return Scenario{}, &UnknownScenarioError{Name: name}
	}
	return sc, nil
}

func everyone() *types.HostFirewallRulesetIpList {
	return &types.HostFirewallRulesetIpList{AllIp: true}
}

func allow(ruleset string, list *types.HostFirewallRulesetIpList) map[string]*types.HostFirewallRulesetIpList {
	return map[string]*types.HostFirewallRulesetIpList{ruleset: list}
}

func network(address string, bits int32) *types.HostFirewallRulesetIpList {
	return &types.HostFirewallRulesetIpList{
		IpNetwork: []types.HostFirewallRulesetIpNetwork{{Network: address, PrefixLength: bits}},
	}
}

func mixed() []clusterSpec {
	return []clusterSpec{
		{name: "prod", hosts: []hostSpec{
			{name: "esx01.example", version: "6.7.0", enable: allow("vic-engine", everyone())},
			{name: "esx02.example", version: "6.7.0", enable: allow("vSPC", everyone())},
			{name: "esx03.example", version: "6.7.0"},
			{name: "esx04.example", version: "6.5.0"},
			{name: "esx05.example", version: "8.0.2", maintenance: true, enable: allow("vic-engine", everyone())},
			{name: "esx06.example", version: "8.0.2", locked: []string{"vic-engine"}},
		}},
		{name: "edge", hosts: []hostSpec{
			{name: "esx11.example", version: "7.0.3", enable: allow("vSPC", network("10.20.0.0", 16))},
			{name: "esx12.example", version: "7.0.3", enable: allow("vSPC", &types.HostFirewallRulesetIpList{})},
			{name: "esx13.example", version: "6.5.0", enable: allow("nfsClient", everyone())},
			{name: "esx14.example", version: "6.5.0", remove: []string{"vSPC", "remoteSerialPort"}},
			{name: "esx15.example", version: "7.0.3", connection: types.HostSystemConnectionStateDisconnected},
			{name: "esx16.example", version: "7.0.3", noInfo: true},
		}},
		{name: "legacy", hosts: []hostSpec{
			{name: "esx21.example", version: "6.5.0", off: true},
			{name: "esx22.example", version: "6.5.0", defaultPass: true},
			{name: "esx23.example", version: "6.5.0", extra: []types.HostFirewallRuleset{outboundRuleset("vicoutgoing", "", 2377, 0)}},
			{name: "esx24.example", version: "6.5.0", extra: []types.HostFirewallRuleset{outboundRuleset("vmware-vic", "", 2377, 0)}},
			{name: "esx25.example", version: "6.5.0", extra: []types.HostFirewallRuleset{outboundRuleset("site-docker", "", 2375, 2380)}},
			{name: "esx26.example", version: "6.5.0", denySwitch: true, enable: allow("vSPC", everyone())},
		}},
		{hosts: []hostSpec{
			{name: "esx31.example", version: "6.7.0", connection: types.HostSystemConnectionStateNotResponding},
			{name: "esx32.example", version: "6.7.0", denyInfo: true},
		}},
	}
}

func uniform(list *types.HostFirewallRulesetIpList) []clusterSpec {
	host := func(name, version, ruleset string) hostSpec {
		h := hostSpec{name: name, version: version}
		if list != nil {
			h.enable = allow(ruleset, list)
		}
		return h
	}
	return []clusterSpec{
		{name: "prod", hosts: []hostSpec{
			host("esx01.example", "8.0.2", "vic-engine"),
			host("esx02.example", "8.0.2", "vic-engine"),
			host("esx03.example", "7.0.3", "vic-engine"),
		}},
		{name: "edge", hosts: []hostSpec{
			host("esx11.example", "6.5.0", "vSPC"),
			host("esx12.example", "6.5.0", "vSPC"),
		}},
	}
}

// large makes clusters of 64 hosts. Of ten hosts seven have vic-engine enabled,
// one vSPC, and two nothing.
func large(hosts int) []clusterSpec {
	const perCluster = 64
	var clusters []clusterSpec
	for i := range hosts {
		if i%perCluster == 0 {
			clusters = append(clusters, clusterSpec{name: fmt.Sprintf("cluster%03d", i/perCluster+1)})
		}
		h := hostSpec{name: fmt.Sprintf("esx%05d.example", i+1), version: "7.0.3"}
		switch i % 10 {
		case 3, 8:
		case 5:
			h.enable = allow("vSPC", everyone())
		default:
			h.enable = allow("vic-engine", everyone())
		}
		c := &clusters[len(clusters)-1]
		c.hosts = append(c.hosts, h)
	}
	return clusters
}

// atLeast reports whether version is not older than the wanted one. Both are
// dotted numbers.
func atLeast(version, wanted string) bool {
	parse := func(s string) []int {
		var numbers []int
		for part := range strings.SplitSeq(s, ".") {
			n, _ := strconv.Atoi(part) // the scenarios hold digits alone
			numbers = append(numbers, n)
		}
		return numbers
	}
	return slices.Compare(parse(version), parse(wanted)) >= 0
}
