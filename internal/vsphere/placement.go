package vsphere

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/guard"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// PlacementWanted says what is to be read for a virtual container host, by the names
// that vic-machine's options give.
type PlacementWanted struct {
	// Datacenter and ComputeResource are as in the Selection. Datacenter counts only
	// where the inventory does not say which it is.
	Datacenter, ComputeResource string
	// Name is the virtual container host's.
	Name string
	// Datastores are [ds://]NAME[/folder], Networks names or paths.
	Datastores, Networks []string
	// CallTimeout bounds each call, so that one that hangs costs its own facts alone. 0
	// means 30 seconds.
	CallTimeout time.Duration
}

// placement is a reading of one.
type placement struct {
	*Session
	inv  *inventory.Inventory
	want PlacementWanted
	// inventory.Placement is filled by several goroutines, each of which has fields of
	// its own.
	*inventory.Placement
}

// ReadPlacement reads what is known of the place where a virtual container host is to
// be created, for the hosts of inv, which are all of one compute resource as Collect
// found them. Where Collect found none, inv has no hosts, and what does not depend on
// them is read.
//
// The number of calls does not depend on the number of hosts. There is no error: what
// could not be read is marked so in its own place, also when the context ends half way.
func (s *Session) ReadPlacement(ctx context.Context, inv *inventory.Inventory, want PlacementWanted) *inventory.Placement {
	if want.CallTimeout <= 0 {
		want.CallTimeout = 30 * time.Second
	}
	r := &placement{s, inv, want, &inventory.Placement{ReadAt: time.Now()}}
	ctx = withCallBound(ctx, want.CallTimeout)
	r.together(
		func() { r.LicensesUnreadable = r.reason(ctx, "the hosts' licenses", r.readLicenses(ctx)) },
		func() { r.HostsUnreadable = r.reason(ctx, "the hosts", r.readHosts(ctx)) },
		func() { r.readSetting(ctx) },
		func() { r.readPlace(ctx) },
	)
	return r.Placement
}

// together calls the parts of a reading at a time, and waits for them.
func (r *placement) together(parts ...func()) {
	var all sync.WaitGroup
	for _, part := range parts {
		all.Go(part)
	}
	all.Wait()
}

// errEnded means that the run's time was over.
var errEnded = errors.New("not read: the run ended before")

// reason says why something was not read; it is empty where there is no error.
func (r *placement) reason(ctx context.Context, what string, err error) string {
	switch {
	case err == nil:
		return ""
	case ctx.Err() != nil:
		return errEnded.Error()
	default:
		return fmt.Sprintf("%s could not be read: %s", what, Describe(err))
	}
}

// try calls f; a fault of the program is an error like others.
func try(f func() error) error { return guard.Do(f) }

// refusal says why the first of the properties is not known that is not.
func (n *node) refusal(properties ...string) error {
	for _, p := range properties {
		if f := n.missing(p); f != nil {
			return soap.WrapVimFault(f)
		}
		if n.prop(p) == nil {
			return errUntold
		}
	}
	return nil
}

var errUntold = errors.New("the server does not tell")

// readNode reads a property of an object. The node is never nil.
func (s *Session) readNode(ctx context.Context, ref types.ManagedObjectReference, property string) (*node, error) {
	t := newTree(types.ManagedObjectReference{})
	err := s.readOf(ctx, t, []types.ManagedObjectReference{ref}, []string{property})
	n := t.nodes[ref]
	if n == nil {
		return &node{ObjectContent: &types.ObjectContent{}}, cmp.Or(err, errGone)
	}
	return n, n.refusal(property)
}

// collectInto reads objects' properties into a tree.
func (s *Session) collectInto(ctx context.Context, t *tree, specs ...types.PropertyFilterSpec) error {
	return try(func() error { return s.retrieve(ctx, specs, t.add) })
}

// readSetting reads the vCenter's advanced option, and whether the account could set it.
func (r *placement) readSetting(ctx context.Context) {
	if r.inv.Endpoint.Kind != inventory.VCenter {
		return
	}
	r.Setting.Asked = true
	r.together(
		func() {
			err := try(func() (err error) { r.Setting.Values, err = r.settingValues(ctx); return err })
			r.Setting.Unreadable = r.reason(ctx, "the option "+inventory.SettingName, err)
		},
		func() {
			// What is not known stays so; it is no reason of its own.
			_ = try(func() error { r.Setting.MayChange = r.MayChangeSetting(ctx); return nil })
		},
	)
}

// TryLogin signs in to the same server as another user, and out again, and does nothing
// else.
func (s *Session) TryLogin(ctx context.Context, user, password string) inventory.Login {
	login := inventory.Login{User: user}
	cfg := s.cfg
	cfg.User, cfg.Password = user, password
	other, err := Connect(ctx, cfg)
	var refused *LoginError
	switch {
	case err == nil:
		other.Close()
	case errors.As(err, &refused):
		login.Refused = true
	default:
		login.Err = err.Error()
	}
	return login
}
