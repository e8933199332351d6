package sim

import (
	"embed"
	"encoding/json"
	"fmt"

	"github.com/vmware/govmomi/vim25/types"
)

// recorded are the rulesets of real hosts: of 8.0.3 a recorded answer of the API
// (vmware/pyvmomi, tests/fixtures), of 6.0 a host's service.xml (Jaharmi/packer-esxi at
// 75f00e6).
//
//go:embed recorded/*.json
var recorded embed.FS

// recordedRuleset is one of them, in the API's names.
type recordedRuleset struct {
	Key      string `json:"key"`
	Label    string `json:"label"`
	Enabled  bool   `json:"enabled"`
	Required bool   `json:"required"`
	Service  string `json:"service"`
	Rules    []struct {
		Port      int32  `json:"port"`
		EndPort   int32  `json:"endPort"`
		Direction string `json:"direction"`
		PortType  string `json:"portType"`
		Protocol  string `json:"protocol"`
	} `json:"rules"`
	UserControllable       *bool `json:"userControllable"`
	IPListUserConfigurable *bool `json:"ipListUserConfigurable"`
}

// recordedRulesets are those of a version, open to everyone as they were there.
func recordedRulesets(version string) []types.HostFirewallRuleset {
	text, err := recorded.ReadFile("recorded/" + version + ".json")
	if err != nil {
		panic(err) // the scenarios name none that is not there
	}
	var file struct {
		Rulesets []recordedRuleset `json:"rulesets"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		panic(fmt.Errorf("recorded/%s.json: %w", version, err))
	}
	list := make([]types.HostFirewallRuleset, len(file.Rulesets))
	for i, r := range file.Rulesets {
		list[i] = types.HostFirewallRuleset{
			Key: r.Key, Label: r.Label, Enabled: r.Enabled, Required: r.Required, Service: r.Service, AllowedHosts: everyone(),
			UserControllable: r.UserControllable, IpListUserConfigurable: r.IPListUserConfigurable,
		}
		for _, rule := range r.Rules {
			list[i].Rule = append(list[i].Rule, types.HostFirewallRule{
				Port: rule.Port, EndPort: rule.EndPort, Protocol: rule.Protocol,
				Direction: types.HostFirewallRuleDirection(rule.Direction), PortType: types.HostFirewallRulePortType(rule.PortType),
			})
		}
	}
	return list
}
