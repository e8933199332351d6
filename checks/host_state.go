package checks

import "github.com/vic-preflight/vic-preflight/inventory"

// HostState is the ID of the check of the host's connection and mode.
const HostState = "host-state"

func hostState() Check {
	return Check{
		ID:    HostState,
		Title: "The host is connected and can run container VMs",
		Why: "The facts of a host that is not connected are old or missing, and a host in maintenance or standby " +
			"takes part again later, with whatever firewall it has then.",
		Run: perHost(HostState, judgeHostState),
	}
}

func judgeHostState(h *inventory.Host, _ Requirement) Result {
	switch {
	case h.Connection == inventory.NotResponding:
		return Result{Status: Warn, Reason: HostNotResponding, Detail: "vCenter gets no answer from the host"}
	case h.Connection == inventory.Disconnected:
		return Result{Status: Warn, Reason: HostDisconnected, Detail: "the host is disconnected from vCenter"}
	case !h.IsConnected():
		return Result{Status: Unknown, Reason: FactsUnavailable, Detail: "the host's connection state is not known"}
	case h.Standby != "" && h.Standby != "none":
		return Result{Status: Warn, Reason: HostStandby, Detail: "the host's standby state is " + h.Standby}
	case h.Maintenance == inventory.Yes:
		return Result{Status: Warn, Reason: HostMaintenance, Detail: "the host is in maintenance mode"}
	case h.Quarantine == inventory.Yes:
		return Result{Status: Warn, Reason: HostQuarantine, Detail: "the host is in quarantine mode"}
	}
	return Result{Status: Pass, Reason: HostConnected, Detail: "the host is connected"}
}
