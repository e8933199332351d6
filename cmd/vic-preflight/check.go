package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/onhost"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

// checkOptions are the flags of the check command.
type checkOptions struct {
	connection
	required
	allowing
	changing
	probing
	run
	only, skip []string
	refresh    bool
	fix        bool
	// origins looks on the hosts for where rulesets come from.
	origins bool
	// firewallState asks every host whether its firewall is on.
	firewallState bool
	// previous is the file of an earlier report.
	previous string
}

// required holds the flags that state what must be open.
type required struct {
	port   int
	vchIPs []string
}

func (r *required) register(f *pflag.FlagSet) {
	f.IntVar(&r.port, "port", checks.DefaultPort, "destination `port` that must be open")
	f.StringArrayVar(&r.vchIPs, "vch-ip", nil, "`address` of the virtual container host, or the CIDR it will be leased from (repeatable)")
}

func (r *required) requirement() (checks.Requirement, error) {
	if r.port < 1 || r.port > 65535 {
		return checks.Requirement{}, usageError(fmt.Errorf("--port %d is not a port: it takes 1 to 65535", r.port))
	}
	req := checks.Requirement{Port: r.port}
	for _, s := range r.vchIPs {
		p, err := parsePeer("--vch-ip", s)
		if err != nil {
			return checks.Requirement{}, err
		}
		req.Peers = append(req.Peers, p)
	}
	return req, nil
}

// parsePeer reads an address or a network. An address with a mask could be meant
// as either, and the two differ by all the addresses of the network.
func parsePeer(flag, s string) (netip.Prefix, error) {
	p, err := inventory.ParsePrefix(s)
	if err != nil {
		return p, usageError(fmt.Errorf("%s: %w", flag, err))
	}
	if host, err := netip.ParsePrefix(s); err == nil && host.Masked() != host {
		return p, usageError(fmt.Errorf("%s %s is an address and a network at once", flag, s),
			fmt.Sprintf("give %s for the address, or %s for the network", host.Addr(), host.Masked()))
	}
	return p, nil
}

func newCheck(a *app) *cobra.Command {
	o := &checkOptions{}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Say of every host whether its firewall lets the port out",
		Long: `check reads the firewall of every selected host, in a few calls however many
hosts there are, and passes a verdict on each. It changes nothing unless --fix
is given; then it also opens the port where that is needed, as fix --allow does,
and checks again.

The table goes to standard output, hints to standard error. With -o json the
report is the one that docs/report.schema.json describes.`,
		Example: joinLines(
			"  # try it without a vCenter",
			"  vic-preflight check --target sim://mixed",
			"",
			"  # one cluster, for the address that the virtual container host will have",
			"  vic-preflight check --target sim://mixed --compute-resource edge --vch-ip 10.20.0.5",
			"",
			"  # a gate in CI",
			"  vic-preflight check --target sim://open --strict -o json",
			"",
			"  # real connections from every host, through its own firewall",
			"  vic-preflight check --target sim://mixed --probe serial",
			"",
			"  # repair what is wrong, and prove it",
			"  vic-preflight check --target sim://closed --fix",
			"",
			"  # a vCenter, with the password from a file",
			"  vic-preflight check --target vcenter.example/dc1 --user administrator@vsphere.local \\",
			"      --password-file ~/.vcpass --thumbprint AB:CD:... --compute-resource cluster1",
			"",
			"  # what have reboots taken away since the report of last week (-o json)?",
			"  vic-preflight check --target vcenter.example/dc1 --user administrator@vsphere.local \\",
			"      --password-file ~/.vcpass --thumbprint AB:CD:... --previous last-week.json",
		),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.execute(cmd, a) },
	}
	f := cmd.Flags()
	o.connection.register(f)
	o.required.register(f)
	f.BoolVar(&o.refresh, "refresh", false, "ask each host to refresh its firewall first: vCenter's copy can be minutes old")
	f.BoolVar(&o.origins, "ssh", false, "look on the hosts for the file and the VIB of a ruleset that ESXi does not bring itself, with the --ssh- flags")
	f.BoolVar(&o.firewallState, "firewall-state", false, "ask every host whether its firewall is on, also where no verdict hangs on it")
	f.StringVar(&o.previous, "previous", "", "`file` with an earlier report in JSON: tells what a reboot has taken away since")
	f.StringSliceVar(&o.only, "only", nil, "run only these `checks`, separated by commas; vic-preflight explain lists them")
	f.StringSliceVar(&o.skip, "skip", nil, "leave out these `checks`, separated by commas")
	f.BoolVar(&o.fix, "fix", false, "open the port where that is needed, and check again")
	o.allowing.register(f)
	o.changing.register(f)
	o.probing.register(f, vantageNone)
	o.run.register(f)
	return cmd
}

func (o *checkOptions) execute(cmd *cobra.Command, a *app) error {
	for _, name := range []string{"dry-run", "ruleset", "allowed-ip", "journal", "host-timeout", "verify-timeout"} {
		if !o.fix && cmd.Flags().Changed(name) {
			return usageError(fmt.Errorf("--%s goes with --fix", name))
		}
	}
	req, err := o.requirement()
	if err != nil {
		return err
	}
	opts, err := o.options(req)
	if err != nil {
		return err
	}
	if err := o.probing.validate(cmd.Flags()); err != nil {
		return err
	}
	if o.on() && o.dryRun {
		return usageError(errors.New("--dry-run makes no connections: leave --probe out"))
	}
	selected, err := o.selected()
	if err != nil {
		return err
	}
	previous, err := o.readPrevious(cmd.Flags(), req)
	if err != nil {
		return err
	}
	onHosts, err := o.originsClient(a)
	if err != nil {
		return err
	}
	pr, err := o.probing.load(a)
	if err != nil {
		return err
	}
	defer pr.close()
	r, err := o.begin(cmd.Context(), a, &o.connection, &o.changing)
	if err != nil {
		return err
	}
	defer r.end()
	// A change is planned from fresh facts alone.
	inv, err := r.collect(o.selection(r.session.target), vsphere.CollectOptions{
		Refresh: o.refresh || o.fix, HostTimeout: o.hostTimeout, Switch: o.switches(opts.Requirement), Software: software(selected, opts.Requirement),
	})
	if err != nil {
		return err
	}
	if err := o.remind(inv, previous); err != nil {
		return err
	}
	// What keeps a probe from being made is known before anything is changed.
	if err := pr.prepare(r, inv, opts.Requirement); err != nil {
		return err
	}
	if !o.fix {
		r.findOrigins(onHosts, &o.sshing, inv, req)
		r.probe(pr, inv)
		return r.finish(inv, req, selected, nil, true)
	}
	done, err := r.carryOut(fix.Allow(inv.Hosts, opts), inv, &o.changing)
	if err != nil {
		return err
	}
	// A fix may have let another ruleset decide.
	r.readSoftware(inv, vsphere.CollectOptions{HostTimeout: o.hostTimeout, Software: software(selected, opts.Requirement)})
	r.findOrigins(onHosts, &o.sshing, inv, opts.Requirement)
	r.probe(pr, inv)
	return r.finish(inv, opts.Requirement, selected, done, true)
}

// selected are the checks to run. Flags that one of them judges need it.
func (o *checkOptions) selected() ([]checks.Check, error) {
	selected, err := checks.Select(checks.Default(), o.only, o.skip)
	if err != nil {
		return nil, usageError(err)
	}
	if len(selected) == 0 {
		return nil, usageError(errors.New("--only and --skip leave no check to run"))
	}
	if o.fix && !among(selected, checks.OutboundPort) {
		return nil, usageError(fmt.Errorf("--fix is proved by the check %s, which --only and --skip leave out", checks.OutboundPort))
	}
	if o.on() && !among(selected, checks.TCPConnect) {
		return nil, usageError(fmt.Errorf("--probe is judged by the check %s, which --only and --skip leave out", checks.TCPConnect))
	}
	if o.origins && !among(selected, checks.RulePersistence) {
		return nil, usageError(fmt.Errorf("--ssh is for the check %s, which --only and --skip leave out", checks.RulePersistence))
	}
	if o.previous != "" && !among(selected, checks.RulePersistence) {
		return nil, usageError(fmt.Errorf("--previous is judged by the check %s, which --only and --skip leave out", checks.RulePersistence))
	}
	return selected, nil
}

// originsClient logs in to the hosts for --ssh; without it there is none.
func (o *checkOptions) originsClient(a *app) (*onhost.Client, error) {
	if !o.origins {
		return nil, nil
	}
	login, err := o.loginTo(o.connection.target, a)
	return &onhost.Client{Login: login}, err
}

// readPrevious reads the report that --previous names; without it there is none.
func (o *checkOptions) readPrevious(f *pflag.FlagSet, req checks.Requirement) (*report.Previous, error) {
	if !f.Changed("previous") {
		return nil, nil
	}
	file, err := os.Open(o.previous)
	if err != nil {
		return nil, usageError(fmt.Errorf("--previous: %w", err))
	}
	defer file.Close()
	p, err := report.ReadPrevious(file)
	if err != nil {
		return nil, usageError(fmt.Errorf("--previous %s: %w", o.previous, err), "vic-preflight check -o json makes such a report")
	}
	if p.Port != req.Port {
		return nil, usageError(fmt.Errorf("--previous %s: it is a report for TCP %d, not for TCP %d", o.previous, p.Port, req.Port))
	}
	return p, nil
}

func (o *checkOptions) remind(inv *inventory.Inventory, previous *report.Previous) error {
	if previous == nil {
		return nil
	}
	if err := previous.Remind(inv); err != nil {
		return usageError(fmt.Errorf("--previous %s: %w", o.previous, err), "log in to the server that the report is of")
	}
	return nil
}

// switches picks the hosts that are asked whether their firewall is on: all when
// that is what the user wants to know.
func (o *checkOptions) switches(req checks.Requirement) func(*inventory.Host) bool {
	if o.firewallState || slices.Contains(o.only, checks.FirewallState) {
		return nil
	}
	return checks.SwitchMatters(req)
}

// software picks the hosts whose packages are asked for: none when no check that
// is run wants to know.
func software(selected []checks.Check, req checks.Requirement) func(*inventory.Host) bool {
	if !among(selected, checks.RulePersistence) {
		return nil
	}
	return checks.SoftwareMatters(req)
}

func among(selected []checks.Check, id string) bool {
	return slices.ContainsFunc(selected, func(c checks.Check) bool { return c.ID == id })
}
