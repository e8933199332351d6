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
func serviceOffer(req checks.Requirement, c ChangeOptions) (*fix.Offer, error) {
	key := req.KeyFrom(checks.ByHand)
	if c.named() {
		key = c.Ruleset
	}
	service, err := NewService("ruleset", key, req, checks.ByHand)
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

// NewService is a service with which a file brings the requirement's rules. option is
// where the key comes from; the error is a *UsageError.
func NewService(option, key string, req checks.Requirement, from checks.Source) (firewallxml.Service, error) {
	service, err := firewallxml.NewService(key, req.Rules())
	if err != nil {
		return service, file(option, err)
	}
	var taken *checks.KeyTakenError
	if errors.As(checks.KeyFree(key, req, from), &taken) {
		return service, &UsageError{Option: option, Err: taken, Hints: taken.Hints}
	}
	return service, nil
}

// vibOffer is what a VIB brings for the requirement. The error says why it cannot
// serve.
func vibOffer(req checks.Requirement, p *vib.Package) (*fix.Offer, error) {
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
		return rs.Enabled && req.Covers(&rs)
	})
	if i < 0 {
		return nil, errors.New(req.Say("it brings no ruleset that lets {service} {way}" + unseen(p)))
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
