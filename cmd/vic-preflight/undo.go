package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/onhost"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

type undoOptions struct {
	connection
	changing
	run
	sshing
	force bool
}

func newUndo(a *app) *cobra.Command {
	o := &undoOptions{}
	cmd := &cobra.Command{
		Use:   "undo JOURNAL",
		Short: "Take back what fix or check --fix changed, host by host",
		Long: `undo restores, from the journal of a run, the rulesets that the run changed, and
nothing else. A ruleset that somebody has changed since is left alone unless
--force is given. The journal of a run that was killed serves as well. What undo
changes is journaled and verified like any other change.

A VIB that was installed is removed, and a service.xml that was edited is put
back byte for byte, over SSH, with the flags that the run was given.`,
		Example: joinLines(
			"  vic-preflight undo ~/.local/state/vic-preflight/journals/20260102T030405.000Z-1.jsonl \\",
			"      --target vcenter.example --user administrator@vsphere.local --password-file ~/.vcpass",
		),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError(fmt.Errorf("undo takes one journal, not %d", len(args)), "the run that made the changes printed its journal's path")
			}
			return o.execute(cmd.Context(), a, cmd.Flags(), args[0])
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.force, "force", false, "restore also what somebody else has changed since")
	o.connection.register(f)
	o.changing.register(f)
	o.run.register(f)
	o.sshing.register(f)
	_ = f.MarkHidden("compute-resource") // the journal names the hosts
	return cmd
}

func (o *undoOptions) execute(ctx context.Context, a *app, f *pflag.FlagSet, path string) error {
	if o.computeResource != "" {
		return usageError(errors.New("undo takes no --compute-resource: the journal names the hosts, and --host narrows them"))
	}
	recorded, err := fix.ReadJournal(path)
	if err != nil {
		return usageError(err, "undo takes the journal that fix or check --fix printed the path of, unchanged")
	}
	switch {
	case recorded.Torn:
		fmt.Fprintf(a.stderr, "note: the last line of %s was cut off while it was written; its change was never made\n", path)
	case !recorded.Complete:
		fmt.Fprintf(a.stderr, "note: %s has no end: its run was killed, or the file was cut; what it holds is undone\n", path)
	}
	header, entries := recorded.Header, recorded.Entries
	client, err := o.client(a, f, entries)
	if err != nil {
		return err
	}
	r, err := o.begin(ctx, a, &o.connection, &o.changing)
	if err != nil {
		return err
	}
	defer r.end()

	// A vCenter is known before anything is read of it; a bare ESXi host by
	// its hardware only afterwards, by fix.Undo.
	if here := r.session.Endpoint(); here.InstanceUUID != "" {
		if err := header.Belongs(here); err != nil {
			return usageError(err, "log in to the server that the journal was written on")
		}
	}
	if len(entries) == 0 {
		fmt.Fprintln(a.stderr, "note: the journal holds no change: there is nothing to undo")
		return r.finish(&inventory.Inventory{Endpoint: r.session.Endpoint()}, checks.Requirement{Port: checks.DefaultPort}, nil, nil, false)
	}
	sel := vsphere.Selection{Datacenter: header.Datacenter, Hosts: o.hosts}
	for _, h := range fix.Hosts(entries) {
		sel.IDs = append(sel.IDs, h.ID)
	}
	inv, err := r.collect(sel, vsphere.CollectOptions{Refresh: true, HostTimeout: o.hostTimeout})
	if err != nil {
		return err
	}
	if len(o.hosts) > 0 { // those left out on purpose are not missing
		chosen := map[string]bool{}
		for _, h := range inv.Hosts {
			chosen[h.ID] = true
		}
		kept := entries[:0]
		for _, e := range entries {
			if chosen[e.Host.ID] {
				kept = append(kept, e)
			}
		}
		entries = kept
	}
	surveys, restore := r.surveyEntries(&o.sshing, client, inv, entries)
	restore = sync.OnceFunc(restore)
	defer restore()
	plan, err := fix.Undo(inv, header, entries, surveys, o.force)
	if err != nil {
		return usageError(err, "log in to the server that the journal was written on")
	}
	done, err := r.carryOut(plan, inv, &o.changing)
	if err != nil {
		return err
	}
	restore() // finish logs out
	selected, err := checks.Select(checks.Default(), []string{checks.OutboundPort}, nil)
	if err != nil {
		return err
	}
	return r.finish(inv, checks.Requirement{Port: checks.DefaultPort}, selected, done, false)
}

// client is what undoes changes on the hosts themselves; nil when the journal has
// none.
func (o *undoOptions) client(a *app, f *pflag.FlagSet, entries []fix.Entry) (*onhost.Client, error) {
	if !slices.ContainsFunc(entries, func(e fix.Entry) bool { return e.OnHost() }) {
		return nil, nil
	}
	takeTime(f, &o.changing, &o.run)
	login, err := o.login(a)
	return &onhost.Client{Login: login}, err
}

// surveyEntries asks the hosts of which the journal has changes that were made
// on them. The caller must call restore at the end of the run.
func (r *running) surveyEntries(s *sshing, client *onhost.Client, inv *inventory.Inventory, entries []fix.Entry) (surveys map[string]fix.Survey, restore func()) {
	if client == nil {
		return nil, func() {}
	}
	methods := map[string][]fix.Method{} // by host ID
	for _, e := range entries {
		if e.OnHost() && !slices.Contains(methods[e.Host.ID], e.Method) {
			methods[e.Host.ID] = append(methods[e.Host.ID], e.Method)
		}
	}
	var hosts []*inventory.Host
	for i := range inv.Hosts {
		if h := &inv.Hosts[i]; len(methods[h.ID]) > 0 && h.IsConnected() {
			hosts = append(hosts, h)
		}
	}
	client.Address = r.addresses(hosts)
	restore = s.startServices(r, hosts)
	r.onHost = client
	return r.survey(client, hosts, func(h *inventory.Host) []fix.Method { return methods[h.ID] }), restore
}
