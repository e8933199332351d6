// Package output takes a report to where it is to go: standard output, files, and the
// summary of a job on GitHub. It does not know what the formats are.
package output

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/internal/nearest"
	"github.com/vic-preflight/vic-preflight/internal/newfile"
	"github.com/vic-preflight/vic-preflight/report"
)

// Output is a format and where it goes.
type Output struct {
	Format report.Format
	// Path is a file; empty means standard output.
	Path string
}

// Parse reads FORMAT or FORMAT=FILE, where FILE - is standard output. What nobody sends
// to standard output is the table. It makes sure that the files can be there, so that no
// run is in vain.
func Parse(texts []string) ([]Output, error) {
	var list []Output
	taken := map[string]string{}
	for _, text := range texts {
		name, path, named := strings.Cut(text, "=")
		format, err := report.FormatNamed(name)
		if err != nil {
			if meant := nearest.Of(name, report.FormatNames()); meant != "" {
				err = fmt.Errorf("%w; did you mean %s?", err, meant)
			}
			return nil, err
		}
		if named && path == "" {
			return nil, fmt.Errorf("%s= names no file", name)
		}
		if slices.Contains(standard, path) {
			path = ""
		}
		where := path
		if path != "" {
			if where, err = filepath.Abs(path); err != nil {
				return nil, err
			}
			if err := possible(path); err != nil {
				return nil, fmt.Errorf("%s: %w", text, err)
			}
		}
		if other, ok := taken[where]; ok {
			if path == "" {
				return nil, fmt.Errorf("%s and %s cannot both go to standard output: give one a file, as %s=FILE", other, name, name)
			}
			return nil, fmt.Errorf("%s and %s cannot both go to %s", other, name, path)
		}
		taken[where] = name
		list = append(list, Output{format, path})
	}
	if _, ok := taken[""]; !ok {
		list = append([]Output{{Format: report.Formats()[0]}}, list...)
	}
	return list, nil
}

// standard are the names of standard output.
var standard = []string{"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}

func possible(path string) error {
	path = behind(path)
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return errors.New("that is a folder")
	case err == nil && !info.Mode().IsRegular():
		return nil // it is written to, and not replaced
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return fmt.Errorf("the folder %s is not there", filepath.Dir(path))
	}
	return newfile.Possible(path, true)
}

// behind is what a name stands for where it is a link, also one to what is not there yet.
func behind(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	for range 40 { // links, as systems have it
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			break // such as a pipe behind /dev/fd, whose link names no file
		}
		to, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return path
}

// Named reports whether one of the outputs has the format.
func Named(list []Output, format string) bool {
	return slices.ContainsFunc(list, func(o Output) bool { return o.Format.Name == format })
}

// OfWatch makes sure that what goes to standard output is for people: of a watch lines of
// what changes follow it.
func OfWatch(list []Output) error {
	for _, o := range list {
		if o.Path == "" && o.Format.ForPrograms {
			return fmt.Errorf("%s cannot go to standard output, where a watch writes lines of what changes: give it a file, as %s=FILE, which is replaced in each round", o.Format.Name, o.Format.Name)
		}
	}
	return nil
}

// Follow writes what a further round of a watch tells, and its files, unless there is no
// whole report.
func Follow(ctx context.Context, w io.Writer, list []Output, events []report.Event, r *report.Report, style report.Style) error {
	err := ToStream(ctx, func() error { return report.Events(w, events, style) })
	if r != nil {
		err = errors.Join(err, WriteFiles(ctx, list, r))
	}
	return err
}

// WriteFiles writes the outputs that go to files. Each file is written whole or not at
// all; one that fails keeps no other from being written. A pipe that nobody reads from is
// given up after a while, and soon after the context has ended.
func WriteFiles(ctx context.Context, list []Output, r *report.Report) error {
	var errs []error
	for _, o := range list {
		if o.Path == "" {
			continue
		}
		var b bytes.Buffer
		err := o.Format.Write(&b, r, report.Style{})
		if err == nil {
			err = write(ctx, o.Path, b.Bytes())
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("write %s to %s: %w", o.Format.Name, o.Path, err))
		}
	}
	return errors.Join(errs...)
}

// write replaces a file in one step, and goes through links. A device or a pipe is
// written to.
func write(ctx context.Context, path string, data []byte) error {
	path = behind(path)
	err := newfile.Write(path, data, true)
	if errors.Is(err, newfile.ErrIrregular) {
		return extend(ctx, path, data)
	}
	return err
}

// AppendSummary adds the report, in Markdown, to the file in which GitHub takes the
// summary of a job.
func AppendSummary(ctx context.Context, path string, r *report.Report) error {
	format, err := report.FormatNamed("markdown")
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := format.Write(&b, r, report.Style{}); err != nil {
		return err
	}
	if err := extend(ctx, path, b.Bytes()); err != nil {
		return fmt.Errorf("write the job's summary: %w", err)
	}
	return nil
}
