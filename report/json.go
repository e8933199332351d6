package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/netip"
	"time"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// SchemaVersion is the version of the JSON report. It changes when a field
// changes its meaning or goes; new fields do not change it.
// docs/report.schema.json describes the report in full.
const SchemaVersion = 1

type jsonReport struct {
	SchemaVersion int          `json:"schemaVersion"`
	Tool          jsonTool     `json:"tool"`
	Simulated     bool         `json:"simulated"`
	Interrupted   bool         `json:"interrupted,omitempty"`
	Target        string       `json:"target"`
	Endpoint      jsonEndpoint `json:"endpoint"`
	StartedAt     string       `json:"startedAt"`
	DurationMs    int64        `json:"durationMs"`
	Requirement   jsonRequired `json:"requirement"`
	ProbeTarget   string       `json:"probeTarget,omitempty"`
	Control       *jsonProbe   `json:"control,omitempty"`
	Hosts         []jsonHost   `json:"hosts"`
	Checks        []jsonScoped `json:"checks,omitempty"`
	DryRun        bool         `json:"dryRun,omitempty"`
	Journal       string       `json:"journal,omitempty"`
	Plan          []jsonPlan   `json:"plan,omitempty"`
	Summary       Summary      `json:"summary"`
}

type jsonTool struct {
	Version string `json:"version"`
}

type jsonEndpoint struct {
	Kind         inventory.Kind `json:"kind"`
	FullName     string         `json:"fullName,omitempty"`
	InstanceUUID string         `json:"instanceUuid,omitempty"`
}

type jsonRequired struct {
	Direction string         `json:"direction"`
	Protocol  string         `json:"protocol"`
	Port      int            `json:"port"`
	Peers     []netip.Prefix `json:"peers,omitempty"`
}

type jsonHost struct {
	Name     string      `json:"name"`
	Path     string      `json:"path"`
	Cluster  string      `json:"cluster,omitempty"`
	State    string      `json:"state"`
	Version  string      `json:"version,omitempty"`
	BootTime string      `json:"bootTime,omitempty"`
	Checks   []jsonCheck `json:"checks"`
	Probe    *jsonProbe  `json:"probe,omitempty"`
}

type jsonProbe struct {
	Vantage   inventory.Vantage `json:"vantage"`
	Outcome   inventory.Outcome `json:"outcome"`
	Cause     string            `json:"cause,omitempty"`
	ElapsedMs int64             `json:"elapsedMs"`
	Peer      string            `json:"peer,omitempty"`
	Leftover  string            `json:"leftover,omitempty"`
}

func probeJSON(p *inventory.Probe) *jsonProbe {
	if p == nil {
		return nil
	}
	return &jsonProbe{
		Vantage: p.Vantage, Outcome: p.Outcome, Cause: Clean(p.Cause), ElapsedMs: p.Elapsed.Milliseconds(),
		Peer: p.Peer, Leftover: p.Leftover,
	}
}

type jsonCheck struct {
	ID       string        `json:"id"`
	Status   checks.Status `json:"status"`
	Reason   checks.Reason `json:"reason"`
	Detail   string        `json:"detail,omitempty"`
	Hint     string        `json:"hint,omitempty"`
	Rulesets []jsonRuleset `json:"rulesets,omitempty"`
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

type jsonScoped struct {
	ID      string        `json:"id"`
	Scope   checks.Scope  `json:"scope"`
	Subject string        `json:"subject"`
	Status  checks.Status `json:"status"`
	Reason  checks.Reason `json:"reason"`
	Detail  string        `json:"detail,omitempty"`
	Hint    string        `json:"hint,omitempty"`
}

// JSON writes the report as docs/report.schema.json describes it, host by host:
// a report of 15,000 hosts is 40 MB.
func JSON(w io.Writer, r *Report) error {
	byHost := r.byHost()
	var frame bytes.Buffer
	if err := encoder(&frame, "").Encode(r.frame(byHost)); err != nil {
		return err
	}
	// A quote in a value is escaped: the first such text is the key.
	before, after, _ := bytes.Cut(frame.Bytes(), []byte(`"hosts": []`))
	out := bufio.NewWriterSize(w, 64<<10)
	_, _ = out.Write(before) // a bufio.Writer keeps its first error for Flush
	_, _ = out.WriteString(`"hosts": [`)
	if err := r.hostsJSON(out, byHost); err != nil {
		return err
	}
	_, _ = out.WriteString("]")
	_, _ = out.Write(after)
	return out.Flush()
}

func encoder(w io.Writer, prefix string) *json.Encoder {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent(prefix, "  ")
	return enc
}

// hostsJSON writes the elements of the array of hosts.
func (r *Report) hostsJSON(out *bufio.Writer, byHost map[string][]checks.Result) error {
	const prefix = "    "
	var b bytes.Buffer
	enc := encoder(&b, prefix)
	for i := range r.Inventory.Hosts {
		b.Reset()
		h := &r.Inventory.Hosts[i]
		if err := enc.Encode(hostJSON(h, byHost[h.Path])); err != nil {
			return err
		}
		if i > 0 {
			_ = out.WriteByte(',')
		}
		_, _ = out.WriteString("\n" + prefix)
		_, _ = out.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	}
	if len(r.Inventory.Hosts) > 0 {
		_, _ = out.WriteString("\n  ")
	}
	return nil
}

func hostJSON(h *inventory.Host, results []checks.Result) jsonHost {
	jh := jsonHost{
		Name: Clean(h.Name), Path: Clean(h.Path), Cluster: Clean(h.Cluster),
		State: h.StateLabel(), Version: h.Version, Checks: []jsonCheck{}, Probe: probeJSON(h.Probe),
	}
	if !h.BootTime.IsZero() {
		jh.BootTime = h.BootTime.UTC().Format(time.RFC3339)
	}
	for _, res := range results {
		jh.Checks = append(jh.Checks, jsonCheck{
			ID: res.Check, Status: res.Status, Reason: res.Reason, Detail: Clean(res.Detail),
			Hint: hintOf(res), Rulesets: jsonRulesets(res.Rulesets),
		})
	}
	return jh
}

// frame is the report without its hosts.
func (r *Report) frame(byHost map[string][]checks.Result) jsonReport {
	out := jsonReport{
		SchemaVersion: SchemaVersion,
		Tool:          jsonTool{Version: r.ToolVersion},
		Simulated:     r.Inventory.Endpoint.Simulated,
		Interrupted:   r.Interrupted,
		Target:        r.Target,
		Endpoint: jsonEndpoint{
			Kind: r.Inventory.Endpoint.Kind, FullName: Clean(r.Inventory.Endpoint.FullName),
			InstanceUUID: r.Inventory.Endpoint.InstanceUUID,
		},
		StartedAt:  r.StartedAt.UTC().Format(time.RFC3339),
		DurationMs: r.Duration.Milliseconds(),
		Requirement: jsonRequired{
			Direction: inventory.Outbound, Protocol: inventory.TCP, Port: r.Requirement.Port, Peers: r.Requirement.Peers,
		},
		ProbeTarget: r.ProbeTarget, Control: probeJSON(r.Control),
		DryRun: r.DryRun, Journal: r.Journal, Plan: jsonPlans(r.Plan),
		Hosts:   []jsonHost{},
		Summary: r.summary(byHost),
	}
	for _, res := range r.Results {
		if res.Scope != checks.ScopeHost {
			out.Checks = append(out.Checks, jsonScoped{
				ID: res.Check, Scope: res.Scope, Subject: Clean(res.Subject),
				Status: res.Status, Reason: res.Reason, Detail: Clean(res.Detail), Hint: hintOf(res),
			})
		}
	}
	return out
}

func hintOf(res checks.Result) string {
	e, _ := checks.Explain(res.Reason)
	return e.Hint
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
		out.Addrs = a.Addrs
		for _, n := range a.Networks {
			out.Networks = append(out.Networks, n.String())
		}
	}
	return out
}
