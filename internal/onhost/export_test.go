package onhost

import (
	"time"

	"github.com/vic-preflight/vic-preflight/internal/hostssh"
)

// Private functions, for the tests.
var (
	ReadVIBs     = readVIBs
	ReadRulesets = readRulesets
	ReadResult   = readResult
	CommandName  = name
)

// Explained is what an error says of a command's output.
func Explained(command, stdout, stderr string) string {
	return explained(command, hostssh.Result{Stdout: stdout, Stderr: stderr, Exit: 1}).Error()
}

// Hurry has the client wait no longer than a test does for what a host may still
// be doing.
func (c *Client) Hurry() { c.await, c.pause = 300*time.Millisecond, 10*time.Millisecond }
