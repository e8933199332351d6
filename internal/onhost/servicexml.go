package onhost

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"github.com/vic-preflight/vic-preflight/fix"
)

// writeService puts the change's file in the place of the host's, lets the host
// read it, and sees that the ruleset came or went. Where that fails the file is
// to be put back.
func (s *shell) writeService(c *fix.Change) (takeBack, error) {
	f := c.File
	now, err := s.read(f.Path)
	switch {
	case err != nil:
		return nil, err
	case !bytes.Equal(now, f.Before):
		return nil, fmt.Errorf("nothing was changed: %s is not any more what it was when this was planned", f.Path)
	case bytes.Equal(f.Before, f.After):
		return nil, s.expect(c.Ruleset, !c.After.Absent) // the firewall alone is behind
	}
	mode, err := s.say("stat -c %a " + shellescape.Quote(f.Path))
	if err != nil {
		return nil, err
	}
	mode = strings.TrimSpace(mode)
	fresh, backup := temporary(f.Path), backupPath(f.Path)
	tidy := func(s *shell) error { return s.discard(backup) }
	if _, err := s.say(fmt.Sprintf("cp -p %s %s", shellescape.Quote(f.Path), shellescape.Quote(backup))); err != nil {
		return tidy, fmt.Errorf("nothing was changed: %w", err)
	}
	back := func(s *shell) error { return joined(s.discard(fresh), s.putBack(f, fresh, mode)) }
	if err := s.replace(f.Path, fresh, mode, f.After); err != nil {
		return back, err
	}
	if err := s.expect(c.Ruleset, !c.After.Absent); err != nil {
		return back, err
	}
	if err := tidy(s); err != nil {
		return tidy, nil
	}
	return nil, nil // the journal has it too
}

// backupPath is where the file is kept on the host while it is changed.
func backupPath(path string) string {
	return "/tmp/vic-preflight-backup-" + path[strings.LastIndex(path, "/")+1:]
}

// replace writes the file beside the old one, as fresh, with its mode, and puts
// it in its place in one step. Where the host refuses that (what its system image
// brings may not be renamed over) the file is written in place, by the steps of
// the guides: mode 644, the sticky bit, the text, the mode as before.
func (s *shell) replace(path, fresh, mode string, data []byte) error {
	if err := s.put(fresh, data); err != nil {
		return err
	}
	mode, from, to := shellescape.Quote(mode), shellescape.Quote(fresh), shellescape.Quote(path)
	_, err := s.say(fmt.Sprintf("chmod %s %s && mv -f %s %s", mode, from, from, to))
	if err != nil {
		_, err = s.say(fmt.Sprintf("chmod 644 %[2]s && chmod +t %[2]s && cat %[1]s > %[2]s; r=$?; chmod %[3]s %[2]s; rm -f %[1]s; exit $r", from, to, mode))
	}
	if err != nil {
		_ = s.discard(fresh)
		return err
	}
	now, err := s.read(path)
	if err == nil && !bytes.Equal(now, data) {
		err = fmt.Errorf("%s does not hold what was written", path)
	}
	return err
}

// putBack restores the file after a change that did not take, and lets the host
// read it. What is neither the old text nor the beginning of the new one is
// somebody else's, and stays.
func (s *shell) putBack(f *fix.FileChange, fresh, mode string) error {
	now, err := s.read(f.Path)
	switch {
	case err != nil, bytes.Equal(now, f.Before):
	case !bytes.HasPrefix(f.After, now):
		err = errors.New("somebody has changed it meanwhile, and it is left like that")
	default:
		err = s.replace(f.Path, fresh, mode, f.Before)
	}
	if err != nil {
		return fmt.Errorf("%s is kept on the host in %s: %w", f.Path, backupPath(f.Path), err)
	}
	// What is left in /tmp is no reason not to let the host read the file.
	left := s.discard(backupPath(f.Path))
	if err := s.refresh(); err != nil {
		return fmt.Errorf("%s is as it was, and the firewall has not read it again: %w", f.Path, err)
	}
	return left
}
