package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Peer is what came to a listener. Its names in JSON are a contract.
type Peer struct {
	At   time.Time `json:"at"`
	From string    `json:"from"`
	Kind string    `json:"kind"`
	// VMName, VMUUID and URI are what a virtual machine's serial port says of itself; for
	// others they are empty.
	VMName string `json:"vmName,omitempty"`
	VMUUID string `json:"vmUuid,omitempty"`
	URI    string `json:"uri,omitempty"`
}

// Write writes a line, or an object of JSON on a line.
func (p Peer) Write(w io.Writer, asJSON bool) error {
	p.VMName, p.VMUUID, p.URI = Clean(p.VMName), Clean(p.VMUUID), Clean(p.URI)
	if asJSON {
		return json.NewEncoder(w).Encode(p)
	}
	line := fmt.Sprintf("%s  %-15s  %s", p.At.Local().Format(time.TimeOnly), p.From, p.Kind)
	if cmp.Or(p.VMName, p.VMUUID, p.URI) != "" {
		line += fmt.Sprintf("  %s (%s) %s", p.VMName, p.VMUUID, p.URI)
	}
	_, err := fmt.Fprintln(w, Clean(line))
	return err
}
