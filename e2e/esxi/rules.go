//go:build linux

package esxi

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

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
