package onhost

import "github.com/vic-preflight/vic-preflight/internal/hostssh"

// Private functions, for the tests.
var (
	ReadVIBs    = readVIBs
	CommandName = name
)

// Explained is what an error says of a command's output.
func Explained(command, stdout, stderr string) string {
	return explained(command, hostssh.Result{Stdout: stdout, Stderr: stderr, Exit: 1}).Error()
}
