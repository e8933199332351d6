package sim_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// shy is a folder that shows what is in it to those alone who hold its lock.
type shy struct {
	mo.Folder
	holds types.ManagedObjectReference
}

func (f *shy) Lock()   { f.ChildEntity = []types.ManagedObjectReference{f.holds} }
func (f *shy) Unlock() { f.ChildEntity = nil }

// step is a traversal by one property that goes on with those of the names.
func step(name, kind, path string, next ...string) *types.TraversalSpec {
	ts := &types.TraversalSpec{SelectionSpec: types.SelectionSpec{Name: name}, Type: kind, Path: path}
	for _, n := range next {
		ts.SelectSet = append(ts.SelectSet, &types.SelectionSpec{Name: n})
	}
	return ts
}

// namesFrom are the names of datacenters, folders and machines that one collection finds.
func namesFrom(ctx context.Context, c *govmomi.Client, from ...types.ObjectSpec) ([]string, error) {
	spec := types.PropertyFilterSpec{ObjectSet: from}
	for _, kind := range []string{"Datacenter", "Folder", "VirtualMachine"} {
		spec.PropSet = append(spec.PropSet, types.PropertySpec{Type: kind, PathSet: []string{"name"}})
	}
	res, err := methods.RetrievePropertiesEx(ctx, c, &types.RetrievePropertiesEx{
		This: c.ServiceContent.PropertyCollector, SpecSet: []types.PropertyFilterSpec{spec},
	})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, o := range res.Returnval.Objects {
		names = append(names, o.PropSet[0].Val.(string))
	}
	return names, nil
}

var _ = Describe("a traversal in the simulator", func() {
	It("holds the lock of each object on its way while it reads it", func(ctx SpecContext) {
		vc := start("closed")
		vc.AddVMFolder("folder")
		vc.AddVM("vm1", sim.VMPlace{Cluster: "prod", Folder: "folder"})
		m := vc.Model().Map()
		folder := &shy{m.Get(vc.Ref("folder", "Folder")).(*simulator.Folder).Folder, vc.Ref("vm1", "VirtualMachine")}
		folder.ChildEntity = nil
		m.Put(folder)
		steps := []types.BaseSelectionSpec{
			step("datacenters", "Folder", "childEntity", "machines"),
			step("machines", "Datacenter", "vmFolder", "folders"),
			step("folders", "Folder", "childEntity", "inside"),
			step("inside", "Folder", "childEntity"),
		}
		steps[1].(*types.TraversalSpec).Skip = types.NewBool(true)
		c := connect(ctx, vc)
		Expect(namesFrom(ctx, c, types.ObjectSpec{Obj: c.ServiceContent.RootFolder, Skip: types.NewBool(true), SelectSet: steps})).
			To(ConsistOf("dc1", "vm1", "folder"))
	}, SpecTimeout(time.Minute))

	It("refuses a step that is nowhere and an object that is none, and goes no way that is none", func(ctx SpecContext) {
		c := connect(ctx, start("closed"))
		read := func(from types.ManagedObjectReference, steps ...types.BaseSelectionSpec) ([]string, error) {
			return namesFrom(ctx, c, types.ObjectSpec{Obj: from, SelectSet: steps})
		}
		root := c.ServiceContent.RootFolder
		_, err := read(root, &types.SelectionSpec{Name: "nowhere"})
		Expect(fault.Is(err, &types.InvalidArgument{})).To(BeTrue())
		_, err = read(types.ManagedObjectReference{Type: "Folder", Value: "none"}, step("", "Folder", "childEntity"))
		Expect(fault.Is(err, &types.ManagedObjectNotFound{})).To(BeTrue())
		Expect(read(root, step("", "Folder", ""), step("", "Folder", "name"), step("", "Folder", "parent.none"))).To(HaveLen(1))
	}, SpecTimeout(time.Minute))
})
