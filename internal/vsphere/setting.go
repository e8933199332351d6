package vsphere

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// ReadSetting reads the vCenter's inventory.SettingName, in one call. Whether the account
// may change it is left Unknown: see MayChangeSetting. It needs the privilege System.Read
// on the root folder.
func (s *Session) ReadSetting(ctx context.Context) inventory.Setting {
	if s.kind() != inventory.VCenter {
		return inventory.Setting{}
	}
	found := inventory.Setting{Asked: true}
	var err error
	if found.Values, err = s.settingValues(ctx); err != nil {
		found.Unreadable = err.Error()
	}
	return found
}

// settingValues are what the server has for the name, as vic-machine prints them (vmware/vic
// pkg/vsphere/optmanager).
func (s *Session) settingValues(ctx context.Context) (values []string, err error) {
	options, err := s.querySetting(ctx)
	for _, o := range options {
		values = append(values, settingText(o.GetOptionValue().Value))
	}
	return values, err
}

// settingText is a value as vic-machine prints it before it compares: %v.
func settingText(value types.AnyType) string {
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

// querySetting returns what the server has for the name; nothing where it is not set.
func (s *Session) querySetting(ctx context.Context) ([]types.BaseOptionValue, error) {
	manager := s.client.ServiceContent.Setting
	if manager == nil {
		return nil, errors.New("the server has no settings that can be asked for")
	}
	return s.queryOptions(ctx, *manager, inventory.SettingName)
}

// WriteSetting sets the vCenter's inventory.SettingName, as a boolean where the server has
// it as one, else as text. It needs the privilege Global.Settings on the root folder.
// Where the server has other options under that name too, or a value of another type, it
// writes nothing and returns an error.
func (s *Session) WriteSetting(ctx context.Context, value string) error {
	options, err := s.querySetting(ctx)
	if err != nil {
		return err
	}
	// An option that is not there can be made with text alone, as govc option.set does.
	var typed types.AnyType = value
	for _, o := range options {
		has := o.GetOptionValue()
		if has.Key != inventory.SettingName {
			return fmt.Errorf("nothing was changed: the vCenter has the option %s too, and vic-machine does not tell them apart", has.Key)
		}
		switch has.Value.(type) {
		case string, nil:
		case bool:
			if typed, err = strconv.ParseBool(value); err != nil {
				return fmt.Errorf("nothing was changed: the vCenter has it as a boolean, and %q is none", value)
			}
		default:
			return fmt.Errorf("nothing was changed: the vCenter has it neither as text nor as a boolean, but as %T", has.Value)
		}
	}
	_, err = methods.UpdateOptions(ctx, s, &types.UpdateOptions{
		This:         *s.client.ServiceContent.Setting,
		ChangedValue: []types.BaseOptionValue{&types.OptionValue{Key: inventory.SettingName, Value: typed}},
	})
	return plain(err)
}

// MayChangeSetting tells whether the account has the privilege on the root folder that
// WriteSetting needs: Unknown where the server does not say. It is one call.
func (s *Session) MayChangeSetting(ctx context.Context) inventory.Tristate {
	root := s.client.ServiceContent.RootFolder
	granted, err := s.granted(ctx, []types.ManagedObjectReference{root}, inventory.SettingPrivilege)
	if err != nil {
		return inventory.Unknown
	}
	yes, known := granted[root.Value]
	switch {
	case !known:
		return inventory.Unknown
	case yes:
		return inventory.Yes
	}
	return inventory.No
}
