package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// fromFile marks a flag that a file gave.
const fromFile = "config-from-file"

// Apply gives a command the flags that stand in the file, unless it has no such flag, or
// the command line gives that flag, or one that excludes it.
func (c *Config) Apply(f *pflag.FlagSet) error {
	for _, s := range c.Settings {
		flag := f.Lookup(s.Flag)
		if flag == nil || flag.Changed || excluded(f, flag) {
			continue
		}
		for _, value := range s.Values {
			if err := f.Set(s.Flag, value); err != nil {
				return fmt.Errorf("%s: %w", s.Place, err)
			}
		}
		if err := f.SetAnnotation(s.Flag, fromFile, []string{s.Place.String()}); err != nil {
			return err
		}
	}
	return nil
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
