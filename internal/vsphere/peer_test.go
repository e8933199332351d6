package vsphere_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// talks gives a host settings of whom it talks to.
type talks struct {
	logHost    string
	ntp        []string
	nfs, nfs41 string
	iscsi      *types.HostInternetScsiHba
	// nics are the addresses by kind of traffic. An empty one is an adapter without.
	nics map[string][]string
}

func (p talks) put(vc *sim.VCenter, name string) {
	h := vc.Host(name)
	options := simulator.NewOptionManager(nil, nil, &[]types.BaseOptionValue{&types.OptionValue{Key: "Syslog.global.logDir", Value: "[] /scratch/log"}})
	if p.logHost != "" {
		_ = options.(*simulator.OptionManager).UpdateOptions(&types.UpdateOptions{ChangedValue: []types.BaseOptionValue{
			&types.OptionValue{Key: "Syslog.global.logHost", Value: p.logHost},
			&types.OptionValue{Key: "Syslog.global.logHost2", Value: "10.9.9.9"}, // a query finds what begins so
		}})
	}
	ref := vc.Model().Map().Put(options).Reference()
	object := h.Object()
	object.ConfigManager.AdvancedOption = &ref
	if p.ntp != nil {
		h.SetNTP(true, p.ntp...)
	}
	object.Config.FileSystemVolume = &types.HostFileSystemVolumeInfo{MountInfo: []types.HostFileSystemMountInfo{
		{Volume: &types.HostVmfsVolume{HostFileSystemVolume: types.HostFileSystemVolume{Type: "VMFS", Name: "local"}}},
		{Volume: nas("NFS", p.nfs)},
		{Volume: nas("NFS", p.nfs)},
		{Volume: nas("NFS41", p.nfs41)},
		{Volume: nas("CIFS", "10.8.8.8")},
	}}
	storage := types.HostStorageDeviceInfo{HostBusAdapter: []types.BaseHostHostBusAdapter{
		&types.HostBlockHba{HostHostBusAdapter: types.HostHostBusAdapter{Device: "vmhba0"}},
		&types.HostInternetScsiHba{ConfiguredSendTarget: []types.HostInternetScsiHbaSendTarget{{Address: "10.7.7.7"}}}, // hardware
	}}
	if p.iscsi != nil {
		storage.HostBusAdapter = append(storage.HostBusAdapter, p.iscsi)
	}
	object.Config.StorageDevice = &storage
	object.Config.VirtualNicManagerInfo = &types.HostVirtualNicManagerInfo{NetConfig: netConfig(p.nics)}
}

func nas(kind, server string) *types.HostNasVolume {
	v := &types.HostNasVolume{HostFileSystemVolume: types.HostFileSystemVolume{Type: kind}, RemoteHost: server, RemotePath: "/x", UserName: "mounter"}
	if server != "" {
		v.RemoteHostNames = []string{server}
	}
	return v
}

// netConfig has the adapters as a candidate of each kind of traffic, as hosts have.
func netConfig(nics map[string][]string) (list []types.VirtualNicManagerNetConfig) {
	for _, kind := range types.HostVirtualNicManagerNicType("").Strings() {
		c := types.VirtualNicManagerNetConfig{NicType: kind, MultiSelectAllowed: true}
		for traffic, addresses := range nics {
			for i, a := range addresses {
				nic := types.HostVirtualNic{
					Device: fmt.Sprintf("vmk%d", i), Key: fmt.Sprintf("%s.key-vim.host.VirtualNic-%s%d", kind, traffic, i),
					Spec: types.HostVirtualNicSpec{Ip: &types.HostIpConfig{IpAddress: a, SubnetMask: "255.255.255.0"}, Mac: "00:50:56:00:00:00"},
				}
				if strings.Contains(a, ":") {
					nic.Spec.Ip = &types.HostIpConfig{IpV6Config: &types.HostIpConfigIpV6AddressConfiguration{IpV6Address: []types.HostIpConfigIpV6Address{
						{IpAddress: "fe80::1", PrefixLength: 64, Origin: "linklayer"}, {IpAddress: a, PrefixLength: 64, Origin: "manual"},
					}}}
				}
				c.CandidateVnic = append(c.CandidateVnic, nic)
				if traffic == kind {
					c.SelectedVnic = append(c.SelectedVnic, nic.Key)
				}
			}
		}
		slices.SortFunc(c.CandidateVnic, func(a, b types.HostVirtualNic) int { return slices.Compare([]byte(a.Key), []byte(b.Key)) })
		list = append(list, c)
	}
	return list
}

// settled is an inventory with the settings; called counts the calls of the callback.
func settled(ctx context.Context, s *vsphere.Session, sel vsphere.Selection, opts vsphere.CollectOptions) *inventory.Inventory {
	GinkgoHelper()
	called := 0
	opts.PeerSettings = func(inv *inventory.Inventory) {
		defer GinkgoRecover()
		called++
		for _, h := range inv.Hosts {
			Expect(h.PeerSettings).To(HaveLen(len(inventory.PeerOrigins())))
			for i, origin := range inventory.PeerOrigins() {
				Expect(h.PeerSettings[i].Origin).To(Equal(origin))
				Expect(h.PeerSettings[i].Name).NotTo(BeEmpty())
			}
		}
	}
	inv, err := s.Collect(ctx, sel, opts)
	Expect(err).NotTo(HaveOccurred())
	Expect(called).To(Equal(1))
	return inv
}

func setting(inv *inventory.Inventory, host string, origin inventory.PeerOrigin) inventory.PeerSetting {
	GinkgoHelper()
	for _, s := range hostNamed(inv, host).PeerSettings {
		if s.Origin == origin {
			return s
		}
	}
	Fail("no setting " + string(origin))
	return inventory.PeerSetting{}
}

func unreadable(inv *inventory.Inventory, host string, origin inventory.PeerOrigin) string {
	GinkgoHelper()
	return setting(inv, host, origin).Unreadable
}

// noPeers means that a setting names none, and is known.
func noPeers(s inventory.PeerSetting) {
	GinkgoHelper()
	Expect(s.Values).To(BeEmpty(), s.Name)
	Expect(s.Unnamed).To(BeEmpty(), s.Name)
	Expect(s.Unreadable).To(BeEmpty(), s.Name)
}

var softwareISCSI = &types.HostInternetScsiHba{
	HostHostBusAdapter: types.HostHostBusAdapter{Device: "vmhba64"}, IsSoftwareBased: true, IScsiName: "iqn.1998-01.com.vmware:esx01",
	AuthenticationProperties: types.HostInternetScsiHbaAuthenticationProperties{ChapName: "chap", ChapSecret: "s3cret"},
	SupportedAdvancedOptions: []types.OptionDef{{ElementDescription: types.ElementDescription{Key: "LoginTimeout"}, OptionType: &types.IntOption{Min: 1}}},
	ConfiguredSendTarget: []types.HostInternetScsiHbaSendTarget{
		{Address: "10.3.0.1", Port: 3260}, {Address: "san.example"}, {Address: "fd00::3", Port: 3261},
	},
	ConfiguredStaticTarget: []types.HostInternetScsiHbaStaticTarget{{Address: "10.3.0.1", Port: 3260, IScsiName: "iqn.a"}, {Address: "10.3.0.2", Port: 3260, IScsiName: "iqn.b"}},
}

// configured is the mixed estate, of which the hosts of prod have settings.
func configured() *sim.VCenter {
	GinkgoHelper()
	vc := start("mixed")
	talks{
		logHost: " udp://logs.example:514, ssl://10.1.0.1:6514 ,,", ntp: []string{"10.2.0.1", "time.example"}, nfs: "10.4.0.1", nfs41: "10.4.0.2", iscsi: softwareISCSI,
		nics: map[string][]string{"management": {"10.0.0.1"}, "vmotion": {"10.5.0.1"}, "vsan": {"10.6.0.1"}},
	}.put(vc, "esx01.example")
	talks{nics: map[string][]string{"management": {"10.0.0.2"}, "vmotion": {"10.5.0.2", "10.5.1.2"}, "vsan": {"10.6.0.2"}, "vSphereProvisioning": {"10.7.0.2"}}}.put(vc, "esx02.example")
	talks{nics: map[string][]string{"management": {"10.0.0.3"}, "vmotion": {"10.5.0.3", "fd00::5"}}}.put(vc, "esx03.example")
	talks{nics: map[string][]string{"management": {"10.0.0.4"}}}.put(vc, "esx04.example")
	talks{nics: map[string][]string{"management": {"10.0.0.5"}, "vmotion": {""}}}.put(vc, "esx05.example")
	talks{nics: map[string][]string{"management": {"10.0.0.6"}}}.put(vc, "esx06.example")
	talks{logHost: "10.1.0.9", nics: map[string][]string{"vmotion": {"10.5.9.9"}}}.put(vc, "esx31.example")
	kms := vc.Model().Map().Get(*vc.Model().ServiceContent.CryptoManager).(*simulator.CryptoManagerKmip)
	kms.KmipServers = []types.KmipClusterInfo{
		{ClusterId: types.KeyProviderId{Id: "a"}, Servers: []types.KmipServerInfo{{Name: "k1", Address: "10.9.0.1", Port: 5696, UserName: "kmipuser"}, {Name: "k2", Address: "kms.example", Port: 5697}}},
		{ClusterId: types.KeyProviderId{Id: "native"}},
	}
	return vc
}

var _ = Describe("whom hosts talk to by their own settings", func() {
	It("is read of each setting", func(ctx SpecContext) {
		vc := configured()
		vc.Host("esx01.example").SetManagedBy("203.0.113.1")
		inv := settled(ctx, login(ctx, vc), vsphere.Selection{}, vsphere.CollectOptions{})
		values := func(origin inventory.PeerOrigin) []string {
			s := setting(inv, "esx01.example", origin)
			Expect(s.Unreadable).To(BeEmpty(), s.Name)
			return s.Values
		}
		Expect(values(inventory.SyslogLogHosts)).To(Equal([]string{"udp://logs.example:514", "ssl://10.1.0.1:6514"}))
		Expect(values(inventory.NTPServers)).To(Equal([]string{"10.2.0.1", "time.example"}))
		Expect(values(inventory.ManagingVCenter)).To(Equal([]string{"203.0.113.1"}))
		Expect(values(inventory.NFSMounts)).To(Equal([]string{"10.4.0.1"}), "NFS 4.1 has a ruleset of its own")
		Expect(values(inventory.NFS41Mounts)).To(Equal([]string{"10.4.0.2"}))
		Expect(values(inventory.ISCSITargets)).To(Equal([]string{"10.3.0.1:3260", "san.example", "[fd00::3]:3261", "10.3.0.2:3260"}))
		Expect(values(inventory.KMIPServers)).To(Equal([]string{"10.9.0.1:5696", "kms.example:5697"}))
		Expect(values(inventory.VMotionHosts)).To(Equal([]string{"10.5.0.2", "10.5.1.2", "10.5.0.3", "fd00::5"}))
		Expect(setting(inv, "esx01.example", inventory.VMotionHosts).Unnamed).To(Equal([]string{"the vMotion address of esx05.example"}))
		Expect(values(inventory.VSANHosts)).To(Equal([]string{"10.6.0.2"}))
		Expect(setting(inv, "esx01.example", inventory.VSANHosts).Unnamed).To(Equal([]string{"a witness host, if there is one"}))
		Expect(values(inventory.ProvisioningHosts)).To(Equal([]string{"10.7.0.2", "10.0.0.3", "10.0.0.5"}), "cold migration goes by the management address where no adapter is made for it")
		Expect(setting(inv, "esx01.example", inventory.ProvisioningHosts).Unnamed).To(BeEmpty())
		Expect(fmt.Sprintf("%+v", hostNamed(inv, "esx01.example").PeerSettings)).NotTo(Or(
			ContainSubstring("s3cret"), ContainSubstring("chap"), ContainSubstring("kmipuser"), ContainSubstring("mounter"), ContainSubstring("10.9.9.9")))
	}, SpecTimeout(time.Minute))

	It("is nothing where nothing is set", func(ctx SpecContext) {
		vc := configured()
		inv := settled(ctx, login(ctx, vc), vsphere.Selection{}, vsphere.CollectOptions{})
		for _, origin := range inventory.PeerOrigins() {
			if origin != inventory.ManagingVCenter {
				noPeers(setting(inv, "esx04.example", origin))
			}
		}
		for _, origin := range []inventory.PeerOrigin{inventory.KMIPServers, inventory.VSANHosts} {
			noPeers(setting(inv, "esx03.example", origin)) // it has no vSAN
		}
		for _, origin := range []inventory.PeerOrigin{inventory.VMotionHosts, inventory.ProvisioningHosts} {
			noPeers(setting(inv, "esx31.example", origin)) // it stands alone
		}
		Expect(unreadable(inv, "esx31.example", inventory.SyslogLogHosts)).To(Equal("vCenter is not connected to the host"))
		Expect(hostNamed(inv, "esx01.example").Firewall.Rulesets).NotTo(BeEmpty())
	}, SpecTimeout(time.Minute))

	It("is not asked for unless it is wanted", func(ctx SpecContext) {
		vc := configured()
		inv := collect(ctx, login(ctx, vc), vsphere.Selection{})
		for _, h := range inv.Hosts {
			Expect(h.PeerSettings).To(BeNil())
		}
		Expect(vc.RequestsOf("QueryOptions")).To(BeZero())
		Expect(vc.RequestsOf("ListKmipServers")).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("is there before a host is asked for its switch or its packages", func(ctx SpecContext) {
		vc := configured()
		var told atomic.Bool
		before := func(*inventory.Host) bool {
			defer GinkgoRecover()
			Expect(told.Load()).To(BeTrue())
			Expect(vc.RequestsOf("QueryOptions")).To(Equal(18), "20 hosts, of which two are away")
			return true
		}
		inv, err := login(ctx, vc).Collect(ctx, vsphere.Selection{}, vsphere.CollectOptions{
			Switch: before, Software: before,
			PeerSettings: func(*inventory.Inventory) {
				defer GinkgoRecover()
				Expect(vc.RequestsOf("ExecuteSoap")).To(BeZero())
				told.Store(true)
			},
		})
		Expect(err).NotTo(HaveOccurred())
		Expect(hostNamed(inv, "esx01.example").Firewall.Switch.Enabled).To(Equal(inventory.Yes))
		Expect(hostNamed(inv, "esx01.example").Software.Known()).To(BeTrue())
	}, SpecTimeout(time.Minute))

	It("counts the other hosts of a cluster that the selection leaves out", func(ctx SpecContext) {
		vc := configured()
		s := login(ctx, vc)
		inv := settled(ctx, s, vsphere.Selection{}, vsphere.CollectOptions{})
		one := settled(ctx, s, vsphere.Selection{Hosts: []string{"esx01.example"}}, vsphere.CollectOptions{})
		Expect(names(one)).To(Equal([]string{"esx01.example"}))
		Expect(one.Hosts[0].PeerSettings).To(Equal(hostNamed(inv, "esx01.example").PeerSettings))

		vc.Host("esx02.example").Deny("config.virtualNicManagerInfo.netConfig", &types.NoPermission{PrivilegeId: "System.Read"})
		one = settled(ctx, s, vsphere.Selection{Hosts: []string{"esx01.example"}}, vsphere.CollectOptions{})
		Expect(setting(one, "esx01.example", inventory.VMotionHosts).Values).To(Equal([]string{"10.5.0.3", "fd00::5"}))
		Expect(setting(one, "esx01.example", inventory.VMotionHosts).Unnamed).To(Equal([]string{"the vMotion address of esx02.example", "the vMotion address of esx05.example"}))
		Expect(setting(one, "esx01.example", inventory.VSANHosts).Unnamed).To(Equal([]string{"the vSAN address of esx02.example", "a witness host, if there is one"}))
		Expect(setting(one, "esx01.example", inventory.ProvisioningHosts).Unnamed).To(Equal([]string{"the provisioning address of esx02.example"}))
	}, SpecTimeout(time.Minute))

	DescribeTable("costs a host the one setting whose property it does not show",
		func(ctx SpecContext, property string, lost ...inventory.PeerOrigin) {
			vc := configured()
			vc.Host("esx01.example").Deny(property, &types.NoPermission{PrivilegeId: "System.Read"})
			inv := settled(ctx, login(ctx, vc), vsphere.Selection{}, vsphere.CollectOptions{})
			for _, origin := range inventory.PeerOrigins() {
				why := unreadable(inv, "esx01.example", origin)
				if slices.Contains(lost, origin) {
					Expect(why).To(HaveSuffix("the account lacks the privilege System.Read"), string(origin))
				} else {
					Expect(why).To(BeEmpty(), string(origin))
				}
				Expect(unreadable(inv, "esx02.example", origin)).To(BeEmpty(), string(origin))
			}
			Expect(hostNamed(inv, "esx01.example").Firewall.Unreadable).To(BeEmpty())
		},
		Entry("options", SpecTimeout(time.Minute), "configManager.advancedOption", inventory.SyslogLogHosts),
		Entry("the clock", SpecTimeout(time.Minute), "config.dateTimeInfo", inventory.NTPServers),
		Entry("the vCenter", SpecTimeout(time.Minute), "summary.managementServerIp", inventory.ManagingVCenter),
		Entry("mounts", SpecTimeout(time.Minute), "config.fileSystemVolume.mountInfo", inventory.NFSMounts, inventory.NFS41Mounts),
		Entry("adapters", SpecTimeout(time.Minute), "config.storageDevice.hostBusAdapter", inventory.ISCSITargets),
		Entry("VMkernel adapters", SpecTimeout(time.Minute), "config.virtualNicManagerInfo.netConfig",
			inventory.KMIPServers, inventory.VMotionHosts, inventory.VSANHosts, inventory.ProvisioningHosts),
	)

	It("is not known where vCenter has no configuration of a host", func(ctx SpecContext) {
		vc := configured()
		vc.Host("esx01.example").Object().Config = nil
		vc.Host("esx02.example").Object().ConfigManager.AdvancedOption = nil
		inv := settled(ctx, login(ctx, vc), vsphere.Selection{}, vsphere.CollectOptions{})
		for _, origin := range inventory.PeerOrigins() {
			switch origin {
			case inventory.SyslogLogHosts, inventory.ManagingVCenter:
				Expect(unreadable(inv, "esx01.example", origin)).To(BeEmpty())
			default:
				Expect(unreadable(inv, "esx01.example", origin)).To(HaveSuffix("the server does not tell"), string(origin))
			}
		}
		Expect(unreadable(inv, "esx02.example", inventory.SyslogLogHosts)).To(Equal("the server does not tell"))
	}, SpecTimeout(time.Minute))

	It("costs a host its options where their call fails, and hangs for no longer than a host may take", func(ctx SpecContext) {
		vc := configured()
		s := login(ctx, vc)
		options := *vc.Host("esx01.example").Object().ConfigManager.AdvancedOption
		vc.Fault("QueryOptions", options, &types.NoPermission{PrivilegeId: "System.Read"})
		inv := settled(ctx, s, vsphere.Selection{}, vsphere.CollectOptions{})
		Expect(unreadable(inv, "esx01.example", inventory.SyslogLogHosts)).To(Equal("the account lacks the privilege System.Read"))
		Expect(unreadable(inv, "esx02.example", inventory.SyslogLogHosts)).To(BeEmpty())
		Expect(unreadable(inv, "esx01.example", inventory.NTPServers)).To(BeEmpty())

		DeferCleanup(vc.Hold("QueryOptions", options, nil))
		inv = settled(ctx, s, vsphere.Selection{}, vsphere.CollectOptions{HostTimeout: 200 * time.Millisecond})
		Expect(unreadable(inv, "esx01.example", inventory.SyslogLogHosts)).To(Equal("the time ran out"))
		Expect(hostNamed(inv, "esx01.example").Firewall.Unreadable).To(BeEmpty())
	}, SpecTimeout(time.Minute))

	It("says on the hosts with vSAN why the vCenter's key servers are not known", func(ctx SpecContext) {
		vc := configured()
		s := login(ctx, vc)
		vc.Fault("ListKmipServers", types.ManagedObjectReference{}, &types.NoPermission{PrivilegeId: "Cryptographer.ManageKeyServers"})
		inv := settled(ctx, s, vsphere.Selection{}, vsphere.CollectOptions{})
		for _, name := range []string{"esx01.example", "esx02.example"} {
			Expect(unreadable(inv, name, inventory.KMIPServers)).To(Equal("the account lacks the privilege Cryptographer.ManageKeyServers"))
		}
		noPeers(setting(inv, "esx03.example", inventory.KMIPServers))
		Expect(vc.RequestsOf("ListKmipServers")).To(Equal(1))
	}, SpecTimeout(time.Minute))

	It("costs a host that is removed half way its own", func(ctx SpecContext) {
		vc := configured()
		s := login(ctx, vc)
		gone, first := vc.Host("esx02.example"), true
		inv := settled(ctx, s, vsphere.Selection{}, vsphere.CollectOptions{Progress: func(stage string, _, _ int) {
			if stage == "read" && first {
				first = false
				vc.Model().Map().Remove(vc.Model().Service.Context, gone.Ref)
			}
		}})
		for _, origin := range inventory.PeerOrigins() {
			if origin != inventory.KMIPServers {
				Expect(unreadable(inv, "esx02.example", origin)).To(Equal("it is no longer in the inventory"), string(origin))
			}
			Expect(unreadable(inv, "esx03.example", origin)).To(BeEmpty(), string(origin))
		}
		Expect(hostNamed(inv, "esx02.example").Firewall.Unreadable).To(BeEmpty(), "its firewall was there still")
		Expect(setting(inv, "esx03.example", inventory.VMotionHosts).Unnamed).To(ContainElement("the vMotion address of esx02.example"))
	}, SpecTimeout(time.Minute))

	It("leaves open what a host of the cluster has that the account may not see", func(ctx SpecContext) {
		vc := configured()
		hidden := regexp.MustCompile(`<objects><obj type="HostSystem">` + vc.Host("esx02.example").Ref.Value + `</obj>.*?</objects>`)
		s, err := bentOf(ctx, vc, func(c *simtest.Call) []byte { return hidden.ReplaceAll(c.Pass(), nil) })
		Expect(err).NotTo(HaveOccurred())
		inv := settled(ctx, s, vsphere.Selection{}, vsphere.CollectOptions{})
		Expect(inv.Hosts).To(HaveLen(19))
		peers := setting(inv, "esx01.example", inventory.VMotionHosts)
		Expect(peers.Values).To(Equal([]string{"10.5.0.3", "fd00::5"}))
		Expect(peers.Unnamed).To(ContainElement("the vMotion address of " + vc.Host("esx02.example").Ref.Value))
	}, SpecTimeout(time.Minute))

	It("is not known of any host where the property calls fail", func(ctx SpecContext) {
		vc := configured()
		s, first := login(ctx, vc), true
		inv := settled(ctx, s, vsphere.Selection{}, vsphere.CollectOptions{Progress: func(stage string, _, _ int) {
			if stage == "read" && first {
				first = false
				vc.Fault("RetrievePropertiesEx", types.ManagedObjectReference{}, &types.NoPermission{PrivilegeId: "System.View"})
			}
		}})
		for _, h := range inv.Hosts {
			for _, s := range h.PeerSettings {
				if h.Name != "esx15.example" && h.Name != "esx31.example" { // which are away
					Expect(s.Unreadable).To(HaveSuffix("the account lacks the privilege System.View"), h.Name+" "+s.Name)
				}
			}
			Expect(h.Firewall.Unreadable).NotTo(BeEmpty())
		}
		Expect(vc.RequestsOf("QueryOptions")).To(BeZero())
		Expect(vc.RequestsOf("ListKmipServers")).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("is marked as not read where the run ends before", func(ctx SpecContext) {
		vc := configured()
		s := login(ctx, vc)
		run, cancel := context.WithCancel(ctx)
		called := false
		inv, err := s.Collect(run, vsphere.Selection{}, vsphere.CollectOptions{
			Progress: func(stage string, _, _ int) {
				if stage == "settings" {
					cancel()
				}
			},
			PeerSettings: func(*inventory.Inventory) { called = true },
		})
		Expect(err).To(MatchError(context.Canceled))
		Expect(called).To(BeTrue())
		Expect(unreadable(inv, "esx01.example", inventory.SyslogLogHosts)).To(Equal("it was not read"))
		Expect(unreadable(inv, "esx01.example", inventory.KMIPServers)).NotTo(BeEmpty())
		Expect(setting(inv, "esx01.example", inventory.NTPServers).Values).NotTo(BeEmpty())
	}, SpecTimeout(time.Minute))

	It("of a bare host leaves open who else is in its cluster", func(ctx SpecContext) {
		vc := start("esxi")
		talks{logHost: "10.1.0.1", nics: map[string][]string{"vmotion": {"10.5.0.1"}, "vsan": {"10.6.0.1"}}}.put(vc, "esxi.example")
		s := login(ctx, vc)
		inv := settled(ctx, s, vsphere.Selection{}, vsphere.CollectOptions{})
		Expect(setting(inv, "esxi.example", inventory.SyslogLogHosts).Values).To(Equal([]string{"10.1.0.1"}))
		noPeers(setting(inv, "esxi.example", inventory.VMotionHosts))
		noPeers(setting(inv, "esxi.example", inventory.KMIPServers))
		vc.Host("esxi.example").SetManagedBy("203.0.113.1")
		inv = settled(ctx, s, vsphere.Selection{}, vsphere.CollectOptions{})
		Expect(setting(inv, "esxi.example", inventory.VMotionHosts).Unnamed).To(Equal([]string{"the hosts of its cluster, which its vCenter knows"}))
	}, SpecTimeout(time.Minute))

	DescribeTable("takes a call for each host, and none besides",
		func(ctx SpecContext, hosts int) {
			vc := start(fmt.Sprintf("large?hosts=%d", hosts))
			settled(ctx, login(ctx, vc), vsphere.Selection{}, vsphere.CollectOptions{Switch: func(*inventory.Host) bool { return false }})
			Expect(vc.RequestsOf("RetrievePropertiesEx")).To(Equal(1 + (hosts+49)/50))
			Expect(vc.RequestsOf("QueryOptions")).To(Equal(hosts))
			Expect(vc.RequestsOf("ListKmipServers")).To(BeZero(), "no host has vSAN")
			Expect(vc.Requests()).To(Equal(3 + (hosts+49)/50 + hosts))
		},
		Entry(nil, SpecTimeout(time.Minute), 10),
		Entry(nil, SpecTimeout(time.Minute), 100),
		Entry(nil, SpecTimeout(time.Minute), testsuite.Long, 1000),
	)
})

var _ = It("a setting never gives away what stands before an @", func() {
	given := []string{"ssl://root:hunter2@logs.example:1514", "10.0.0.9", "a@b@c"}
	Expect(vsphere.WithoutSecrets(given)).To(Equal([]string{"…@logs.example:1514", "10.0.0.9", "…@c"}))
	Expect(given[0]).To(HavePrefix("ssl://"))
})
