package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// Previous is what is used of an earlier report.
type Previous struct {
	requirements []jsonRequirement
	targets      []previousTarget
}

// previousTarget is the part of a target that is read again.
type previousTarget struct {
	StartedAt string       `json:"startedAt"`
	Endpoint  jsonEndpoint `json:"endpoint"`
	Hosts     []struct {
		Path     string `json:"path"`
		BootTime string `json:"bootTime"`
		Checks   []struct {
			ID          string        `json:"id"`
			Requirement string        `json:"requirement"`
			Rulesets    []jsonRuleset `json:"rulesets"`
		} `json:"checks"`
	} `json:"hosts"`

	startedAt time.Time
	// hosts by their paths.
	hosts map[string]previousHost
}

type previousHost struct {
	// rulesets permitted a requirement, by its name, and it was not known that
	// they last.
	rulesets map[string][]string
	// bootTime is zero when the report does not say.
	bootTime time.Time
}

// sameBoot is how far the times of one start may lie apart: hosts reckon theirs
// from a clock that is put right now and then. No host starts twice in it.
const sameBoot = time.Minute

// ReadPrevious reads a report that JSON wrote.
func ReadPrevious(src io.Reader) (*Previous, error) {
	text, err := io.ReadAll(src)
	if err != nil {
		return nil, err
	}
	// The version first: what is in another one may look otherwise.
	var version struct {
		SchemaVersion *int `json:"schemaVersion"`
	}
	if err := json.Unmarshal(text, &version); err != nil || version.SchemaVersion == nil {
		return nil, errors.New("it is no report of vic-preflight in JSON")
	}
	if v := *version.SchemaVersion; v != SchemaVersion {
		return nil, fmt.Errorf("it is a report of schemaVersion %d, and this vic-preflight reads %d", v, SchemaVersion)
	}
	var old struct {
		Requirements []jsonRequirement `json:"requirements"`
		Targets      []previousTarget  `json:"targets"`
	}
	if err := json.Unmarshal(text, &old); err != nil {
		return nil, fmt.Errorf("it is no report of vic-preflight: %w", err)
	}
	p := &Previous{old.Requirements, old.Targets}
	if err := p.index(); err != nil {
		return nil, err
	}
	return p, nil
}

// index checks what was read, and finds the hosts.
func (p *Previous) index() error {
	if len(p.requirements) == 0 || slices.ContainsFunc(p.requirements, func(r jsonRequirement) bool { return len(r.Ports) == 0 || r.Ports[0] < 1 }) {
		return errors.New("it is no report of vic-preflight: it does not say for which port")
	}
	found := 0
	for i := range p.targets {
		t := &p.targets[i]
		var err error
		if t.startedAt, err = time.Parse(time.RFC3339, t.StartedAt); err != nil {
			return errors.New("it is no report of vic-preflight: it does not say when it was made")
		}
		t.index()
		found += len(t.hosts)
	}
	if found == 0 {
		return fmt.Errorf("it holds no results of the check %s, which name the rulesets", checks.OutboundPort)
	}
	return nil
}

func (t *previousTarget) index() {
	t.hosts = map[string]previousHost{}
	for _, h := range t.Hosts {
		boot, err := time.Parse(time.RFC3339, h.BootTime)
		if err != nil {
			boot = time.Time{}
		}
		then := previousHost{map[string][]string{}, boot}
		for _, c := range h.Checks {
			if c.ID == checks.OutboundPort {
				then.rulesets[c.Requirement] = inDoubt(c.Rulesets)
				t.hosts[h.Path] = then
			}
		}
	}
}

// Covers returns an error that says so where the report is not about the
// requirement.
func (p *Previous) Covers(req checks.Requirement) error {
	var has []string
	for _, r := range p.requirements {
		was := checks.Requirement{Name: r.Name, Direction: r.Direction, Protocol: r.Protocol, Ports: r.Ports}
		if was.Name == req.Name && was.Direction == req.Direction && was.Service() == req.Service() {
			return nil
		}
		has = append(has, was.Service())
	}
	return fmt.Errorf("it is a report for %s, not for %s", strings.Join(has, ", "), req.Service())
}

// inDoubt are the rulesets that let somebody through and were not known to last.
// One of another service comes and goes with that.
func inDoubt(list []jsonRuleset) []string {
	var keys []string
	for _, rs := range list {
		lasts := rs.Persistent != nil && *rs.Persistent
		nobody := rs.AllowedHosts != nil && !rs.AllowedHosts.All && len(rs.AllowedHosts.Addrs)+len(rs.AllowedHosts.Networks) == 0
		if rs.Enabled && !lasts && !nobody && rs.Breadth != checks.Borrowed {
			keys = append(keys, rs.Key)
		}
	}
	return keys
}

// Remind tells the hosts of the inventory what the earlier report says of them,
// unless they are known to run since before it. A report of other endpoints alone
// is an error: hosts are known by their paths, and those repeat.
func (p *Previous) Remind(inv *inventory.Inventory) error {
	t, err := p.target(inv.Endpoint.InstanceUUID)
	if err != nil {
		return err
	}
	for i := range inv.Hosts {
		h := &inv.Hosts[i]
		then := t.hosts[Clean(h.Path)]
		known := 0
		for _, keys := range then.rulesets {
			known += len(keys)
		}
		if known > 0 && (then.bootTime.IsZero() || h.BootTime.Sub(then.bootTime).Abs() > sameBoot) {
			h.Earlier = &inventory.Earlier{ReportedAt: t.startedAt, Rulesets: then.rulesets}
		}
	}
	return nil
}

// target finds the endpoint in the report.
func (p *Previous) target(here string) (*previousTarget, error) {
	var others []string
	for i := range p.targets {
		was := p.targets[i].Endpoint
		switch {
		case was.InstanceUUID == "" || here == "":
			continue
		case was.InstanceUUID == here:
			return &p.targets[i], nil
		}
		of := ""
		if was.FullName != "" {
			of = fmt.Sprintf(" (%s)", Clean(was.FullName))
		}
		others = append(others, fmt.Sprintf("%s: its instanceUuid is %s", of, Clean(was.InstanceUUID)))
	}
	if len(others) == 0 {
		return nil, errors.New("whether it is a report of this endpoint cannot be told: an instanceUuid is missing")
	}
	return nil, fmt.Errorf("it is a report of another endpoint%s, and here it is %s", strings.Join(others, ";"), here)
}
