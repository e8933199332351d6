package preflight_test

import (
	"errors"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/preflight"
)

var _ = Describe("the repairs of a watch", func() {
	var r *preflight.Repairs
	BeforeEach(func() { r = &preflight.Repairs{} })
	one, other := &fix.Change{Host: &inventory.Host{ID: "host-1"}}, &fix.Change{Host: &inventory.Host{ID: "host-2"}}
	// spared are the IDs of the hosts that are left alone, of which each has a change.
	spared := func(changes ...*fix.Change) (ids []string) {
		p := &fix.Plan{}
		for _, c := range changes {
			p.Hosts = append(p.Hosts, fix.HostPlan{Host: c.Host, Changes: []*fix.Change{c}})
		}
		r.Spare(p)
		for _, h := range p.Hosts {
			if h.Reason == fix.RepairedInVain {
				ids = append(ids, h.Host.ID)
			}
		}
		return ids
	}
	round := func(outcomes ...*fix.Outcome) { r.Count(outcomes...) }

	It("are three of a host, made or not, each host by itself", func() {
		round(&fix.Outcome{Change: one}, &fix.Outcome{Change: other, Err: errors.New("refused")})
		round(&fix.Outcome{Change: one})
		Expect(spared(one, other)).To(BeEmpty())
		round(&fix.Outcome{Change: one}, &fix.Outcome{Change: other})
		Expect(spared(one, other)).To(Equal([]string{"host-1"}))
		round(&fix.Outcome{Change: other})
		Expect(spared(one, other)).To(Equal([]string{"host-1", "host-2"}))
	})

	It("are one in a round that changes several rulesets of a host", func() {
		for range 2 {
			round(&fix.Outcome{Change: one}, &fix.Outcome{Change: one})
		}
		Expect(spared(one)).To(BeEmpty())
	})

	It("are none where nothing was begun", func() {
		for range 4 {
			round(&fix.Outcome{Change: one, Err: fix.ErrNotStarted})
		}
		Expect(spared(one)).To(BeEmpty())
	})

	It("are forgotten of a host that is well, and of none of which nothing is known", func() {
		for range 3 {
			round(&fix.Outcome{Change: one}, &fix.Outcome{Change: other})
		}
		r.Spare(&fix.Plan{Hosts: []fix.HostPlan{{Host: one.Host, Reason: fix.HostUnavailable}, {Host: other.Host, Reason: fix.AlreadyPermitted}}})
		Expect(spared(one, other)).To(Equal([]string{"host-1"}))
	})
})
