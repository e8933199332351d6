// Package newfile writes files that nobody asked to be replaced, and those that
// somebody did. It does not know what is in them.
package newfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2/maybe"
)

// ErrIrregular means that a name stands for something that is no regular file, such as
// a device or a link: that is never replaced.
var ErrIrregular = errors.New("it is there, and no regular file: it is not replaced")

// Vacant returns an error when a file may not be written: fs.ErrExist where one is
// there that may not be replaced, or ErrIrregular.
func Vacant(path string, replace bool) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil: // if it is more than that it is not there, writing says so
		return nil
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: %w", path, ErrIrregular)
	case !replace:
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	return nil
}

// Possible is Vacant, and an error too where the folder takes no new file: what is to be
// written may take long to come.
func Possible(path string, replace bool) error {
	if err := Vacant(path, replace); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".vic-preflight-")
	if err != nil {
		return named("create", path, err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// named is an error about the file that was asked for, and not about the one that takes its
// name in the end.
func named(call, path string, err error) error {
	var of *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &of):
		err = of.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return &fs.PathError{Op: call, Path: path, Err: err}
}

// Write makes a file, and leaves nothing when it fails. One that is replaced is so in
// one step, where the system knows such a step. One that is not to be replaced is
// never written to, also when it came in the meantime.
func Write(path string, data []byte, replace bool) error {
	if err := Vacant(path, replace); err != nil {
		return err
	}
	if replace {
		if err := maybe.WriteFile(path, data, 0o644); err != nil {
			return named("write", path, err)
		}
		return nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
