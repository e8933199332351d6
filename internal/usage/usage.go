// Package usage says how a command is used, and what is wrong with a command line, in
// words for people. It knows cobra and pflag, and nothing of what the commands do.
package usage

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/olekukonko/tablewriter/pkg/twwarp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vic-preflight/vic-preflight/internal/nearest"
)

// width is that of help texts, wherever they are read.
const width = 80

// The annotations of flags.
const (
	section = "usage-section"
	shown   = "usage-shown"
)

// Section puts the flags that have none yet into a section of the short help.
func Section(f *pflag.FlagSet, title string) {
	f.VisitAll(func(flag *pflag.Flag) {
		if len(flag.Annotations[section]) == 0 {
			_ = f.SetAnnotation(flag.Name, section, []string{title}) // it is there
		}
	})
}

// Show picks the flags that the short help describes; it names the others. It panics
// where there is no such flag.
func Show(f *pflag.FlagSet, names ...string) {
	for _, name := range names {
		if err := f.SetAnnotation(name, shown, []string{name}); err != nil {
			panic(err)
		}
	}
}

// Install gives the commands their short help, where they have one and all was not asked
// for, and the flag --help-all, which the caller must look for: cobra knows --help alone.
// Words that are no command are refused there too: cobra's help leaves them out silently.
func Install(root *cobra.Command, out io.Writer, all *bool) {
	root.InitDefaultHelpCmd()
	if help, _, err := root.Find([]string{"help"}); err == nil && help != root {
		help.Args = func(_ *cobra.Command, words []string) error {
			found, rest, _ := root.Find(words) // an error is about the rest, too
			return NoCommand(found, rest)
		}
	}
	root.InitDefaultCompletionCmd()
	if shells, _, err := root.Find([]string{"completion"}); err == nil && shells != root {
		// By itself it prints help for any word, with exit code 0, into a shell that sources it.
		ask(shells, "completion for which shell?", root.Name()+" completion bash, zsh, fish or powershell")
		shells.Short = "Print what completes commands, flags and values in a shell"
		shells.Long = "completion prints the script by which a shell completes commands, flags and\nvalues. The help of each shell's command says how to load it."
	}
	long := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if !*all {
			if done, _ := Short(out, cmd); done {
				return
			}
		}
		long(cmd, args)
	})
	root.PersistentFlags().Bool("help-all", false, "describe all flags, with examples and exit codes")
}

// Short writes the help that fits a screen, and reports whether the command has one: it
// takes Show. The rest is for --help-all.
func Short(w io.Writer, cmd *cobra.Command) (bool, error) {
	main := pflag.NewFlagSet("", pflag.ContinueOnError)
	main.SortFlags = false
	var titles []string
	others := map[string][]string{}
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		switch {
		case f.Hidden:
		case len(f.Annotations[shown]) > 0:
			brief := *f
			brief.Usage, brief.DefValue = clause(f), zero[f.Value.Type()]
			main.AddFlag(&brief)
		case f.Name != "help" && f.Name != "help-all":
			title := "more"
			if named := f.Annotations[section]; len(named) > 0 {
				title = named[0]
			}
			if others[title] == nil {
				titles = append(titles, title)
			}
			others[title] = append(others[title], "--"+f.Name)
		}
	})
	if !main.HasFlags() {
		return false, nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s.\nUsage: %s\n\n%s\n", cmd.Short, cmd.UseLine(), main.FlagUsagesWrapped(width))
	pad := 0
	for _, t := range titles {
		pad = max(pad, len(t))
	}
	for _, t := range titles {
		lines, _ := twwarp.WrapString(strings.Join(others[t], " "), width-pad-4)
		fmt.Fprintf(&b, "  %-*s  %s\n", pad, t, strings.Join(lines, "\n"+strings.Repeat(" ", pad+4)))
	}
	b.WriteString("\n--help-all describes all of them, with examples and exit codes.\n")
	_, err := io.WriteString(w, b.String())
	return true, err
}

// zero has the defaults that pflag does not print, by the types of flags.
var zero = map[string]string{"bool": "false", "stringArray": "[]", "stringSlice": "[]", "int": "0", "duration": "0s"}

// clause is the first part of a flag's usage, with the back quotes in it.
func clause(f *pflag.Flag) string {
	text := f.Usage
	for _, end := range []string{"; ", ": ", ". ", ", or - ", ", or the CIDR"} {
		text, _, _ = strings.Cut(text, end)
	}
	return text
}

// Plain says what is wrong with a command line, in words without those of a programming
// language, and names what may have been meant, of the command's flags and of others that
// it takes. Other errors it leaves as they are.
func Plain(cmd *cobra.Command, err error, others ...string) (hints []string, plain error) {
	var (
		unknown *pflag.NotExistError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
		if meant := nearest.Of(unknown.GetSpecifiedName(), append(names(cmd), others...)); meant != "" {
			hints = []string{fmt.Sprintf("did you mean --%s?", meant)}
		}
	case errors.As(err, &invalid):
		err = fmt.Errorf("--%s %q is %s", invalid.GetFlag().Name, invalid.GetValue(), notA(invalid.GetFlag().Value.Type()))
	}
	return append(hints, cmd.CommandPath()+" --help lists the flags"), err
}

// DidYouMean is a hint with the known word that is nearest to a word; there may be none.
func DidYouMean(word string, known []string) []string {
	meant := nearest.Of(word, known)
	if meant == "" || meant == word {
		return nil
	}
	return []string{fmt.Sprintf("did you mean %s?", meant)}
}

func names(cmd *cobra.Command) (list []string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			list = append(list, f.Name)
		}
	})
	return list
}

func notA(kind string) string {
	switch kind {
	case "int", "uint", "int64":
		return "not a whole number"
	case "duration":
		return "not a time: it takes a number with a unit, such as 30s, 5m or 1h"
	case "bool":
		return "neither true nor false"
	}
	return "not what it takes"
}

// PlainGroups says what cobra says of groups of flags in words that name the way out.
func PlainGroups(err error) error {
	dashed := func(names, joint string) string {
		return "--" + strings.Join(strings.Fields(names), joint+"--")
	}
	// The errors that cobra returns for its groups of flags.
	exclusive := regexp.MustCompile(`^if any flags in the group \[.*\] are set none of the others can be; \[(.*)\] were all set$`)
	oneOf := regexp.MustCompile(`^at least one of the flags in the group \[(.*)\] is required$`)
	if m := exclusive.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("%s exclude each other", dashed(m[1], " and "))
	}
	if m := oneOf.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("give %s", dashed(m[1], " or "))
	}
	return err
}
