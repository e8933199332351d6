package report

import (
	"bytes"
	"io"
	"net/netip"
	"time"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// SchemaVersion is the version of the JSON report. It changes when a field
// changes its meaning or goes. New fields, and new values of enumerations, do not
// change it. docs/report.schema.json describes the report in full.
const SchemaVersion = 1

type jsonTool struct {
	Version string `json:"version"`
}

type jsonEndpoint struct {
	Kind         inventory.Kind `json:"kind"`
	FullName     string         `json:"fullName,omitempty"`
	InstanceUUID string         `json:"instanceUuid,omitempty"`
}

type jsonRequirement struct {
	Name      string         `json:"name"`
	Direction string         `json:"direction"`
	Protocol  string         `json:"protocol"`
	Ports     []int          `json:"ports"`
	Peers     []netip.Prefix `json:"peers,omitempty"`
	Peer      string         `json:"peer,omitempty"`
	PerHost   bool           `json:"perHost,omitempty"`
}

// jsonSummary of all targets.
type jsonSummary struct {
	Targets int `json:"targets"`
	// Errors are the targets that nothing could be found out about.
	Errors int `json:"errors"`
	Summary
	Classes  *Classes `json:"classes,omitempty"`
	Baseline *Tally   `json:"baseline,omitempty"`
}

// jsonHosts is the summary of one target.
type jsonHosts struct {
	Summary
	Classes *Classes `json:"classes,omitempty"`
}

type jsonProbe struct {
	Requirement string            `json:"requirement,omitempty"`
	Target      string            `json:"target,omitempty"`
	From        string            `json:"from,omitempty"`
	Vantage     inventory.Vantage `json:"vantage"`
	Outcome     inventory.Outcome `json:"outcome,omitempty"`
	Cause       string            `json:"cause,omitempty"`
	ElapsedMs   int64             `json:"elapsedMs"`
	Peer        string            `json:"peer,omitempty"`
	Leftover    string            `json:"leftover,omitempty"`
}

// writeProbes writes the only connection under a name, and several, or what was left out,
// under its plural: then each says what it was for and where it went.
func (r *Run) writeProbes(s *stream, name string, probes []inventory.Probe) {
	list := make([]jsonProbe, len(probes))
	alone := len(probes) == 1 && probes[0].Outcome != "" && len(r.Requirements) < 2
	for i, p := range probes {
		list[i] = jsonProbe{
			Vantage: p.Vantage, Outcome: p.Outcome, Cause: Clean(p.Cause), ElapsedMs: p.Elapsed.Milliseconds(),
			Peer: Clean(p.Peer), Leftover: Clean(p.Leftover), From: Clean(p.From),
		}
		if !alone {
			list[i].Requirement, list[i].Target = p.Requirement, Clean(p.Target)
		}
	}
	switch {
	case alone:
		s.field(name, list[0])
	case len(list) > 0:
		s.field(name+"s", list)
	}
}

type jsonCheck struct {
	ID          string        `json:"id"`
	Requirement string        `json:"requirement,omitempty"`
	Status      checks.Status `json:"status"`
	Reason      checks.Reason `json:"reason"`
	Class       checks.Class  `json:"class,omitempty"`
	Detail      string        `json:"detail,omitempty"`
	Hint        string        `json:"hint,omitempty"`
	Waiver      *jsonWaiver   `json:"waiver,omitempty"`
	Change      Change        `json:"change,omitempty"`
	Then        *jsonSide     `json:"then,omitempty"`
	Rulesets    []jsonRuleset `json:"rulesets,omitempty"`
}

// jsonDemand is what a host's own setting asks for: its peers, once for all requirements that
// they are of.
type jsonDemand struct {
	Requirements []string       `json:"requirements"`
	From         string         `json:"from,omitempty"`
	Peers        []netip.Prefix `json:"peers,omitempty"`
	Unnamed      []string       `json:"unnamedPeers,omitempty"`
}

func (r *Run) demandsJSON(h *inventory.Host) (list []jsonDemand) {
	index := map[*checks.Demand]int{}
	for _, req := range r.Requirements {
		d := req.Of[h.ID]
		if _, required := req.For(h); d == nil || !required {
			continue
		}
		i, seen := index[d]
		if !seen {
			i = len(list)
			index[d] = i
			list = append(list, jsonDemand{From: Clean(d.From), Peers: d.Peers, Unnamed: cleanAll(d.Unnamed)})
		}
		list[i].Requirements = append(list[i].Requirements, req.Name)
	}
	return list
}

type jsonRuleset struct {
	Key          string         `json:"key"`
	Enabled      bool           `json:"enabled"`
	Breadth      checks.Breadth `json:"breadth"`
	AllowedHosts *jsonAllowed   `json:"allowedHosts,omitempty"`
	// Persistent is left out where it is not known.
	Persistent *bool `json:"persistent,omitempty"`
}

type jsonAllowed struct {
	All      bool     `json:"all"`
	Addrs    []string `json:"addresses,omitempty"`
	Networks []string `json:"networks,omitempty"`
}

// jsonScoped is a result about more than one host.
type jsonScoped struct {
	ID          string        `json:"id"`
	Requirement string        `json:"requirement,omitempty"`
	Scope       checks.Scope  `json:"scope"`
	Subject     string        `json:"subject"`
	Status      checks.Status `json:"status"`
	Reason      checks.Reason `json:"reason"`
	Class       checks.Class  `json:"class,omitempty"`
	Detail      string        `json:"detail,omitempty"`
	Hint        string        `json:"hint,omitempty"`
	Waiver      *jsonWaiver   `json:"waiver,omitempty"`
	Change      Change        `json:"change,omitempty"`
	Then        *jsonSide     `json:"then,omitempty"`
}

// jsonVCH is what was found of a virtual container host itself.
type jsonVCH struct {
	Name   string       `json:"name,omitempty"`
	Checks []jsonScoped `json:"checks"`
}

type jsonWaiver struct {
	Because string `json:"because"`
	Expires string `json:"expires"`
	Ticket  string `json:"ticket,omitempty"`
}

type jsonUnused struct {
	Check       string        `json:"check,omitempty"`
	Reason      checks.Reason `json:"reason"`
	Requirement string        `json:"requirement,omitempty"`
	Host        string        `json:"host,omitempty"`
	Target      string        `json:"target,omitempty"`
	jsonWaiver
}

func waiverJSON(w *checks.Waiver) *jsonWaiver {
	if w == nil {
		return nil
	}
	return &jsonWaiver{Clean(w.Because), w.Expires.Format(time.DateOnly), Clean(w.Ticket)}
}

// JSON writes the report as docs/report.schema.json describes it.
func JSON(w io.Writer, r *Report) error {
	s := newStream(w)
	s.object(func() {
		s.field("schemaVersion", SchemaVersion)
		s.field("tool", jsonTool{Version: r.ToolVersion})
		s.field("startedAt", r.StartedAt.UTC().Format(time.RFC3339))
		s.field("durationMs", r.Duration.Milliseconds())
		s.field("status", r.Status())
		s.field("requirements", jsonRequirements(r.requirements()))
		s.key("targets")
		s.array(func() {
			for _, run := range r.Runs {
				s.object(func() { run.writeJSON(s) })
			}
		})
		if len(r.UnusedWaivers) > 0 {
			unused := make([]jsonUnused, len(r.UnusedWaivers))
			for i, w := range r.UnusedWaivers {
				unused[i] = jsonUnused{Clean(w.Check), w.Reason, Clean(w.Requirement), Clean(w.Host), Clean(w.Target), *waiverJSON(&w)}
			}
			s.field("unusedWaivers", unused)
		}
		s.field("summary", jsonSummary{Targets: len(r.Runs), Errors: r.failed(), Summary: r.Summary(), Classes: r.Classes(), Baseline: r.compared()})
	})
	return s.flush()
}

func jsonRequirements(reqs []checks.Requirement) []jsonRequirement {
	list := make([]jsonRequirement, len(reqs))
	for i, r := range reqs {
		list[i] = jsonRequirement{r.Name, r.Direction, r.Protocol, r.Ports, r.Peers, r.Peer, r.Of != nil}
	}
	return list
}

func (r *Run) writeJSON(s *stream) {
	byHost := r.byHost()
	s.field("target", Clean(r.Target))
	s.field("status", r.Status())
	if r.Err != nil {
		s.field("error", Clean(r.Err.Error()))
	}
	s.field("startedAt", r.StartedAt.UTC().Format(time.RFC3339))
	s.field("durationMs", r.Duration.Milliseconds())
	s.flag("interrupted", r.Interrupted)
	s.flag("partial", r.partial())
	if inv := r.Inventory; inv != nil {
		s.field("simulated", inv.Endpoint.Simulated)
		s.field("endpoint", jsonEndpoint{
			Kind: inv.Endpoint.Kind, FullName: Clean(inv.Endpoint.FullName), InstanceUUID: Clean(inv.Endpoint.InstanceUUID),
		})
	}
	s.text("probeTarget", r.ProbeTarget)
	r.writeProbes(s, "control", r.Controls)
	s.key("hosts")
	s.array(func() { r.writeHosts(s, byHost) })
	if scoped := r.scopedJSON(checks.ScopeCluster); len(scoped) > 0 {
		s.field("checks", scoped)
	}
	if r.creates() {
		s.field("vch", jsonVCH{Clean(r.VCH), r.scopedJSON(checks.ScopeVCH)})
	}
	s.flag("dryRun", r.DryRun)
	s.text("journal", r.Journal)
	if r.Inventory != nil && len(r.Inventory.Hidden) > 0 {
		s.field("hidden", cleanAll(r.Inventory.Hidden))
	}
	if len(r.Leftovers) > 0 {
		s.field("leftovers", cleanAll(r.Leftovers))
	}
	if len(r.Plan) > 0 {
		s.field("plan", jsonPlans(r.Plan))
	}
	if r.Compared != nil {
		s.field("baseline", r.Compared.baselineJSON())
	}
	s.field("summary", jsonHosts{r.summary(byHost), r.Classes()})
}

// sharedResult tells results of hosts apart without looking into them: hosts that are alike
// share their verdicts.
type sharedResult struct {
	*checks.Verdict
	check, requirement string
	class              checks.Class
}

// sharedResults is how many encoded results are kept. More are of hosts that share few.
const sharedResults = 4096

func (r *Run) writeHosts(s *stream, byHost map[string][]checks.Result) {
	if r.Inventory == nil {
		return
	}
	written := map[sharedResult][]byte{}
	for i := range r.Inventory.Hosts {
		h := &r.Inventory.Hosts[i]
		results := byHost[h.Path]
		s.object(func() {
			s.field("name", Clean(h.Name))
			s.field("path", Clean(h.Path))
			s.text("uuid", Clean(h.UUID))
			s.text("cluster", Clean(h.Cluster))
			s.field("state", Clean(h.StateLabel()))
			s.field("status", checks.Worst(results))
			s.text("version", Clean(h.Version))
			if !h.BootTime.IsZero() {
				s.field("bootTime", h.BootTime.UTC().Format(time.RFC3339))
			}
			if demands := r.demandsJSON(h); len(demands) > 0 {
				s.field("demands", demands)
			}
			s.key("checks")
			s.array(func() {
				for _, res := range results {
					s.raw(r.checkJSON(s, res, written))
				}
			})
			r.writeProbes(s, "probe", h.Probes)
		})
	}
}

// checkJSON encodes what hosts share once.
func (r *Run) checkJSON(s *stream, res checks.Result, written map[sharedResult][]byte) []byte {
	key := sharedResult{res.Verdict, res.Check, res.Requirement, res.Class}
	_, compared := r.Compared.Of(res) // which is of the one host
	if text, ok := written[key]; ok && !compared {
		return text
	}
	check := jsonCheck{
		ID: res.Check, Requirement: res.Requirement, Status: res.Status, Reason: res.Reason, Class: classOf(res), Detail: Clean(res.Detail),
		Hint: r.hintOf(res), Waiver: waiverJSON(res.Waiver), Rulesets: jsonRulesets(res.Rulesets),
	}
	check.Change, check.Then = r.Compared.ofJSON(res)
	text := s.encode(check)
	if !compared {
		if len(written) == sharedResults {
			clear(written)
		}
		written[key] = bytes.Clone(text)
	}
	return text
}

func (r *Run) scopedJSON(scope checks.Scope) []jsonScoped {
	out := []jsonScoped{}
	for _, res := range r.Results {
		if res.Scope == scope {
			out = append(out, jsonScoped{
				ID: res.Check, Requirement: res.Requirement, Scope: res.Scope, Subject: Clean(res.Subject),
				Status: res.Status, Reason: res.Reason, Class: classOf(res), Detail: Clean(res.Detail), Hint: r.hintOf(res), Waiver: waiverJSON(res.Waiver),
			})
			last := &out[len(out)-1]
			last.Change, last.Then = r.Compared.ofJSON(res)
		}
	}
	return out
}

func (r *Run) hintOf(res checks.Result) string {
	e, _ := checks.Explain(res.Reason)
	return r.say(r.requirement(res.Requirement), e.Hint)
}

func jsonRulesets(list []checks.RulesetVerdict) []jsonRuleset {
	var out []jsonRuleset
	for _, v := range list {
		rs := jsonRuleset{Key: Clean(v.Key), Enabled: v.Enabled, Breadth: v.Breadth}
		rs.AllowedHosts = allowedJSON(v.Allowed)
		if v.Persistent != inventory.Unknown {
			yes := v.Persistent == inventory.Yes
			rs.Persistent = &yes
		}
		out = append(out, rs)
	}
	return out
}

// allowedJSON is nil for nil: the host did not say.
func allowedJSON(a *inventory.AllowedHosts) *jsonAllowed {
	if a == nil {
		return nil
	}
	out := &jsonAllowed{All: a.All}
	if !a.All {
		out.Addrs = cleanAll(a.Addrs)
		for _, n := range a.Networks {
			out.Networks = append(out.Networks, Clean(n.String()))
		}
	}
	return out
}
