package profile_test

import (
	"fmt"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/profile"
)

// demanded are the needs of one host with the settings, as name: service to peers (names).
func demanded(profiles []profile.Profile, settings ...inventory.PeerSetting) (list []string, after []inventory.PeerSetting) {
	inv := &inventory.Inventory{Hosts: []inventory.Host{{ID: "host-1", PeerSettings: settings}, {ID: "host-2"}}}
	for _, n := range profile.Demanded(profiles, inv) {
		req, ok := n.For(&inv.Hosts[0])
		Expect(ok).To(BeTrue())
		_, other := n.For(&inv.Hosts[1])
		Expect(other).To(BeFalse())
		list = append(list, fmt.Sprintf("%s: %s %s %v %v (%s)", req.Name, req.Direction, req.Service(), req.Peers, req.Unnamed, req.From))
	}
	slices.Sort(list)
	return list, inv.Hosts[0].PeerSettings
}

func set(origin inventory.PeerOrigin, values ...string) inventory.PeerSetting {
	return inventory.PeerSetting{Origin: origin, Name: "S", Values: values}
}

var _ = DescribeTable("hosts' own settings ask for", func(s inventory.PeerSetting, want ...string) {
	got, after := demanded(profile.FromSettings(), s)
	if len(want) == 0 {
		Expect(got).To(BeEmpty())
		return
	}
	Expect(got).To(Equal(want))
	Expect(after[0].Unreadable).To(BeEmpty())
},
	Entry("udp where a collector has no scheme", set(inventory.SyslogLogHosts, "10.0.0.9"), "syslog-udp: outbound UDP 514 [10.0.0.9/32] [] (S: 10.0.0.9)"),
	Entry("a collector's own port", set(inventory.SyslogLogHosts, "udp://logs:5514"), "syslog-udp-5514: outbound UDP 5514 [] [logs] (S: udp://logs:5514)"),
	Entry("several collectors", set(inventory.SyslogLogHosts, "ssl://10.0.0.9", "ssl://10.0.0.10:1514", "tcp://[fd00::1]:514", "ssl://logs.example"),
		"syslog-ssl: outbound TCP 1514 [10.0.0.9/32 10.0.0.10/32] [logs.example] (S: ssl://10.0.0.9, ssl://10.0.0.10:1514, ssl://logs.example)",
		"syslog-tcp: outbound TCP 514 [fd00::1/128] [] (S: tcp://[fd00::1]:514)"),
	Entry("a collector by TCP without a port, whose own is not certain", set(inventory.SyslogLogHosts, "tcp://10.0.0.9"),
		"syslog-tcp: outbound TCP 514 [10.0.0.9/32] [] (S: tcp://10.0.0.9 (514 taken for its port))"),
	Entry("a collector with a format", set(inventory.SyslogLogHosts, "tcp://10.0.0.9:1514?formatter=RFC_5424&framing=octet_counting"),
		"syslog-tcp-1514: outbound TCP 1514 [10.0.0.9/32] [] (S: tcp://10.0.0.9:1514?formatter=RFC_5424&framing=octet_counting)"),
	Entry("time", set(inventory.NTPServers, "10.0.0.1", "pool.ntp.org"), "ntp: outbound UDP 123 [10.0.0.1/32] [pool.ntp.org] (S: 10.0.0.1, pool.ntp.org)"),
	Entry("their vCenter, in both directions", set(inventory.ManagingVCenter, "10.0.0.2"),
		"vcenter-heartbeat: outbound UDP 902 [10.0.0.2/32] [] (S: 10.0.0.2)", "vcenter-management: inbound TCP 443 and 902 [10.0.0.2/32] [] (S: 10.0.0.2)"),
	Entry("an iSCSI target at another port", set(inventory.ISCSITargets, "10.0.0.3:3261", "10.0.0.4:3260", "[fd00::2]:3260"),
		"iscsi-3261: outbound TCP 3261 [10.0.0.3/32] [] (S: 10.0.0.3:3261)", "iscsi: outbound TCP 3260 [10.0.0.4/32 fd00::2/128] [] (S: 10.0.0.4:3260, [fd00::2]:3260)"),
	Entry("vMotion, without the addresses for cold migration", set(inventory.VMotionHosts, "10.0.1.2"),
		"vmotion-migration-in: inbound TCP 8000 [10.0.1.2/32] [] (S: 10.0.1.2)", "vmotion-migration-out: outbound TCP 8000 [10.0.1.2/32] [] (S: 10.0.1.2)"),
	Entry("the mounts of NFS 3", set(inventory.NFSMounts, "10.0.3.1"), "nfs3: outbound TCP 111 and 2049 [10.0.3.1/32] [] (S: 10.0.3.1)"),
	Entry("the mounts of NFS 4.1", set(inventory.NFS41Mounts, "10.0.3.1"), "nfs41: outbound TCP 2049 [10.0.3.1/32] [] (S: 10.0.3.1)"),
	Entry("cold migration", set(inventory.ProvisioningHosts, "10.0.2.2"), "vmotion-provisioning: outbound TCP 902 [10.0.2.2/32] [] (S: 10.0.2.2)"),
	Entry("peers whose address was not read", inventory.PeerSetting{Origin: inventory.VMotionHosts, Name: "S", Values: []string{"10.0.1.2"}, Unnamed: []string{"that of esx3"}},
		"vmotion-migration-in: inbound TCP 8000 [10.0.1.2/32] [that of esx3] (S: 10.0.1.2, that of esx3)",
		"vmotion-migration-out: outbound TCP 8000 [10.0.1.2/32] [that of esx3] (S: 10.0.1.2, that of esx3)"),
	Entry("nothing, where nothing is set", set(inventory.SyslogLogHosts)),
)

var _ = Describe("a setting that is not understood", func() {
	It("is marked, and what else it has is asked for", func() {
		got, after := demanded(profile.FromSettings(), set(inventory.SyslogLogHosts, "relp://10.0.0.9", "tcp://10.0.0.8", "a b"))
		Expect(got).To(HaveLen(1))
		Expect(after[0].Unreadable).To(ContainSubstring("is not understood"))
	})
	It("says what scheme it knows not", func() {
		_, after := demanded(profile.FromSettings(), set(inventory.SyslogLogHosts, "relp://10.0.0.9"))
		Expect(after[0].Unreadable).To(ContainSubstring("takes one of ssl, tcp, udp for a scheme, and relp://10.0.0.9 has another"))
	})
	It("keeps what it could not be read for", func() {
		s := set(inventory.NTPServers, "a b")
		s.Unreadable = "no permission"
		_, after := demanded(profile.FromSettings(), s)
		Expect(after[0].Unreadable).To(Equal("no permission"))
	})
})

var _ = It("a given peer stands in for what a setting has by name, and for nothing else", func() {
	inv := &inventory.Inventory{Hosts: []inventory.Host{
		{ID: "named", PeerSettings: []inventory.PeerSetting{set(inventory.SyslogLogHosts, "ssl://logs.example", "ssl://10.0.0.8", "tcp://logs.example")}},
		{ID: "addressed", PeerSettings: []inventory.PeerSetting{set(inventory.SyslogLogHosts, "ssl://10.0.0.7")}},
	}}
	syslog, err := profile.Named("syslog")
	Expect(err).NotTo(HaveOccurred())
	needs := profile.Demanded(profile.FromSettings(), inv)
	peer, err := profile.ParsePeer("ssl://10.0.0.9")
	Expect(err).NotTo(HaveOccurred())
	Expect(syslog.StandIn(needs, peer)).To(Succeed())
	Expect(needs[0].Name).To(Equal("syslog-ssl"))
	Expect(fmt.Sprint(*needs[0].Of["named"])).To(Equal("{[10.0.0.8/32 10.0.0.9/32] [] S: ssl://logs.example, ssl://10.0.0.8, by --peer}"))
	Expect(fmt.Sprint(*needs[0].Of["addressed"])).To(Equal("{[10.0.0.7/32] [] S: ssl://10.0.0.7}"))
	Expect(needs[1].Of["named"].Unnamed).To(Equal([]string{"logs.example"}), "the other transport is not meant")
	other, err := profile.ParsePeer("relp://10.0.0.9")
	Expect(err).NotTo(HaveOccurred())
	Expect(syslog.StandIn(needs, other)).NotTo(Succeed())
})

var _ = It("hosts and needs of one demand share it, also where a given peer stands in, and no others do", func() {
	inv := &inventory.Inventory{}
	for i, s := range []inventory.PeerSetting{
		set(inventory.VMotionHosts, "10.0.1.2", "10.0.1.3"), set(inventory.VMotionHosts, "10.0.1.2", "10.0.1.3"), set(inventory.VMotionHosts, "10.0.1.2"),
		{Origin: inventory.VMotionHosts, Name: "S", Unnamed: []string{"10.0.1.2"}}, // forged: an address that was not read
		set(inventory.SyslogLogHosts, "ssl://logs"), set(inventory.SyslogLogHosts, "ssl://logs"),
	} {
		inv.Hosts = append(inv.Hosts, inventory.Host{ID: fmt.Sprint(i), PeerSettings: []inventory.PeerSetting{s}})
	}
	needs := profile.Demanded(profile.FromSettings(), inv)
	syslog, err := profile.Named("syslog")
	Expect(err).NotTo(HaveOccurred())
	peer, err := profile.ParsePeer("ssl://10.0.0.9")
	Expect(err).NotTo(HaveOccurred())
	Expect(syslog.StandIn(needs, peer)).To(Succeed())
	of := map[string]map[string]*checks.Demand{}
	for _, n := range needs {
		of[n.Name] = n.Of
	}
	in, out, logs := of["vmotion-migration-in"], of["vmotion-migration-out"], of["syslog-ssl"]
	Expect(in["0"]).To(BeIdenticalTo(in["1"]))
	Expect(in["0"]).To(BeIdenticalTo(out["0"]))
	Expect(in["2"]).NotTo(BeIdenticalTo(in["0"]))
	Expect(in["3"]).NotTo(BeIdenticalTo(in["2"]))
	Expect(logs["4"]).To(BeIdenticalTo(logs["5"]))
	Expect(logs["4"].Peers).To(HaveLen(1))
})

var _ = It("the profiles of settings are those whose peers are in settings", func() {
	var names []string
	for _, p := range profile.FromSettings() {
		names = append(names, p.Name)
	}
	Expect(names).To(Equal([]string{"syslog", "ntp", "vcenter", "vmotion", "vsan", "nfs3", "nfs41", "iscsi", "kms"}))
})
