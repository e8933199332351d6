package facts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// maxRows is the most that one list may hold. 15,000 hosts with 150 packages each
// have some two million, if all of them were installed at different times.
var maxRows = 4 << 20 // tests lower it

// Decode reads the text of a file. Hosts with the same list of rulesets share it.
// Unknown fields are passed over.
func Decode(data []byte) (*File, error) {
	if err := checkVersion(data); err != nil {
		return nil, err
	}
	var doc document
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, plain(err)
	}
	if len(doc.Targets) == 0 {
		return nil, errors.New("it holds the facts of no target")
	}
	f := &File{Tool: doc.Tool, Targets: make([]Target, len(doc.Targets))}
	for i := range doc.Targets {
		t, err := doc.Targets[i].facts()
		if err != nil {
			return nil, fmt.Errorf("targets[%d].%w", i, err)
		}
		f.Targets[i] = *t
	}
	return f, nil
}

func checkVersion(data []byte) error {
	var found struct{ FactsVersion json.RawMessage }
	err := json.Unmarshal(data, &found)
	var other *json.UnmarshalTypeError
	switch {
	case errors.As(err, &other), err == nil && found.FactsVersion == nil:
		return errors.New("it is no file of facts: it has no factsVersion")
	case err != nil:
		return plain(err)
	case string(found.FactsVersion) != fmt.Sprint(Version):
		return fmt.Errorf("its factsVersion is %.20s, and this vic-preflight reads %d: take the vic-preflight that collected it, or collect again", found.FactsVersion, Version)
	}
	return nil
}

// list is a list of which no more than maxRows are read.
type list[T any] []T

// UnmarshalJSON implements json.Unmarshaler. Its errors say which element they are of.
func (l *list[T]) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	switch first, err := dec.Token(); {
	case err != nil:
		return err
	case first == nil:
		return nil // null is as good as absent
	case first != json.Delim('['):
		return &elementError{path: listName[T](), err: errors.New(" is no list")}
	}
	for dec.More() {
		if len(*l) == maxRows {
			return &elementError{path: listName[T](), err: fmt.Errorf(" has more than %d elements", maxRows)}
		}
		var row T
		if err := dec.Decode(&row); err != nil {
			return &elementError{fmt.Sprintf("%s[%d]", listName[T](), len(*l)), err}
		}
		*l = append(*l, row)
	}
	return nil
}

// listName is the field that holds elements of the type.
func listName[T any]() string {
	switch any(*new(T)).(type) {
	case target:
		return "targets"
	case ruleset:
		return "rulesets"
	case vib:
		return "vibs"
	case host:
		return "hosts"
	}
	return "the lists of places"
}

// elementError is an error in an element of a list.
type elementError struct {
	path string
	err  error
}

func (e *elementError) Error() string { return e.path + textOf(e.err) }

// plain says what encoding/json found in words of the file.
func plain(err error) error { return errors.New(strings.TrimPrefix(textOf(err), ".")) }

func textOf(err error) string {
	var (
		syntax *json.SyntaxError
		other  *json.UnmarshalTypeError
		inner  *elementError
	)
	switch {
	case errors.As(err, &inner):
		text := inner.Error()
		return "." + text
	case errors.As(err, &other):
		field := ""
		if other.Field != "" {
			field = "." + other.Field
		}
		return fmt.Sprintf("%s is a JSON %.40s, and takes %s", field, other.Value, wanted(other.Type))
	case errors.As(err, &syntax) && strings.Contains(syntax.Error(), "unexpected end"):
		return fmt.Sprintf("it is cut off at byte %d: copy or collect it again", syntax.Offset)
	case errors.As(err, &syntax):
		return fmt.Sprintf("it is no JSON, from byte %d on", syntax.Offset)
	}
	return err.Error()
}

func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int32:
		return "a whole number of 32 bits"
	case reflect.Int:
		return "a whole number"
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}

func (t *target) facts() (*Target, error) {
	inv := &inventory.Inventory{
		Endpoint: inventory.Endpoint{
			Address: t.Endpoint.Address, Kind: inventory.Kind(t.Endpoint.Kind), FullName: t.Endpoint.FullName,
			InstanceUUID: t.Endpoint.InstanceUUID, Simulated: t.Endpoint.Simulated,
		},
		Datacenter: t.Datacenter, Hidden: t.Hidden, Hosts: make([]inventory.Host, len(t.Hosts)),
	}
	if k := inv.Endpoint.Kind; k != inventory.VCenter && k != inventory.ESXi {
		return nil, fmt.Errorf("endpoint.kind is %q: it takes %s or %s", k, inventory.VCenter, inventory.ESXi)
	}
	at, err := parseTime("collectedAt", t.CollectedAt)
	switch {
	case err != nil:
		return nil, err
	case t.Target == "" || at.IsZero():
		return nil, errors.New("target or collectedAt is missing")
	}
	lists, err := t.lists()
	if err != nil {
		return nil, err
	}
	ids := make(map[string]int, len(t.Hosts))
	for i := range t.Hosts {
		h := &t.Hosts[i]
		if twin, twice := ids[h.ID]; twice {
			return nil, fmt.Errorf("hosts[%d].id is that of hosts[%d] too", i, twin)
		}
		ids[h.ID] = i
		if inv.Hosts[i], err = h.facts(lists); err != nil {
			return nil, fmt.Errorf("hosts[%d].%w", i, err)
		}
	}
	return &Target{Name: t.Target, CollectedAt: at, Refreshed: t.Refreshed, Inventory: inv}, nil
}

// shared is what hosts name by its place.
type shared struct {
	rulesets [][]*inventory.Ruleset
	vibs     [][]inventory.VIB
}

func (t *target) lists() (s shared, err error) {
	rulesets := make([]*inventory.Ruleset, len(t.Rulesets))
	for i := range t.Rulesets {
		rulesets[i] = t.Rulesets[i].facts()
	}
	vibs := make([]inventory.VIB, len(t.VIBs))
	for i, v := range t.VIBs {
		vibs[i] = inventory.VIB{Name: v.Name, Version: v.Version, Vendor: v.Vendor, AcceptanceLevel: v.AcceptanceLevel}
		if vibs[i].Installed, err = parseTime("installed", v.Installed); err != nil {
			return s, fmt.Errorf("vibs[%d].%w", i, err)
		}
	}
	if s.rulesets, err = picked(rulesets, t.RulesetLists, "rulesetLists", "rulesets"); err != nil {
		return s, err
	}
	s.vibs, err = picked(vibs, t.VIBLists, "vibLists", "vibs")
	return s, err
}

// picked turns lists of places into lists of what stands there.
func picked[F any](things []F, lists []indexes, name, of string) ([][]F, error) {
	out := make([][]F, len(lists))
	for i, list := range lists {
		out[i] = make([]F, len(list))
		for j, at := range list {
			if at < 0 || at >= len(things) {
				return nil, fmt.Errorf("%s[%d][%d] is %d, and there are %d %s", name, i, j, at, len(things), of)
			}
			out[i][j] = things[at]
		}
	}
	return out, nil
}

// listAt is the list at a place; nil without one.
func listAt[F any](lists [][]F, at *int, field, of string) ([]F, error) {
	switch {
	case at == nil:
		return nil, nil
	case *at < 0 || *at >= len(lists):
		return nil, fmt.Errorf("%s is %d, and there are %d %s", field, *at, len(lists), of)
	}
	return lists[*at], nil
}

func (h *host) facts(lists shared) (facts inventory.Host, err error) {
	facts = inventory.Host{
		ID: h.ID, UUID: h.UUID, Name: h.Name, Path: h.Path, Cluster: h.Cluster, ClusterPath: h.ClusterPath,
		Connection: inventory.ConnectionState(h.Connection), Maintenance: inventory.FromPtr(h.Maintenance),
		Quarantine: inventory.FromPtr(h.Quarantine), Standby: h.Standby, Stateless: inventory.FromPtr(h.Stateless), Version: h.Version,
		Firewall: inventory.Firewall{
			ID: h.Firewall.ID, Unreadable: h.Firewall.Unreadable, Stale: h.Firewall.Stale, Switch: h.Firewall.Switch.facts(),
			IncomingBlocked: inventory.FromPtr(h.Firewall.IncomingBlocked), OutgoingBlocked: inventory.FromPtr(h.Firewall.OutgoingBlocked),
		},
		Software:     inventory.Software{Unreadable: h.Software.Unreadable, NotAsked: h.Software.NotAsked},
		PeerSettings: mapped(h.PeerSettings, peerSetting.facts),
	}
	if h.ID == "" || h.Name == "" || h.Path == "" {
		return facts, errors.New("id, name or path is missing")
	}
	if facts.BootTime, err = parseTime("bootTime", h.BootTime); err != nil {
		return facts, err
	}
	if facts.Firewall.Rulesets, err = listAt(lists.rulesets, h.Firewall.Rulesets, "firewall.rulesets", "rulesetLists"); err != nil {
		return facts, err
	}
	facts.Software.VIBs, err = listAt(lists.vibs, h.Software.VIBs, "software.vibs", "vibLists")
	return facts, err
}

func parseTime(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return t, fmt.Errorf("%s is %.40q: it takes a time such as 2026-01-02T15:04:05Z", field, text)
	}
	return t, nil
}
