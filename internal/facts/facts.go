// Package facts keeps what was read of targets in a file, and reads it again: the
// hosts' firewalls, their state, and, where that was asked for, what is installed and whom they
// talk to by their own settings.
//
// The file is JSON, and docs/facts.schema.json describes it. It holds no secret. What
// hosts have in common, a list of rulesets above all, stands in it once, and the hosts
// that are read from it share it as those of a server do. What was read over SSH, what
// a probe found and what an earlier report tells are no part of it.
//
// The package knows neither servers nor verdicts.
package facts

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// Version is the factsVersion that this package writes and reads.
const Version = 1

// File is what a file of facts holds.
type File struct {
	// Tool is the program that collected it, with its version.
	Tool    string
	Targets []Target
}

// Target is what was read of one vCenter or ESXi host.
type Target struct {
	// Name is what the user named, without credentials.
	Name string
	// CollectedAt is when the facts began to be read.
	CollectedAt time.Time
	// Refreshed means that each host was asked for fresh facts.
	Refreshed bool
	Inventory *inventory.Inventory
}

// Label names the target, and says that its facts are from a file and from when.
func (t *Target) Label() string {
	return fmt.Sprintf("%s, facts of %s", t.Name, t.CollectedAt.UTC().Format("2006-01-02 15:04 UTC"))
}

// Read reads a file. Its errors name the file and what is wrong in it.
func Read(path string) (*File, error) {
	f, err := infile.Open(path, infile.Huge)
	if err != nil {
		var failed *os.PathError
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return nil, fmt.Errorf("%s: cannot be opened: %w", path, err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	switch {
	case errors.Is(err, infile.ErrLarge):
		return nil, fmt.Errorf("%s: has more than %d MiB; collect --compute-resource makes a smaller file of each cluster", path, infile.Huge>>20)
	case err != nil:
		return nil, fmt.Errorf("%s: cannot be read: %w", path, errors.Unwrap(err))
	}
	file, err := Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}
