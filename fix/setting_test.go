package fix_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// fakeSetting is the part of a Client that is the vCenter's own.
type fakeSetting struct {
	values     []string
	unreadable string
	writes     []string
	refuses    error
	lags       int    // reads that show what was before the first write
	before     func() // before each read
}

func (f *fakeSetting) ReadSetting(ctx context.Context) inventory.Setting {
	if ctx.Err() != nil {
		return inventory.Setting{Asked: true, Unreadable: "the time ran out"}
	}
	if f.before != nil {
		f.before()
	}
	if len(f.writes) > 0 && f.lags > 0 {
		f.lags--
		return inventory.Setting{Asked: true, Values: []string{"stale"}}
	}
	return inventory.Setting{Asked: true, Values: slices.Clone(f.values), Unreadable: f.unreadable}
}

func (f *fakeSetting) WriteSetting(ctx context.Context, value string) error {
	f.writes = append(f.writes, value)
	if f.refuses != nil {
		return f.refuses
	}
	f.values = []string{value}
	return ctx.Err()
}

func setTo(values ...string) inventory.Setting {
	return inventory.Setting{Asked: true, Values: values, MayChange: inventory.Yes}
}

var _ = Describe("the vCenter's setting", func() {
	notAllowed, notTold := setTo("false"), setTo()
	notAllowed.MayChange, notTold.MayChange = inventory.No, inventory.Unknown
	setAndNotAllowed := setTo("true")
	setAndNotAllowed.MayChange = inventory.No

	DescribeTable("is planned by what is known of it", func(s inventory.Setting, reason fix.Reason, change, detail string) {
		p := fix.MakeSetting(&s)
		Expect(p.Reason).To(Equal(reason))
		Expect(p.Detail).To(ContainSubstring(detail))
		Expect(changeOf(p)).To(Equal(change))
		Expect(p.Reason.Refused()).To(Equal(change == "" && reason != fix.AlreadySet))
		Expect(len(p.Warnings) > 0).To(Equal(change != "" && s.MayChange == inventory.Unknown))
	},
		Entry("not set", setTo(), fix.Chosen, "not set -> true", "vic-machine create needs it"),
		Entry("false", setTo("false"), fix.Chosen, "false -> true", "would set it without asking"),
		Entry("spelled as vic-machine does not take it", setTo("TRUE"), fix.Chosen, "TRUE -> true", ""),
		Entry("empty", setTo(""), fix.Chosen, " -> true", ""),
		Entry("whether it may be changed is not told", notTold, fix.Chosen, "not set -> true", ""),
		Entry("made", setTo("true"), fix.AlreadySet, "", "is true"),
		Entry("made, and no privilege is needed", setAndNotAllowed, fix.AlreadySet, "", ""),
		Entry("a second option of that name", setTo("true", "x"), fix.SeveralSettings, "", "answers 2 options"),
		Entry("no privilege", notAllowed, fix.NotPrivileged, "", "Global.Settings"),
		Entry("not readable", inventory.Setting{Asked: true, Unreadable: "the account has no permission"}, fix.SettingUnknown, "", "the account has no permission"),
		Entry("a bare host", inventory.Setting{}, fix.NoSetting, "", "an ESXi host has none"),
	)

	entry := func(before ...string) *fix.SettingEntry {
		return &fix.SettingEntry{Name: inventory.SettingName, Before: before, After: []string{"true"}}
	}
	DescribeTable("is restored as it was", func(now inventory.Setting, e *fix.SettingEntry, force bool, reason fix.Reason, change, detail string) {
		p := fix.UndoSetting(&now, e, force)
		Expect(p.Reason).To(Equal(reason))
		Expect(p.Detail).To(ContainSubstring(detail))
		Expect(changeOf(p)).To(Equal(change))
	},
		Entry("a value", setTo("true"), entry("false"), false, fix.Chosen, "true -> false", "as it was before"),
		Entry("a value of its spelling", setTo("true"), entry("TRUE"), false, fix.Chosen, "true -> TRUE", ""),
		Entry("one that was not set", setTo("true"), entry(), false, fix.Chosen, "true -> false", "it was not set before, which false comes to: the API cannot remove an option"),
		Entry("again", setTo("false"), entry("false"), false, fix.AlreadyRestored, "", ""),
		Entry("again, of one that was not set", setTo("false"), entry(), false, fix.AlreadyRestored, "", "is false: it was not set before"),
		Entry("killed before it was written", setTo(), entry(), false, fix.AlreadyRestored, "", "as it was"),
		Entry("changed since", setTo("yes"), entry("false"), false, fix.ChangedSince, "", "it is yes); --force"),
		Entry("gone since", setTo(), entry("false"), false, fix.ChangedSince, "", "it is not set"),
		Entry("changed since, and forced", setTo("yes"), entry("false"), true, fix.Chosen, "yes -> false", ""),
		Entry("a second option of that name, and forced", setTo("true", "x"), entry("false"), true, fix.SeveralSettings, "", "answers 2 options"),
		Entry("not readable", inventory.Setting{Asked: true, Unreadable: "no"}, entry(), true, fix.SettingUnknown, "", ""),
		Entry("no privilege any more", setAndNotAllowed, entry(), false, fix.NotPrivileged, "", ""),
	)

	// planned is a plan of a setting and two hosts.
	planned := func(now ...string) (*fix.Plan, *fakeHosts, *inventory.Setting) {
		list := hosts(2, closed)
		client := newFake(list)
		client.values = now
		s := setTo(now...)
		p := allow(list)
		p.Setting = fix.MakeSetting(&s)
		return p, client, &s
	}

	It("is journaled, written and seen beside the hosts", func(ctx SpecContext) {
		p, client, s := planned("false")
		client.lags = 1
		log := &memory{}
		outcomes, err := fix.Apply(ctx, p, client, log, applying)
		Expect(err).NotTo(HaveOccurred())
		fix.Verify(ctx, outcomes, client, verifying)
		Expect(outcomes).To(HaveLen(3))
		Expect(outcomes[0].Setting).To(Equal(p.Setting.Change))
		Expect(outcomes[0].Change).To(BeNil())
		for _, o := range outcomes {
			Expect(o.Err).NotTo(HaveOccurred())
			Expect(o.Verified).To(BeTrue())
		}
		Expect(log.changes).To(ConsistOf("setting false -> true", "host-0 vic-engine", "host-1 vic-engine"))
		Expect(client.writes).To(Equal([]string{"true"}))
		Expect(s.Set()).To(BeTrue(), "read into the facts")
	}, SpecTimeout(10*time.Second))

	DescribeTable("is left where it must be, and the hosts are not", func(ctx SpecContext, spoil func(*fakeHosts, *memory), want string, journaled bool) {
		p, client, _ := planned("false")
		log := &memory{}
		spoil(client, log)
		outcomes, err := fix.Apply(ctx, p, client, log, applying)
		Expect(err).NotTo(HaveOccurred())
		Expect(outcomes[0].Done).To(BeFalse())
		Expect(outcomes[0].Err).To(MatchError(ContainSubstring(want)))
		Expect(client.values).NotTo(Equal([]string{"true"}))
		Expect(slices.Contains(log.changes, "setting false -> true")).To(Equal(journaled))
		Expect(len(client.writes) > 0).To(Equal(journaled), "nothing is written that is not journaled")
		if log.fail == nil {
			Expect(outcomes[1].Done && outcomes[2].Done).To(BeTrue())
		}
	},
		Entry("changed meanwhile", func(c *fakeHosts, _ *memory) { c.values = []string{"maybe"} },
			"nothing was changed: somebody has changed config.vpxd.SerialPort.PersistNetworkBacking since this was planned (it is maybe): run it again", false),
		Entry("not readable any more", func(c *fakeHosts, _ *memory) { c.unreadable = "the session has expired" },
			"nothing was changed: config.vpxd.SerialPort.PersistNetworkBacking could not be read again before it is written: the session has expired", false),
		Entry("no journal", func(_ *fakeHosts, m *memory) { m.fail = errors.New("no space left on device") },
			"nothing was changed: the journal could not be written: no space left on device", false),
		Entry("refused", func(c *fakeHosts, _ *memory) { c.refuses = errors.New("the account has no permission") },
			"UpdateOptions of config.vpxd.SerialPort.PersistNetworkBacking: the account has no permission", true),
		Entry("a fault of the program", func(c *fakeHosts, _ *memory) { c.before = func() { panic("boom") } }, "please report it: boom", false),
	)

	It("is not begun when the run has ended", func(ctx SpecContext) {
		p, client, _ := planned()
		ended, cancel := context.WithCancel(ctx)
		cancel()
		outcomes, err := fix.Apply(ended, p, client, &memory{}, applying)
		Expect(err).NotTo(HaveOccurred())
		Expect(outcomes).To(HaveLen(3))
		for _, o := range outcomes {
			Expect(o.Err).To(MatchError(fix.ErrNotStarted))
		}
		Expect(client.writes).To(BeEmpty())
	}, SpecTimeout(10*time.Second))

	It("is not believed where it never shows, and holds up no host", func(ctx SpecContext) {
		p, client, _ := planned()
		client.lags = 1 << 20
		outcomes, err := fix.Apply(ctx, p, client, &memory{}, applying)
		Expect(err).NotTo(HaveOccurred())
		fix.Verify(ctx, outcomes, client, fix.VerifyOptions{Timeout: 300 * time.Millisecond, HostTimeout: time.Second, Workers: 1})
		Expect(outcomes[0].Done).To(BeTrue())
		Expect(outcomes[0].Verified).To(BeFalse())
		Expect(outcomes[1].Verified && outcomes[2].Verified).To(BeTrue())
	}, SpecTimeout(10*time.Second))
})

var _ = It("what is known of the vCenter's setting stays known when a run ends", func(ctx SpecContext) {
	client := &fakeHosts{fakeSetting: fakeSetting{values: []string{"false"}}}
	s := setTo("false")
	outcomes, err := fix.Apply(ctx, &fix.Plan{Setting: fix.MakeSetting(&s)}, client, &memory{}, applying)
	Expect(err).NotTo(HaveOccurred())
	ended, cancel := context.WithCancel(ctx)
	cancel()
	fix.Verify(ended, outcomes, client, verifying)
	Expect(outcomes[0].Done).To(BeTrue())
	Expect(outcomes[0].Verified).To(BeFalse())
	Expect(s.Unreadable).To(BeEmpty())
}, SpecTimeout(10*time.Second))

func changeOf(p *fix.SettingPlan) string {
	if p.Change == nil {
		return ""
	}
	return fmt.Sprintf("%s -> %s", fix.SettingText(p.Change.Before), fix.SettingText(p.Change.After))
}

var _ = Describe("a setting in the journal", func() {
	recordedAs := func(before ...string) string {
		GinkgoHelper()
		path := filepath.Join(GinkgoT().TempDir(), "j.jsonl")
		j, err := fix.CreateJournal(path, fix.Header{Tool: "test", InstanceUUID: "u-1"})
		Expect(err).NotTo(HaveOccurred())
		Expect(j.RecordSetting(&fix.SettingChange{Before: before, After: []string{"true"}})).To(Succeed())
		Expect(j.Record(change(1))).To(Succeed())
		Expect(j.Close()).To(Succeed())
		return path
	}

	It("is read back, and is no host's", func() {
		for _, before := range [][]string{nil, {"false"}, {""}} {
			r, err := fix.ReadJournal(recordedAs(before...))
			Expect(err).NotTo(HaveOccurred())
			Expect(r.Complete).To(BeTrue())
			Expect(r.Header.Version).To(Equal(4), "which a program that knows no settings refuses")
			Expect(r.Setting).To(Equal(&fix.SettingEntry{Name: inventory.SettingName, Before: before, After: []string{"true"}}))
			Expect(fix.Hosts(r.Entries)).To(HaveLen(1))
		}
	})

	DescribeTable("is refused when it is not what this program writes", func(change func(string) string, want string) {
		path := recordedAs("false")
		edit(path, func(s string) string { return resigned(change(s)) })
		_, err := fix.ReadJournal(path)
		Expect(err).To(MatchError(ContainSubstring(want)))
	},
		Entry("another option of the vCenter", func(s string) string { return strings.Replace(s, inventory.SettingName, "config.log.level", 1) },
			`line 2: it is of the setting "config.log.level", and this program changes config.vpxd.SerialPort.PersistNetworkBacking alone`),
		Entry("several values", func(s string) string { return strings.Replace(s, `"after":["true"]`, `"after":["true","x"]`, 1) }, "line 2: it is damaged"),
		Entry("twice", func(s string) string {
			lines := strings.SplitAfter(s, "\n")
			return lines[0] + lines[1] + strings.Join(lines[1:], "")
		}, "line 3: it is damaged"),
	)
})
