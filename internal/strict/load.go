package strict

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/vic-preflight/vic-preflight/internal/infile"
)

// largest is the size of a file, in bytes, that is read. A thousand waivers have 200 KB.
const largest = 1 << 20

// Load reads a file of a kind, such as configuration file.
func Load(path, kind string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s: it is a directory, and no %s", path, kind)
	}
	file, err := infile.Open(path)
	if err != nil {
		return nil, without(path, err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, largest+1))
	switch {
	case err != nil:
		return nil, without(path, err)
	case len(data) > largest:
		return nil, fmt.Errorf("%s: it has more than 1 MiB, and is no %s", path, kind)
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
