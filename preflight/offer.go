package preflight

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
	"github.com/vic-preflight/vic-preflight/internal/vib"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// serviceOffer is a service of its own in service.xml, under the key that is known
// to be written by hand, or another.
func serviceOffer(reqs []checks.Requirement, c ChangeOptions) (*fix.Offer, error) {
	key := ""
	if c.named() {
		key = c.Ruleset
	}
	service, err := NewService("ruleset", key, checks.ByHand, reqs)
	if err != nil {
		return nil, err
	}
	return &fix.Offer{
		Method: fix.MethodServiceXML, Ruleset: service.Ruleset(),
		Insert: func(text []byte) ([]byte, []string, error) {
			f, err := firewallxml.Parse(text)
			if err != nil {
				return nil, nil, err
			}
			edited, _, err := f.Add(service)
			return edited, f.Doubts(), err
		},
	}, nil
}

// NewService is a service with which a file brings the rules of all requirements. option is
// where the key comes from; an empty key is checks.NewKey. The error is a *UsageError.
func NewService(option, key string, from checks.Source, reqs []checks.Requirement) (firewallxml.Service, error) {
	if key == "" {
		key = checks.NewKey(from, reqs...)
	}
	var rules []inventory.Rule
	for _, req := range reqs {
		for _, rule := range req.Rules() {
			if !slices.Contains(rules, rule) {
				rules = append(rules, rule)
			}
		}
	}
	service, err := firewallxml.NewService(key, rules)
	if err != nil {
		return service, file(option, err)
	}
	var taken *checks.KeyTakenError
	if errors.As(checks.KeyFree(key, from, reqs...), &taken) {
		return service, &UsageError{Option: option, Err: taken, Hints: taken.Hints}
	}
	return service, nil
}

// remarks say of a new ruleset for what profiles ask for what a virtual container host's
// does not need to be told.
func remarks(reqs []checks.Requirement) (list []string) {
	for _, req := range reqs {
		if req.Direction == inventory.Inbound {
			list = append(list, req.Say("it opens the host to every address on {service}, not to {the peer} alone, until its allowed IP addresses are set"))
		}
		if i := slices.IndexFunc(req.Prefer, checks.BuiltIn); i >= 0 {
			list = append(list, req.Say(fmt.Sprintf("ESXi brings the ruleset %s: a host whose own lets {service} {way} needs no other", req.Prefer[i])))
		}
	}
	return list
}

// vibOffer is what a VIB brings for the requirements, all of them by one ruleset. The error
// says why it cannot serve.
func vibOffer(reqs []checks.Requirement, p *vib.Package) (*fix.Offer, error) {
	switch {
	case len(p.Problems) > 0:
		return nil, fmt.Errorf("it is damaged: %s", strings.Join(p.Problems, "; "))
	case !p.LiveInstall || !p.LiveRemove:
		return nil, errors.New("it cannot be installed, or not be removed again, while the host runs")
	case p.Type != "bootbank":
		return nil, fmt.Errorf("it is of the type %q, and only those for the boot bank are installed", p.Type)
	}
	i := slices.IndexFunc(p.Services, func(s firewallxml.Service) bool {
		rs := s.Ruleset()
		return rs.Enabled && !slices.ContainsFunc(reqs, func(req checks.Requirement) bool { return !req.Covers(&rs) })
	})
	if i < 0 {
		var all []string
		for _, req := range reqs {
			all = append(all, req.Say("{service} {way}"))
		}
		return nil, errors.New("it brings no ruleset that lets " + strings.Join(all, ", and ") + unseen(p))
	}
	return &fix.Offer{
		Method: fix.MethodVIB, Ruleset: p.Services[i].Ruleset(), MaintenanceMode: p.MaintenanceMode,
		VIB: fix.VIBChange{Name: p.Name, ID: p.ID()}, Community: p.AcceptanceLevel == inventory.Community, Signed: p.Signed,
		Suits: func(version string) (string, []string) { return suits(p, version) }, Also: besides(p, i),
	}, nil
}

// unseen says that a VIB may bring what was not found in it.
func unseen(p *vib.Package) string {
	if !p.Opaque() {
		return ""
	}
	return fmt.Sprintf(" in what could be looked into: %d of its files could not; vic-preflight vib inspect lists them", len(p.Unseen))
}

// besides says what a VIB brings that is not the one service.
func besides(p *vib.Package, service int) []string {
	var also []string
	for i, s := range p.Services {
		if rs := s.Ruleset(); i != service {
			also = append(also, fmt.Sprintf("the ruleset %s (%s)", rs.Key, fix.Opens(&rs, rs.Allowed)))
		}
	}
	if files := len(p.Files) + len(p.Unseen); files > 1 {
		also = append(also, fmt.Sprintf("%d more files: vic-preflight vib inspect lists them", files-1))
	}
	return also
}

// suits says why a host of the version would not take the VIB, empty when it would, and
// what speaks against it all the same.
func suits(p *vib.Package, version string) (problem string, doubts []string) {
	g, known := vib.GenerationOf(inventory.MajorVersion(version))
	if !known {
		return fmt.Sprintf("which VIBs ESXi %s takes is not known", version), nil
	}
	suitability, doubts := p.Suits(g.Flavour)
	if suitability == vib.Unsuited {
		return fmt.Sprintf("the VIB is not built for ESXi %s: vic-preflight vib build --esxi %s", version, g.Name), nil
	}
	return "", doubts
}
