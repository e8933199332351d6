package main

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vic-preflight/vic-preflight/internal/completion"
	"github.com/vic-preflight/vic-preflight/internal/config"
	"github.com/vic-preflight/vic-preflight/internal/usage"
	"github.com/vic-preflight/vic-preflight/report"
)

func registerConfig(f *pflag.FlagSet) {
	f.String("config", "", "`file` with the configuration; .vic-preflight.yaml in the working directory when absent, - for none")
	usage.Section(f, "report")
}

// configure reads the configuration file of a command that takes one, and gives the
// command the flags that stand in it and not on the command line.
func (a *app) configure(cmd *cobra.Command) (err error) {
	f := cmd.Flags()
	flag := f.Lookup("config")
	if flag == nil || cmd.Name() == cobra.ShellCompRequestCmd {
		return nil
	}
	path := flag.Value.String()
	named := path != ""
	switch {
	case path == "-":
		return nil
	case !named:
		var found bool
		if path, found = config.Find(a.dir); !found {
			return nil
		}
		fmt.Fprintf(a.stderr, "note: using the configuration in %s\n", report.Clean(path))
	}
	if err = reading(cmd, path, func() (err error) { a.config, err = a.readConfig(path); return err }); err != nil {
		return usageError(err, "--config - does without")
	}
	a.config.Found = !named
	for _, s := range a.config.For(cmd.Name(), f.Changed) {
		applies := func(flag string) bool { return f.Lookup(flag) != nil && !f.Changed(flag) }
		if err := cmp.Or(a.config.Trust(s, applies), usage.FromFile(f, s.Flag, s.Values, s.Place)); err != nil {
			return usageError(err)
		}
	}
	return nil
}

// readConfig reads a configuration file, and tells what in it wants attention.
func (a *app) readConfig(path string) (*config.Config, error) {
	c, err := config.Read(path)
	if err != nil {
		return nil, err
	}
	for _, note := range c.Notes(time.Now()) {
		fmt.Fprintf(a.stderr, "note: %s\n", report.Clean(note))
	}
	return c, nil
}

func newConfig(a *app) *cobra.Command {
	check := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Say what is wrong with a configuration file, all of it at once",
		Long:  longHelp("config-check"), Example: exampleHelp("config-check"),
		ValidArgsFunction: completion.File,
		RunE: func(cmd *cobra.Command, args []string) error {
			path, found := config.Find(a.dir)
			if len(args) > 0 {
				path, found = args[0], true
			}
			if !found || len(args) > 1 {
				return usageError(errors.New("config check takes one file; without one there has to be a .vic-preflight.yaml in the working directory"))
			}
			var c *config.Config
			err := reading(cmd, path, func() (err error) { c, err = a.readConfig(path); return err })
			if err != nil {
				return usageError(err)
			}
			_, err = fmt.Fprintf(a.stdout, "%s: nothing is wrong (targets: %d, settings: %d, waivers: %d)\n", report.Clean(path), len(c.Targets), len(c.Settings), len(c.Waivers))
			return err
		},
	}
	return usage.Parent("config", "Check a configuration file", "config what?", "vic-preflight config check [FILE]", check)
}
