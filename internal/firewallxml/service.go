package firewallxml

import (
	"errors"
	"fmt"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// Service is one service of a configuration file: the ruleset that ESXi makes of
// it.
type Service struct {
	// ID is the ruleset's key, such as vicoutgoing.
	ID string
	// Number is the attribute id of <service> as written, such as "0042"; empty
	// when it has none. A file's numbers should differ from each other; other files may
	// use the same.
	Number string
	// Rules have Direction, PortType and Protocol set when read. A range of one
	// port reads as that port alone, with EndPort 0.
	Rules []inventory.Rule
	// Enabled is the state in which ESXi takes the ruleset over, Required says
	// that it cannot be disabled. Both are false where the file does not say.
	Enabled, Required bool
}

// NewService is a service that ESXi takes over enabled, and that can be disabled: the
// <required>true</required> of VIC's manual would take the switch away from the admin,
// and opens nothing more. The error says why it could not be written.
func NewService(id string, rules []inventory.Rule) (Service, error) {
	s := Service{ID: id, Enabled: true, Rules: rules}
	return s, s.Validate()
}

// Ruleset is what ESXi makes of the service: it lets any address through.
func (s Service) Ruleset() inventory.Ruleset {
	return inventory.Ruleset{
		Key: s.ID, Enabled: s.Enabled, Required: s.Required, Rules: s.Rules, Allowed: &inventory.AllowedHosts{All: true},
	}
}

// maxID bounds an id. The longest of ESXi's own has 26 characters.
const maxID = 64

// Validate returns why the service could not be written, nil when it could. It
// asks for more than Parse does: an id of letters, digits, '.', '_' and '-', a
// number of up to nine digits or none, and at least one rule.
func (s Service) Validate() error {
	if err := validID(s.ID); err != nil {
		return err
	}
	if s.Number != "" {
		if _, ok := numeric(s.Number); !ok {
			return fmt.Errorf("service %s: the number %q is not one of up to %d digits, such as 0042", s.ID, s.Number, maxDigits)
		}
	}
	if len(s.Rules) == 0 {
		return fmt.Errorf("service %s: it has no rules, and would open nothing", s.ID)
	}
	for i, r := range s.Rules {
		if err := validRule(r); err != nil {
			return fmt.Errorf("service %s: rule %d: %w", s.ID, i, err)
		}
	}
	return nil
}

func validID(id string) error {
	if id == "" {
		return errors.New("a service needs an id, such as vicoutgoing")
	}
	if len(id) > maxID {
		return fmt.Errorf("the service id %.20q… has %d characters: use at most %d", id, len(id), maxID)
	}
	for i, r := range id {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && (i == 0 || r != '.' && r != '_' && r != '-') {
			return fmt.Errorf("the service id %q has a character that rulesets do not: use letters, digits, '.', '_' and '-', a letter or digit first", id)
		}
	}
	return nil
}

func validRule(r inventory.Rule) error {
	switch {
	case !isDirection(r.Direction):
		return fmt.Errorf("the direction %q is neither outbound nor inbound", r.Direction)
	case !isProtocol(r.Protocol):
		return fmt.Errorf("the protocol %q is neither tcp nor udp", r.Protocol)
	case r.PortType != "" && !isPortType(r.PortType):
		return fmt.Errorf("the port type %q is neither dst nor src", r.PortType)
	case !isPort(r.Port) || !isPort(r.EndPort):
		return fmt.Errorf("ports go from 0 to 65535, not %d to %d", r.Port, r.EndPort)
	case r.Port > r.Last():
		return fmt.Errorf("it begins at port %d and ends before, at %d", r.Port, r.EndPort)
	}
	return nil
}

func isDirection(s string) bool { return s == inventory.Outbound || s == inventory.Inbound }
func isProtocol(s string) bool  { return s == inventory.TCP || s == inventory.UDP }
func isPortType(s string) bool  { return s == inventory.Dst || s == inventory.Src }
func isPort(n int) bool         { return n >= 0 && n <= 65535 }
