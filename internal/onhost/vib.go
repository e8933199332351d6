package onhost

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// software finds out what a host's software takes.
func (s *shell) software(found *fix.Survey) error {
	var err error
	if found.Acceptance, err = s.acceptance(); err != nil {
		return err
	}
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
	// What waits for the next start counts as well.
	for _, command := range []string{"esxcli software vib list", "esxcli software vib list --rebooting-image"} {
		list, err := s.say(command)
		if err != nil {
			return err
		}
		vibs, err := readVIBs(list)
		if err == nil && len(vibs) == 0 && len(found.VIBs) == 0 {
			err = errNoTable // no host has none
		}
		if err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
		found.VIBs = append(found.VIBs, vibs...)
	}
	return nil
}

// readVIBs reads esxcli's table, whose columns begin where the line of dashes
// says. Nothing at all is an empty list.
func readVIBs(list string) ([]fix.InstalledVIB, error) {
	if strings.TrimSpace(list) == "" {
		return nil, nil
	}
	lines := strings.Split(strings.TrimRight(list, "\n"), "\n")
	if len(lines) < 2 || !strings.HasPrefix(lines[1], "-") {
		return nil, errNoTable
	}
	column := func(line, title string) string {
		start := 0
		for start < len(lines[1]) {
			next := nextColumn(lines[1], start)
			if cell(lines[0], start, next) == title {
				return cell(line, start, next)
			}
			start = next
		}
		return ""
	}
	vibs := make([]fix.InstalledVIB, 0, len(lines)-2)
	for _, line := range lines[2:] {
		name, version, vendor := column(line, "Name"), column(line, "Version"), column(line, "Vendor")
		if name == "" || version == "" || vendor == "" {
			return nil, errNoTable
		}
		vibs = append(vibs, fix.InstalledVIB{Name: name, ID: fmt.Sprintf("%s_bootbank_%s_%s", vendor, name, version)})
	}
	return vibs, nil
}

var errNoTable = errors.New("it did not print the table of names, versions and vendors")

// nextColumn is where the column after the one at start begins in a line of
// dashes.
func nextColumn(dashes string, start int) int {
	end := start
	for end < len(dashes) && dashes[end] == '-' {
		end++
	}
	for end < len(dashes) && dashes[end] == ' ' {
		end++
	}
	return max(end, start+1)
}

func cell(line string, start, end int) string {
	if start >= len(line) {
		return ""
	}
	return strings.TrimSpace(line[start:min(end, len(line))])
}

// installVIB follows the manual's steps: copy, install, refresh, see the ruleset,
// clean up. It tries the installation first, to learn whether it would wait for
// a start of the host.
func (s *shell) installVIB(c *fix.Change, file []byte) (takeBack, error) {
	if err := s.levelAsPlanned(c); err != nil {
		return nil, err
	}
	path := temporary("/tmp/"+c.VIB.Name) + ".vib"
	quoted := shellescape.Quote(path)
	tidy := func(s *shell) error { return s.discard(path) }
	if err := s.put(path, file); err != nil {
		return tidy, err
	}
	back := func(s *shell) error { return joined(tidy(s), s.restoreAcceptance(c)) }
	if c.VIB.AcceptanceBefore != "" {
		if err := s.setAcceptance(fix.CommunitySupported); err != nil {
			return back, err
		}
	}
	if err := s.tryVIB(quoted); err != nil {
		return back, err
	}
	back = func(s *shell) error {
		_, err := s.removeVIB(c)
		return joined(tidy(s), err)
	}
	if _, err := s.change("esxcli software vib install -v " + quoted); err != nil {
		var unknown *unknownError
		if errors.As(err, &unknown) {
			return func(s *shell) error { return joined(s.awaitVIB(c), back(s)) }, err
		}
		return back, err
	}
	if err := s.expect(c.Ruleset, true); err != nil {
		return back, err
	}
	if err := tidy(s); err != nil {
		return tidy, nil
	}
	return nil, nil
}

// levelAsPlanned sees that the acceptance level to lower is still the one that the
// plan found: another would be put back wrongly.
func (s *shell) levelAsPlanned(c *fix.Change) error {
	if c.VIB.AcceptanceBefore == "" {
		return nil
	}
	level, err := s.acceptance()
	if err == nil && level != c.VIB.AcceptanceBefore {
		err = fmt.Errorf("nothing was changed: the acceptance level is %s, and was %s when this was planned", level, c.VIB.AcceptanceBefore)
	}
	return err
}

// tryVIB sees what an installation would do. One that removes something cannot be
// taken back.
func (s *shell) tryVIB(quoted string) error {
	would, err := s.change("esxcli software vib install --dry-run -v " + quoted)
	if removed := would["VIBs Removed"]; err == nil && removed != "" {
		err = fmt.Errorf("nothing is installed: it would remove %s from the host", removed)
	}
	return err
}

const (
	// awaitTime is how long a host may still be installing what nobody waits for,
	// awaitPause how often it is looked at.
	awaitTime  = takeBackTime - time.Minute
	awaitPause = 2 * time.Second
)

// awaitVIB waits for a VIB that a host may still be installing, so that it can be
// removed.
func (s *shell) awaitVIB(c *fix.Change) error {
	for deadline := time.Now().Add(s.await); time.Now().Before(deadline); {
		var now fix.Survey
		if err := s.software(&now); err != nil {
			return err
		}
		if slices.Contains(now.VIBs, fix.InstalledVIB{Name: c.VIB.Name, ID: c.VIB.ID}) {
			return nil
		}
		select {
		case <-s.ctx.Done():
			return s.ctx.Err()
		case <-time.After(s.pause):
		}
	}
	return fmt.Errorf("the host may still be installing %s: undo looks again", c.VIB.ID)
}

// removeVIB takes an installation back, as much of it as was made. A part that
// fails does not keep the others from being done. It reports whether it began:
// whether something may be removed already where it fails.
func (s *shell) removeVIB(c *fix.Change) (begun bool, err error) {
	var now fix.Survey
	if err := s.software(&now); err != nil {
		return false, joined(err, s.restoreAcceptance(c))
	}
	// A VIB is removed by its name: another one's must not be.
	if other := now.OtherVIB(c.VIB.Name, c.VIB.ID); other != "" {
		return false, fmt.Errorf("another VIB of that name, %s, has come since: nothing is removed, and the acceptance level stays", other)
	}
	var removal, seen error
	if slices.Contains(now.VIBs, fix.InstalledVIB{Name: c.VIB.Name, ID: c.VIB.ID}) {
		_, removal = s.change("esxcli software vib remove -n " + shellescape.Quote(c.VIB.Name))
	}
	var unknown *unknownError
	begun = removal == nil || errors.As(removal, &unknown)
	if removal == nil {
		seen = s.expect(c.Ruleset, false)
	}
	return begun, joined(removal, seen, s.restoreAcceptance(c))
}

// joined is errors.Join on one line.
func joined(errs ...error) error {
	var all error
	for _, err := range errs {
		switch {
		case err == nil:
		case all == nil:
			all = err
		default:
			all = fmt.Errorf("%w; %w", all, err)
		}
	}
	return all
}

func (s *shell) acceptance() (string, error) {
	level, err := s.say("esxcli software acceptance get")
	return strings.TrimSpace(level), err
}

func (s *shell) setAcceptance(level string) error {
	_, err := s.say("esxcli software acceptance set --level=" + shellescape.Quote(level))
	return err
}

// restoreAcceptance sets the acceptance level back when the change lowered it, and
// nobody has set another since.
func (s *shell) restoreAcceptance(c *fix.Change) error {
	if c.VIB.AcceptanceBefore == "" {
		return nil
	}
	level, err := s.acceptance()
	if err == nil && level == fix.CommunitySupported {
		err = s.setAcceptance(c.VIB.AcceptanceBefore)
	}
	if err != nil {
		return fmt.Errorf("the acceptance level stays at %s: %w", fix.CommunitySupported, err)
	}
	return nil
}

// change runs a command that changes the host's software, or tries to, and reads
// its "Installation Result", whose lines stand in another order in each version.
func (s *shell) change(command string) (map[string]string, error) {
	said, err := s.run(command, nil, installTime)
	if err != nil {
		return nil, err
	}
	return readResult(command, said)
}

func readResult(command, said string) (map[string]string, error) {
	result := map[string]string{}
	for line := range strings.Lines(said) {
		if key, value, found := strings.Cut(line, ":"); found {
			result[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	switch message := result["Message"]; {
	case strings.EqualFold(result["Reboot Required"], "true"):
		return nil, fmt.Errorf("%s: the host would have to be started again for it", name(command))
	case strings.Contains(message, "Host is not changed"):
		return nil, errors.New("the host is not changed: it has this VIB, or a later one, already")
	case message == "":
		return nil, fmt.Errorf("%s did not say what became of it", name(command))
	}
	return result, nil
}
