package inventory

import "time"

// Vantage is where a probe started. A dial from the machine that this tool runs
// on proves that machine's path and never a host's, so every probe says it.
type Vantage string

// The vantages.
const (
	// VantageSerial: the host itself dials, for a virtual machine's network
	// serial port, just as for a container VM.
	VantageSerial Vantage = "serial"
	// VantageSSH: the host's own nc, run over SSH.
	VantageSSH Vantage = "ssh"
	// VantageLocal: this machine. A control, never a host's verdict.
	VantageLocal Vantage = "local"
)

// Outcome is what became of a connection attempt. The empty string means that
// none was made.
type Outcome string

// The outcomes.
const (
	// Open: the listener's token came back, or a vmx peer was identified.
	Open Outcome = "open"
	// OpenUnverified: something accepted, and did not prove what it is.
	OpenUnverified Outcome = "open-unverified"
	// Refused: packets get there, and nobody listens.
	Refused     Outcome = "refused"
	Timeout     Outcome = "timeout"
	Unreachable Outcome = "unreachable"
	NoRoute     Outcome = "no-route"
	DNS         Outcome = "dns"
	// Intercepted: something else answered in the listener's place.
	Intercepted Outcome = "intercepted"
	// ProbeError: the attempt could not be made.
	ProbeError Outcome = "error"
)

// Probe is one attempt to connect.
type Probe struct {
	Vantage Vantage
	Outcome Outcome
	// Cause says in words what was seen; often empty for Open.
	Cause   string
	Elapsed time.Duration
	// Peer is the address that the listener saw, when it is known.
	Peer string
	// Leftover names what the probe could not clean up after itself.
	Leftover string
}

// GotOut reports whether packets got out of the host itself, whatever answered
// them. It may be called on nil.
func (p *Probe) GotOut() bool {
	return p != nil && (p.Outcome == Open || p.Outcome == Refused)
}
