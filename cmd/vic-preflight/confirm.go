package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/vic-preflight/vic-preflight/internal/console"
	"github.com/vic-preflight/vic-preflight/internal/usage"
	"github.com/vic-preflight/vic-preflight/preflight"
)

// confirmFlags say what it takes to change hosts.
type confirmFlags struct {
	yes      bool
	maxHosts int
}

func (c *confirmFlags) register(f *pflag.FlagSet) {
	f.BoolVarP(&c.yes, "yes", "y", false, "change what is planned without asking; off a terminal nothing asks")
	f.IntVar(&c.maxHosts, "max-hosts", 0, "`number` of hosts: a plan that changes more changes none")
	usage.Section(f, "changes")
}

// put asks on a terminal before anything is changed. word is what must be typed where a
// y does not do, as what is asked for is large; there it is asked for off a terminal, too,
// by --yes.
func (c *confirmFlags) put(o *preflight.Options, a *app, f *pflag.FlagSet, word string) error {
	if f.Changed("max-hosts") && c.maxHosts < 1 {
		return usageError(fmt.Errorf("--max-hosts %d is not 1 or more", c.maxHosts))
	}
	o.Change.MaxHosts = c.maxHosts
	terminal := console.IsTerminal(a.stdin) && console.IsTerminal(a.stderr)
	switch {
	case c.yes || o.Change.DryRun || !o.Change.Any():
		return nil
	case !terminal && word != "":
		if err := o.Validate(); err != nil {
			return err
		}
		return usageError(fmt.Errorf("--%s without --compute-resource or --host is for all hosts: give --yes if that is meant", word),
			"--dry-run shows what it would change")
	case !terminal:
		return nil
	}
	o.Change.Confirm = console.Confirm(a.stdin, a.stderr, a.getenv("COLUMNS"), word)
	return nil
}
