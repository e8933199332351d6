package onhost

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// software finds out what a host's software takes.
func (s *shell) software(found *fix.Survey) error {
	level, err := s.say("esxcli software acceptance get")
	if err != nil {
		return err
	}
	found.Acceptance = strings.TrimSpace(level)
	// Part of ESXi since 6.5 (docs 8.0, "Secure Boot"). Older hosts lack it, and
	// no UEFI Secure Boot of ESXi was there before.
	secure, err := s.say("/usr/lib/vmware/secureboot/bin/secureBoot.py -s")
	switch word := strings.ToLower(strings.TrimSpace(secure)); {
	case err != nil:
	case strings.HasPrefix(word, "enabled"):
		found.SecureBoot = inventory.Yes
	case strings.HasPrefix(word, "disabled"):
		found.SecureBoot = inventory.No
	}
	list, err := s.say("esxcli software vib list")
	if err != nil {
		return err
	}
	found.VIBs, err = vibIDs(list)
	return err
}

// vibIDs puts the IDs of VIBs together from esxcli's table, whose columns stand
// where the line of dashes says.
func vibIDs(list string) ([]string, error) {
	lines := strings.Split(strings.TrimRight(list, "\n"), "\n")
	if len(lines) < 2 || !strings.HasPrefix(lines[1], "-") {
		return nil, errors.New("esxcli software vib list answered with something else than its table")
	}
	column := func(line, title string) string {
		from := strings.Index(lines[0], title)
		if from < 0 || from >= len(line) {
			return ""
		}
		width := strings.IndexByte(lines[1][from:]+" ", ' ')
		return strings.TrimSpace(line[from:min(from+width, len(line))])
	}
	ids := make([]string, 0, len(lines)-2)
	for _, line := range lines[2:] {
		ids = append(ids, fmt.Sprintf("%s_bootbank_%s_%s", column(line, "Vendor"), column(line, "Name"), column(line, "Version")))
	}
	return ids, nil
}

// installVIB follows the manual's steps: copy, install, refresh, see the ruleset,
// clean up.
func (s *shell) installVIB(c *fix.Change, file []byte) (err error) {
	path := temporary("/tmp/"+c.VIB.Name) + ".vib"
	if err := s.put(path, file); err != nil {
		return err
	}
	defer func() { _, _ = s.say("rm -f " + hostssh.Quote(path)) }()
	if c.VIB.AcceptanceBefore != "" {
		if err := s.setAcceptance(fix.CommunitySupported); err != nil {
			return err
		}
	}
	if err := s.change("esxcli software vib install -v " + hostssh.Quote(path)); err != nil {
		return errors.Join(err, s.restoreAcceptance(c))
	}
	if err := s.expect(c.Ruleset, true); err != nil {
		back := s.change(removal(c))
		if back != nil {
			back = fmt.Errorf("and the VIB %s is still installed: %w", c.VIB.ID, back)
		}
		return errors.Join(err, back, s.restoreAcceptance(c))
	}
	return nil
}

func removal(c *fix.Change) string {
	return "esxcli software vib remove -n " + hostssh.Quote(c.VIB.Name)
}

// removeVIB takes an installation back.
func (s *shell) removeVIB(c *fix.Change) error {
	if err := s.change(removal(c)); err != nil {
		return err
	}
	if err := s.expect(c.Ruleset, false); err != nil {
		return err
	}
	return s.restoreAcceptance(c)
}

func (s *shell) setAcceptance(level string) error {
	_, err := s.say("esxcli software acceptance set --level=" + hostssh.Quote(level))
	return err
}

func (s *shell) restoreAcceptance(c *fix.Change) error {
	if c.VIB.AcceptanceBefore == "" {
		return nil
	}
	if err := s.setAcceptance(c.VIB.AcceptanceBefore); err != nil {
		return fmt.Errorf("and the acceptance level stays at %s: %w", fix.CommunitySupported, err)
	}
	return nil
}

// change runs a command that changes the host's software, and reads its
// "Installation Result", whose lines stand in another order in each version.
func (s *shell) change(command string) error {
	said, err := s.run(command, nil, installTime)
	if err != nil {
		return err
	}
	result := map[string]string{}
	for line := range strings.Lines(said) {
		if key, value, found := strings.Cut(line, ":"); found {
			result[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	switch message := result["Message"]; {
	case strings.EqualFold(result["Reboot Required"], "true"):
		return errors.New("the host has to be started again for it: the ruleset is not there before")
	case strings.Contains(message, "Host is not changed"):
		return errors.New("the host is not changed: it has this VIB, or a later one, already")
	case message == "":
		return errors.New("esxcli did not say what became of it")
	}
	return nil
}

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
