package fix

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vic-preflight/vic-preflight/internal/guard"
	"github.com/vic-preflight/vic-preflight/internal/linger"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// Client is how a plan reaches the hosts and their vCenter. Its methods may be called
// concurrently for different hosts. They are idempotent, they return when their
// context ends, and their errors say in plain words what went wrong.
type Client interface {
	EnableRuleset(ctx context.Context, h *inventory.Host, key string) error
	DisableRuleset(ctx context.Context, h *inventory.Host, key string) error
	// SetAllowedHosts replaces the ruleset's allowed hosts as a whole.
	SetAllowedHosts(ctx context.Context, h *inventory.Host, key string, list *inventory.AllowedHosts) error
	// RefreshFirewall brings what the next read shows up to what the host has.
	RefreshFirewall(ctx context.Context, h *inventory.Host) error
	// ReadFirewalls reads the rulesets of the hosts again, in place. A host that
	// cannot be read gets, or keeps, its Firewall.Unreadable; of others it is emptied.
	ReadFirewalls(ctx context.Context, hosts []*inventory.Host)
	// ReadSetting reads the vCenter's inventory.SettingName.
	ReadSetting(ctx context.Context) inventory.Setting
	// WriteSetting sets it to a value, in the type that the vCenter has it in.
	WriteSetting(ctx context.Context, value string) error
}

// HostClient makes changes on a host itself, which the API cannot make: it
// installs or removes a change's VIB, or writes its file. It may be called
// concurrently for different hosts. It leaves a host as it was where it fails.
type HostClient interface {
	Carry(ctx context.Context, c *Change) error
}

// TakeBackError means that a change failed, and could not be taken back either.
type TakeBackError struct{ Cause error }

func (e *TakeBackError) Error() string {
	return fmt.Sprintf("and it could not be taken back: %v", e.Cause)
}

func (e *TakeBackError) Unwrap() error { return e.Cause }

// Log takes a change before it is made. Record returns when the change is on
// disk; after an error the change is not made. It may be called concurrently.
type Log interface {
	Record(c *Change) error
	RecordSetting(c *SettingChange) error
}

// ApplyOptions bound an Apply.
type ApplyOptions struct {
	// Workers is how many hosts are changed at a time, at least 1.
	Workers int
	// HostTimeout bounds the calls to one host; after it the host's change
	// counts as failed, though it may have been made.
	HostTimeout time.Duration
	// OnHost makes the changes that are not MethodRuleset.
	OnHost HostClient
	// Progress, when set, is told of each host that is through. It is called
	// from several goroutines.
	Progress func(stage string, done, total int)
}

// Outcome is what became of one change: of a host, or of the vCenter's setting.
type Outcome struct {
	// Change is nil where Setting is what was changed.
	Change  *Change
	Setting *SettingChange
	// Done means that every call was made and answered well.
	Done bool
	// Err is nil, or says which call failed and why; ErrNotStarted means that
	// the run ended before the change was begun.
	Err error
	// Verified is set by Verify: the change was seen on the host, or the vCenter.
	Verified bool
}

// ErrNotStarted means that nothing was done about a host.
var ErrNotStarted = errors.New("not begun: the run ended before")

// ErrApplied means that Apply was called a second time on one plan.
var ErrApplied = errors.New("the plan has been applied already")

// Apply makes the changes of the plan: that of the setting, and for each host in turn of
// its changes, journal, then call. One host's failure never stops the others, nor does
// the setting's. When the context ends, changes that are under way are finished and no
// further one is begun. The outcomes stand in the order of Plan.NotBegun.
func Apply(ctx context.Context, p *Plan, client Client, log Log, opts ApplyOptions) ([]*Outcome, error) {
	if p.applied {
		return nil, ErrApplied
	}
	p.applied = true

	outcomes := p.NotBegun()
	rest := outcomes
	var g errgroup.Group
	g.SetLimit(max(opts.Workers, 1))
	if len(rest) > 0 && rest[0].Setting != nil {
		o := rest[0]
		rest = rest[1:]
		g.Go(func() error {
			if ctx.Err() == nil {
				o.Err = guard.Do(func() error { return applySetting(ctx, o.Setting, client, log, opts.HostTimeout) })
				o.Done = o.Err == nil
			}
			return nil
		})
	}
	var done atomic.Int64
	total := len(p.ChangedHosts())
	changes := map[*inventory.Host][]*Outcome{} // a host's are made one after the other
	for _, o := range rest {
		changes[o.Change.Host] = append(changes[o.Change.Host], o)
	}
	for _, h := range p.ChangedHosts() {
		mine := changes[h]
		g.Go(func() error {
			for _, o := range mine {
				if ctx.Err() != nil {
					break
				}
				o.Err = guard.Do(func() error { return applyChange(ctx, o.Change, client, log, opts) })
				o.Done = o.Err == nil
			}
			if n := done.Add(1); opts.Progress != nil {
				opts.Progress("apply", int(n), total)
			}
			return nil
		})
	}
	_ = g.Wait() // every outcome holds its own error
	return outcomes, nil
}

// applyChange journals one change and makes it. The order of calls never opens
// more than the change wants: a list is narrowed before the ruleset is enabled,
// and a ruleset is disabled before its list is put back.
func applyChange(ctx context.Context, c *Change, client Client, log Log, opts ApplyOptions) error {
	if err := c.stillFits(ctx, client, opts.HostTimeout); err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	if err := log.Record(c); err != nil {
		return fmt.Errorf("nothing was changed: the journal could not be written: %w", err)
	}
	// A change that was begun is finished, also when the run is interrupted. One on the
	// host itself is several, and has its whole time.
	grace := linger.Grace
	if c.Method != MethodRuleset {
		grace = opts.HostTimeout
	}
	ctx, cancel := linger.Context(ctx, opts.HostTimeout, grace)
	defer cancel()

	for _, s := range c.steps(ctx, client, opts.OnHost) {
		if err := s.call(); err != nil {
			if ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
				return fmt.Errorf("%s %s on %s: no answer within %s; it may have been made all the same%s", s.name, c.Ruleset, c.Host.Name, opts.HostTimeout, besides(err))
			}
			return fmt.Errorf("%s %s on %s: %w", s.name, c.Ruleset, c.Host.Name, err)
		}
	}
	return nil
}

// stillFits reads a ruleset again whose list is going to be written: the call
// replaces the list as a whole, and what somebody has added since the plan was made
// would be lost.
func (c *Change) stillFits(ctx context.Context, client Client, within time.Duration) error {
	if c.Method != MethodRuleset || c.After.Allowed == nil || sameList(c.Before.Allowed, c.After.Allowed) {
		return nil
	}
	ctx, cancel := linger.Context(ctx, within, linger.Grace)
	defer cancel()
	now := *c.Host // the host's own facts are read when the change is verified
	if err := client.RefreshFirewall(ctx, &now); err != nil {
		return fmt.Errorf("the allowed hosts of %s on %s could not be read again before they are written: %w", c.Ruleset, c.Host.Name, err)
	}
	client.ReadFirewalls(ctx, []*inventory.Host{&now})
	rs := now.Firewall.Ruleset(c.Ruleset)
	switch {
	case now.Firewall.Unreadable != "":
		return fmt.Errorf("the allowed hosts of %s on %s could not be read again before they are written: %s", c.Ruleset, c.Host.Name, now.Firewall.Unreadable)
	case rs == nil:
		return fmt.Errorf("the ruleset %s on %s has gone since this was planned", c.Ruleset, c.Host.Name)
	case rs.Enabled != c.Before.Enabled || !sameList(rs.Allowed, c.Before.Allowed):
		return fmt.Errorf("somebody has changed the ruleset %s on %s since this was planned (it is %s): run it again", c.Ruleset, c.Host.Name, describe(StateOf(rs)))
	}
	return nil
}

// besides is what the error of a change on a host itself says besides that the
// time ran out: what could not be taken back.
func besides(err error) string {
	var back *TakeBackError
	if !errors.As(err, &back) {
		return ""
	}
	return "; " + back.Error()
}

type step struct {
	name string
	call func() error
}

// steps are the calls that make a change, in order.
func (c *Change) steps(ctx context.Context, client Client, onHost HostClient) []step {
	if c.Method != MethodRuleset {
		return []step{{c.Verb(), func() error { return onHost.Carry(ctx, c) }}}
	}
	var steps []step
	if c.Before.Enabled && !c.After.Enabled {
		steps = append(steps, step{"DisableRuleset", func() error { return client.DisableRuleset(ctx, c.Host, c.Ruleset) }})
	}
	if c.After.Allowed != nil && !sameList(c.Before.Allowed, c.After.Allowed) {
		steps = append(steps, step{"UpdateRuleset", func() error { return client.SetAllowedHosts(ctx, c.Host, c.Ruleset, c.After.Allowed) }})
	}
	if !c.Before.Enabled && c.After.Enabled {
		steps = append(steps, step{"EnableRuleset", func() error { return client.EnableRuleset(ctx, c.Host, c.Ruleset) }})
	}
	return steps
}

// sameList compares lists as they are written, not by what they let through:
// an undo restores the spelling too.
func sameList(a, b *inventory.AllowedHosts) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.All == b.All && slices.Equal(a.Addrs, b.Addrs) && slices.Equal(a.Networks, b.Networks)
}
