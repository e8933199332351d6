package fix

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/linger"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// SettingPlan is what is to be done about the vCenter's inventory.SettingName.
type SettingPlan struct {
	Reason Reason
	Detail string
	// Change is nil where there is none.
	Change *SettingChange
	// Warnings are what the user should know besides, a sentence each.
	Warnings []string
}

// SettingChange is the vCenter's inventory.SettingName, before and after.
type SettingChange struct {
	// Setting are the facts that the change was planned from. Verify reads into them.
	Setting *inventory.Setting
	// Why says why it is made, and Effect what it comes to.
	Why, Effect string
	// Before and After are its values; none where it is not set.
	Before, After []string
}

const (
	settingOn  = "true"
	settingOff = "false"
)

// MakeSetting plans to make the setting as vic-machine create wants it.
func MakeSetting(s *inventory.Setting) *SettingPlan {
	p := unfitSetting(s)
	switch {
	case p != nil:
		return p
	case s.Set():
		return leaveSetting(AlreadySet, "%s is %s", inventory.SettingName, settingOn)
	}
	return changeSetting(s, settingOn, "vic-machine create needs it, and would set it without asking",
		"the serial ports of container VMs survive a restart of the vCenter")
}

// UndoSetting plans to restore the setting as the journal says that it was. One that was
// not set is set to false, which means the same: the API has no call that removes an
// option. What somebody else has changed since is refused unless force is set.
func UndoSetting(s *inventory.Setting, e *SettingEntry, force bool) *SettingPlan {
	if p := unfitSetting(s); p != nil {
		return p
	}
	value, why := settingOff, "it was not set before, which false comes to: the API cannot remove an option"
	if len(e.Before) > 0 {
		value, why = e.Before[0], "as it was before"
	}
	switch {
	case slices.Equal(s.Values, e.Before):
		return leaveSetting(AlreadyRestored, "already as it was")
	case slices.Equal(s.Values, []string{value}):
		return leaveSetting(AlreadyRestored, "%s is %s: %s", inventory.SettingName, value, why)
	case !force && !slices.Equal(s.Values, e.After):
		return leaveSetting(ChangedSince, "somebody has changed %s since (it is %s); --force restores it all the same", inventory.SettingName, SettingText(s.Values))
	}
	return changeSetting(s, value, why, "the serial ports of container VMs are lost when the vCenter restarts")
}

// unfitSetting is the plan where the setting cannot be changed whatever it is; else nil.
func unfitSetting(s *inventory.Setting) *SettingPlan {
	switch {
	case !s.Asked:
		return leaveSetting(NoSetting, "%s is a setting of a vCenter, and an ESXi host has none", inventory.SettingName)
	case s.Unreadable != "":
		return leaveSetting(SettingUnknown, "%s is not known: %s", inventory.SettingName, s.Unreadable)
	case len(s.Values) > 1:
		// vic-machine takes an answer of several for one that is not set, also after it has
		// written the one: lib/install/validate/validator.go, configureVCenter.
		return leaveSetting(SeveralSettings, "the vCenter answers %d options for %s (%s), and vic-machine takes it for made where there is one alone: rename or remove the others",
			len(s.Values), inventory.SettingName, SettingText(s.Values))
	}
	return nil
}

func leaveSetting(reason Reason, format string, args ...any) *SettingPlan {
	return &SettingPlan{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

func changeSetting(s *inventory.Setting, value, why, effect string) *SettingPlan {
	if s.MayChange == inventory.No {
		return leaveSetting(NotPrivileged, "the account lacks the privilege %s on the vCenter's root folder", inventory.SettingPrivilege)
	}
	p := leaveSetting(Chosen, "%s", why)
	p.Change = &SettingChange{Setting: s, Why: why, Effect: effect, Before: slices.Clone(s.Values), After: []string{value}}
	if s.MayChange == inventory.Unknown {
		p.Warnings = []string{fmt.Sprintf("whether the account has the privilege %s is not known: the change will tell", inventory.SettingPrivilege)}
	}
	return p
}

// SettingText says in words what a setting's values are.
func SettingText(values []string) string {
	if len(values) == 0 {
		return "not set"
	}
	return strings.Join(values, " and ")
}

// applySetting journals the change of the setting and makes it, unless somebody has
// changed it since the plan was made.
func applySetting(ctx context.Context, c *SettingChange, client Client, log Log, within time.Duration) error {
	now, err := readSetting(ctx, client, within)
	switch {
	case err != nil:
		return fmt.Errorf("nothing was changed: %s could not be read again before it is written: %w", inventory.SettingName, err)
	case !slices.Equal(now.Values, c.Before):
		return fmt.Errorf("nothing was changed: somebody has changed %s since this was planned (it is %s): run it again", inventory.SettingName, SettingText(now.Values))
	}
	if err := log.RecordSetting(c); err != nil {
		return fmt.Errorf("nothing was changed: the journal could not be written: %w", err)
	}
	ctx, cancel := linger.Context(ctx, within, linger.Grace)
	defer cancel()
	err = client.WriteSetting(ctx, c.After[0])
	if err != nil && ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("UpdateOptions of %s: no answer within %s; it may have been made all the same", inventory.SettingName, within)
	}
	if err != nil {
		return fmt.Errorf("UpdateOptions of %s: %w", inventory.SettingName, err)
	}
	return nil
}

func readSetting(ctx context.Context, client Client, within time.Duration) (inventory.Setting, error) {
	ctx, cancel := linger.Context(ctx, within, linger.Grace)
	defer cancel()
	now := client.ReadSetting(ctx)
	if now.Unreadable != "" {
		return now, errors.New(now.Unreadable)
	}
	return now, nil
}

// look compares the change with what the vCenter answers now, and keeps that as the
// fact. What the end of the run's own time kept from being read stays as it was.
func (c *SettingChange) look(ctx context.Context, client Client) bool {
	now := client.ReadSetting(ctx)
	if now.Unreadable != "" && ctx.Err() != nil {
		return false
	}
	c.Setting.Values, c.Setting.Unreadable = now.Values, now.Unreadable
	return now.Unreadable == "" && slices.Equal(now.Values, c.After)
}
