package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

// checkOptions are the flags of the check command.
type checkOptions struct {
	connection
	required
	output       string
	only, skip   []string
	refresh      bool
	strict       bool
	allowUnknown bool
	timeout      time.Duration
	display
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
		p, err := inventory.ParsePrefix(s)
		if err != nil {
			return checks.Requirement{}, usageError(fmt.Errorf("--vch-ip: %w", err))
		}
		req.Peers = append(req.Peers, p)
	}
	return req, nil
}

func newCheck(a *app) *cobra.Command {
	o := &checkOptions{}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check every host's firewall and say, host by host, whether the port gets out",
		Long: `check reads the firewall of every selected host, in a few calls however many
hosts there are, and passes a verdict on each. It changes nothing.

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
			"  # a vCenter, with the password from a file",
			"  vic-preflight check --target vcenter.example/dc1 --user administrator@vsphere.local \\",
			"      --password-file ~/.vcpass --thumbprint AB:CD:... --compute-resource cluster1",
		),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), a) },
	}
	o.connection.register(cmd.Flags())
	o.required.register(cmd.Flags())
	f := cmd.Flags()
	f.BoolVar(&o.refresh, "refresh", false, "ask each host to refresh its firewall first: vCenter's copy can be minutes old")
	f.StringSliceVar(&o.only, "only", nil, "run only these `checks`")
	f.StringSliceVar(&o.skip, "skip", nil, "leave out these `checks`")
	f.StringVarP(&o.output, "output", "o", "table", "`format` of the report: table or json")
	f.BoolVar(&o.strict, "strict", false, "let warnings count as failures")
	f.BoolVar(&o.allowUnknown, "allow-unknown", false, "tolerate hosts that nothing can be found out about")
	f.DurationVar(&o.timeout, "timeout", 5*time.Minute, "`time` that the run may take; 0 for no limit")
	o.display.register(cmd.Flags())
	return cmd
}

// noArgs is cobra.NoArgs with this tool's exit code.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError(fmt.Errorf("%s takes no argument, and %q is one", cmd.CommandPath(), args[0]))
	}
	return nil
}

func (o *checkOptions) run(ctx context.Context, a *app) error {
	req, err := o.requirement()
	if err != nil {
		return err
	}
	selected, err := checks.Select(checks.Default(), o.only, o.skip)
	if err != nil {
		return usageError(err)
	}
	if len(selected) == 0 {
		return usageError(errors.New("--only and --skip leave no check to run"))
	}
	render, err := renderer(o.output)
	if err != nil {
		return err
	}
	if o.timeout < 0 {
		return usageError(fmt.Errorf("--timeout %s is negative", o.timeout))
	}
	style, err := o.style(a)
	if err != nil {
		return err
	}
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}

	started := time.Now()
	s, err := o.open(ctx, a)
	if err != nil {
		return err
	}
	defer s.Close()
	progress := newProgress(a)
	inv, err := s.Collect(ctx, o.selection(s.target), vsphere.CollectOptions{Refresh: o.refresh, Progress: progress.update})
	progress.clear()
	if inv == nil {
		return classify(err)
	}

	r := &report.Report{
		ToolVersion: buildVersion(), Target: s.label, StartedAt: started, Duration: time.Since(started),
		Interrupted: err != nil, Inventory: inv, Requirement: req,
		Results: checks.Run(selected, checks.Facts{Inventory: inv, Requirement: req}),
	}
	if err := render(a.stdout, r, style); err != nil {
		return &exitError{code: exitUnknown, err: fmt.Errorf("write the report: %w", err)}
	}
	if o.output == "table" {
		if err := o.hints(a, r); err != nil {
			return &exitError{code: exitUnknown, err: fmt.Errorf("write the hints: %w", err)}
		}
	}
	switch {
	case errors.Is(err, context.Canceled):
		return &exitError{code: exitInterrupted, err: errors.New("interrupted; what was known is reported")}
	case err != nil:
		return &exitError{
			code: exitUnknown, err: fmt.Errorf("the time ran out after %s; what was known is reported", o.timeout),
			hints: []string{"--timeout sets how long a run may take"},
		}
	}
	if code := verdict(r.Results, o.strict, o.allowUnknown); code != exitOK {
		return &exitError{code: code}
	}
	return nil
}
