package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// Previous is what is used of an earlier report.
type Previous struct {
	StartedAt time.Time
	// Port is the one that the report is about.
	Port int
	// InstanceUUID is empty when the report does not say of which endpoint it is.
	InstanceUUID string
	FullName     string
	// hosts by their paths.
	hosts map[string]previousHost
}

type previousHost struct {
	// rulesets permitted the port, and it was not known that they last.
	rulesets []string
	// bootTime is zero when the report does not say.
	bootTime time.Time
}

// sameBoot is how far the times of one start may lie apart: hosts reckon theirs
// from a clock that is put right now and then. No host starts twice in it.
const sameBoot = time.Minute

// previousReport is the part of a jsonReport that is read again.
type previousReport struct {
	SchemaVersion *int         `json:"schemaVersion"`
	StartedAt     string       `json:"startedAt"`
	Endpoint      jsonEndpoint `json:"endpoint"`
	Requirement   struct {
		Port int `json:"port"`
	} `json:"requirement"`
	Hosts []struct {
		Path     string `json:"path"`
		BootTime string `json:"bootTime"`
		Checks   []struct {
			ID       string        `json:"id"`
			Rulesets []jsonRuleset `json:"rulesets"`
		} `json:"checks"`
	} `json:"hosts"`
}

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
	var old previousReport
	if err := json.Unmarshal(text, &old); err != nil {
		return nil, fmt.Errorf("it is no report of vic-preflight: %w", err)
	}
	started, err := time.Parse(time.RFC3339, old.StartedAt)
	if err != nil {
		return nil, errors.New("it is no report of vic-preflight: it does not say when it was made")
	}
	if old.Requirement.Port < 1 {
		return nil, errors.New("it is no report of vic-preflight: it does not say for which port")
	}
	p := &Previous{
		StartedAt: started, Port: old.Requirement.Port, InstanceUUID: old.Endpoint.InstanceUUID,
		FullName: old.Endpoint.FullName, hosts: map[string]previousHost{},
	}
	for _, h := range old.Hosts {
		boot, err := time.Parse(time.RFC3339, h.BootTime)
		if err != nil {
			boot = time.Time{}
		}
		for _, c := range h.Checks {
			if c.ID == checks.OutboundPort {
				p.hosts[h.Path] = previousHost{inDoubt(c.Rulesets), boot}
			}
		}
	}
	if len(p.hosts) == 0 {
		return nil, fmt.Errorf("it holds no results of the check %s, which name the rulesets", checks.OutboundPort)
	}
	return p, nil
}

// inDoubt are the rulesets that let somebody out and were not known to last. One
// of another service comes and goes with that.
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
// unless they are known to run since before it. A report of another endpoint is
// an error: hosts are known by their paths, and those repeat.
func (p *Previous) Remind(inv *inventory.Inventory) error {
	here := inv.Endpoint.InstanceUUID
	switch {
	case p.InstanceUUID == "" || here == "":
		return errors.New("whether it is a report of this endpoint cannot be told: an instanceUuid is missing")
	case p.InstanceUUID != here:
		of := ""
		if p.FullName != "" {
			of = fmt.Sprintf(" (%s)", Clean(p.FullName))
		}
		return fmt.Errorf("it is a report of another endpoint%s: its instanceUuid is %s, and here it is %s", of, Clean(p.InstanceUUID), here)
	}
	for i := range inv.Hosts {
		h := &inv.Hosts[i]
		then := p.hosts[Clean(h.Path)]
		if len(then.rulesets) > 0 && (then.bootTime.IsZero() || h.BootTime.Sub(then.bootTime).Abs() > sameBoot) {
			h.Earlier = &inventory.Earlier{ReportedAt: p.StartedAt, Rulesets: then.rulesets}
		}
	}
	return nil
}
