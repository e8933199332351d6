// Package completion says what the shell offers for flags and arguments, besides the
// values that are always the same.
package completion

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Offer offers the values to a flag of the command, as Values does. It panics where there is no
// such flag.
func Offer(cmd *cobra.Command, flag string, values ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, Values(cmd.Flag(flag), values...)); err != nil {
		panic(err)
	}
}

// Values offers the values to the flag. A flag of several, separated by commas, is
// offered after each comma those that are not there yet. A flag whose usage names
// `format[=file]` is offered files after the equals sign: the shells look for files
// themselves only where a whole word is one.
func Values(flag *pflag.Flag, values ...string) cobra.CompletionFunc {
	name, _ := pflag.UnquoteUsage(flag)
	return func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if format, path, named := strings.Cut(typed, "="); named && name == "format[=file]" {
			return files(format+"=", path)
		}
		if flag.Value.Type() == "stringSlice" {
			return others(values, typed), cobra.ShellCompDirectiveNoFileComp
		}
		return values, cobra.ShellCompDirectiveNoFileComp
	}
}

// others are what a list that is typed so far can go on with.
func others(values []string, typed string) (list []string) {
	before := typed[:strings.LastIndex(typed, ",")+1]
	there := strings.Split(before, ",")
	for _, v := range values {
		if !slices.Contains(there, v) {
			list = append(list, before+v)
		}
	}
	return list
}

// files are what begins with the path, each with the text before it. After a folder
// one types on.
func files(before, path string) (list []string, directive cobra.ShellCompDirective) {
	folder, start := filepath.Split(path)
	entries, _ := os.ReadDir(cmp.Or(folder, ".")) // what cannot be read is not offered
	directive = cobra.ShellCompDirectiveNoFileComp
	for _, e := range entries {
		name := e.Name()
		if !strings.HasPrefix(name, start) || start == "" && strings.HasPrefix(name, ".") {
			continue
		}
		if e.IsDir() {
			name += string(filepath.Separator)
		}
		list = append(list, before+folder+name)
	}
	if len(list) == 1 && strings.HasSuffix(list[0], string(filepath.Separator)) {
		directive |= cobra.ShellCompDirectiveNoSpace
	}
	return list, directive
}

// File lets the shell offer files for an argument or a flag.
func File(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// FilesAlone lets the shell offer files, in all of a tree of commands, to the flags
// whose usage names a `file` and to no other: by itself it offers them wherever it
// knows nothing better, such as a user's name.
func FilesAlone(root *cobra.Command) {
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	for _, cmd := range root.Commands() {
		FilesAlone(cmd)
	}
	root.Flags().VisitAll(func(f *pflag.Flag) {
		if name, _ := pflag.UnquoteUsage(f); name == "file" {
			_ = root.RegisterFlagCompletionFunc(f.Name, File) // fails where one is registered: that one counts
		}
	})
}
