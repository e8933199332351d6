package esxi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// service is what a firewall file says of a ruleset.
type service struct {
	key               string
	rules             []types.HostFirewallRule
	enabled, required bool
}

// rules is what the host has read from its firewall's files.
type rules struct {
	mu     sync.Mutex
	loaded map[string][]service // by file; what could be read last
	said   map[string]bool      // whether a file said enabled, by ruleset
}

// forget is for a start: nothing of the running system is left.
func (r *rules) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.loaded = map[string][]service{}
}

// adoptRulesets writes the files behind the rulesets that the simulator's host
// has: those that ESXi brings in service.xml, those of a VIB's in the VIB's
// file, and any other in a file made by hand, which a reboot loses.
func (h *Host) adoptRulesets() error {
	var builtIn []types.HostFirewallRuleset
	h.packages = map[string]*archive{}
	byHand := map[string][]byte{}
	for _, rs := range h.sim.Firewall().Ruleset {
		if shipped, ok := sim.BuiltInRuleset(rs.Key); ok {
			enabled := rs
			enabled.Enabled = shipped.Enabled // what was changed since is not in the file
			builtIn = append(builtIn, enabled)
			continue
		}
		text := render([]types.HostFirewallRuleset{rs})
		i := slices.IndexFunc(h.sim.VIBs(), func(v sim.VIB) bool { return v.Name == rs.Key })
		if i < 0 {
			byHand[rs.Key+".xml"] = text
			continue
		}
		h.packages[rs.Key] = &archive{vib: h.sim.VIBs()[i], files: []file{{
			path: strings.TrimPrefix(firewallDir, "/") + "/" + rs.Key + ".xml", data: text, mode: 0o444,
		}}}
	}
	h.builtIn = render(builtIn)
	if err := h.restoreFiles(); err != nil {
		return err
	}
	for name, text := range byHand {
		if err := writeFile(h.path("etc/firewall", name), text, 0o444); err != nil {
			return err
		}
	}
	return h.readAll()
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

// reload is esxcli network firewall refresh: it reads all files again and makes
// the rulesets what they say.
//
// Sourced: all *.xml count, and new services appear with their own state. The
// rest is inferred. A file that makes no sense is passed over, and what it said
// before still holds. A ruleset that is there already keeps its state and its
// allowed hosts, which are not in the files but in esx.conf, unless the file now
// says something else than it did. Of two services of one name the first file's
// counts.
func (h *Host) reload() error {
	r := &h.rules
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.said
	if err := h.readAllLocked(); err != nil {
		return err
	}
	wanted := r.services()
	return h.sim.Change(func(info *types.HostFirewallInfo) error {
		info.Ruleset = slices.DeleteFunc(info.Ruleset, func(rs types.HostFirewallRuleset) bool {
			return !slices.ContainsFunc(wanted, func(s service) bool { return s.key == rs.Key })
		})
		for _, s := range wanted {
			i := slices.IndexFunc(info.Ruleset, func(rs types.HostFirewallRuleset) bool { return rs.Key == s.key })
			if i < 0 {
				info.Ruleset = append(info.Ruleset, h.newRuleset(s))
				continue
			}
			rs := &info.Ruleset[i]
			rs.Rule, rs.Required = s.rules, s.required
			if said, ok := before[s.key]; ok && said != s.enabled {
				rs.Enabled = s.enabled
			}
		}
		return nil
	})
}

func (h *Host) newRuleset(s service) types.HostFirewallRuleset {
	rs := types.HostFirewallRuleset{
		Key: s.key, Label: s.key, Rule: s.rules, Enabled: s.enabled, Required: s.required,
		AllowedHosts: &types.HostFirewallRulesetIpList{AllIp: true},
	}
	if h.sim.AtLeast("8.0.2") {
		rs.UserControllable, rs.IpListUserConfigurable = types.NewBool(true), types.NewBool(true)
	}
	return rs
}

func (h *Host) readAll() error {
	h.rules.mu.Lock()
	defer h.rules.mu.Unlock()
	return h.readAllLocked()
}

func (h *Host) readAllLocked() error {
	names, err := filepath.Glob(h.path("etc/firewall/*.xml"))
	if err != nil {
		return err
	}
	r := &h.rules
	now := map[string][]service{}
	for _, path := range names {
		name := filepath.Base(path)
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if list, err := parseServices(data); err == nil {
			now[name] = list
		} else {
			now[name] = r.loaded[name]
			h.log(fmt.Sprintf("firewall: ignored %s: %v", name, err))
		}
	}
	r.loaded = now
	r.said = map[string]bool{}
	for _, s := range r.services() {
		r.said[s.key] = s.enabled
	}
	return nil
}

// services are those of all files, in the order of the files' names.
func (r *rules) services() []service {
	var names []string
	for name := range r.loaded {
		names = append(names, name)
	}
	slices.Sort(names)
	var list []service
	for _, name := range names {
		for _, s := range r.loaded[name] {
			if !slices.ContainsFunc(list, func(o service) bool { return o.key == s.key }) {
				list = append(list, s)
			}
		}
	}
	return list
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

// log adds a line to the host's log.
func (h *Host) log(line string) {
	f, err := os.OpenFile(h.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return // nobody's verdict depends on it
	}
	defer func() { _ = f.Close() }()
	_, _ = fmt.Fprintf(f, "%s %s\n", time.Now().UTC().Format(time.RFC3339Nano), line)
}

// Log is what the host had to say that no command printed.
func (h *Host) Log() string {
	text, _ := os.ReadFile(h.path("log"))
	return string(text)
}
