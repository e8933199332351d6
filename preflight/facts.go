package preflight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/facts"
	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/internal/newfile"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

// Collect reads the facts of a target for each of the options, some side by side, and
// writes them to the file, whole or not at all: where nothing could be found out about
// a target, or the run ended early, nothing is written. Of what is installed it reads
// what the requirements' verdicts hang on. A file that is there is replaced only where
// replace is true. It returns how many hosts the file is of; 0 means that none was written.
//
// The errors are Run's. With an *UnavailableError the file may have been written all the
// same: then clusters are hidden from the account, or no host's firewall could be read, which a
// check by the file says too.
func Collect(ctx context.Context, list []Options, path string, replace bool) (hosts int, err error) {
	if err := newfile.Possible(path, replace); err != nil {
		return 0, unwritable(path, err)
	}
	found := &facts.File{Tool: list[0].tool(), Targets: make([]facts.Target, len(list))}
	errs := make([]error, len(list))
	var g errgroup.Group
	g.SetLimit(sideBySide)
	for i, o := range list {
		g.Go(func() error {
			t, err := collectTarget(ctx, o)
			if t != nil {
				found.Targets[i] = *t
			}
			errs[i] = err
			return nil
		})
	}
	_ = g.Wait() // each target holds its own error
	for i := range found.Targets {
		if found.Targets[i].Inventory == nil {
			return 0, firstOf(list, errs)
		}
		hosts += len(found.Targets[i].Inventory.Hosts)
	}
	data, err := facts.Encode(found)
	if err == nil {
		err = newfile.Write(path, data, replace)
	}
	if err != nil {
		return 0, unwritable(path, err)
	}
	return hosts, firstOf(list, errs)
}

// firstOf returns the first error, and has the others told. Where there are several
// targets each names its own.
func firstOf(list []Options, errs []error) (first error) {
	for i, err := range errs {
		switch {
		case err == nil:
			continue
		case len(errs) > 1:
			err = fmt.Errorf("%s: %w", list[i].Target, err)
		}
		if first == nil {
			first = err
		} else {
			list[i].observer().Warn(err.Error())
		}
	}
	return first
}

func unwritable(path string, err error) error {
	if errors.Is(err, fs.ErrExist) {
		return &UsageError{Option: "output", Err: fmt.Errorf("%s is there already", path), Hints: []string{"--force replaces it"}}
	}
	return file("output", err)
}

// collectTarget returns no facts where they are not whole.
func collectTarget(ctx context.Context, o Options) (*facts.Target, error) {
	// Which verdicts will hang on it is not known yet, nor which profiles will be asked for.
	o.FirewallState, o.keepsSettings = true, true
	if len(o.BySettings) > 0 {
		o.Requirements = append(slices.Clip(o.Requirements), checks.VIC()) // a plain check by the file is right too
	}
	started := time.Now()
	in, err := load(ctx, &o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := o.bound(ctx, started)
	defer cancel()
	s, err := signIn(ctx, o)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	inv, err := collect(ctx, s, &o, in)
	switch {
	case err != nil:
		return nil, err
	case errors.Is(ctx.Err(), context.Canceled):
		return nil, &InterruptedError{}
	case ctx.Err() != nil:
		return nil, &UnavailableError{Err: fmt.Errorf("the time ran out after %s, before all was read", o.Timeout), Hints: []string{timeoutHint}}
	}
	return &facts.Target{Name: s.label, CollectedAt: started.UTC().Truncate(time.Second), Refreshed: o.Refresh, Inventory: inv}, cmp.Or(o.verdict(nil, outcome{inventory: inv}), o.unreadable(inv))
}

// unreadable is an error where of no host there is anything to judge. Where that is so of
// some, it is told.
func (o *Options) unreadable(inv *inventory.Inventory) error {
	const shown = 3
	var names []string
	unread := pointers(inv, func(h *inventory.Host) bool {
		return !h.IsConnected() || h.Firewall.Unreadable != "" || len(h.Firewall.Rulesets) == 0
	})
	if len(unread) == 0 {
		return nil
	}
	for _, h := range unread[:min(shown, len(unread))] {
		names = append(names, h.Name)
	}
	first, text := unread[0], strings.Join(names, ", ")
	if more := len(unread) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	why := cmp.Or(first.Firewall.Unreadable, "it tells of no ruleset")
	if !first.IsConnected() {
		why = first.StateLabel()
	}
	text = fmt.Sprintf("(%s); %s: %s", text, first.Name, why)
	if len(unread) == len(inv.Hosts) {
		return &UnavailableError{Err: fmt.Errorf("the firewall of no host could be read %s", text)}
	}
	o.observer().Warn(fmt.Sprintf("the firewall of %d of %d hosts could not be read %s", len(unread), len(inv.Hosts), text))
	return nil
}

// validateFacts refuses what takes a server beside facts of a file.
func (o *Options) validateFacts() error {
	if o.Facts == "" {
		return nil
	}
	for _, b := range []struct {
		asked     bool
		flag, why string
	}{
		{o.Target.Address != "", "--target", "they take the place of a target"},
		{o.Change.Do == Undo, "undo", "they are a file, and nothing can be changed"},
		{o.Change.Do != NoChange, "--fix", "they are a file, and nothing can be changed"},
		{o.Change.Setting, "--fix-setting", "they are a file, and nothing can be changed"},
		{o.Probe.Vantage != "", "--probe", "no host is there to connect"},
		{o.Refresh, "--refresh", "no host is there to ask"},
		{o.Origins, "--ssh", "no host is there to log in to"},
	} {
		if b.asked {
			return &UsageError{Err: fmt.Errorf("%s does not go with --facts: %s", b.flag, b.why), Hints: []string{
				"leave --facts out for the server itself; --target " + SimScheme + o.Facts + " simulates what the file holds, to rehearse a change on",
			}}
		}
	}
	return nil
}

// readFacts reads the target that the run is about from the file.
func (o *Options) readFacts(in *inputs) error {
	if o.Facts == "" {
		return nil
	}
	if in.facts = o.target; in.facts != nil {
		return nil
	}
	f, err := o.factsFile()
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err // spread could not read it in time
	case err != nil:
		return &UsageError{Err: fmt.Errorf("--facts %w", err), Hints: []string{"vic-preflight collect -o NEW makes a file of facts"}}
	case len(f.Targets) > 1:
		return usage("facts", "%s holds %d targets, and this is a run on one", o.Facts, len(f.Targets))
	}
	in.facts = &f.Targets[0]
	return nil
}

// spread makes options for each target of a file of facts. One that cannot be read is
// left to its run, which says why.
func spread(ctx context.Context, list []Options) (all []Options) {
	for _, o := range list {
		if o.Facts == "" || o.Validate() != nil {
			all = append(all, o)
			continue
		}
		reading, cancel := o.Reading(ctx)
		f, err := infile.Until(reading, "read --facts", func() (*facts.File, error) { return facts.Read(o.Facts) })
		cancel()
		if err != nil || len(f.Targets) == 0 {
			o.read = func() (*facts.File, error) { return f, err } // a pipe can be read once
			all = append(all, o)
			continue
		}
		for i := range f.Targets {
			o.target = &f.Targets[i]
			all = append(all, o)
		}
	}
	return all
}

func (o *Options) factsFile() (*facts.File, error) {
	if o.read != nil {
		return o.read()
	}
	return facts.Read(o.Facts)
}

// label names what the run is about, without credentials.
func (o *Options) label() string {
	switch {
	case o.target != nil:
		return o.target.Label()
	case o.Facts != "":
		return o.Facts
	}
	return o.Target.String()
}

// judge does a run on facts that were read before. It makes no connection.
func judge(ctx context.Context, o Options, in *inputs) (*report.Run, error) {
	started := time.Now()
	inv, err := vsphere.Selection{ComputeResource: o.ComputeResource, Hosts: o.Hosts}.Narrow(in.facts.Inventory)
	if err != nil {
		return nil, classify(err)
	}
	o.recall(inv)
	o.leaveUnasked(inv, in)
	warnStale(inv, o.observer())
	if err := o.remind(in.facts.Name, inv, in); err != nil {
		return nil, err
	}
	done, err := settle(ctx, o, in, outcome{started: started, label: in.facts.Label(), name: in.facts.Name, inventory: inv})
	done.CommandTarget, done.StartedAt, done.Refreshed = in.facts.Name, in.facts.CollectedAt, in.facts.Refreshed
	return done, err
}

// recall takes the hosts' settings of a file for what a run on the server would have read.
func (o *Options) recall(inv *inventory.Inventory) {
	for i := range inv.Hosts {
		switch h := &inv.Hosts[i]; {
		case len(o.BySettings) == 0:
			h.PeerSettings = nil
		case h.PeerSettings == nil:
			h.PeerSettings = []inventory.PeerSetting{{Name: "the host's settings", Unreadable: "the file of facts does not hold them: collect --profile auto reads them"}}
		}
	}
	o.demand(inv)
}

// leaveUnasked takes away what a run on the server would not have asked for, so that
// the verdicts are the same. What it would have asked for, and the file does not hold,
// is not known.
func (o *Options) leaveUnasked(inv *inventory.Inventory, in *inputs) {
	asks := o.facts(in)
	for i := range inv.Hosts {
		h := &inv.Hosts[i]
		reached := h.IsConnected() && h.Firewall.ID != ""
		known := h.Firewall.Switch
		h.Firewall.Switch = inventory.Switch{}
		switch {
		case reached && asks.Switch != nil && !asks.Switch(h):
			h.Firewall.Switch.NotAsked = true
		default:
			h.Firewall.Switch = known
		}
		switch {
		case asks.Software == nil || !reached || !asks.Software(h):
			h.Software = inventory.Software{NotAsked: true}
		case h.Software.NotAsked:
			h.Software = inventory.Software{Unreadable: fmt.Sprintf("the file of facts does not hold it: collect --port %d reads it", o.requirement().Ports[0])}
		}
	}
}
