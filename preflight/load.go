package preflight

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/facts"
	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/internal/vib"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/probe"
	"github.com/vic-preflight/vic-preflight/report"
)

// inputs are what a run takes from this machine. They are read before anything is
// contacted, so that what is wrong with them costs nothing.
type inputs struct {
	checks []checks.Check
	// baseline is nil where nothing is compared.
	baseline *report.Saved
	// facts are those of a file; nil where a server is asked.
	facts *facts.Target
	// login is nil where nobody logs in to the hosts.
	login *hostssh.Options
	// key is nil where no listener of this tool is expected.
	key *probe.Key
	// offer is what is to be brought to the hosts, and vib the file of it.
	offer *fix.Offer
	vib   []byte
	// journal is what is to be taken back.
	journal *fix.Recorded
}

// load validates the options, puts their defaults in, and reads the files that they
// name, until the context or the options' time ends.
func load(ctx context.Context, o *Options) (*inputs, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.Requirements = o.requirements()
	in := &inputs{}
	var err error
	if in.checks, err = o.checks(); err != nil {
		return nil, &UsageError{Err: err}
	}
	ctx, cancel := o.Reading(ctx)
	defer cancel()
	for _, part := range []struct {
		what string
		read func(*Options, *inputs) error
	}{
		{"--facts", (*Options).readFacts},
		{"--baseline", (*Options).readBaseline},
		{"what is to be brought", (*Options).readOffer},
		{"the journal", (*Options).readJournal},
		{"--listener-key", (*Options).readKey},
		{"the keys and known hosts of SSH", (*Options).readLogin},
	} {
		mine, read := *o, *in // what is given up may still come to its end
		if _, err = infile.Until(ctx, "read "+part.what, func() (any, error) { return nil, part.read(&mine, &read) }); err != nil {
			return nil, Ended(err)
		}
		*o, *in = mine, read
	}
	o.settleTimes(o.Change.onHost() || in.journal != nil && changesHosts(in.journal.Entries))
	return in, nil
}

// readOffer reads what a change on the hosts themselves brings.
func (o *Options) readOffer(in *inputs) (err error) {
	switch o.Change.Method {
	case fix.MethodServiceXML:
		in.offer, err = serviceOffer(o.requirements(), o.Change)
		return err
	case fix.MethodVIB:
	default:
		return nil
	}
	const hint = "vic-preflight vib build makes one"
	if in.vib, err = infile.Read(o.Change.VIB, infile.Package); err != nil {
		return file("vib", err, hint)
	}
	p, err := vib.Read(bytes.NewReader(in.vib))
	if err != nil {
		return &UsageError{Err: fmt.Errorf("--vib %s: %w", o.Change.VIB, err), Hints: []string{hint}}
	}
	if in.offer, err = vibOffer(o.requirements(), p); err != nil {
		return &UsageError{Err: fmt.Errorf("--vib %s: %w", o.Change.VIB, err), Hints: []string{"vic-preflight vib inspect says what is in it"}}
	}
	in.offer.LowerAcceptance, in.offer.SecureBootUnknown = o.Change.LowerAcceptance, o.Change.SecureBootUnknown
	return nil
}

// readJournal reads what is to be taken back. What the run was about is what the
// journal's was.
func (o *Options) readJournal(in *inputs) error {
	if o.Change.Do != Undo {
		return nil
	}
	path := o.Change.UndoJournal
	recorded, err := fix.ReadJournal(path)
	if err != nil {
		return &UsageError{Err: err, Hints: []string{"undo takes the journal that fix or check --fix printed the path of, unchanged"}}
	}
	switch {
	case recorded.Torn:
		o.observer().Note(fmt.Sprintf("the last line of %s was cut off while it was written; its change was never made", path))
	case !recorded.Complete:
		o.observer().Note(fmt.Sprintf("%s has no end: its run was killed, or the file was cut; what it holds is undone", path))
	}
	in.journal = recorded
	o.Requirements = recorded.Required()
	return nil
}

func changesHosts(entries []fix.Entry) bool {
	return slices.ContainsFunc(entries, func(e fix.Entry) bool { return e.OnHost() })
}

func (o *Options) readKey(in *inputs) error {
	if o.Probe.Vantage == "" || o.Probe.ListenerKey == "" {
		return nil
	}
	key, err := probe.ReadKey(o.Probe.ListenerKey)
	if err != nil {
		return &UsageError{Option: "listener-key", Err: err, Hints: []string{"vic-preflight listen --key-file NEW writes one"}}
	}
	in.key = &key
	return nil
}

// readLogin reads keys and known hosts where the run logs in to hosts.
func (o *Options) readLogin(in *inputs) error {
	undoes := in.journal != nil && changesHosts(in.journal.Entries)
	if !o.logsIn() && !undoes && o.Probe.Vantage != inventory.VantageSSH {
		return nil
	}
	login, err := o.SSH.login()
	if err != nil {
		return err
	}
	if o.logsIn() && o.Target.simulated() {
		return usage("", "simulated hosts have no SSH server: what is done over SSH needs real ones")
	}
	in.login = &login
	return nil
}

// belongs makes sure that the inputs are of the server which was signed in to, and that
// it has what is to be changed.
func (in *inputs) belongs(s *session, o Options) error {
	if o.Change.Setting && s.Endpoint().Kind == inventory.ESXi {
		return &UsageError{
			Err:   fmt.Errorf("--fix-setting is for a vCenter, and %s is an ESXi host, which has no %s", s.label, inventory.SettingName),
			Hints: []string{"leave it out: vic-machine create asks no ESXi host for that"},
		}
	}
	// A vCenter is known before anything is read of it; a bare ESXi host by its
	// hardware only afterwards, by fix.Undo.
	if here := s.Endpoint(); in.journal != nil && here.InstanceUUID != "" {
		if err := in.journal.Header.Belongs(here); err != nil {
			return foreign(err)
		}
	}
	return nil
}

func foreign(err error) error {
	return &UsageError{Err: err, Hints: []string{"log in to the server that the journal was written on"}}
}

// errNoLogin means that there is no way to log in to hosts.
var errNoLogin = errors.New("no way to log in to the hosts: give --ssh-key or --ssh-password-file, or run an SSH agent")
