package slips_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// root is the module's folder. Files and packages of the table are named from there.
const root = "../.."

// slip is a small mistake, and how it is to be noticed.
type slip struct {
	// Name says the mistake in words, and no other slip has it.
	Name string `yaml:"name"`
	File string `yaml:"file"`
	// Was stands in the file exactly once, and Now is put in its place.
	Was string `yaml:"was"`
	Now string `yaml:"now"`
	// Tests are the packages whose tests must notice it, each of them.
	Tests []string `yaml:"tests"`
	// Focus keeps it quick: of a package, the specs alone that it fits are run.
	Focus string `yaml:"focus,omitempty"`
	// Says are words that the name, or the message, of one failed spec has to hold, so that
	// the right one notices it for the right reason.
	Says []string `yaml:"says"`
	// Missed is why no test notices it, where that is known.
	Missed string `yaml:"missed,omitempty"`

	// area is the part of the code, by the file of the table.
	area string
}

// heavy reports whether most of the program has to be built for the slip's tests. A sample
// has none of these.
func (s *slip) heavy() bool {
	return slices.Contains(s.Tests, "./cmd/vic-preflight") || slices.Contains(s.Tests, "./preflight") || slices.Contains(s.Tests, "./internal/vsphere")
}

// readTable reads every file of testdata, one for each area.
func readTable() (slips []*slip, err error) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var list []*slip
		in := yaml.NewDecoder(bytes.NewReader(text))
		in.KnownFields(true)
		if err := in.Decode(&list); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, s := range list {
			s.area = strings.TrimSuffix(filepath.Base(file), ".yaml")
		}
		slips = append(slips, list...)
	}
	return slips, nil
}

// apply is the text of the slip's file with the mistake in it.
func (s *slip) apply(text string) (string, error) {
	switch n := strings.Count(text, s.Was); {
	case s.Name == "" || s.Was == "" || len(s.Tests) == 0 || len(s.Says) == 0:
		return "", errors.New("a slip has a name, a text that stands there, tests, and what these have to say")
	case s.Was == s.Now:
		return "", errors.New("it changes nothing")
	case n == 0:
		return "", fmt.Errorf("the slip is stale: %s does not hold %q any more", s.File, s.Was)
	case n > 1:
		return "", fmt.Errorf("the slip is stale: %s holds %q %d times", s.File, s.Was, n)
	}
	return strings.Replace(text, s.Was, s.Now, 1), nil
}

// applied reads the slip's file and makes the mistake.
func (s *slip) applied() (string, error) {
	text, err := os.ReadFile(filepath.Join(root, s.File))
	if err != nil {
		return "", fmt.Errorf("the slip is stale: %w", err)
	}
	return s.apply(string(text))
}
