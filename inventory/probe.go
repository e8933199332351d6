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
	// VantageLocal: this machine. A control, and never a host's verdict, but for what others
	// open to the host.
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
	// Requirement is the name of what it was tried for.
	Requirement string
	// Target is host:port. Where Outcome is empty, it is what was not connected to, in words,
	// and Cause says why.
	Target string
	// From is who opened a connection to the host, by name; empty where the host opened it,
	// or this machine did in its place.
	From    string
	Vantage Vantage
	Outcome Outcome
	// Cause says in words what was seen; often empty for Open.
	Cause   string
	Elapsed time.Duration
	// Peer is the address that the other side saw, when it is known.
	Peer string
	// Doubt is what speaks against it that the target itself accepted; empty for nothing.
	Doubt string
	// Leftover names what the probe could not clean up after itself.
	Leftover string
}
