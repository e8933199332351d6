package checks

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// TCPConnect is the ID of the check of real connections.
const TCPConnect = "tcp-connect"

func tcpConnect() Check {
	return Check{
		ID:    TCPConnect,
		Title: "A real connection {to} {the peer} gets through",
		Why: "A ruleset that permits is not a connection that works: another firewall on the way, routing, or " +
			"nobody listening are seen by a real connection alone. It is made with --probe.",
		Run: perRequirement(TCPConnect, judgeConnect),
	}
}

// rounding is as exact as a probe's time is worth telling.
const rounding = time.Millisecond

// These are the verdicts on hosts that share them.
var (
	notProvable = &Verdict{Status: Skip, Reason: NotProvable, Detail: "UDP does not answer: a connection proves nothing"}
	notProbed   = map[Proof]*Verdict{
		FromHost:     {Status: Skip, Reason: NotProbed, Detail: "no connection was tried from the host"},
		FromHere:     {Status: Skip, Reason: NotProbed, Detail: "no connection was tried to the host: --probe local tries one from this machine"},
		FromPeerHost: {Status: Skip, Reason: NotProbed, Detail: "no connection was tried to the host: --probe ssh tries one from the other hosts"},
	}
)

// judgeConnect holds what probes saw against what the rulesets say, and names where the
// two disagree. Of several connections the worst counts.
func judgeConnect(j *Judgement, _ Requirement) *Verdict {
	proof, probes := j.Required.Proof(), j.Host.ProbesFor(j.Required.Name)
	var v *Verdict
	var untried []string
	for i := range probes {
		p := &probes[i]
		if p.Outcome == "" {
			untried = append(untried, fmt.Sprintf("%s (%s)", p.Target, p.Cause))
			continue
		}
		one := j.connection(p)
		switch {
		case j.Required.OfVCH() && len(probes) == 1: // the report says where to
		case p.From != "":
			one.Detail = fmt.Sprintf("%s from %s: %s", p.Target, p.From, one.Detail)
		default:
			one.Detail = fmt.Sprintf("%s: %s", p.Target, one.Detail)
		}
		v = worse(v, one)
	}
	switch {
	case proof == FromNothing:
		return notProvable
	case v == nil && len(untried) == 0:
		return notProbed[proof]
	case v == nil:
		return &Verdict{Status: Skip, Reason: NotProbed, Detail: "no connection was tried: " + strings.Join(untried, ", ")}
	case len(untried) > 0:
		v.Detail += "; not tried: " + strings.Join(untried, ", ")
		v.Note = strings.Trim(v.Note+", not all were tried", ", ")
	}
	return v
}

// connection is the verdict on one of them.
func (j *Judgement) connection(p *inventory.Probe) *Verdict {
	req, ruled := j.Required, j.Port
	shut := ruled.Status == Fail && ruled.Reason != DefaultPass
	with := func(status Status, reason Reason, format string, args ...any) *Verdict {
		v := &Verdict{Status: status, Reason: reason, Detail: fmt.Sprintf(format, args...)}
		if p.Cause != "" {
			v.Detail += ": " + p.Cause
		}
		return v
	}
	inbound := req.Direction == inventory.Inbound
	switch outcome := p.Outcome; {
	case outcome == inventory.DNS && inbound:
		return with(Unknown, ProbeFailed, "the host's name does not resolve for who was to connect to it")
	case outcome == inventory.DNS:
		return with(Fail, NameUnresolved, "the target's name does not resolve")
	case !slices.Contains(answers, outcome) && !slices.Contains(silences, outcome):
		return with(Unknown, ProbeFailed, "the connection could not be tried")
	case req.foreign(p):
		status := Warn
		if req.From != "" { // nobody said that this machine is one: hosts' settings name the peers
			status = Skip
		}
		return with(status, NotThePeer, "this machine, %s, is none of the peers %s: what came of its connection (%s) proves nothing of them",
			cmp.Or(p.Peer, "whose address is not known"), joinPrefixes(req.Peers), outcome)
	case slices.Contains(silences, outcome):
		return j.silence(with)
	case outcome == inventory.Intercepted && p.Vantage == inventory.VantageSerial:
		return with(Warn, PathIntercepted, "the connection may have ended somewhere else than at the target")
	case outcome == inventory.Intercepted:
		return with(Fail, PathIntercepted, "the connection ended somewhere else than at the target")
	case outcome == inventory.OpenUnverified && p.Doubt != "":
		return with(Warn, ReachableUnverified, "something accepted the connection and did not prove what it is, and %s", p.Doubt)
	case outcome == inventory.OpenUnverified && req.OfVCH():
		return with(Warn, ReachableUnverified, "something accepted the host's connection and did not prove what it is")
	case shut && outcome == inventory.Refused:
		return with(Warn, OpenUnexpected, "an answer came back although no ruleset permits it: the facts are old, or the host's own firewall rejects")
	case shut:
		return with(Warn, OpenUnexpected, "a connection got through although no ruleset permits it: the facts are old, or something else opens it")
	case outcome == inventory.Refused && inbound:
		return with(Warn, NobodyListens, "the host refused the connection: its service does not run, or a filter rejects")
	case outcome == inventory.Refused:
		return with(Pass, NobodyListens, "packets get out of the host, and nobody listens at the target yet")
	case outcome == inventory.OpenUnverified:
		v := with(Pass, Accepted, "the connection was accepted in %s, and who accepted it is not proved", p.Elapsed.Round(rounding))
		v.Note = "who accepted is not proved"
		return v
	case inbound:
		return with(Pass, Reachable, "a connection got through to the host in %s", p.Elapsed.Round(rounding))
	}
	return with(Pass, Reachable, "the host got through to the listener in %s", p.Elapsed.Round(rounding))
}

// These are the outcomes of connections that something answered, and of those that nothing
// did.
var (
	answers  = []inventory.Outcome{inventory.Open, inventory.OpenUnverified, inventory.Refused, inventory.Intercepted}
	silences = []inventory.Outcome{inventory.Timeout, inventory.Unreachable, inventory.NoRoute}
)

// silence is the verdict where nothing answered.
func (j *Judgement) silence(with func(Status, Reason, string, ...any) *Verdict) *Verdict {
	ruled := j.Port
	switch {
	// Whether a list that nothing was compared with lets the target through is
	// not known, and neither is anything of a host that could not be read.
	case ruled.Status == Unknown, ruled.Reason == AllowedHostsUnverified, ruled.Reason == ListsOverlap:
		return with(Fail, Blocked, "nothing got through, and whether the host's own firewall permits it is not known")
	case ruled.Reason == SwitchedWhenNeeded:
		return with(Skip, SwitchedWhenNeeded, "nothing gets through now, and ESXi opens the port when it is needed")
	case ruled.Status == Pass, ruled.Status == Warn, ruled.Reason == DefaultPass:
		return with(Fail, PathBlocked, "the rulesets permit, the path blocks: look beyond the host")
	}
	return with(Fail, HostBlocked, "nothing got through, and the host's own firewall does not permit it")
}

// foreign reports whether a connection to the host was this machine's, and that is not
// known to be one of the peers.
func (r *Requirement) foreign(p *inventory.Probe) bool {
	if r.Proof() != FromHere || len(r.Peers)+len(r.Unnamed) == 0 {
		return false
	}
	addr, err := netip.ParseAddr(p.Peer)
	return err != nil || !inventory.Covered(netip.PrefixFrom(addr, addr.BitLen()), r.Peers)
}

// answered reports whether something answered every connection that proves the
// requirement, and each peer at each port is among them: then the host's firewall lets these
// through, whoever it was. What became of another address tells nothing of a list that leaves
// the peer out; a network is not answered as a whole, and neither is a peer that is not known.
func answered(h *inventory.Host, req *Requirement) bool {
	probes := h.ProbesFor(req.Name)
	if slices.ContainsFunc(probes, func(p inventory.Probe) bool {
		through := p.Outcome == inventory.Open || p.Outcome == inventory.Refused ||
			p.Outcome == inventory.OpenUnverified && !req.OfVCH() && p.Doubt == ""
		return !through || req.foreign(&p)
	}) {
		return false
	}
	peers := slices.Clone(req.Unnamed)
	for _, p := range req.Peers {
		peers = append(peers, inventory.PrefixText(p))
	}
	for _, peer := range peers {
		for _, port := range req.Ports {
			if !slices.ContainsFunc(probes, func(p inventory.Probe) bool { return req.between(&p, peer, port) }) {
				return false
			}
		}
	}
	return len(peers) > 0
}

// between reports whether a connection was one of the host and the peer, at the port.
func (r *Requirement) between(p *inventory.Probe, peer string, port int) bool {
	at := max(strings.LastIndex(p.Target, ":"), 0)
	other := strings.Trim(p.Target[:at], "[]")
	if r.Direction == inventory.Inbound { // the target is the host
		other = p.Peer
	}
	if addr, err := netip.ParseAddr(other); err == nil {
		other = addr.Unmap().String()
	}
	return p.Target[at:] == ":"+strconv.Itoa(port) && strings.EqualFold(other, peer)
}
