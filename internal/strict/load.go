package strict

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/vic-preflight/vic-preflight/internal/infile"
)

// Load reads a file of a kind, such as configuration file.
func Load(path, kind string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s: it is a directory, and no %s", path, kind)
	}
	data, err := infile.Read(path, infile.Short)
	switch {
	case errors.Is(err, infile.ErrLarge):
		return nil, fmt.Errorf("%s: it has more than %d MiB, and is no %s", path, infile.Short>>20, kind) // a thousand waivers have 200 KB
	case err != nil:
		return nil, without(path, err)
	}
	return data, nil
}

// without names the file first, as all errors here do, and the call not at all.
func without(path string, err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return fmt.Errorf("%s: %w", path, err)
}
