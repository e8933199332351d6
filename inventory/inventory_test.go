package inventory_test

import (
	"errors"
	"math/rand/v2"
	"net/netip"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/inventory"
)

var _ = Describe("Tristate", func() {
	It("is unknown when nobody set it", func() {
		var t inventory.Tristate
		Expect(t).To(Equal(inventory.Unknown))
		Expect(t.String()).To(Equal("not known"))
	})
	It("keeps nil apart from false", func() {
		no := false
		Expect(inventory.FromPtr(nil)).To(Equal(inventory.Unknown))
		Expect(inventory.FromPtr(&no)).To(Equal(inventory.No))
	})
})

var _ = DescribeTable("ParsePrefix",
	func(text, want string) {
		p, err := inventory.ParsePrefix(text)
		if want == "" {
			Expect(err).To(MatchError(ContainSubstring("is not an IP address or CIDR")))
			return
		}
		Expect(err).NotTo(HaveOccurred())
		Expect(p.String()).To(Equal(want))
	},
	Entry("an IPv4 address", "10.0.0.5", "10.0.0.5/32"),
	Entry("an IPv4 network with host bits", "10.0.0.5/24", "10.0.0.0/24"),
	Entry("an IPv6 address", "2001:DB8::1", "2001:db8::1/128"),
	Entry("IPv4 in IPv6", "::ffff:10.0.0.5", "10.0.0.5/32"),
	Entry("an IPv4 network in IPv6", "::ffff:10.0.0.0/120", "10.0.0.0/24"),
	Entry("an IPv6 network that only contains the mapped ones", "::ffff:0:0/95", "::fffe:0:0/95"),
	Entry("a zone is of no account", "fe80::1%vmk0", "fe80::1/128"),
	Entry("a name", "vch.example", ""),
	Entry("a bad length", "10.0.0.0/33", ""),
	Entry("nothing", "", ""),
)

var _ = Describe("Covered", func() {
	prefixes := func(list ...string) []netip.Prefix {
		var out []netip.Prefix
		for _, s := range list {
			out = append(out, netip.MustParsePrefix(s))
		}
		return out
	}
	DescribeTable("compares a peer with a union of prefixes",
		func(peer string, by []netip.Prefix, want bool) {
			Expect(inventory.Covered(netip.MustParsePrefix(peer), by)).To(Equal(want))
		},
		Entry("by itself", "10.0.0.5/32", prefixes("10.0.0.5/32"), true),
		Entry("by a network around it", "10.0.0.5/32", prefixes("10.0.0.0/8"), true),
		Entry("not by its neighbour", "10.0.0.5/32", prefixes("10.0.0.4/32"), false),
		Entry("by two halves", "10.0.0.0/24", prefixes("10.0.0.128/25", "10.0.0.0/25"), true),
		Entry("not by one half", "10.0.0.0/24", prefixes("10.0.0.0/25"), false),
		Entry("not by three quarters", "10.0.0.0/24", prefixes("10.0.0.0/25", "10.0.0.128/26"), false),
		Entry("by pieces of unequal size", "10.0.0.0/24", prefixes("10.0.0.0/25", "10.0.0.128/26", "10.0.0.192/26"), true),
		Entry("by nothing", "10.0.0.5/32", nil, false),
		Entry("IPv6 by IPv6", "2001:db8::/64", prefixes("2001:db8::/48"), true),
		Entry("IPv4 not by IPv6", "10.0.0.5/32", prefixes("::/0"), false),
		Entry("everything by both halves", "0.0.0.0/0", prefixes("0.0.0.0/1", "128.0.0.0/1"), true),
	)
	It("agrees with looking at every address", func() {
		base := netip.MustParseAddr("192.0.2.0").As4()
		at := func(i int) netip.Addr { a := base; a[3] = byte(i); return netip.AddrFrom4(a) }
		for range 2000 {
			var by []netip.Prefix
			for range rand.IntN(6) {
				p, err := at(rand.IntN(256)).Prefix(24 + rand.IntN(9))
				Expect(err).NotTo(HaveOccurred())
				by = append(by, p)
			}
			peer, err := at(rand.IntN(256)).Prefix(24 + rand.IntN(9))
			Expect(err).NotTo(HaveOccurred())
			want := true
			for i := range 256 {
				if !peer.Contains(at(i)) {
					continue
				}
				hit := false
				for _, p := range by {
					hit = hit || p.Contains(at(i))
				}
				want = want && hit
			}
			Expect(inventory.Covered(peer, by)).To(Equal(want), "%v by %v", peer, by)
		}
	})
})

var _ = Describe("AllowedHosts", func() {
	It("ignores its lists when all are allowed, as ESXi does", func() {
		a := &inventory.AllowedHosts{All: true, Addrs: []string{"10.0.0.1"}}
		prefixes, malformed := a.Prefixes()
		Expect(prefixes).To(BeEmpty())
		Expect(malformed).To(BeEmpty())
		Expect(a.Canonical()).To(Equal("all"))
	})
	It("reports entries that are no addresses", func() {
		a := &inventory.AllowedHosts{Addrs: []string{"10.0.0.1", "nonsense"}, Networks: []inventory.Network{{Address: "10.1.0.0", Bits: 99}}}
		prefixes, malformed := a.Prefixes()
		Expect(prefixes).To(HaveLen(1))
		Expect(malformed).To(ConsistOf("nonsense", "10.1.0.0/99"))
	})
	It("is canonical in any order and spelling", func() {
		a := &inventory.AllowedHosts{Addrs: []string{"10.0.0.1", "2001:DB8::1"}}
		b := &inventory.AllowedHosts{Addrs: []string{"2001:db8:0::1", "::ffff:10.0.0.1"}}
		Expect(a.Canonical()).To(Equal(b.Canonical()))
		Expect(a.Canonical()).NotTo(Equal((&inventory.AllowedHosts{}).Canonical()))
	})
	It("tells not known, none and all apart", func() {
		var unknown *inventory.AllowedHosts
		Expect([]string{unknown.String(), (&inventory.AllowedHosts{}).String(), (&inventory.AllowedHosts{All: true}).String()}).
			To(Equal([]string{"not known", "none", "all"}))
	})
})

var _ = Describe("Inventory", func() {
	It("groups hosts by cluster path, standalone ones last, and loses none", func() {
		inv := &inventory.Inventory{Hosts: []inventory.Host{
			{Name: "lone"},
			{Name: "a1", Cluster: "a", ClusterPath: "/dc/host/x/a"},
			{Name: "b1", Cluster: "a", ClusterPath: "/dc/host/y/a"},
			{Name: "a2", Cluster: "a", ClusterPath: "/dc/host/x/a"},
		}}
		clusters := inv.Clusters()
		Expect(clusters).To(HaveLen(3))
		Expect(clusters[0].Hosts).To(Equal([]int{1, 3}))
		Expect(clusters[1].Hosts).To(Equal([]int{2}))
		Expect(clusters[2]).To(Equal(inventory.Cluster{Hosts: []int{0}}))
	})
})

var _ = DescribeTable("Host.StateLabel",
	func(h inventory.Host, want string) { Expect(h.StateLabel()).To(Equal(want)) },
	Entry("not read", inventory.Host{}, "not known"),
	Entry("connected", inventory.Host{Connection: inventory.Connected}, "connected"),
	Entry("not responding", inventory.Host{Connection: inventory.NotResponding, Maintenance: inventory.Yes}, "not responding"),
	Entry("disconnected", inventory.Host{Connection: inventory.Disconnected}, "disconnected"),
	Entry("maintenance", inventory.Host{Connection: inventory.Connected, Maintenance: inventory.Yes}, "maintenance"),
	Entry("quarantine", inventory.Host{Connection: inventory.Connected, Quarantine: inventory.Yes}, "quarantine"),
	Entry("entering standby", inventory.Host{Connection: inventory.Connected, Standby: "entering"}, "standby"),
	Entry("standby none", inventory.Host{Connection: inventory.Connected, Standby: "none"}, "connected"),
)

var _ = DescribeTable("versions are compared by their numbers", func(a, b string, sign int) {
	switch got := inventory.CompareVersions(a, b); sign {
	case 0:
		Expect(got).To(BeZero())
	default:
		Expect(got * sign).To(BeNumerically(">", 0))
	}
},
	Entry("the same", "8.0.2", "8.0.2", 0),
	Entry("by the last part", "8.0.2", "8.0.3", -1),
	Entry("not by letters", "8.0.10", "8.0.9", 1),
	Entry("a part that is not there is 0", "8.0", "8.0.0", 0),
	Entry("by the first part", "7.0.3", "8.0.0", -1),
)

var _ = DescribeTable("ParsePeer asks where a text is an address and a network at once", func(text string, ambiguous bool) {
	_, err := inventory.ParsePeer(text)
	var two *inventory.AmbiguousPeerError
	Expect(errors.As(err, &two)).To(Equal(ambiguous), "%v", err)
	if ambiguous {
		Expect([]string{two.Address.String(), two.Network.String()}).To(Equal([]string{"10.0.0.5", "10.0.0.0/24"}))
	}
},
	Entry("an address with its network's mask", "10.0.0.5/24", true),
	Entry("a network", "10.0.0.0/24", false),
	Entry("an address", "10.0.0.5", false),
	Entry("an address with a mask of its own", "10.0.0.5/32", false),
)
