// Package config reads configuration files: what a team checks, with which credentials,
// how it judges, and what it has accepted. Their keys are the command line's flags;
// docs/config.schema.json describes them for editors. Nothing in a file changes hosts.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/strict"
)

// Config is what a configuration file says. Paths in it are ready to be opened: in the
// file they are relative to its folder, as in a kubeconfig or a Compose file, so that it
// means the same wherever it is used from, and ~/ is the home directory.
type Config struct {
	// Path is the file.
	Path string
	// Found means that nobody named the file: it lay in the working directory, which may be
	// a folder of somebody else's. See Trust.
	Found bool
	// Targets are in the order of the file. What one does not say for itself it has from
	// Shared.
	Targets []Target
	// Shared is what the file says for targets that say nothing else, also for those
	// that come from elsewhere. Its Address is empty.
	Shared Target
	// Settings are the keys that are flags of commands, in the order of the file.
	Settings []Setting
	// Severities are what results with a reason count as: Warn or Fail.
	Severities map[checks.Reason]checks.Status
	// Waivers are all of the file, also those that expired.
	Waivers []checks.Waiver

	waiverPlaces []Place // one for each waiver
}

// Target is a vCenter or an ESXi host, and how to log in there. Empty fields are not
// given.
type Target struct {
	// Place is where the target begins.
	Place Place
	// Address is host[:port][/datacenter] or sim://SCENARIO, without credentials.
	Address string
	User    string
	// PasswordFile is a file that holds the password, PasswordEnv a variable of the
	// environment. One of them at most is given.
	PasswordFile, PasswordEnv string
	Thumbprints               []string
	Insecure                  bool
	ComputeResource           string
	// Hosts are globs.
	Hosts []string
}

// Setting is a flag that the file gives.
type Setting struct {
	// Flag is its name, without dashes.
	Flag string
	// Values are as the command line takes them, one for each time that the flag would
	// be given there; there is at least one.
	Values []string
	Place  Place
}

// Place is a place in a file, Error what is wrong there.
type (
	Place = strict.Place
	Error = strict.Error
)

// names are those that Find looks for, the first one first.
var names = []string{".vic-preflight.yaml", ".vic-preflight.yml"}

// Find returns the configuration file of a directory. What stands under its name and is
// no file that can be read is found all the same: Read says what is wrong with it, and
// waivers and severities do not vanish without a word.
func Find(dir string) (path string, found bool) {
	for _, name := range names {
		path = filepath.Join(dir, name)
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return path, true
		}
	}
	return "", false
}

// kind is what a file is called.
const kind = "configuration file"

// Read reads a configuration file. It returns everything that is wrong with it at once:
// the error joins an *Error for each, in the order of the file.
func Read(path string) (*Config, error) {
	data, err := strict.Load(path, kind)
	if err != nil {
		return nil, err
	}
	return parse(path, data)
}

// soon is how long before a waiver expires Notes tells of it.
const soon = 30 * 24 * time.Hour

// Notes returns what is not wrong with the file, but wants somebody's attention: waivers
// that expired, and those that do so within 30 days. Each starts with its place.
func (c *Config) Notes(now time.Time) (notes []string) {
	for i, w := range c.Waivers {
		day := w.Expires.Format(time.DateOnly)
		switch {
		case !now.Before(w.Expires):
			notes = append(notes, fmt.Sprintf("%s: the waiver of %s expired on %s and counts no more", c.waiverPlaces[i], w.Reason, day))
		case w.Expires.Sub(now) <= soon:
			notes = append(notes, fmt.Sprintf("%s: the waiver of %s expires soon, on %s", c.waiverPlaces[i], w.Reason, day))
		}
	}
	return notes
}

// parse reads the bytes of the file at path.
func parse(path string, data []byte) (*Config, error) {
	d := &strict.Document{Path: path, Kind: kind}
	c := &Config{Path: path}
	if root := d.Root(data); root != nil {
		read(d, c, root)
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	return c, nil
}
