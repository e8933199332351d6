package sim_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// done waits for a task, by reading it again and again as the tool does.
func done(ctx context.Context, task *object.Task, err error) types.AnyType {
	GinkgoHelper()
	Expect(err).NotTo(HaveOccurred())
	var read mo.Task
	for read.Info.State != types.TaskInfoStateSuccess {
		Expect(task.Properties(ctx, task.Reference(), []string{"info"}, &read)).To(Succeed())
		Expect(read.Info.Error).To(BeNil())
	}
	return read.Info.Result
}

// churn makes a machine on a host, powers it on and off, and deletes it, several times.
func churn(ctx context.Context, c *govmomi.Client, vc *sim.VCenter, n int) {
	dc := object.NewDatacenter(c.Client, vc.Ref("dc1", "Datacenter"))
	folders, err := dc.Folders(ctx)
	Expect(err).NotTo(HaveOccurred())
	host := object.NewHostSystem(c.Client, vc.Host(vc.HostNames()[n]).Ref)
	pool, err := host.ResourcePool(ctx)
	Expect(err).NotTo(HaveOccurred())
	for i := range 6 {
		task, err := folders.VmFolder.CreateVM(ctx, types.VirtualMachineConfigSpec{
			Name: fmt.Sprintf("vm%d-%d", n, i), GuestId: string(types.VirtualMachineGuestOsIdentifierOtherGuest),
			Files: &types.VirtualMachineFileInfo{VmPathName: fmt.Sprintf("[datastore1 (%d)]", n+1)},
		}, pool, host)
		vm := object.NewVirtualMachine(c.Client, done(ctx, task, err).(types.ManagedObjectReference))
		for _, change := range []func(context.Context) (*object.Task, error){vm.PowerOn, vm.PowerOff, vm.Destroy} {
			task, err := change(ctx)
			done(ctx, task, err)
		}
	}
}

// everything is a request for all of an inventory that may change.
func everything(c *govmomi.Client) *types.RetrievePropertiesEx {
	spec := types.PropertyFilterSpec{ObjectSet: []types.ObjectSpec{{
		Obj: c.ServiceContent.RootFolder,
		SelectSet: []types.BaseSelectionSpec{
			step("folders", "Folder", "childEntity", "folders", "machines", "computes", "hosts", "on", "pools"),
			step("machines", "Datacenter", "vmFolder", "folders"), step("computes", "Datacenter", "hostFolder", "folders"),
			step("hosts", "ComputeResource", "host", "on"), step("on", "HostSystem", "vm"),
			step("pools", "ComputeResource", "resourcePool", "in"), step("in", "ResourcePool", "vm"),
		},
	}}}
	for kind, properties := range map[string][]string{
		"VirtualMachine": {"name", "parent", "config", "runtime", "summary", "guest", "datastore", "resourcePool"},
		"HostSystem":     {"name", "vm", "datastore"}, "Folder": {"childEntity"}, "ResourcePool": {"vm"},
	} {
		spec.PropSet = append(spec.PropSet, types.PropertySpec{Type: kind, PathSet: properties})
	}
	return &types.RetrievePropertiesEx{This: c.ServiceContent.PropertyCollector, SpecSet: []types.PropertyFilterSpec{spec}}
}

// The race detector is what looks here: make race-ci. Without it this shows that nobody
// waits for ever.
var _ = It("the simulator reads machines that come and go", func(ctx SpecContext) {
	vc := start("closed")
	c := connect(ctx, vc)
	var changing, reading sync.WaitGroup
	for host := range 4 {
		changing.Go(func() { defer GinkgoRecover(); churn(ctx, c, vc, host) })
	}
	ended, end := context.WithCancel(ctx)
	for range 2 {
		reading.Go(func() {
			defer GinkgoRecover()
			for ended.Err() == nil {
				res, err := methods.RetrievePropertiesEx(ctx, c, everything(c))
				Expect(err).NotTo(HaveOccurred())
				Expect(len(res.Returnval.Objects)).To(BeNumerically(">=", len(vc.HostNames())))
			}
		})
	}
	changing.Wait()
	end()
	reading.Wait()
}, SpecTimeout(2*time.Minute))
