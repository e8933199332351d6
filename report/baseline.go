package report

import (
	"cmp"
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

// Saved is a report that JSON wrote, read again. Nothing changes it afterwards, so it
// may be used concurrently.
type Saved struct {
	startedAt    time.Time
	requirements []jsonRequirement
	targets      []savedTarget
}

// savedTarget is the part of a target that is read again. Its texts are clean: a file
// need not be what this tool wrote.
type savedTarget struct {
	Target      string       `json:"target"`
	Error       string       `json:"error"`
	StartedAt   string       `json:"startedAt"`
	Interrupted bool         `json:"interrupted"`
	Partial     bool         `json:"partial"`
	Endpoint    jsonEndpoint `json:"endpoint"`
	Hosts       []savedHost  `json:"hosts"`
	Checks      []savedCheck `json:"checks"`
	VCH         *savedVCH    `json:"vch"`

	startedAt time.Time
}

// savedVCH is what was found of a virtual container host itself.
type savedVCH struct {
	Checks []savedCheck `json:"checks"`
}

type savedHost struct {
	Name     string       `json:"name"`
	Path     string       `json:"path"`
	UUID     string       `json:"uuid"`
	Cluster  string       `json:"cluster"`
	BootTime string       `json:"bootTime"`
	Checks   []savedCheck `json:"checks"`
}

// savedCheck is a result about a host, or, with its scope and subject, about more than
// one.
type savedCheck struct {
	ID          string        `json:"id"`
	Requirement string        `json:"requirement"`
	Scope       checks.Scope  `json:"scope"`
	Subject     string        `json:"subject"`
	Status      checks.Status `json:"status"`
	Reason      checks.Reason `json:"reason"`
	Detail      string        `json:"detail"`
	Waiver      *jsonWaiver   `json:"waiver"`
	Rulesets    []jsonRuleset `json:"rulesets"`
}

// sameBoot is how far the times of one start may lie apart: hosts reckon theirs
// from a clock that is put right now and then. No host starts twice in it.
const sameBoot = time.Minute

func isSameBoot(a, b time.Time) bool { return a.Sub(b).Abs() <= sameBoot }

// startedSince reports whether both times are known, and of different starts.
func startedSince(then, now string) bool {
	was, err := time.Parse(time.RFC3339, then)
	is, failed := time.Parse(time.RFC3339, now)
	return err == nil && failed == nil && !isSameBoot(was, is)
}

// ReadSaved reads a report that JSON wrote.
func ReadSaved(src io.Reader) (*Saved, error) {
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
		StartedAt    string            `json:"startedAt"`
		Requirements []jsonRequirement `json:"requirements"`
		Targets      []savedTarget     `json:"targets"`
	}
	if err := json.Unmarshal(text, &old); err != nil {
		var field *json.UnmarshalTypeError
		if errors.As(err, &field) {
			return nil, fmt.Errorf("it is no report of vic-preflight: what its %s holds is a %s", field.Field, field.Value)
		}
		return nil, fmt.Errorf("it is no report of vic-preflight: %s", Clean(err.Error()))
	}
	s := &Saved{requirements: old.Requirements, targets: old.Targets}
	if err := s.validate(old.StartedAt); err != nil {
		return nil, err
	}
	return s, nil
}

// validate makes sure that it is a report, and cleans its texts.
func (s *Saved) validate(startedAt string) (err error) {
	if s.requirements == nil || slices.ContainsFunc(s.requirements, func(r jsonRequirement) bool { return len(r.Ports) == 0 || r.Ports[0] < 1 }) {
		return errors.New("it is no report of vic-preflight: it does not say for which port")
	}
	if len(s.targets) == 0 {
		return errors.New("it is no report of vic-preflight: it names no target")
	}
	when := errors.New("it is no report of vic-preflight: it does not say when it was made")
	if s.startedAt, err = time.Parse(time.RFC3339, startedAt); err != nil {
		return when
	}
	for i := range s.targets {
		t := &s.targets[i]
		if t.startedAt, err = time.Parse(time.RFC3339, t.StartedAt); err != nil {
			return when
		}
		t.clean()
	}
	return nil
}

func (t *savedTarget) clean() {
	all := []*string{&t.Target, &t.Error, &t.Endpoint.FullName, &t.Endpoint.InstanceUUID}
	lists := [][]savedCheck{t.Checks}
	if t.VCH != nil {
		lists = append(lists, t.VCH.Checks)
	}
	for i := range t.Hosts {
		h := &t.Hosts[i]
		all = append(all, &h.Name, &h.Path, &h.UUID, &h.Cluster)
		lists = append(lists, h.Checks)
	}
	for _, list := range lists {
		for i := range list {
			c := &list[i]
			all = append(all, &c.ID, &c.Requirement, (*string)(&c.Scope), &c.Subject, (*string)(&c.Reason), &c.Detail)
			if c.Waiver != nil {
				all = append(all, &c.Waiver.Because, &c.Waiver.Expires, &c.Waiver.Ticket)
			}
		}
	}
	for _, text := range all {
		*text = Clean(*text)
	}
}

// Covers returns an error that says so where the report is not about the
// requirement.
func (s *Saved) Covers(req checks.Requirement) error {
	var has []string
	for _, r := range s.requirements {
		was := r.requirement()
		if was.Name == req.Name && was.Direction == req.Direction && was.Service() == req.Service() {
			return nil
		}
		has = append(has, Clean(was.Service()))
	}
	return fmt.Errorf("it is a report for %s, not for %s", cmp.Or(strings.Join(has, ", "), "no port"), Clean(req.Service()))
}

// bySettings reports whether the report is about what hosts' own settings ask for, which
// may be nothing.
func (s *Saved) bySettings() bool {
	return len(s.requirements) == 0 || slices.ContainsFunc(s.requirements, func(r jsonRequirement) bool { return r.PerHost })
}

func (r jsonRequirement) requirement() checks.Requirement {
	return checks.Requirement{Name: r.Name, Direction: r.Direction, Protocol: r.Protocol, Ports: r.Ports}
}

// inDoubt are the rulesets, by requirement, that let somebody through and were not
// known to last. One of another service comes and goes with that.
func (h *savedHost) inDoubt() (keys map[string][]string, some bool) {
	keys = map[string][]string{}
	for _, c := range h.Checks {
		for _, rs := range c.Rulesets {
			lasts := rs.Persistent != nil && *rs.Persistent
			nobody := rs.AllowedHosts != nil && !rs.AllowedHosts.All && len(rs.AllowedHosts.Addrs)+len(rs.AllowedHosts.Networks) == 0
			if c.ID == checks.OutboundPort && rs.Enabled && !lasts && !nobody && rs.Breadth != checks.Borrowed {
				keys[c.Requirement], some = append(keys[c.Requirement], rs.Key), true
			}
		}
	}
	return keys, some
}

// Remind tells the hosts of the inventory what the earlier report says of them,
// unless they are known to run since before it. A report of other endpoints alone
// is an error: paths of hosts repeat.
func (s *Saved) Remind(target string, inv *inventory.Inventory) error {
	now := &savedTarget{Target: Clean(target), Endpoint: jsonEndpoint{InstanceUUID: Clean(inv.Endpoint.InstanceUUID)}, Hosts: savedHosts(inv)}
	t := s.earlier(now)
	if t == nil {
		return s.foreign(now.Endpoint.InstanceUUID)
	}
	for i, j := range pairHosts(t.Hosts, now.Hosts) {
		if j < 0 {
			continue
		}
		h := &inv.Hosts[i]
		keys, some := t.Hosts[j].inDoubt()
		booted, err := time.Parse(time.RFC3339, t.Hosts[j].BootTime)
		if some && (err != nil || !isSameBoot(booted, h.BootTime)) {
			h.Earlier = &inventory.Earlier{ReportedAt: t.startedAt, Rulesets: keys}
		}
	}
	return nil
}

// savedHosts are the hosts of an inventory without their results.
func savedHosts(inv *inventory.Inventory) []savedHost {
	hosts := make([]savedHost, len(inv.Hosts))
	for i := range inv.Hosts {
		h := &inv.Hosts[i]
		hosts[i] = savedHost{Name: Clean(h.Name), Path: Clean(h.Path), UUID: Clean(h.UUID), Cluster: Clean(h.Cluster)}
		if !h.BootTime.IsZero() {
			hosts[i].BootTime = h.BootTime.UTC().Format(time.RFC3339)
		}
	}
	return hosts
}

// earlier is what the report says of the target; nil where it does not have it.
func (s *Saved) earlier(now *savedTarget) *savedTarget {
	i := pairTargets(s.targets, []savedTarget{*now})[0]
	if i < 0 {
		return nil
	}
	return &s.targets[i]
}

// foreign says why none of the targets is the endpoint.
func (s *Saved) foreign(here string) error {
	var others []string
	for i := range s.targets {
		was := s.targets[i].Endpoint
		if was.InstanceUUID == "" || here == "" {
			continue
		}
		of := ""
		if was.FullName != "" {
			of = fmt.Sprintf(" (%s)", was.FullName)
		}
		others = append(others, fmt.Sprintf("%s: its instanceUuid is %s", of, was.InstanceUUID))
	}
	if len(others) == 0 {
		return errors.New("whether it is a report of this endpoint cannot be told: an instanceUuid is missing")
	}
	return fmt.Errorf("it is a report of another endpoint%s, and here it is %s", strings.Join(others, ";"), here)
}

// Names reports whether the report has a target of that name, whatever was found out
// about it.
func (s *Saved) Names(target string) bool {
	return slices.ContainsFunc(s.targets, func(t savedTarget) bool { return t.Target == Clean(target) })
}

// pairTargets finds the earlier target of each one of now: its index, or -1. An
// endpoint is known by its instanceUuid; several targets may be of one, a datacenter
// each. One that could not be read has none, and is known by the name it was given.
func pairTargets(then, now []savedTarget) []int {
	pairs := slices.Repeat([]int{-1}, len(now))
	taken := make([]bool, len(then))
	for _, same := range []func(a, b *savedTarget) bool{
		func(a, b *savedTarget) bool { return a.isEndpoint(b) && a.Target == b.Target },
		func(a, b *savedTarget) bool { return a.isEndpoint(b) },
		func(a, b *savedTarget) bool { return (a.Error != "" || b.Error != "") && a.Target == b.Target },
	} {
		for i := range now {
			for j := range then {
				if pairs[i] < 0 && !taken[j] && same(&then[j], &now[i]) {
					pairs[i], taken[j] = j, true
				}
			}
		}
	}
	return pairs
}

func (t *savedTarget) isEndpoint(other *savedTarget) bool {
	return t.Endpoint.InstanceUUID != "" && t.Endpoint.InstanceUUID == other.Endpoint.InstanceUUID
}

// pairHosts finds the earlier self of each host of now, in one endpoint: its index, or
// -1. Hardware counts before the path, since hosts are renamed and moved, and others
// take their names. A UUID that several hosts have says nothing: some boards have none
// of their own.
func pairHosts(then, now []savedHost) []int {
	uuidThen, uuidNow := soleUUIDs(then), soleUUIDs(now)
	pathThen := make(map[string]int, len(then))
	for j := range then {
		pathThen[then[j].Path] = j
	}
	pairs, taken := slices.Repeat([]int{-1}, len(now)), make([]bool, len(then))
	for uuid, i := range uuidNow {
		if j, ok := uuidThen[uuid]; ok {
			pairs[i], taken[j] = j, true
		}
	}
	for i := range now {
		j, ok := pathThen[now[i].Path]
		if !ok || pairs[i] >= 0 || taken[j] {
			continue
		}
		_, knownThen := uuidThen[then[j].UUID]
		_, knownNow := uuidNow[now[i].UUID]
		if !knownThen || !knownNow { // else it is another machine under the same name
			pairs[i], taken[j] = j, true
		}
	}
	return pairs
}

// soleUUIDs are the indexes of the hosts by their UUIDs, where only one has it.
func soleUUIDs(hosts []savedHost) map[string]int {
	index, count := make(map[string]int, len(hosts)), make(map[string]int, len(hosts))
	for i := range hosts {
		index[hosts[i].UUID] = i
		count[hosts[i].UUID]++
	}
	for uuid, n := range count {
		if uuid == "" || n > 1 {
			delete(index, uuid)
		}
	}
	return index
}
