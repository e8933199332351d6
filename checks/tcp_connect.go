package checks

import (
	"fmt"
	"time"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// TCPConnect is the ID of the check of real connections.
const TCPConnect = "tcp-connect"

func tcpConnect() Check {
	return Check{
		ID:    TCPConnect,
		Title: "A connection that the host itself opens gets to {the peer}",
		Why: "A ruleset that permits is not a connection that works: another firewall on the way, routing, or " +
			"nobody listening are seen by a real connection alone. It is made with --probe.",
		Run: perRequirement(TCPConnect, judgeConnect),
	}
}

// rounding is as exact as a probe's time is worth telling.
const rounding = time.Millisecond

// notProbed is the verdict on hosts that share it.
var notProbed = &Verdict{Status: Skip, Reason: NotProbed, Detail: "no connection was tried from the host"}

// judgeConnect holds what a probe saw against what the rulesets say, and names
// where the two disagree.
func judgeConnect(j *Judgement, _ Requirement) *Verdict {
	p := j.Host.Probe
	if p == nil || p.Outcome == "" {
		return notProbed
	}
	ruled := j.Port
	// Whether a list that nothing was compared with lets the target through is
	// not known, and neither is anything of a host that could not be read.
	known := ruled.Status != Unknown && ruled.Reason != AllowedHostsUnverified && ruled.Reason != ListsOverlap
	shut := ruled.Status == Fail && ruled.Reason != DefaultPass
	permitted := ruled.Status == Pass || ruled.Status == Warn || ruled.Reason == DefaultPass
	with := func(status Status, reason Reason, format string, args ...any) *Verdict {
		v := &Verdict{Status: status, Reason: reason, Detail: fmt.Sprintf(format, args...)}
		if p.Cause != "" {
			v.Detail += ": " + p.Cause
		}
		return v
	}
	switch p.Outcome {
	case inventory.Open:
		if shut {
			return with(Warn, OpenUnexpected, "a connection got through although no ruleset permits it: the facts are old, or something else opens it")
		}
		return with(Pass, Reachable, "the host got through to the listener in %s", p.Elapsed.Round(rounding))
	case inventory.OpenUnverified:
		return with(Warn, ReachableUnverified, "something accepted the host's connection and did not prove what it is")
	case inventory.Refused:
		if shut {
			return with(Warn, OpenUnexpected, "an answer came back although no ruleset permits it: the facts are old, or the host's own firewall rejects")
		}
		return with(Pass, NobodyListens, "packets get out of the host, and nobody listens at the target yet")
	case inventory.Timeout, inventory.Unreachable, inventory.NoRoute:
		switch {
		case !known:
			return with(Fail, Blocked, "nothing got through, and whether the host's own firewall permits it is not known")
		case permitted:
			return with(Fail, PathBlocked, "the rulesets permit, the path blocks: look beyond the host")
		}
		return with(Fail, HostBlocked, "nothing got through, and the host's own firewall does not permit it")
	case inventory.DNS:
		return with(Fail, NameUnresolved, "the target's name does not resolve")
	case inventory.Intercepted:
		if p.Vantage == inventory.VantageSerial {
			return with(Warn, PathIntercepted, "the connection may have ended somewhere else than at the target")
		}
		return with(Fail, PathIntercepted, "the connection ended somewhere else than at the target")
	}
	return with(Unknown, ProbeFailed, "the connection could not be tried")
}
