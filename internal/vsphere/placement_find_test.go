package vsphere_test

import (
	"errors"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	finder "github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/vsphere"
)

var _ = Describe("names of networks and datastores", func() {
	It("mean what govmomi's finder finds", func(ctx SpecContext) {
		vc := start("open")
		e := administer(ctx, vc)
		s := login(ctx, vc)
		inv := collect(ctx, s, vsphere.Selection{ComputeResource: "prod"})
		hosts := hostsOf(inv)
		deep := must(e.NetworkFolder.CreateFolder(ctx, "deep"))
		e.addSwitch(e.NetworkFolder, "dvs1", hosts, "bridge-pg", "ext")
		e.addSwitch(must(deep.CreateFolder(ctx, "er")), "dvs2", nil, "bridge-pg", "lone")
		rows := must(e.DatastoreFolder.CreateFolder(ctx, "rows"))
		pod := must(rows.CreateStoragePod(ctx, "pod"))
		e.done(pod.MoveInto(ctx, []types.ManagedObjectReference{e.addStore("podded", hosts)}))
		e.addStore("shared", hosts)

		p := place(ctx, s, inv, vsphere.PlacementWanted{})
		Expect(p.Networks).To(HaveLen(1 + 2 + 4 + 2))
		for _, name := range []string{
			"VM Network", "bridge-pg", "ext", "dvs1", "dvs2", "lone", "bridge*", "*", "?xt", "[de]*", "none", "deep", "er",
			"deep/er/lone", "deep/*/*", "*/*/lone", "./ext", "dvs1/bridge-pg", "deep/er/dvs2/bridge-pg", "dvs*/ext", "dvs2/lone",
			"/dc1/network/ext", "/*/network/d*", "/dc1/network/deep/er/dvs2", "/dc1/ext", "er/lone", "*/lone", "network/ext", "deep/deep/er/lone", "deep/er/er/lone", "dvs1/dvs1/ext", "vm/ext", "dc1/network/ext",
			"../network/ext", "deep/[", "VM*/ext", "deep/er/", "//dc1//network/ext",
		} {
			var want, got []string
			found, err := e.finder.NetworkList(ctx, name)
			if !errors.As(err, new(*finder.NotFoundError)) && err != nil {
				found = nil // a search that fails finds nothing
			}
			for _, n := range found {
				want = append(want, n.Reference().Value)
			}
			for _, n := range p.FindNetworks(name) {
				got = append(got, n.ID)
			}
			Expect(got).To(ConsistOf(want), name)
		}
		for _, name := range []string{"shared", "podded", "pod", "rows", "*", "datastore1 (?)", "[sp]*", "Shared"} {
			var want, got []string
			found, _ := e.finder.DatastoreList(ctx, name)
			for _, d := range found {
				want = append(want, d.Reference().Value)
			}
			for _, d := range p.FindDatastores("ds://" + name + "/vch1") {
				got = append(got, d.ID)
			}
			Expect(got).To(ConsistOf(want), name)
		}
	}, SpecTimeout(time.Minute))

	It("mean pools first where they are of compute resources", func(ctx SpecContext) {
		vc := start("open")
		vc.AddPool("prod", "sub")
		e := administer(ctx, vc)
		s := login(ctx, vc)
		for _, name := range []string{
			"sub", "prod/Resources/sub", "prod/sub", "/dc1/host/prod/Resources/sub", "prod", "/dc1/host/prod", "prod/Resources",
			"esx01.example", "/dc1/host/prod/esx01.example", "host/prod",
		} {
			want := "refused"
			if pool, err := e.finder.ResourcePool(ctx, name); err == nil {
				want = strings.TrimSuffix(pool.InventoryPath, "/dc1/host/prod/Resources") // that one is the cluster itself
			} else if _, err := e.finder.ComputeResource(ctx, name); err == nil {
				want = ""
			}
			p := place(ctx, s, collect(ctx, s, vsphere.Selection{ComputeResource: name}), vsphere.PlacementWanted{ComputeResource: name})
			got := p.Compute.Pool
			if p.Compute.Problem != "" {
				got = "refused"
			}
			Expect(got).To(Equal(want), name)
			Expect(p.Compute.Path).To(Equal("/dc1/host/prod"), name)
		}
	}, SpecTimeout(time.Minute))
})
