//go:build linux

package esxi

import (
	"fmt"
	"strings"

	cliesx "github.com/vmware/govmomi/cli/esx"
)

// The outputs are those of VMware's documentation of vSphere 6.7 (GUID-CB2A997E
// and siblings) and, with four columns, of dod-compliance-and-automation's
// esxi-80-000239.md.

// ask has the simulator's own esxcli answer.
func (h *Host) ask(method string, o options) ([]cliesx.Values, error) {
	arguments := map[string]string{}
	if o.is("ruleset-id") {
		arguments["rulesetid"] = o.first("ruleset-id")
	}
	res, err := h.sim.Esxcli(method, arguments)
	if err != nil {
		return nil, err
	}
	return res.Values, nil
}

func firewallGet(h *Host, o options) (string, error) {
	values, err := h.ask("network.firewall.get", o)
	if err != nil {
		return "", err
	}
	v := values[0]
	return fmt.Sprintf("   Default Action: %s\n   Enabled: %s\n   Loaded: %s\n",
		v.Value("DefaultAction"), v.Value("Enabled"), v.Value("Loaded")), nil
}

func rulesetList(h *Host, o options) (string, error) {
	values, err := h.ask("network.firewall.ruleset.list", o)
	if err != nil {
		return "", err
	}
	columns := []column{{"Name", false}, {"Enabled", true}}
	four := h.sim.AtLeast("8.0.2")
	if four {
		columns = append(columns, column{"Enable/Disable configurable", true}, column{"Allowed IP configurable", true})
	}
	var rows [][]string
	for _, v := range values {
		row := []string{v.Value("Name"), v.Value("Enabled")}
		if four {
			row = append(row, v.Value("EnableDisableconfigurable"), v.Value("AllowedIPconfigurable"))
		}
		rows = append(rows, row)
	}
	return table(columns, rows), nil
}

func allowedIPList(h *Host, o options) (string, error) {
	values, err := h.ask("network.firewall.ruleset.allowedip.list", o)
	if err != nil {
		return "", err
	}
	var rows [][]string
	for _, v := range values {
		rows = append(rows, []string{v.Value("Ruleset"), strings.Join(v["AllowedIPAddresses"], ", ")})
	}
	return table([]column{{"Ruleset", false}, {"Allowed IP Addresses", false}}, rows), nil
}

func ruleList(h *Host, o options) (string, error) {
	values, err := h.ask("network.firewall.ruleset.rule.list", o)
	if err != nil {
		return "", err
	}
	var rows [][]string
	for _, v := range values {
		rows = append(rows, []string{
			v.Value("Ruleset"), v.Value("Direction"), v.Value("Protocol"), v.Value("PortType"), v.Value("PortBegin"), v.Value("PortEnd"),
		})
	}
	return table([]column{
		{"Ruleset", false}, {"Direction", false}, {"Protocol", false}, {"Port Type", false}, {"Port Begin", true}, {"Port End", true},
	}, rows), nil
}
