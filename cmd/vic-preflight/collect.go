package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/console"
	"github.com/vic-preflight/vic-preflight/internal/usage"
	"github.com/vic-preflight/vic-preflight/preflight"
)

type collectFlags struct {
	target         targetFlags
	output         outputFlags
	requirement    requirementFlags
	path           string
	force, refresh bool
}

func newCollect(a *app) *cobra.Command {
	c := &collectFlags{}
	cmd := &cobra.Command{
		Use: "collect [TARGET...] -o FILE", Short: "Write the facts of the hosts to a file, to check them elsewhere",
		Long: longHelp("collect"), Example: exampleHelp("collect"), RunE: func(cmd *cobra.Command, args []string) error { return c.execute(cmd, a, args) },
	}
	c.target.register(cmd)
	f := cmd.Flags()
	f.StringVarP(&c.path, "output", "o", "", "new `file` for the facts")
	f.BoolVar(&c.force, "force", false, "replace the file when it exists")
	f.BoolVar(&c.refresh, "refresh", false, "ask each host to refresh its firewall first: vCenter's copy can be minutes old")
	f.IntVar(&c.requirement.Port, "port", checks.DefaultPort, "destination `port` that will be judged: of hosts where that hangs on it, what is installed is read")
	f.DurationVar(&c.output.timeout, "timeout", 5*time.Minute, "`time` that it may take; 0 for no limit")
	usage.Section(f, "facts")
	c.requirement.registerProfiles(cmd)
	usage.Show(f, "output")
	return cmd
}

func (c *collectFlags) execute(cmd *cobra.Command, a *app, args []string) error {
	base := preflight.Options{Refresh: c.refresh}
	err := c.requirement.put(cmd, &base)
	c.output.put(&base, a, cmd)
	if c.path == "" {
		err = usageError(fmt.Errorf("give --output FILE: the new file for the facts"))
	}
	if err != nil {
		return err
	}
	list, err := c.target.list(cmd.Context(), a, base, args)
	if err != nil {
		return err
	}
	con := console.New(a.stderr, len(list) > 1)
	for i := range list {
		list[i].Observer = con.Observer(list[i].Target.String())
	}
	hosts, err := preflight.Collect(cmd.Context(), list, c.path, c.force)
	if con.Close(); hosts > 0 {
		fmt.Fprintf(a.stderr, "note: %s holds the facts of %d hosts\n", c.path, hosts)
	}
	return err
}
