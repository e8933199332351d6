package onhost_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/hostssh/sshtest"
)

// ours is the VIB that is brought, key the ruleset in it.
var ours = fakeVIB{id: "us_bootbank_vicpre_1.0", ruleset: key}

const key = "vicOut"

// operation is one of the changes, from a host that is ready for it to one on
// which it is made.
type operation struct {
	name   string
	ready  func(*fakeHost)
	change func() *fix.Change
	made   func(before, after state)
}

func install() *fix.Change {
	return &fix.Change{
		Ruleset: key, Method: fix.MethodVIB, Before: fix.State{Absent: true}, After: fix.State{Enabled: true},
		VIB: &fix.VIBChange{Name: "vicpre", ID: ours.id, AcceptanceBefore: partner},
	}
}

func remove() *fix.Change {
	c := install()
	c.Before, c.After = c.After, c.Before
	return c
}

func insert() *fix.Change {
	return &fix.Change{
		Ruleset: key, Method: fix.MethodServiceXML, Before: fix.State{Absent: true}, After: fix.State{Enabled: true},
		File: &fix.FileChange{Path: fix.ServiceXML, Before: []byte(ruleset("sshServer")), After: []byte(ruleset("sshServer", key))},
	}
}

var installation = operation{
	name: "an installation", ready: func(*fakeHost) {}, change: install,
	made: func(_, after state) {
		GinkgoHelper()
		Expect(after.VIBs).To(ContainElement(ours.id))
		Expect(after.Loaded).To(ContainElement(key))
	},
}

var removal = operation{
	name: "a removal", change: remove,
	ready: func(h *fakeHost) { h.be(func() { h.level = fix.CommunitySupported }); h.have(ours) },
	made: func(before, after state) {
		GinkgoHelper()
		Expect(after.VIBs).NotTo(ContainElement(ours.id))
		Expect(after.Loaded).NotTo(ContainElement(key))
		Expect(after.Level).To(Equal(partner))
	},
}

var insertion = operation{
	name: "an edit", ready: func(*fakeHost) {}, change: insert,
	made: func(_, after state) {
		GinkgoHelper()
		Expect(after.Files[fix.ServiceXML]).To(Equal("tr--r--r-- " + ruleset("sshServer", key)))
		Expect(after.Loaded).To(ContainElement(key))
	},
}

// inPlace is on a host that does not let its file be renamed over.
var inPlace = operation{
	name: "an edit in place", change: insert, made: insertion.made,
	ready: func(h *fakeHost) { h.be(func() { h.refused = " mv -f " }) },
}

// fault is what happens at one command.
type fault struct {
	name string
	do   func(h *fakeHost, c *sshtest.Command, interrupt func()) int
}

// faults are those after which the host still takes logins.
var faults = []fault{
	{"fails", func(_ *fakeHost, c *sshtest.Command, _ func()) int {
		_, _ = io.Copy(io.Discard, c.Stdin)
		_, _ = io.WriteString(c.Stderr, "It did not work.\n")
		return 1
	}},
	{"is cut off before it does anything", func(_ *fakeHost, c *sshtest.Command, _ func()) int {
		c.Cut()
		return -1
	}},
	{"is cut off when it has done its work", func(h *fakeHost, c *sshtest.Command, _ func()) int {
		h.carryOut(c)
		c.Cut()
		return -1
	}},
	{"is cut off with half of its input", func(h *fakeHost, c *sshtest.Command, _ func()) int {
		c.Stdin = io.LimitReader(c.Stdin, 20)
		h.carryOut(c)
		c.Cut()
		return -1
	}},
	{"finds /tmp full", func(h *fakeHost, c *sshtest.Command, _ func()) int {
		some, _ := io.ReadAll(io.LimitReader(c.Stdin, 20))
		c.Stdin = bytes.NewReader(some)
		exit := h.carryOut(c)
		if len(some) == 0 {
			return exit
		}
		_, _ = io.WriteString(c.Stderr, "sh: write error: No space left on device\n")
		return 1
	}},
	{"answers late", func(h *fakeHost, c *sshtest.Command, _ func()) int {
		time.Sleep(100 * time.Millisecond)
		return h.carryOut(c)
	}},
	{"outlasts the time of the change", func(h *fakeHost, c *sshtest.Command, interrupt func()) int {
		interrupt()
		<-c.Gone
		return h.carryOut(c)
	}},
}

// lost is a fault after which there are no logins.
var lost = fault{"is the last before the host is lost", func(h *fakeHost, c *sshtest.Command, _ func()) int {
	h.carryOut(c)
	h.be(func() { h.gone = true })
	c.Cut()
	return -1
}}

// strike carries a change out whose n-th command has the fault. It returns false
// where there was no such command.
func (f fault) strike(ctx context.Context, h *fakeHost, change *fix.Change, n int) (bool, error) {
	ctx, interrupt := context.WithCancel(ctx)
	defer interrupt()
	var struck atomic.Bool
	h.be(func() {
		h.on = func(i int, c *sshtest.Command) (int, bool) {
			if i != n {
				return 0, false
			}
			struck.Store(true)
			return f.do(h, c, interrupt), true
		}
	})
	err := h.carry(ctx, change)
	h.be(func() { h.on = nil })
	return struck.Load(), err
}

// each strikes at every command of an operation, on a new host each time.
func (f fault) each(ctx context.Context, o operation, judge func(h *fakeHost, before, after state, err error)) {
	GinkgoHelper()
	for n := 1; ; n++ {
		h := newFakeHost()
		o.ready(h)
		before := h.state()
		struck, err := f.strike(ctx, h, o.change(), n)
		said := fmt.Sprintf("command %d: %q, error: %v", n, h.said(), err)
		if !struck {
			Expect(err).NotTo(HaveOccurred(), said)
			Expect(n).To(BeNumerically(">", 5), "nothing was struck")
			return
		}
		By(said)
		judge(h, before, h.state(), err)
	}
}

var _ = Describe("a change", func() {
	for _, o := range []operation{installation, removal, insertion, inPlace} {
		It("is made, and leaves nothing behind: "+o.name, func(ctx SpecContext) {
			h := newFakeHost()
			o.ready(h)
			before := h.state()
			Expect(h.carry(ctx, o.change())).To(Succeed())
			o.made(before, h.state())
			Expect(h.state().stray()).To(BeEmpty())
		}, SpecTimeout(time.Minute))
	}

	for _, o := range []operation{installation, insertion, inPlace} {
		for _, f := range faults {
			It(fmt.Sprintf("is made or leaves the host as it was when a command %s: %s", f.name, o.name), func(ctx SpecContext) {
				f.each(ctx, o, func(_ *fakeHost, before, after state, err error) {
					if err == nil {
						o.made(before, after)
						Expect(after.stray()).To(BeEmpty())
						return
					}
					Expect(after).To(Equal(before))
					var left *fix.TakeBackError
					if errors.As(err, &left) {
						Expect(left).To(MatchError(ContainSubstring("the host may still be installing " + ours.id)))
					}
				})
			}, SpecTimeout(time.Minute))
		}

		It("is made, leaves the host as it was, or says that it could not be taken back: "+o.name, func(ctx SpecContext) {
			lost.each(ctx, o, func(_ *fakeHost, before, after state, err error) {
				var left *fix.TakeBackError
				switch {
				case err == nil: // a temporary file may be left
					o.made(before, after)
				case errors.As(err, &left):
					Expect(left.Error()).To(ContainSubstring("log in by SSH: "))
				default:
					Expect(after).To(Equal(before))
				}
			})
		}, SpecTimeout(time.Minute))
	}

	for _, f := range append([]fault{lost}, faults...) {
		It("that removes leaves the host as it was, or says that more is to be done, and doing it again does: when a command "+f.name, func(ctx SpecContext) {
			f.each(ctx, removal, func(h *fakeHost, before, after state, err error) {
				var left *fix.TakeBackError
				switch {
				case err == nil:
					removal.made(before, after)
				case !errors.As(err, &left):
					Expect(after).To(Equal(before))
				}
				h.be(func() { h.gone = false })
				Expect(h.carry(ctx, remove())).To(Succeed())
				removal.made(before, h.state())
			})
		}, SpecTimeout(time.Minute))
	}
})
