package vsphere_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

var _ = Describe("a selection out of facts", Ordered, func() {
	// Nothing changes the simulator here, so that one serves all the rows.
	var s *vsphere.Session
	var all *inventory.Inventory
	BeforeAll(func(ctx SpecContext) {
		s = login(ctx, start("mixed"))
		all = collect(ctx, s, vsphere.Selection{})
	})

	DescribeTable("finds the hosts that the same selection finds on the server, and the same errors",
		func(ctx SpecContext, compute string, globs ...string) {
			sel := vsphere.Selection{ComputeResource: compute, Hosts: globs}
			live, err := s.Collect(ctx, sel, vsphere.CollectOptions{})
			narrow, narrowErr := sel.Narrow(all)
			if err == nil {
				Expect(narrowErr).NotTo(HaveOccurred())
				Expect(narrow.Hosts).To(Equal(live.Hosts))
				Expect(&narrow.Hosts[0].Firewall.Rulesets[0]).To(BeIdenticalTo(&find(all, narrow.Hosts[0].ID).Firewall.Rulesets[0]), "they are shared")
				return
			}
			Expect(narrow).To(BeNil())
			want, got := as[*vsphere.SelectionError](err), as[*vsphere.SelectionError](narrowErr)
			Expect(got.Noun).To(Equal(want.Noun))
			Expect(got.Choices).To(ConsistOf(want.Choices))
			Expect(got.Problem).NotTo(BeEmpty())
		},
		Entry("all", ""),
		Entry("a cluster by name", "edge"),
		Entry("a cluster by relative path", "./prod"),
		Entry("a cluster by full path", "/dc1/host/legacy"),
		Entry("a host by name", "esx03.example"),
		Entry("a host by its path in the cluster", "prod/esx03.example"),
		Entry("a standalone host", "esx31.example"),
		Entry("a glob", "", "esx0*"),
		Entry("globs that overlap", "", "esx0*", "esx03*", "esx21.example"),
		Entry("a glob over paths", "", "/dc1/host/edge/*"),
		Entry("a glob in a cluster", "prod", "*4*"),
		Entry("no such cluster", "gold"),
		Entry("the end of a name alone", "ge"),
		Entry("a full path that is not there", "/dc2/host/edge"),
		Entry("a glob that fits nothing", "", "esx0*", "web*"),
		Entry("a glob that fits nothing in the cluster", "prod", "esx11*"),
		Entry("a malformed glob", "", "[a"),
	)

	It("is ambiguous where a name is", func() {
		twice := *all
		twice.Hosts = append(twice.Hosts[:len(twice.Hosts):len(twice.Hosts)], inventory.Host{
			ID: "h", Name: "x", Path: "/dc1/host/folder/prod/x", Cluster: "prod", ClusterPath: "/dc1/host/folder/prod",
		})
		_, err := vsphere.Selection{ComputeResource: "prod"}.Narrow(&twice)
		Expect(as[*vsphere.SelectionError](err).Choices).To(ConsistOf("/dc1/host/prod", "/dc1/host/folder/prod"))
		inv, err := vsphere.Selection{ComputeResource: "folder/prod"}.Narrow(&twice)
		Expect(err).NotTo(HaveOccurred())
		Expect(names(inv)).To(Equal([]string{"x"}))
	})

	It("is an error where the facts are of no host", func() {
		_, err := vsphere.Selection{}.Narrow(&inventory.Inventory{})
		Expect(as[*vsphere.SelectionError](err).Problem).To(Equal("the facts are of no host"))
	})
})

func find(inv *inventory.Inventory, id string) *inventory.Host {
	for i := range inv.Hosts {
		if inv.Hosts[i].ID == id {
			return &inv.Hosts[i]
		}
	}
	return nil
}
