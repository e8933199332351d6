package onhost

import (
	"fmt"
	"strings"

	"github.com/vic-preflight/vic-preflight/internal/hostssh"
)

// explanations are ESXi's error texts in plain words, from field reports
// (lamw/ghettoVCB #212, #263, #275, #299, #307, #308; w2c/letsencrypt-esxi #10)
// and VMware's documentation. The first that fits counts.
var explanations = []struct{ text, meaning string }{
	{"does not have sha-256 gunzip checksum", "ESXi 8 wants a VIB that is built for it: vic-preflight vib build --esxi 8"},
	{"calculated digest at eof does not match", "ESXi 6 and 7 want a VIB that is built for them: vic-preflight vib build --esxi 6-7"},
	{"acceptance level", "the host's acceptance level takes no community VIB: --lower-acceptance-level"},
	{"acceptanceconfigerror", "the host's acceptance level takes no community VIB: --lower-acceptance-level"},
	{"secure boot", "a host with UEFI Secure Boot takes no VIB that is not signed"},
	{"unequal payloads", "a VIB of this name and version with other content is installed or was: build it with a new version"},
	{"bad vib archive header", "the file is no VIB, or was damaged on the way"},
	{"failed to validate content", "the VIB's descriptor is not what this ESXi takes"},
	{"can not open /var/vmware/lifecycle", "a fault of ESXi 8.0 U2 that comes and goes: try again"},
	{"nomatcherror", "the host has no VIB of that name"},
	{"maintenance mode", "the host has to be in maintenance mode for it"},
	{"owned by system service", "the host lets users not change this ruleset"},
	{"permission denied", "the account may not do that on the host"},
	{"operation not permitted: '/tardisks/", "the host did not mount the VIB's payload, as it may when that has no entries for its folders: vic-preflight vib inspect tells"},
	{"operation not permitted", "the host does not permit it, root or not"},
	{"no space left", "the host has no room for it"},
	{"not found", "the host has no such command, or no such file"},
}

// CommandError means that a command of the host failed.
type CommandError struct {
	Command string
	// Said is the first line of what it said that is not a heading.
	Said string
	// Meaning is that in plain words; empty when it is not known.
	Meaning string
	Exit    int
}

func (e *CommandError) Error() string {
	text := fmt.Sprintf("%s failed with exit code %d", e.Command, e.Exit)
	if e.Said != "" {
		text = fmt.Sprintf("%s failed: %s", e.Command, e.Said)
	}
	if e.Meaning != "" {
		text += fmt.Sprintf(" (%s)", e.Meaning)
	}
	return text
}

// explained reads an error's text from wherever it came: which stream esxcli
// takes is documented nowhere.
func explained(command string, r hostssh.Result) error {
	text := strings.TrimSpace(r.Stderr + "\n" + r.Stdout)
	e := &CommandError{Command: command, Exit: r.Exit}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "[") {
			e.Said = line[:min(len(line), maxSaid)]
			break
		}
	}
	if e.Said == "" {
		e.Said = text[:min(len(text), maxSaid)]
	}
	lower := strings.ToLower(text)
	if strings.HasSuffix(command, "acceptance set") {
		e.Meaning = "a VIB that needs the lower level may still be installed"
		return e
	}
	for _, x := range explanations {
		if strings.Contains(lower, x.text) {
			e.Meaning = x.meaning
			break
		}
	}
	return e
}

// maxSaid bounds what is quoted of a host.
const maxSaid = 300
