package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// vacant makes sure that a file may be written: none is there, or it may be
// replaced. Only files are replaced, never what a name such as /dev/sda or a
// link stands for.
func vacant(path string, replace bool) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil: // if it is more than that it is not there, writing says so
		return nil
	case !info.Mode().IsRegular():
		return usageError(fmt.Errorf("%s is there, and no regular file: it is not replaced", path))
	case !replace:
		return existsError(path)
	}
	return nil
}

func existsError(path string) error {
	return usageError(fmt.Errorf("%s is there already", path), "--force replaces it")
}

// writeFile makes a file in one step: whoever looks sees all of it or nothing,
// and when it fails there is nothing.
func writeFile(path string, data []byte, replace bool) (err error) {
	if err := vacant(path, replace); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".vic-preflight-*.tmp")
	if err != nil {
		return usageError(fmt.Errorf("write %s: %w", path, err))
	}
	defer os.Remove(temp.Name()) // what has been renamed is not there
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Chmod(0o644), temp.Sync(), temp.Close())
	if err == nil {
		err = place(temp.Name(), path, replace)
	}
	var refused *exitError
	if err == nil || errors.As(err, &refused) {
		return err
	}
	return usageError(fmt.Errorf("write %s: %w", path, err))
}

// place gives a finished file its name. A link fails where the name was taken in
// the meantime; some file systems have none.
func place(temp, path string, replace bool) error {
	if replace {
		return os.Rename(temp, path)
	}
	err := os.Link(temp, path)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		return existsError(path)
	}
	if err := vacant(path, false); err != nil {
		return err
	}
	return os.Rename(temp, path)
}
