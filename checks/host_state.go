package checks

import "github.com/vic-preflight/vic-preflight/inventory"

// HostState is the ID of the check of the host's connection and mode.
const HostState = "host-state"

func hostState() Check {
	return Check{
		ID:    HostState,
		Title: "The host is connected and can run virtual machines",
		Why: "The facts of a host that is not connected are old or missing, and a host in maintenance or standby " +
			"takes part again later, with whatever firewall it has then.",
		Run: perHost(HostState, judgeHostState),
	}
}

// connected is the verdict on most hosts, which share it.
var connected = &Verdict{Status: Pass, Reason: HostConnected, Detail: "the host is connected"}

func judgeHostState(h *inventory.Host) *Verdict {
	switch {
	case h.Connection == inventory.NotResponding && h.Standby == "in":
		// So DPM leaves hosts that it has powered off.
		return &Verdict{Status: Warn, Reason: HostStandby, Detail: "the host is in standby, and does not answer until it is powered on"}
	case h.Connection == inventory.NotResponding:
		return &Verdict{Status: Warn, Reason: HostNotResponding, Detail: "vCenter gets no answer from the host"}
	case h.Connection == inventory.Disconnected:
		return &Verdict{Status: Warn, Reason: HostDisconnected, Detail: "the host is disconnected from vCenter"}
	case !h.IsConnected():
		detail := "the host's connection state is not known"
		if why := h.Firewall.Unreadable; why != "" { // most often for the same reason, which it names
			detail += "; " + why
		}
		return &Verdict{Status: Unknown, Reason: FactsUnavailable, Detail: detail}
	case h.Standby != "" && h.Standby != "none":
		return &Verdict{Status: Warn, Reason: HostStandby, Detail: "the host's standby state is " + h.Standby}
	case h.Maintenance == inventory.Yes:
		return &Verdict{Status: Warn, Reason: HostMaintenance, Detail: "the host is in maintenance mode"}
	case h.Quarantine == inventory.Yes:
		return &Verdict{Status: Warn, Reason: HostQuarantine, Detail: "the host is in quarantine mode"}
	}
	return connected
}
