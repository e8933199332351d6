//go:build linux

package esxi

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/vmware/govmomi/vim25/types"
)

// service is what a firewall file says of a ruleset.
type service struct {
	key               string
	rules             []types.HostFirewallRule
	enabled, required bool
}

// render writes rulesets in the form of ESXi's own service.xml.
func render(list []types.HostFirewallRuleset) []byte {
	var b strings.Builder
	b.WriteString("<!-- Firewall configuration information -->\n<ConfigRoot>\n")
	for i, rs := range list {
		fmt.Fprintf(&b, "\n  <service id='%04d'>\n    <id>%s</id>\n", i, rs.Key)
		for n, r := range rs.Rule {
			fmt.Fprintf(&b, "    <rule id='%04d'>\n      <direction>%s</direction>\n      <protocol>%s</protocol>\n      <porttype>%s</porttype>\n",
				n, r.Direction, r.Protocol, r.PortType)
			if r.EndPort > r.Port {
				fmt.Fprintf(&b, "      <port>\n        <begin>%d</begin>\n        <end>%d</end>\n      </port>\n", r.Port, r.EndPort)
			} else {
				fmt.Fprintf(&b, "      <port>%d</port>\n", r.Port)
			}
			b.WriteString("    </rule>\n")
		}
		fmt.Fprintf(&b, "    <enabled>%t</enabled>\n    <required>%t</required>\n  </service>\n", rs.Enabled, rs.Required)
	}
	b.WriteString("\n</ConfigRoot>\n")
	return []byte(b.String())
}

// parseServices reads a firewall file. The format is that of VMware's vSphere
// 5.0 documentation; what it does not have is refused. The two last elements are
// missing in files of the 4.x format, which still load (vSphere 5.0 upgrade
// guide). In a file of several services each has a number of its own.
func parseServices(data []byte) ([]service, error) {
	root, err := parseXML(data)
	if err != nil {
		return nil, err
	}
	if root.name != "ConfigRoot" {
		return nil, fmt.Errorf("the root element is <%s>", root.name)
	}
	if err := root.only("", "", "service"); err != nil {
		return nil, err
	}
	var list []service
	numbers := map[string]bool{}
	for _, e := range root.children {
		number, given := e.attrs["id"]
		if len(root.children) > 1 && !given || given && numbers[number] {
			return nil, fmt.Errorf("<service id='%s'> has no number of its own", number)
		}
		numbers[number] = true
		s, err := parseService(e)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

func parseService(e *element) (service, error) {
	if err := e.only("id", "id enabled required", "rule"); err != nil {
		return service{}, err
	}
	s := service{key: e.child("id").text}
	if s.key == "" || strings.ContainsAny(s.key, " \t\n") {
		return s, fmt.Errorf("<id>%s</id> is no name", s.key)
	}
	var err error
	if s.enabled, err = truth(e.child("enabled")); err != nil {
		return s, err
	}
	if s.required, err = truth(e.child("required")); err != nil {
		return s, err
	}
	numbers := map[string]bool{}
	for _, c := range e.all("rule") {
		if number, given := c.attrs["id"]; given && numbers[number] {
			return s, fmt.Errorf("<rule id='%s'> is there twice", number)
		}
		numbers[c.attrs["id"]] = true
		r, err := parseRule(c)
		if err != nil {
			return s, fmt.Errorf("service %s: %w", s.key, err)
		}
		s.rules = append(s.rules, r)
	}
	return s, nil
}

func truth(e *element) (bool, error) {
	switch e.text {
	case "true":
		return true, nil
	case "false", "":
		return false, nil
	}
	return false, fmt.Errorf("<%s>%s</%s> is neither true nor false", e.name, e.text, e.name)
}

func parseRule(e *element) (types.HostFirewallRule, error) {
	var r types.HostFirewallRule
	if err := e.only("id", "direction protocol porttype port flags", ""); err != nil {
		return r, err
	}
	r.Direction = types.HostFirewallRuleDirection(e.child("direction").text)
	r.Protocol = e.child("protocol").text
	r.PortType = types.HostFirewallRulePortType(e.child("porttype").text)
	switch {
	case r.Direction != "inbound" && r.Direction != "outbound":
		return r, fmt.Errorf("direction %q", r.Direction)
	case r.Protocol != "tcp" && r.Protocol != "udp":
		return r, fmt.Errorf("protocol %q", r.Protocol)
	case r.PortType != "dst" && r.PortType != "src":
		return r, fmt.Errorf("porttype %q", r.PortType)
	}
	var err error
	r.Port, r.EndPort, err = parsePort(e.child("port"))
	return r, err
}

func parsePort(e *element) (port, end int32, err error) {
	if err := e.only("", "begin end", ""); err != nil {
		return 0, 0, err
	}
	number := func(text string) int32 {
		n, bad := strconv.ParseUint(text, 10, 16)
		if bad != nil {
			err = fmt.Errorf("port %q", text)
		}
		return int32(n)
	}
	if len(e.children) == 0 {
		return number(e.text), 0, err
	}
	port, end = number(e.child("begin").text), number(e.child("end").text)
	if err == nil && port > end {
		err = errors.New("a range of ports that ends before it begins")
	}
	if port == end {
		end = 0 // the API's way to say one port
	}
	return port, end, err
}
