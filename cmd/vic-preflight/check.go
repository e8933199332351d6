package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/checks"
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
	fix           bool
	origins       bool
	firewallState bool
	facts         string
	baseline      string
	failOn        string
}

func newCheck(a *app) *cobra.Command {
	c := &checkFlags{}
	cmd := &cobra.Command{
		Use:   "check [TARGET...]",
		Short: "Say of every host whether its firewall lets the port out",
		Long:  longHelp("check"), Example: exampleHelp("check"),
		RunE: func(cmd *cobra.Command, args []string) error { return c.execute(cmd, a, args) },
	}
	f := cmd.Flags()
	c.target.register(cmd)
	c.requirement.register(f)
	f.StringVar(&c.facts, "facts", "", "`file` of facts that collect wrote, in place of a target: no connection is made")
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
	complete(cmd, "only", checks.IDs()...)
	complete(cmd, "skip", checks.IDs()...)
	complete(cmd, "fail-on", preflight.FailOnNew)
	return cmd
}

func (c *checkFlags) execute(cmd *cobra.Command, a *app, args []string) error {
	f := cmd.Flags()
	logsIn := c.origins || c.probe.vantage == string(inventory.VantageSSH)
	req, err := c.requirement.requirement()
	o := preflight.Options{
		Requirements: []checks.Requirement{req}, Only: c.only, Skip: c.skip, Refresh: c.refresh,
		FirewallState: c.firewallState, Origins: c.origins, Baseline: c.baseline, FailOn: c.failOn, Facts: c.facts,
	}
	if c.fix {
		o.Change.Do = preflight.Allow
	}
	switch {
	case c.output.wait < 0:
		err = cmp.Or(err, usageError(fmt.Errorf("--wait %s is negative", c.output.wait)))
	case c.output.wait > 0 && c.fix:
		err = cmp.Or(err, usageError(errors.New("--wait only looks, and --fix changes: leave one of them out")))
	}
	if err := cmp.Or(
		goesWith(f, c.fix, "--fix", "dry-run", "ruleset", "allowed-ip", "narrow-broad", "journal", "host-timeout", "verify-timeout", "yes", "max-hosts"),
		goesWith(f, logsIn, "--probe ssh or --ssh", sshNames...),
		err, c.allow.put(&o, req), c.change.put(&o, a, f), c.confirm.put(&o, a, f, ""), c.probe.put(&o, f), c.ssh.put(&o.SSH, a),
	); err != nil {
		return err
	}
	return c.output.run(cmd, a, &c.target, o, args, true)
}
