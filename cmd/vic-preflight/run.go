package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

// run holds the flags of every command that logs in and reports.
type run struct {
	output       string
	strict       bool
	allowUnknown bool
	timeout      time.Duration
	display
}

func (o *run) register(f *pflag.FlagSet) {
	f.StringVarP(&o.output, "output", "o", "table", "`format` of the report: table or json")
	f.BoolVar(&o.strict, "strict", false, "let warnings count as failures")
	f.BoolVar(&o.allowUnknown, "allow-unknown", false, "tolerate hosts that nothing can be found out about")
	f.DurationVar(&o.timeout, "timeout", 5*time.Minute, "`time` that the run may take; 0 for no limit")
	o.display.register(f)
}

// running is a run under way: logged in, with the clock ticking.
type running struct {
	*run
	app      *app
	ctx      context.Context
	cancel   context.CancelFunc
	started  time.Time
	session  *session
	progress *progress
	logout   func()

	// onHost makes changes that the API cannot make; nil where there are none.
	onHost fix.HostClient

	// what was probed, for the report
	probeTarget string
	control     *inventory.Probe
	leftovers   []string
	render      renderFunc
	look        report.Style
	workers     int
}

// begin checks the flags, so that a wrong one costs nothing, and logs in. The
// caller must end what it returns.
func (o *run) begin(ctx context.Context, a *app, c *connection, change *changing) (*running, error) {
	render, err := renderer(o.output)
	if err != nil {
		return nil, err
	}
	if o.timeout < 0 {
		return nil, usageError(fmt.Errorf("--timeout %s is negative", o.timeout))
	}
	if change != nil {
		if err := change.validate(); err != nil {
			return nil, err
		}
	}
	look, err := o.style(a)
	if err != nil {
		return nil, err
	}
	r := &running{run: o, app: a, ctx: ctx, cancel: func() {}, render: render, look: look, workers: c.workers}
	if o.timeout > 0 {
		r.ctx, r.cancel = context.WithTimeout(ctx, o.timeout)
	}
	r.started = time.Now()
	if r.session, err = c.open(r.ctx, a); err != nil {
		r.cancel()
		return nil, err
	}
	r.progress = newProgress(a)
	r.logout = sync.OnceFunc(r.session.Close)
	return r, nil
}

func (r *running) end() {
	r.logout()
	r.cancel()
}

// collect reads the facts. When the run is interrupted half way it returns what
// is known, and no error: r.ctx tells.
func (r *running) collect(sel vsphere.Selection, opts vsphere.CollectOptions) (*inventory.Inventory, error) {
	opts.Progress = r.progress.update
	inv, err := r.session.Collect(r.ctx, sel, opts)
	r.progress.clear()
	if inv == nil {
		return nil, classify(err)
	}
	r.noteStale(inv)
	return inv, nil
}

// readSoftware reads what is installed on the hosts where that matters by now, and was
// not asked before.
func (r *running) readSoftware(inv *inventory.Inventory, opts vsphere.CollectOptions) {
	hosts := make([]*inventory.Host, len(inv.Hosts))
	for i := range inv.Hosts {
		hosts[i] = &inv.Hosts[i]
	}
	opts.Progress = r.progress.update
	r.session.ReadSoftware(r.ctx, hosts, opts)
	r.progress.clear()
}

// noteStale says that a refresh was asked for and refused: the verdicts may be
// of minutes ago, whichever checks are run.
func (r *running) noteStale(inv *inventory.Inventory) {
	n, why := 0, ""
	for i := range inv.Hosts {
		if h := &inv.Hosts[i]; h.Firewall.Stale != "" {
			n, why = n+1, fmt.Sprintf("%s: %s", h.Name, h.Firewall.Stale)
		}
	}
	if n > 0 {
		fmt.Fprintf(r.app.stderr, "warning: the facts of %d of %d hosts may be minutes old, the refresh failed (%s)\n", n, len(inv.Hosts), report.Clean(why))
	}
}

// probe makes the connections that were prepared, and keeps what the report says
// of them.
func (r *running) probe(pr *prober, inv *inventory.Inventory) {
	if !pr.ready || r.ctx.Err() != nil {
		return
	}
	r.probeTarget = pr.target.String()
	r.control = pr.run(r, inv)
	r.leftovers = pr.leftovers
}

// finish reports and settles the exit code. done is nil when nothing was to be
// changed; graded says whether the verdicts on the hosts count.
func (r *running) finish(inv *inventory.Inventory, req checks.Requirement, selected []checks.Check, done *carried, graded bool) error {
	r.progress.clear()
	// A reader of the report may take its time, or go away: no session waits
	// for that.
	interrupted := r.ctx.Err() != nil
	r.logout()
	rep := &report.Report{
		ToolVersion: buildVersion(), Target: r.session.label, StartedAt: r.started, Duration: time.Since(r.started),
		Interrupted: interrupted, Inventory: inv, Requirement: req,
		Results: checks.Run(selected, checks.Facts{Inventory: inv, Requirement: req}),
		Plan:    done.entries(), ProbeTarget: r.probeTarget, Control: r.control,
	}
	if done != nil {
		rep.DryRun, rep.Journal = done.dryRun, done.journal
	}
	if err := r.write(rep, graded); err != nil {
		return &exitError{code: exitUnknown, err: fmt.Errorf("write the report: %w", err)}
	}
	for _, left := range r.leftovers {
		fmt.Fprintf(r.app.stderr, "warning: the virtual machine %s could not be removed: vic-preflight probe --cleanup removes it later\n", report.Clean(left))
	}
	return r.exit(rep, done, graded)
}

// write puts the report on standard output, and the hints of a table on
// standard error.
func (r *running) write(rep *report.Report, graded bool) error {
	if r.output != "table" {
		return r.render(r.app.stdout, rep, r.look)
	}
	if len(rep.Plan) > 0 {
		if err := report.Plan(r.app.stdout, rep, r.look); err != nil {
			return err
		}
		fmt.Fprintln(r.app.stdout)
	}
	if err := r.render(r.app.stdout, rep, r.look); err != nil {
		return err
	}
	if !graded {
		return nil // what was shut on purpose needs no hint on how to open it
	}
	return r.hints(r.app, rep)
}

func (r *running) exit(rep *report.Report, done *carried, graded bool) error {
	switch err := r.ctx.Err(); {
	case errors.Is(err, context.Canceled):
		return &exitError{code: exitInterrupted, err: errors.New("interrupted; what was known and done is reported")}
	case err != nil:
		code := exitUnknown
		if graded && verdict(rep.Results, r.strict, r.allowUnknown) == exitFailed {
			code = exitFailed
		}
		if done != nil && len(done.outcomes) > 0 {
			code = exitUnverified
		}
		return &exitError{
			code: code, err: fmt.Errorf("the time ran out after %s; what was known and done is reported", r.timeout),
			hints: []string{"--timeout sets how long a run may take"},
		}
	case len(r.leftovers) > 0:
		return &exitError{code: exitUnverified, err: fmt.Errorf("virtual machines that were made for probes are left: %d", len(r.leftovers))}
	case done != nil && done.dryRun:
		return dryRunExit(done, r.allowUnknown)
	case done != nil && done.incomplete(r.allowUnknown):
		return &exitError{code: exitUnverified, err: errors.New("not all that was asked for was made and verified; the table says where")}
	}
	if code := verdict(rep.Results, r.strict, r.allowUnknown); graded && code != exitOK {
		return &exitError{code: code}
	}
	return nil
}

// dryRunExit tells a gate whether there is something to do: 1 when there is, 3
// when that could not be found out of some hosts and nothing else is to be done.
func dryRunExit(done *carried, allowUnknown bool) error {
	code := exitOK
	for _, h := range done.plan.Hosts {
		switch {
		case len(h.Changes) > 0 || h.Reason.Refused() && !h.Reason.Unknown():
			return &exitError{code: exitFailed}
		case h.Reason.Unknown() && !allowUnknown:
			code = exitUnknown
		}
	}
	if code == exitOK {
		return nil
	}
	return &exitError{code: code}
}
