package vsphere_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/inventory"
)

var _ = Describe("a vCenter's setting", func() {
	It("is read as text, whatever it is, and not set where the server knows no such name", func(ctx SpecContext) {
		vc := start("closed")
		s := login(ctx, vc)
		Expect(s.ReadSetting(ctx)).To(Equal(inventory.Setting{Asked: true}))
		options := vc.Model().Map().OptionManager()
		for _, c := range []struct {
			value types.AnyType
			text  string
		}{{"TRUE", "TRUE"}, {true, "true"}, {int32(1), "1"}} {
			options.UpdateOptions(&types.UpdateOptions{ChangedValue: []types.BaseOptionValue{&types.OptionValue{Key: inventory.SettingName, Value: c.value}}})
			Expect(s.ReadSetting(ctx).Values).To(Equal([]string{c.text}))
		}
	}, SpecTimeout(time.Minute))

	It("is not asked of an ESXi host", func(ctx SpecContext) {
		vc := start("esxi")
		Expect(login(ctx, vc).ReadSetting(ctx)).To(Equal(inventory.Setting{}))
		Expect(vc.RequestsOf("QueryOptions")).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("is not written where another option answers to its name, nor where its type cannot hold the value", func(ctx SpecContext) {
		vc := start("closed")
		s := login(ctx, vc)
		options := vc.Model().Map().OptionManager()
		set := func(key string, value types.AnyType) {
			options.UpdateOptions(&types.UpdateOptions{ChangedValue: []types.BaseOptionValue{&types.OptionValue{Key: key, Value: value}}})
		}
		set(inventory.SettingName, true)
		Expect(s.WriteSetting(ctx, "maybe")).To(MatchError(`nothing was changed: the vCenter has it as a boolean, and "maybe" is none`))
		set(inventory.SettingName+".more", "x")
		Expect(s.WriteSetting(ctx, "false")).To(MatchError(ContainSubstring("the vCenter has the option config.vpxd.SerialPort.PersistNetworkBacking.more too")))
		Expect(vc.RequestsOf("UpdateOptions")).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("is written in the type that the server has it in", func(ctx SpecContext) {
		vc := start("closed")
		s := login(ctx, vc)
		options := vc.Model().Map().OptionManager()
		for _, c := range []struct{ has, gets types.AnyType }{{false, true}, {"false", "true"}} {
			options.UpdateOptions(&types.UpdateOptions{ChangedValue: []types.BaseOptionValue{&types.OptionValue{Key: inventory.SettingName, Value: c.has}}})
			Expect(s.WriteSetting(ctx, "true")).To(Succeed())
			var now types.AnyType
			for _, o := range options.Setting {
				if o.GetOptionValue().Key == inventory.SettingName {
					now = o.GetOptionValue().Value
				}
			}
			Expect(now).To(Equal(c.gets))
		}
	}, SpecTimeout(time.Minute))

	It("may be changed by who has the privilege on the root folder", func(ctx SpecContext) {
		vc := start("closed")
		s := login(ctx, vc)
		Expect(s.MayChangeSetting(ctx)).To(Equal(inventory.Yes))
		vc.RevokeOnFolders("Global.Settings")
		Expect(s.MayChangeSetting(ctx)).To(Equal(inventory.No))
		vc.Fault("HasPrivilegeOnEntities", types.ManagedObjectReference{}, &types.NotSupported{})
		Expect(s.MayChangeSetting(ctx)).To(Equal(inventory.Unknown))
	}, SpecTimeout(time.Minute))
})

var _ = Describe("another user's login", func() {
	It("is tried and left, with the first one kept", func(ctx SpecContext) {
		vc := start("open")
		s := login(ctx, vc)
		Expect(s.TryLogin(ctx, sim.DefaultUser, sim.DefaultPassword)).To(Equal(inventory.Login{User: sim.DefaultUser}))
		Expect(vc.OpenSessions()).To(Equal(1))
		Expect(s.ReadSetting(ctx).Asked).To(BeTrue())
	})

	It("is refused, or could not be tried, and no password shows", func(ctx SpecContext) {
		vc := start("open")
		s := login(ctx, vc)
		Expect(s.TryLogin(ctx, "ops", "wrong-secret")).To(Equal(inventory.Login{User: "ops", Refused: true}))
		vc.Fault("Login", types.ManagedObjectReference{}, &types.InvalidLocale{})
		found := s.TryLogin(ctx, "ops", "wrong-secret")
		Expect(found.Refused).To(BeFalse())
		Expect(found.Err).To(And(Not(BeEmpty()), Not(ContainSubstring("wrong-secret"))))
	})
})
