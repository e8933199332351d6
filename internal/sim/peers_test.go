package sim_test

import (
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// whom is what the API says of whom a host talks to.
type whom struct{ syslog, ntp, vCenter, nfs, nfs41, iscsi, vmotion, provisioning, vsan string }

func whomOf(ctx SpecContext, c *govmomi.Client, h *sim.Host) (w whom) {
	GinkgoHelper()
	w.syslog = strings.Join(options(ctx, c, h, "Syslog.global.logHost"), " ")
	var host mo.HostSystem
	read(ctx, c, h.Ref, &host, "summary", "config")
	w.vCenter = host.Summary.ManagementServerIp
	w.ntp = strings.Join(host.Config.DateTimeInfo.NtpConfig.Server, " ")
	w.nfs = strings.Join(nfsServers(host.Config.FileSystemVolume.MountInfo, "NFS"), " ")
	w.nfs41 = strings.Join(nfsServers(host.Config.FileSystemVolume.MountInfo, "NFS41"), " ")
	for _, hba := range host.Config.StorageDevice.HostBusAdapter {
		if iscsi, ok := hba.(*types.HostInternetScsiHba); ok && iscsi.IsSoftwareBased {
			for _, t := range iscsi.ConfiguredSendTarget {
				w.iscsi += fmt.Sprintf(" %s:%d", t.Address, t.Port)
			}
		}
	}
	w.iscsi = strings.TrimSpace(w.iscsi)
	info := host.Config.VirtualNicManagerInfo.NetConfig
	w.vmotion, w.vsan, w.provisioning = selected(info, "vmotion"), selected(info, "vsan"), selected(info, "vSphereProvisioning")
	Expect(selected(info, "management")).To(HavePrefix("127.20.0."))
	return w
}

func nfsServers(mounts []types.HostFileSystemMountInfo, version string) (servers []string) {
	for _, m := range mounts {
		if nas, ok := m.Volume.(*types.HostNasVolume); ok && nas.Type == version {
			servers = append(servers, nas.RemoteHost)
		}
	}
	return servers
}

// selected is the address of the adapter that is selected for a kind of traffic.
func selected(info []types.VirtualNicManagerNetConfig, traffic string) (address string) {
	for _, c := range info {
		for _, vnic := range c.CandidateVnic {
			if c.NicType == traffic && slices.Contains(c.SelectedVnic, vnic.Key) {
				address += vnic.Spec.Ip.IpAddress
			}
		}
	}
	return address
}

// options are the values of the host's option; none where it is not set.
func options(ctx SpecContext, c *govmomi.Client, h *sim.Host, name string) (values []string) {
	GinkgoHelper()
	manager, err := object.NewHostSystem(c.Client, h.Ref).ConfigManager().OptionManager(ctx)
	Expect(err).NotTo(HaveOccurred())
	list, err := manager.Query(ctx, name)
	if fault.Is(err, &types.InvalidName{}) {
		return nil
	}
	Expect(err).NotTo(HaveOccurred())
	for _, o := range list {
		values = append(values, fmt.Sprint(o.GetOptionValue().Value))
	}
	return values
}

var _ = Describe("the scenario estate", func() {
	const ntp = "10.0.20.1 10.0.20.2"
	DescribeTable("sets a host up with what the API tells", func(ctx SpecContext, number int, want whom) {
		vc := start("estate")
		want.ntp, want.vCenter, want.vmotion = ntp, "10.0.0.5", fmt.Sprintf("10.0.50.%d", number)
		Expect(whomOf(ctx, connect(ctx, vc), vc.Host(fmt.Sprintf("esx%02d.example", number)))).To(Equal(want))
	},
		Entry("old", 1, whom{syslog: "tcp://10.0.20.9", nfs: "10.0.30.5"}),
		Entry("old, another port for logs", 2, whom{syslog: "udp://10.0.20.9:5514", nfs: "10.0.30.5"}),
		Entry("old, another server", 4, whom{syslog: "tcp://10.0.20.9", nfs: "10.0.30.5 10.0.30.6"}),
		Entry("mid", 11, whom{syslog: "tcp://10.0.20.9", nfs: "10.0.30.5", iscsi: "10.0.40.5:3260", provisioning: "10.0.60.11"}),
		Entry("mid, with NFS 4.1", 13, whom{syslog: "tcp://10.0.20.9", nfs: "10.0.30.5", nfs41: "10.0.30.9", iscsi: "10.0.40.5:3260", provisioning: "10.0.60.13"}),
		Entry("new", 21, whom{syslog: "tcp://10.0.20.9", vsan: "10.0.70.21"}),
		Entry("new, another target", 24, whom{syslog: "ssl://logs.example", iscsi: "10.0.40.5:3260 10.0.40.6:3261", vsan: "10.0.70.24"}),
	)

	It("is known to have such settings, and others are not", func() {
		for name, says := range map[string]bool{"estate": true, "mixed": false} {
			sc, err := sim.ParseScenario(name)
			Expect(err).NotTo(HaveOccurred())
			Expect(sc.SaysPeers()).To(Equal(says), name)
		}
	})

	It("has ntpd run where ntpClient is on, and vpxa everywhere", func() {
		vc := start("estate")
		for _, name := range vc.HostNames() {
			h := vc.Host(name)
			var on bool
			for _, rs := range h.Firewall().Ruleset {
				on = on || rs.Key == "ntpClient" && rs.Enabled
			}
			Expect(h.ServiceRunning("ntpd")).To(Equal(on), name)
			Expect(on).To(Equal(name != "esx04.example"), name)
			Expect(h.ServiceRunning("vpxa")).To(BeTrue(), name)
		}
	})

	It("has a key server, which needs a privilege of its own", func(ctx SpecContext) {
		vc := start("estate")
		vc.SetReadOnly(true)
		c := connect(ctx, vc)
		list := func() (*types.ListKmipServersResponse, error) {
			return methods.ListKmipServers(ctx, c.Client, &types.ListKmipServers{This: *c.ServiceContent.CryptoManager})
		}
		res, err := list()
		Expect(err).NotTo(HaveOccurred())
		Expect(res.Returnval).To(HaveLen(1))
		Expect(res.Returnval[0].Servers).To(Equal([]types.KmipServerInfo{{Name: "kms-a", Address: "10.0.80.5", Port: 5696}}))
		vc.RevokeOnFolders("Cryptographer.ReadKeyServersInfo")
		_, err = list()
		Expect(fault.Is(err, &types.NoPermission{})).To(BeTrue(), "%v", err)

		other := start("closed")
		c = connect(ctx, other)
		Expect(list()).To(HaveField("Returnval", BeEmpty()))
	})

	It("has datastores where its hosts say that they have them", func(ctx SpecContext) {
		vc := start("estate")
		c := connect(ctx, vc)
		var ds mo.Datastore
		read(ctx, c, vc.Ref("nfs-10.0.30.6", "Datastore"), &ds, "host", "info")
		Expect(ds.Host).To(HaveLen(1))
		Expect(ds.Host[0].Key).To(Equal(vc.Host("esx04.example").Ref))
		Expect(ds.Info.(*types.NasDatastoreInfo).Nas.RemoteHost).To(Equal("10.0.30.6"))
		read(ctx, c, vc.Ref("nfs-10.0.30.5", "Datastore"), &ds, "host")
		Expect(ds.Host).To(HaveLen(8))
	})
})

var _ = Describe("a host's options", func() {
	const logHost = "Syslog.global.logHost"
	It("are its own, whoever sets them", func(ctx SpecContext) {
		vc := start("closed")
		c := connect(ctx, vc)
		names := vc.HostNames()
		first, second := vc.Host(names[0]), vc.Host(names[1])
		Expect(options(ctx, c, first, logHost)).To(BeEmpty())
		set := func(h *sim.Host, key, value string) error {
			manager, err := object.NewHostSystem(c.Client, h.Ref).ConfigManager().OptionManager(ctx)
			Expect(err).NotTo(HaveOccurred())
			return manager.Update(ctx, []types.BaseOptionValue{&types.OptionValue{Key: key, Value: value}})
		}
		all := options(ctx, c, second, "")
		for _, value := range []string{"tcp://10.0.0.1", "tcp://10.0.0.2"} { // at first, and again
			Expect(set(first, logHost, value)).To(Succeed())
			Expect(options(ctx, c, first, logHost)).To(Equal([]string{value}))
		}
		first.SetOption(logHost, "tcp://10.0.0.3")
		Expect(options(ctx, c, first, logHost)).To(Equal([]string{"tcp://10.0.0.3"}))
		Expect(options(ctx, c, second, "")).To(Equal(all))
		other := start("closed")
		Expect(options(ctx, connect(ctx, other), other.Host(names[0]), logHost)).To(BeEmpty())

		var host mo.HostSystem
		read(ctx, c, first.Ref, &host, "config.option")
		Expect(host.Config.Option).To(ContainElement(HaveField("Key", logHost)))
		first.SetOption(logHost)
		Expect(options(ctx, c, first, logHost)).To(BeEmpty())
		first.Revoke("Host.Config.AdvancedConfig")
		Expect(fault.Is(set(first, logHost, "x"), &types.NoPermission{})).To(BeTrue())
	})
})

var _ = Describe("ESXi's refusals", func() {
	enable := func(ctx SpecContext, vc *sim.VCenter, host, key string) error {
		fw, err := object.NewHostSystem(connect(ctx, vc).Client, vc.Host(host).Ref).ConfigManager().FirewallSystem(ctx)
		Expect(err).NotTo(HaveOccurred())
		return fw.EnableRuleset(ctx, key)
	}
	refused := func(err error) {
		GinkgoHelper()
		Expect(fault.Is(err, &types.HostConfigFault{})).To(BeTrue(), "%v", err)
	}
	It("keep ntpClient shut while ntpd is stopped, since 7.0", func(ctx SpecContext) {
		vc := start("closed")
		refused(enable(ctx, vc, "esx03.example", "ntpClient"))
		vc.Host("esx03.example").SetNTP(true, "10.0.0.1")
		Expect(enable(ctx, vc, "esx03.example", "ntpClient")).To(Succeed())
		Expect(enable(ctx, vc, "esx11.example", "ntpClient")).To(Succeed(), "6.5")
	})
	It("keep users from what 8.0.3 switches itself", func(ctx SpecContext) {
		vc := start("estate")
		refused(enable(ctx, vc, "esx21.example", "iSCSI"))
		refused(enable(ctx, vc, "esx21.example", "vsanEncryption"))
		Expect(enable(ctx, vc, "esx21.example", "vSPC")).To(Succeed())
		_, err := methods.UpdateRuleset(ctx, connect(ctx, vc).Client, &types.UpdateRuleset{
			This: vc.Host("esx21.example").FirewallRef(), Id: "nfsClient",
			Spec: types.HostFirewallRulesetRulesetSpec{AllowedHosts: types.HostFirewallRulesetIpList{AllIp: true}},
		})
		refused(err)
	})
})
