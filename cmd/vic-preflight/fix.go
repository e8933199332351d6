package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/onhost"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// changing holds the flags of every command that changes hosts.
type changing struct {
	dryRun        bool
	journal       string
	hostTimeout   time.Duration
	verifyTimeout time.Duration
}

func (c *changing) register(f *pflag.FlagSet) {
	f.BoolVar(&c.dryRun, "dry-run", false, "print what would be done and change nothing; exit 1 when something would be")
	f.StringVar(&c.journal, "journal", "", "new `file` for what undo needs; a dated one in the state directory when absent")
	f.DurationVar(&c.hostTimeout, "host-timeout", time.Minute, "`time` that one host may take for its changes")
	f.DurationVar(&c.verifyTimeout, "verify-timeout", 30*time.Second, "`time` to wait until changes are seen")
}

func (c *changing) validate() error {
	for _, t := range []struct {
		flag string
		d    time.Duration
	}{{"--host-timeout", c.hostTimeout}, {"--verify-timeout", c.verifyTimeout}} {
		if t.d <= 0 {
			return usageError(fmt.Errorf("%s %s is no time to wait", t.flag, t.d))
		}
	}
	return nil
}

// allowing holds the flags that say how the port is opened.
type allowing struct {
	ruleset    string
	allowedIPs []string
}

func (al *allowing) register(f *pflag.FlagSet) {
	f.StringVar(&al.ruleset, "ruleset", fix.Auto, "`key` of the ruleset to enable; auto takes vic-engine where the host has it, else vSPC, which opens all outbound TCP")
	f.StringArrayVar(&al.allowedIPs, "allowed-ip", nil, "let what is enabled through to this `address` or CIDR alone, or to vch: the addresses given with --vch-ip (repeatable)")
}

// options turns the flags into what fix.Allow needs.
func (al *allowing) options(req checks.Requirement) (fix.AllowOptions, error) {
	opts := fix.AllowOptions{Requirement: req, Ruleset: al.ruleset}
	if al.ruleset == "" {
		return opts, usageError(errors.New("--ruleset names no ruleset"))
	}
	for _, s := range al.allowedIPs {
		if s == "vch" {
			if len(req.Peers) == 0 {
				return opts, usageError(errors.New("--allowed-ip vch needs the virtual container host's address: give --vch-ip"))
			}
			opts.Only = append(opts.Only, req.Peers...)
			continue
		}
		p, err := parsePeer("--allowed-ip", s)
		if err != nil {
			return opts, err
		}
		opts.Only = append(opts.Only, p)
	}
	for _, p := range req.Peers {
		if len(opts.Only) > 0 && !inventory.Covered(p, opts.Only) {
			return opts, usageError(fmt.Errorf("--allowed-ip leaves out the virtual container host %s", p), "add --allowed-ip vch")
		}
	}
	// Without --vch-ip the addresses to allow are what is required of the host.
	if len(req.Peers) == 0 && len(opts.Only) > 0 {
		opts.Requirement.Peers = append([]netip.Prefix(nil), opts.Only...)
	}
	return opts, nil
}

// fixOptions are the flags of fix and of update firewall.
type fixOptions struct {
	connection
	required
	allowing
	changing
	bringing
	run
	allow, deny bool
}

func newFix(a *app) *cobra.Command {
	return fixCommand(a, "fix", "Open or close the port on every host, and prove that it took",
		joinLines(
			"  # what would be done",
			"  vic-preflight fix --allow --dry-run --target sim://mixed",
			"",
			"  # do it, for the virtual container host's address alone",
			"  vic-preflight fix --allow --target sim://closed --vch-ip 10.0.0.5 --allowed-ip vch",
			"",
			"  # a VIB, for hosts that have no ruleset that could serve",
			"  vic-preflight vib build --output vmware-vic.vib",
			"  vic-preflight fix --allow --method vib --vib vmware-vic.vib --dry-run \\",
			"      --lower-acceptance-level --ssh-key ~/.ssh/id_ed25519 --target vcenter.example",
			"",
			"  # close what --allow may have opened",
			"  vic-preflight fix --deny --target sim://open --compute-resource prod",
		))
}

// newUpdate is vic-machine's name for the same command, with the same flags.
func newUpdate(a *app) *cobra.Command {
	update := &cobra.Command{
		Use:   "update",
		Short: "vic-machine's name for fix: update firewall --allow|--deny",
		Args:  noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usageError(errors.New("update what?"), "vic-preflight update firewall --allow|--deny")
		},
	}
	update.AddCommand(fixCommand(a, "firewall", "The same as fix, under vic-machine's name and with its flags",
		joinLines(
			"  vic-preflight update firewall --target sim://closed --compute-resource prod --allow",
			"  vic-preflight update firewall --target sim://esxi --allow",
		)))
	return update
}

func fixCommand(a *app, name, short, example string) *cobra.Command {
	o := &fixOptions{}
	cmd := &cobra.Command{
		Use:   name + " --allow|--deny",
		Short: short,
		Long: short + `.

--allow enables, on hosts that do not let the port out yet, vic-engine where the
host has it (it opens TCP 2377 alone), else vSPC (it opens all outbound TCP;
--allowed-ip narrows it). Hosts that are right already are left alone.

Where a host has neither, --method vib installs a VIB that brings a ruleset, and
--method service-xml writes one that the next reboot wipes out; both log in to
the hosts by SSH.

--deny disables vic-engine and vSPC. Before each change a line is written to a
journal; "vic-preflight undo JOURNAL" takes the changes back.`,
		Example: example,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.onHost() {
				takeTime(cmd.Flags(), &o.changing, &o.run)
			}
			return o.execute(cmd.Context(), a, cmd.Flags())
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.allow, "allow", false, "let the port out")
	f.BoolVar(&o.deny, "deny", false, "close what --allow may have opened: vic-engine and vSPC")
	o.connection.register(f)
	o.required.register(f)
	o.allowing.register(f)
	o.bringing.register(f)
	o.changing.register(f)
	o.run.register(f)
	// vic-machine takes a log level here. It says nothing to this tool, but a
	// script that gives it must go on working.
	f.IntP("debug", "v", 0, "")
	_ = f.MarkHidden("debug")
	return cmd
}

func (o *fixOptions) execute(ctx context.Context, a *app, f *pflag.FlagSet) error {
	switch {
	case o.allow && o.deny:
		return usageError(errors.New("--allow and --deny exclude each other"))
	case !o.allow && !o.deny:
		return usageError(errors.New("give --allow or --deny"))
	case o.deny && !o.onHost() && (o.ruleset != fix.Auto || len(o.allowedIPs) > 0):
		return usageError(errors.New("--ruleset and --allowed-ip go with --allow"))
	}
	req, err := o.requirement()
	if err != nil {
		return err
	}
	if err := o.bringing.validate(f, &o.allowing, o.deny); err != nil {
		return err
	}
	opts, err := o.options(req)
	if err != nil {
		return err
	}
	client, offer, err := o.load(a, req)
	if err != nil {
		return err
	}
	selected, err := checks.Select(checks.Default(), []string{checks.OutboundPort}, nil)
	if err != nil {
		return err
	}
	r, err := o.begin(ctx, a, &o.connection, &o.changing)
	if err != nil {
		return err
	}
	defer r.end()
	// A change is planned from fresh facts alone: vCenter's copy can be old.
	collect := vsphere.CollectOptions{Refresh: true, HostTimeout: o.hostTimeout}
	if o.allow {
		collect.Switch = checks.SwitchMatters(opts.Requirement)
	}
	if o.onHost() || o.ruleset != fix.Auto { // then it counts whether what permits lasts
		collect.Software = checks.SoftwareMatters(opts.Requirement)
	}
	inv, err := r.collect(o.selection(r.session.target), collect)
	if err != nil {
		return err
	}
	if offer != nil {
		done, err := r.bring(inv, &o.bringing, client, offer, &o.changing)
		if err != nil {
			return err
		}
		return r.finish(inv, req, selected, done, true)
	}
	plan := fix.Allow(inv.Hosts, opts)
	if o.deny {
		if plan, err = r.deny(inv, req); err != nil {
			return err
		}
	}
	done, err := r.carryOut(plan, inv, &o.changing)
	if err != nil {
		return err
	}
	return r.finish(inv, opts.Requirement, selected, done, !o.deny)
}

// load reads what a way over SSH takes; there is none, and no error, where the
// method needs no logins.
func (o *fixOptions) load(a *app, req checks.Requirement) (*onhost.Client, *fix.Offer, error) {
	if !o.onHost() {
		return nil, nil, nil
	}
	offer, file, err := o.offer(req, &o.allowing)
	if err != nil {
		return nil, nil, err
	}
	login, err := o.loginTo(o.target, a)
	return &onhost.Client{Login: login, VIB: file}, offer, err
}

// deny plans a deny, with the virtual machines that it would cut off.
func (r *running) deny(inv *inventory.Inventory, req checks.Requirement) (*fix.Plan, error) {
	plan := fix.Deny(inv.Hosts, req, nil)
	hosts := plan.ChangedHosts()
	if len(hosts) == 0 {
		return plan, nil
	}
	vms, err := r.session.SerialVMs(r.ctx, hosts)
	if err != nil {
		fmt.Fprintf(r.app.stderr, "warning: which virtual machines this cuts off is not known: %v\n", err)
	}
	return fix.Deny(inv.Hosts, req, vms), nil
}
