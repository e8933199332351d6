package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"
)

// UntrustedError is about what a file that was merely found may not say.
type UntrustedError struct {
	// Where it says so, and which file it is.
	Where, Path string
	// What the file says, and why that is refused.
	What, Why string
}

func (e *UntrustedError) Error() string {
	return fmt.Sprintf("%s: %s, and the file was merely found in the working directory: %s", e.Where, e.What, e.Why)
}

// Ways are the ways out.
func (e *UntrustedError) Ways() []string {
	return []string{fmt.Sprintf("read it; --config %s says that you mean it, and --config - does without it", shellescape.Quote(e.Path))}
}

// Who writes a file in a folder that others use must not learn their passwords.
const (
	toServer = "it may not say who gets a password"
	toFile   = "it may not say what is written outside its folder"
)

// Trust returns an *UntrustedError where a file that was merely found has one of the settings
// that decide who is signed in to, or where a report is written: whoever runs a program in a
// folder of somebody else has read no file there. What does not apply to the command is
// passed over.
func (c *Config) Trust(s Setting, applies func(flag string) bool) error {
	if !c.Found || !applies(s.Flag) {
		return nil
	}
	switch s.Flag {
	case "ssh-known-hosts":
		return &UntrustedError{s.Place.String(), c.Path, "it gives " + s.Flag, toServer}
	case "output":
		for _, value := range s.Values {
			if _, to, ok := strings.Cut(value, "="); ok && to != "-" && !beneath(filepath.Dir(c.Path), to) {
				return &UntrustedError{s.Place.String(), c.Path, "its output goes to " + to, toFile}
			}
		}
	}
	return nil
}

// TrustTargets is Trust for the file's own targets.
func (c *Config) TrustTargets(simulated func(address string) bool) error {
	real := slices.IndexFunc(c.Targets, func(t Target) bool { return !simulated(t.Address) })
	if !c.Found || real < 0 {
		return nil
	}
	return &UntrustedError{c.Targets[real].Place.String(), c.Path, "it names the target " + c.Targets[real].Address, toServer}
}

// TrustVerification is Trust for how the certificate of a server is verified.
func (c *Config) TrustVerification(key string, of Target) error {
	if c == nil || !c.Found {
		return nil
	}
	where := c.Path // of all targets
	if of.Place.Path != "" {
		where = of.Place.String()
	}
	return &UntrustedError{where, c.Path, "it gives " + key, toServer}
}

// beneath reports whether a path is in a folder, wherever links lead.
func beneath(dir, path string) bool {
	at, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	rest := ""
	for {
		real, err := filepath.EvalSymlinks(at)
		if err == nil {
			at = filepath.Join(real, rest)
			break
		}
		if _, err := os.Lstat(at); err == nil || at == filepath.Dir(at) {
			return false // a link to what is not there yet
		}
		at, rest = filepath.Dir(at), filepath.Join(filepath.Base(at), rest)
	}
	if dir, err = filepath.Abs(dir); err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	inside, wrong := filepath.Rel(dir, at)
	return err == nil && wrong == nil && filepath.IsLocal(inside)
}
