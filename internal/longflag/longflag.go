// Package longflag reads long options with one dash, as vic-machine and govc take
// them, for a command tree of pflag, to which -user is -u with the value ser.
package longflag

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Expand returns the arguments with a second dash before each long option that has
// one. What is the value of the option before it, and what stands behind --, is
// left alone.
func Expand(root *cobra.Command, args []string) []string {
	long, short := flagsOf(root)
	expanded := make([]string, 0, len(args))
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return append(expanded, args[i:]...)
		}
		name, _, valued := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		flag := long[name]
		switch {
		case !strings.HasPrefix(arg, "-"), len(arg) < 2:
			flag = nil
		case len(arg) == 2:
			flag = short[name]
		case flag != nil && !strings.HasPrefix(arg, "--"):
			arg = "-" + arg
		}
		expanded = append(expanded, arg)
		if flag != nil && !valued && flag.NoOptDefVal == "" && i+1 < len(args) {
			i++
			expanded = append(expanded, args[i])
		}
	}
	return expanded
}

// Takes returns what says of a name, without dashes, whether it is of one of a command's
// flags, long or short, and whether that has a value. That of help is, before pflag has it.
func Takes(flags *pflag.FlagSet) func(name string) (known, value bool) {
	return func(name string) (known, value bool) {
		f := flags.Lookup(name)
		if f == nil && len(name) == 1 {
			f = flags.ShorthandLookup(name)
		}
		return f != nil || name == "help" || name == "h", f != nil && f.NoOptDefVal == ""
	}
}

// EmptyError means that an option is given and empty.
type EmptyError struct{ Name string }

func (e *EmptyError) Error() string { return "--" + e.Name + " is given and empty" }

// Filled returns an *EmptyError when an option that takes a text was given an empty
// one, as an unset variable of a script does: to do as if it was not given could
// widen what is meant.
func Filled(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		if len(values) == 0 || slices.Contains(values, "") {
			err = &EmptyError{f.Name}
		}
	})
	return err
}

// flagsOf are the options of all commands of a tree, by name and by shorthand.
func flagsOf(cmd *cobra.Command) (long, short map[string]*pflag.Flag) {
	long, short = map[string]*pflag.Flag{}, map[string]*pflag.Flag{}
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		take := func(f *pflag.Flag) {
			long[f.Name] = f
			if f.Shorthand != "" {
				short[f.Shorthand] = f
			}
		}
		c.InitDefaultHelpFlag()
		c.Flags().VisitAll(take)
		c.PersistentFlags().VisitAll(take)
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(cmd)
	return long, short
}
