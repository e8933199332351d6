package onhost

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"github.com/vic-preflight/vic-preflight/fix"
)

// edit is one exchange of a file on the host. Its other copy is in the journal.
type edit struct {
	*shell
	path, mode string
	fresh      string // a file beside it, of the edit's own
	// begun means that a command was sent which writes the file: what it holds may be
	// the edit's.
	begun bool
}

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
	e := &edit{shell: s, path: f.Path, mode: strings.TrimSpace(mode), fresh: temporary(f.Path)}
	err = e.replace(f.Before, f.After)
	if err == nil {
		err = s.expect(c.Ruleset, !c.After.Absent)
	}
	if err == nil {
		return nil, nil
	}
	return func(s *shell) error {
		e.shell = s
		// A command that was cut off may write its file only now: it goes first, for the
		// host not to read it, and last.
		return joined(s.discard(e.fresh), e.putBack(f), s.discard(e.fresh))
	}, err
}

// errChanged means that a file is somebody else's meanwhile.
var errChanged = errors.New("somebody has changed it meanwhile, and it is left like that")

// exitChanged is the exit code by which the host says so.
const exitChanged = 75

// replace writes the file beside the old one, as fresh, with its mode, and puts
// it in its place in one step. Where the host refuses that (what its system image
// brings may not be renamed over) the file is written in place, by the steps of
// the guides: mode 644, the sticky bit, the text, the mode as before. The host does
// neither where the file is not the one that was read.
func (e *edit) replace(was, data []byte) error {
	if err := e.put(e.fresh, data); err != nil {
		return err
	}
	mode, from, to := shellescape.Quote(e.mode), shellescape.Quote(e.fresh), shellescape.Quote(e.path)
	ifSame := func(commands string) string {
		return fmt.Sprintf(`case "$(sha256sum < %s)" in %x*) %s;; *) exit %d;; esac`, to, sha256.Sum256(was), commands, exitChanged)
	}
	e.begun = true
	_, err := e.say(ifSame(fmt.Sprintf("chmod %s %s && mv -f %s %s", mode, from, from, to)))
	if err != nil && !changed(err) {
		_, err = e.say(ifSame(fmt.Sprintf("chmod 644 %[2]s && chmod +t %[2]s && cat %[1]s > %[2]s; r=$?; chmod %[3]s %[2]s; rm -f %[1]s; exit $r", from, to, mode)))
	}
	if changed(err) {
		e.begun, err = false, errChanged
	}
	if err != nil {
		_ = e.discard(e.fresh)
		return err
	}
	now, err := e.read(e.path)
	if err == nil && !bytes.Equal(now, data) {
		err = fmt.Errorf("%s does not hold what was written", e.path)
	}
	return err
}

// changed reports whether a command found another file than the one that was read.
func changed(err error) bool {
	var failed *CommandError
	return errors.As(err, &failed) && failed.Exit == exitChanged
}

// putBack restores the file after a change that did not take, and lets the host
// read it. What is neither the old text nor the beginning of the new one is
// somebody else's, and stays.
func (e *edit) putBack(f *fix.FileChange) error {
	if !e.begun {
		return nil
	}
	now, err := e.read(f.Path)
	switch {
	case err != nil, bytes.Equal(now, f.Before):
	case !bytes.HasPrefix(f.After, now):
		err = errChanged
	default:
		err = e.replace(now, f.Before)
	}
	if err != nil {
		return fmt.Errorf("%s, which the journal has as it was: %w", f.Path, err)
	}
	if err := e.refresh(); err != nil {
		return fmt.Errorf("%s is as it was, and the firewall has not read it again: %w", f.Path, err)
	}
	return nil
}
