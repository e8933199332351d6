package sim_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/license"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

var _ = Describe("what a vCenter does and the stock simulator does not", func() {
	It("mounts an NFS export as it is asked to, and unmounts it", func(ctx SpecContext) {
		vc := start("vic")
		c := connect(ctx, vc)
		system := func(name string) *object.HostDatastoreSystem {
			s, err := object.NewHostSystem(c.Client, vc.Host(name).Ref).ConfigManager().DatastoreSystem(ctx)
			Expect(err).NotTo(HaveOccurred())
			return s
		}
		export := types.HostNasVolumeSpec{LocalPath: "new", RemoteHost: "nas.example", RemotePath: "/new", AccessMode: "readOnly", Type: "NFS"}
		ds, err := system(prod[0]).CreateNasDatastore(ctx, export)
		Expect(err).NotTo(HaveOccurred())
		Expect(writers(ctx, c, vc, "new")).To(BeEmpty())
		export.AccessMode = "readWrite"
		again, err := system(prod[1]).CreateNasDatastore(ctx, export)
		Expect(err).NotTo(HaveOccurred())
		Expect(again.Reference()).To(Equal(ds.Reference()), "the same on each host")
		Expect(writers(ctx, c, vc, "new")).To(Equal(prod[1:2]))
		_, err = system(prod[1]).CreateNasDatastore(ctx, export)
		Expect(fault.Is(err, &types.DuplicateName{})).To(BeTrue(), "%v", err)
		export.RemotePath = "/other"
		_, err = system(prod[2]).CreateNasDatastore(ctx, export)
		Expect(fault.Is(err, &types.DuplicateName{})).To(BeTrue(), "another export of the name: %v", err)

		Expect(system(prod[0]).Remove(ctx, ds)).To(Succeed())
		err = system(prod[0]).Remove(ctx, ds)
		Expect(fault.Is(err, &types.NotFound{})).To(BeTrue(), "%v", err)
		vc.Host(prod[1]).Revoke("Host.Config.Storage")
		err = system(prod[1]).Remove(ctx, ds)
		Expect(fault.Is(err, &types.NoPermission{})).To(BeTrue(), "%v", err)
		Expect(system(prod[2]).Remove(ctx, object.NewDatastore(c.Client, vc.Ref("shared", "Datastore")))).To(Succeed())
		Expect(writers(ctx, c, vc, "shared")).To(Equal(prod[:2]))
	})

	It("loses a datastore with the last of its hosts", func(ctx SpecContext) {
		vc := start("vic")
		c := connect(ctx, vc)
		cluster := vc.Ref("prod", "ClusterComputeResource")
		store := vc.Ref("vol-one", "Datastore")
		s, err := object.NewHostSystem(c.Client, vc.Host(prod[0]).Ref).ConfigManager().DatastoreSystem(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(s.Remove(ctx, object.NewDatastore(c.Client, store))).To(Succeed())
		var compute mo.ComputeResource
		read(ctx, c, cluster, &compute, "datastore")
		Expect(compute.Datastore).NotTo(BeEmpty())
		Expect(compute.Datastore).NotTo(ContainElement(store))
		var gone mo.Datastore
		err = object.NewDatastore(c.Client, store).Properties(ctx, store, []string{"name"}, &gone)
		Expect(fault.Is(err, &types.ManagedObjectNotFound{})).To(BeTrue(), "%v", err)
	})

	It("ends the maintenance of a datastore, where it is in any", func(ctx SpecContext) {
		vc := start("vic")
		c := connect(ctx, vc)
		store := vc.Ref("shared", "Datastore")
		exit := func() error {
			res, err := methods.DatastoreExitMaintenanceMode_Task(ctx, c.Client, &types.DatastoreExitMaintenanceMode_Task{This: store})
			Expect(err).NotTo(HaveOccurred())
			return object.NewTask(c.Client, res.Returnval).Wait(ctx)
		}
		Expect(exit()).NotTo(Succeed())
		vc.ChangeDatastore("shared", func(ds *mo.Datastore) { ds.Summary.MaintenanceMode = "inMaintenance" })
		Expect(exit()).To(Succeed())
		Expect(exit()).NotTo(Succeed())
	})

	It("licenses a host that has no license", func(ctx SpecContext) {
		vc := start("vic")
		c := connect(ctx, vc)
		vc.Host(prod[0]).Unlicense()
		Expect(lacking(ctx, c, vc, "dvs")).To(Equal(prod[:1]))
		assigned, err := license.NewManager(c.Client).AssignmentManager(ctx)
		Expect(err).NotTo(HaveOccurred())
		_, err = assigned.Update(ctx, vc.Host(prod[0]).Ref.Value, "no such key", "")
		Expect(fault.Is(err, &types.InvalidArgument{})).To(BeTrue(), "%v", err)
		Expect(lacking(ctx, c, vc, "dvs")).To(Equal(prod[:1]))
		_, err = assigned.Update(ctx, vc.Host(prod[0]).Ref.Value, "00000-00000-00000-00000-00001", "")
		Expect(err).NotTo(HaveOccurred())
		Expect(lacking(ctx, c, vc, "dvs")).To(BeEmpty())
	})

	It("starts ntpd with the host, for who may say so", func(ctx SpecContext) {
		vc := start("vic")
		c := connect(ctx, vc)
		s, err := object.NewHostSystem(c.Client, vc.Host(prod[0]).Ref).ConfigManager().ServiceSystem(ctx)
		Expect(err).NotTo(HaveOccurred())
		policy := func() (policy string) {
			list, err := s.Service(ctx)
			Expect(err).NotTo(HaveOccurred())
			for _, service := range list {
				if service.Key == "ntpd" {
					policy = service.Policy
				}
			}
			return policy
		}
		Expect(s.UpdatePolicy(ctx, "ntpd", "off")).To(Succeed())
		Expect(policy()).To(Equal("off"))
		Expect(fault.Is(s.UpdatePolicy(ctx, "nothing", "on"), &types.NotFound{})).To(BeTrue())
		vc.Host(prod[0]).Revoke("Host.Config.NetService")
		Expect(fault.Is(s.UpdatePolicy(ctx, "ntpd", "on"), &types.NoPermission{})).To(BeTrue())
		Expect(policy()).To(Equal("off"))
	})
})
