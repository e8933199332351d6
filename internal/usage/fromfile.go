package usage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// fromFile marks a flag that a configuration file gave.
const fromFile = "usage-from-file"

// FromFile gives a flag the values that stand at a place in a configuration file, unless
// the command has no such flag, or the command line gives it, or one that excludes it.
func FromFile(f *pflag.FlagSet, name string, values []string, place fmt.Stringer) error {
	flag := f.Lookup(name)
	if flag == nil || flag.Changed || excluded(f, flag) {
		return nil
	}
	for _, value := range values {
		if err := f.Set(name, value); err != nil {
			return fmt.Errorf("%s: %w", place, err)
		}
	}
	return f.SetAnnotation(name, fromFile, []string{place.String()})
}

// excluded reports whether a flag is given that does not go with this one: cobra keeps
// such groups in an annotation (cobra.Command.MarkFlagsMutuallyExclusive).
func excluded(f *pflag.FlagSet, flag *pflag.Flag) bool {
	return slices.ContainsFunc(flag.Annotations["cobra_annotation_mutually_exclusive"], func(group string) bool {
		return slices.ContainsFunc(strings.Fields(group), f.Changed)
	})
}

// Given reports whether the command line itself gives a flag. What a file gives is for
// all commands, and is not said of one.
func Given(f *pflag.FlagSet, name string) bool {
	flag := f.Lookup(name)
	return flag != nil && flag.Changed && len(flag.Annotations[fromFile]) == 0
}

// GoesWith refuses flags that the command line gives where they mean nothing.
func GoesWith(f *pflag.FlagSet, on bool, with string, names ...string) error {
	for _, name := range names {
		if !on && Given(f, name) {
			return fmt.Errorf("--%s goes with %s", name, with)
		}
	}
	return nil
}
