package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/completion"
	"github.com/vic-preflight/vic-preflight/internal/usage"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/preflight"
)

// checkFlags are those of the check command.
type checkFlags struct {
	target        targetFlags
	requirement   requirementFlags
	allow         allowFlags
	change        changeFlags
	confirm       confirmFlags
	probe         probeFlags
	ssh           sshFlags
	output        outputFlags
	only, skip    []string
	refresh       bool
	fix, setting  bool
	origins       bool
	firewallState bool
	facts         string
	baseline      string
	failOn        string
}

func newCheck(a *app) *cobra.Command {
	return (&checkFlags{}).command(a, "check", "Say of every host whether its firewall lets the port out")
}

// command is check, or watch.
func (c *checkFlags) command(a *app, name, short string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   name + " [TARGET...]",
		Short: short,
		Long:  longHelp(name), Example: exampleHelp(name),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.run(cmd, a, args, preflight.Options{Facts: c.facts})
		},
	}
	c.register(cmd, checks.DefaultIDs())
	c.requirement.registerProfiles(cmd)
	cmd.Flags().StringVar(&c.facts, "facts", "", "`file` of facts that collect wrote, in place of a target: no connection is made")
	usage.Section(cmd.Flags(), "checks")
	return cmd
}

// register registers the flags that create has, too; ids are the checks of the command.
func (c *checkFlags) register(cmd *cobra.Command, ids []string) {
	f := cmd.Flags()
	c.target.register(cmd)
	c.requirement.register(f)
	f.BoolVar(&c.refresh, "refresh", false, "ask each host to refresh its firewall first: vCenter's copy can be minutes old")
	f.BoolVar(&c.firewallState, "firewall-state", false, "ask every host whether its firewall is on, also where no verdict hangs on it")
	f.StringSliceVar(&c.only, "only", nil, "run only these `checks`, separated by commas; vic-preflight explain lists them")
	f.StringSliceVar(&c.skip, "skip", nil, "leave out these `checks`, separated by commas")
	f.DurationVar(&c.output.wait, "wait", 0, "`time` to check again in until all is well, as while hosts are upgraded one after the other; --timeout is each check's")
	f.BoolVar(&c.fix, "fix", false, "open the port where it is shut, and check again")
	usage.Section(f, "checks")
	c.allow.register(f)
	c.change.register(f)
	c.confirm.register(f)
	c.probe.register(cmd, vantageNone)
	f.BoolVar(&c.origins, "ssh", false, "look on the hosts for the file and the VIB of a ruleset that ESXi does not bring itself, with the --ssh- flags")
	c.ssh.register(cmd)
	f.StringVar(&c.baseline, "baseline", "", "`file` with an earlier report in JSON: tells what is new since, and what a reboot has taken away")
	f.StringVar(&c.failOn, "fail-on", "", "`what` fails the run: new, which is what fails now and did not in the --baseline")
	c.output.register(cmd)
	usage.Show(f, "vch-ip", "fix", "probe")
	completion.Offer(cmd, "only", ids...)
	completion.Offer(cmd, "skip", ids...)
	completion.Offer(cmd, "fail-on", preflight.FailOnNew)
}

// run completes the options by what the flags say, and does the runs.
func (c *checkFlags) run(cmd *cobra.Command, a *app, args []string, o preflight.Options) error {
	f := cmd.Flags()
	logsIn := c.origins || c.probe.Vantage == inventory.VantageSSH
	o.Only, o.Skip, o.Refresh = c.only, c.skip, c.refresh
	o.FirewallState, o.Origins, o.Baseline, o.FailOn = c.firewallState, c.origins, c.baseline, c.failOn
	if o.Change.Setting = c.setting; c.fix {
		o.Change.Do = preflight.Allow
	}
	err := c.requirement.put(cmd, &o)
	changes := c.fix || c.setting
	switch {
	case c.output.wait < 0:
		err = cmp.Or(err, usageError(fmt.Errorf("--wait %s is negative", c.output.wait)))
	case c.output.wait > 0 && changes:
		err = cmp.Or(err, usageError(errors.New("--wait only looks, and --fix changes: leave one of them out")))
	}
	if err := cmp.Or(
		usage.GoesWith(f, c.fix, "--fix", "ruleset", "allowed-ip", "narrow-broad", "host-timeout", "max-hosts"),
		usage.GoesWith(f, changes, "--fix", "dry-run", "journal", "verify-timeout", "yes"),
		usage.GoesWith(f, logsIn, "--probe ssh or --ssh", sshNames...),
		usage.GoesWith(f, c.output.watch == nil, "check: a watch goes on by itself", "wait", "nagios-exit"),
		err, c.allow.put(&o, o.Requirements), c.change.put(&o, a, f), c.confirm.put(&o, a, f, ""), c.probe.put(&o, f), c.ssh.put(&o.SSH, a),
	); err != nil {
		return err
	}
	return c.output.run(cmd, a, &c.target, o, args, true)
}
