package facts

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// Encode returns the text of a file: a line for each host, and for each thing that
// hosts share. It changes nothing of f.
func Encode(f *File) ([]byte, error) {
	e := &encoder{}
	e.printf(`{"factsVersion":%d,"tool":`, Version)
	e.value(f.Tool)
	e.printf(`,"targets":[`)
	for i := range f.Targets {
		if i > 0 {
			e.printf(",")
		}
		e.printf("\n")
		e.target(&f.Targets[i])
	}
	e.printf("\n]}\n")
	return e.b.Bytes(), e.err
}

// encoder writes JSON. It keeps the first error.
type encoder struct {
	b   bytes.Buffer
	err error
}

func (e *encoder) printf(format string, args ...any) { fmt.Fprintf(&e.b, format, args...) }

func (e *encoder) value(v any) {
	text, err := json.Marshal(v)
	if err != nil && e.err == nil {
		e.err = err
	}
	e.b.Write(text)
}

func (e *encoder) target(t *Target) {
	inv := t.Inventory
	rulesets, vibs := newShelf[*inventory.Ruleset, ruleset](), newShelf[inventory.VIB, vib]()
	hosts := make([]host, len(inv.Hosts))
	for i := range inv.Hosts {
		h := &inv.Hosts[i]
		hosts[i] = hostOf(h)
		hosts[i].Firewall.Rulesets = rulesets.add(h.Firewall.Rulesets, rulesetOf)
		hosts[i].Software.VIBs = vibs.add(h.Software.VIBs, vibOf)
	}
	e.value(head{
		Target: t.Name, CollectedAt: timeText(t.CollectedAt), Refreshed: t.Refreshed,
		Endpoint: endpoint{
			Address: inv.Endpoint.Address, Kind: string(inv.Endpoint.Kind), FullName: inv.Endpoint.FullName,
			InstanceUUID: inv.Endpoint.InstanceUUID, Simulated: inv.Endpoint.Simulated,
		},
		Datacenter: inv.Datacenter, Hidden: inv.Hidden,
	})
	e.b.Truncate(e.b.Len() - len("}"))
	rows(e, "rulesets", rulesets.things)
	rows(e, "rulesetLists", rulesets.lists)
	rows(e, "vibs", vibs.things)
	rows(e, "vibLists", vibs.lists)
	rows(e, "hosts", hosts)
	e.printf("\n}")
}

// rows writes a list with a line for each element.
func rows[T any](e *encoder, name string, rows []T) {
	if len(rows) > maxRows && e.err == nil {
		e.err = fmt.Errorf("there are more than %d %s: collect --compute-resource makes a smaller file of each cluster", maxRows, name)
	}
	e.printf(",\n%q:[", name)
	for i := range rows {
		if i > 0 {
			e.printf(",")
		}
		e.printf("\n ")
		e.value(&rows[i])
	}
	e.printf("\n]")
}

func hostOf(h *inventory.Host) host {
	return host{
		ID: h.ID, UUID: h.UUID, Name: h.Name, Path: h.Path, Cluster: h.Cluster, ClusterPath: h.ClusterPath,
		Connection: string(h.Connection), Maintenance: pointer(h.Maintenance), Quarantine: pointer(h.Quarantine),
		Standby: h.Standby, BootTime: timeText(h.BootTime), Stateless: pointer(h.Stateless), Version: h.Version,
		Firewall: firewall{
			ID: h.Firewall.ID, Unreadable: h.Firewall.Unreadable, Stale: h.Firewall.Stale, Switch: switchOf(h.Firewall.Switch),
			IncomingBlocked: pointer(h.Firewall.IncomingBlocked), OutgoingBlocked: pointer(h.Firewall.OutgoingBlocked),
		},
		Software:     software{Unreadable: h.Software.Unreadable, NotAsked: h.Software.NotAsked},
		PeerSettings: mapped(h.PeerSettings, peerSettingOf),
	}
}

// shelf keeps each distinct thing, and each distinct list of things, once. Hosts mostly
// share the very list, which is found without looking into it.
type shelf[F comparable, W any] struct {
	things []W
	lists  []indexes

	seen   map[listID[F]]int
	places map[F]int
	byText map[string]int
	byList map[string]int
}

// listID tells lists apart without looking into them.
type listID[F any] struct {
	first *F
	count int
}

func newShelf[F comparable, W any]() *shelf[F, W] {
	return &shelf[F, W]{seen: map[listID[F]]int{}, places: map[F]int{}, byText: map[string]int{}, byList: map[string]int{}}
}

// add returns the place of a list; nil for one that was not told.
func (s *shelf[F, W]) add(facts []F, wire func(F) W) *int {
	if facts == nil {
		return nil
	}
	var id listID[F]
	if len(facts) > 0 {
		id = listID[F]{&facts[0], len(facts)}
	}
	if at, seen := s.seen[id]; seen {
		return &at
	}
	list := make(indexes, len(facts))
	for i, f := range facts {
		list[i] = s.place(f, wire)
	}
	at := placeOf(s.byList, list, func() { s.lists = append(s.lists, list) })
	s.seen[id] = at
	return &at
}

// place is that of a thing, which may be there as another one of equal content.
func (s *shelf[F, W]) place(f F, wire func(F) W) int {
	at, seen := s.places[f]
	if !seen {
		w := wire(f)
		at = placeOf(s.byText, w, func() { s.things = append(s.things, w) })
		s.places[f] = at
	}
	return at
}

// placeOf finds a value by its text, or has it added.
func placeOf(known map[string]int, v any, add func()) int {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // these types have no value that JSON lacks
	}
	at, seen := known[string(text)]
	if !seen {
		at = len(known)
		known[string(text)] = at
		add()
	}
	return at
}
