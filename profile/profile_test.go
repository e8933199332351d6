package profile_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/simulator/esx"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/profile"
)

func TestProfile(t *testing.T) { testsuite.Run(t, "profile") }

// versions are the rulesets of hosts of which the rules are known, by version.
func versions() map[string][]*inventory.Ruleset {
	GinkgoHelper()
	known := map[string][]*inventory.Ruleset{}
	for _, version := range []string{"6.0", "8.0.3"} {
		data, err := os.ReadFile(filepath.Join("..", "internal", "sim", "recorded", version+".json"))
		Expect(err).NotTo(HaveOccurred())
		var file struct {
			Rulesets []struct {
				Key, Service     string
				UserControllable *bool
				Rules            []inventory.Rule
			}
		}
		Expect(json.Unmarshal(data, &file)).To(Succeed())
		for _, r := range file.Rulesets {
			known[version] = append(known[version], &inventory.Ruleset{
				Key: r.Key, Rules: r.Rules, Service: r.Service, UserControllable: inventory.FromPtr(r.UserControllable),
			})
		}
	}
	for _, r := range esx.HostFirewallInfo.Ruleset {
		rs := &inventory.Ruleset{Key: r.Key, Service: r.Service}
		for _, rule := range r.Rule {
			rs.Rules = append(rs.Rules, inventory.Rule{
				Port: int(rule.Port), EndPort: int(rule.EndPort), Protocol: rule.Protocol,
				Direction: string(rule.Direction), PortType: string(rule.PortType),
			})
		}
		known["6.5"] = append(known["6.5"], rs)
	}
	return known
}

// host has the rulesets, those of the keys enabled for the allowed hosts alone.
func host(rulesets []*inventory.Ruleset, allowed *inventory.AllowedHosts, enabled ...string) *inventory.Inventory {
	h := inventory.Host{
		Name: "esx1.example", Connection: inventory.Connected,
		Firewall: inventory.Firewall{
			ID: "fw-1", IncomingBlocked: inventory.Yes, OutgoingBlocked: inventory.Yes,
			Switch: inventory.Switch{Enabled: inventory.Yes, Loaded: inventory.Yes, DefaultPass: inventory.No},
		},
	}
	for _, rs := range rulesets {
		own := *rs
		own.Enabled, own.Allowed = slices.Contains(enabled, rs.Key), allowed
		h.Firewall.Rulesets = append(h.Firewall.Rulesets, &own)
	}
	return &inventory.Inventory{Hosts: []inventory.Host{h}}
}

func without(rulesets []*inventory.Ruleset, n profile.Need) []*inventory.Ruleset {
	return slices.DeleteFunc(slices.Clone(rulesets), func(rs *inventory.Ruleset) bool {
		return slices.ContainsFunc(n.Ports, func(port int) bool { return rs.Covers(n.Direction, n.Protocol, port) })
	})
}

// disabled is the reason where the ruleset that is made for the need is there and disabled.
func disabled(n profile.Need, rulesets []*inventory.Ruleset) checks.Reason {
	at := slices.IndexFunc(rulesets, func(rs *inventory.Ruleset) bool { return rs.Key == n.Prefer[0] })
	switch rs := rulesets[at]; {
	case rs.UserControllable == inventory.Yes:
		return checks.RulesetDisabled
	case rs.Service != "", n.Owner == checks.ByService:
		return checks.SwitchedByService
	case n.Owner == checks.ByHost:
		return checks.SwitchedByHost
	}
	return checks.RulesetDisabled
}

// expectOwner holds a profile's word on who switches a ruleset against the host's own.
func expectOwner(n profile.Need, rs *inventory.Ruleset) {
	GinkgoHelper()
	if rs.Service != "" {
		Expect(n.Daemon).To(Equal(rs.Service), n.Name)
	}
	if rs.UserControllable != inventory.Unknown {
		Expect(n.Owner == checks.ByUser).To(Equal(rs.UserControllable == inventory.Yes), n.Name)
	}
}

var _ = Describe("the built-in profiles", func() {
	var (
		all  = &inventory.AllowedHosts{All: true}
		some = &inventory.AllowedHosts{Addrs: []string{"10.0.0.8"}}
		peer = profile.Peer{Prefix: netip.MustParsePrefix("10.0.0.9/32")}
	)
	for _, p := range profile.All() {
		It(p.Name+" has sources, words and valid requirements", func() {
			Expect(p.Sources).NotTo(BeEmpty())
			Expect(p.Title).NotTo(BeEmpty())
			needs, err := p.Requirements(peer)
			Expect(err).NotTo(HaveOccurred())
			Expect(needs).NotTo(BeEmpty())
			for _, n := range needs {
				Expect(n.Validate()).To(Succeed())
				Expect(n.Prefer).NotTo(BeEmpty())
				Expect(n.Peers).To(Equal([]netip.Prefix{peer.Prefix}))
				for _, key := range slices.Concat(n.Prefer, n.Accept) {
					Expect(checks.SourceOf(key)).NotTo(BeEmpty(), key)
				}
				said := n.Say("{a peer} {the peer} {option} Where it is shut, {breaks}.")
				Expect(said).NotTo(ContainSubstring("{"))
				Expect(said).To(HaveSuffix(n.Breaks + "."))
				Expect(n.Breaks).NotTo(MatchRegexp(`\.$|^as `))
			}
		})
		It(p.Name+" prefers rulesets that open its ports, in all versions that have them", func() {
			for _, n := range p.Needs {
				for _, key := range n.Prefer {
					had := 0
					for version, rulesets := range versions() {
						for _, rs := range rulesets {
							if rs.Key == key {
								had++
								Expect(n.Covers(rs)).To(BeTrue(), "%s: %s in %s", n.Name, key, version)
								expectOwner(n, rs)
							}
						}
					}
					Expect(had).To(BeNumerically(">", 0), "%s: %s is in no version", n.Name, key)
				}
			}
		})
		It(p.Name+" is judged by its rulesets, in all versions that have them", func() {
			needs, err := p.Requirements(peer)
			Expect(err).NotTo(HaveOccurred())
			for version, rulesets := range versions() {
				for _, n := range needs {
					key := n.Prefer[0]
					if !slices.ContainsFunc(rulesets, func(rs *inventory.Ruleset) bool { return rs.Key == key }) {
						continue
					}
					for _, row := range []struct {
						inv     *inventory.Inventory
						status  checks.Status
						reason  checks.Reason
						decides []string
					}{
						{host(rulesets, all, key), checks.Pass, checks.Permitted, []string{key}},
						{host(rulesets, all), checks.Fail, disabled(n, rulesets), []string{key}},
						{host(without(rulesets, n), all), checks.Fail, checks.NoRuleset, nil},
						{host(rulesets, some, key), checks.Fail, checks.AllowedHostsExcludePeer, []string{key}},
					} {
						if whenNeeded := n.Switched != ""; whenNeeded && row.status == checks.Fail && row.reason != checks.NoRuleset {
							row.status, row.reason, row.decides = checks.Skip, checks.SwitchedWhenNeeded, nil
						}
						v := checks.JudgeAll(row.inv, n.Requirement)[0].Hosts[0].Port
						Expect(v.Reason).To(Equal(row.reason), "%s in %s: %s", n.Name, version, v.Detail)
						Expect(v.Status).To(Equal(row.status), v.Detail)
						Expect(v.Decides).To(Equal(row.decides), v.Detail)
					}
				}
			}
		})
	}
	It("have the requirement of VIC by default", func() {
		p, err := profile.Named(profile.Default)
		Expect(err).NotTo(HaveOccurred())
		Expect(profile.All()[0].Name).To(Equal(profile.Default))
		needs, err := p.Requirements(peer)
		Expect(err).NotTo(HaveOccurred())
		Expect(needs).To(HaveLen(1))
		Expect(needs[0].Requirement).To(Equal(checks.VIC(peer.Prefix)))
		Expect(p.Needs[0].Requirement).To(Equal(checks.VIC()))
	})
	It("have names of their own, and so do all requirements", func() {
		seen := map[string]bool{}
		for _, p := range profile.All() {
			for _, n := range p.Needs {
				Expect(seen).NotTo(HaveKey(n.Name))
				seen[n.Name] = true
			}
		}
		Expect(profile.Names()).To(HaveLen(14))
		files, err := filepath.Glob("builtin/*.yaml")
		Expect(err).NotTo(HaveOccurred())
		Expect(files).To(HaveLen(14))
	})
	It("are named by the nearest name where one is mistyped", func() {
		_, err := profile.Named("sylog")
		Expect(err).To(MatchError(`"sylog" is no profile; did you mean syslog?`))
		_, err = profile.Named("xxxxxxxx")
		Expect(err).To(MatchError(ContainSubstring("there are vic, syslog, ntp")))
	})
	It("say where a connection proves them", func() {
		got := map[string]checks.Proof{}
		for _, p := range profile.All() {
			for _, n := range p.Needs {
				got[n.Name] = n.Proof()
			}
		}
		Expect(got).To(HaveKeyWithValue("vic", checks.FromHost))
		Expect(got).To(HaveKeyWithValue("vddk-nbd-disk-data", checks.FromHere))
		Expect(got).To(HaveKeyWithValue("vmotion-migration-in", checks.FromPeerHost))
		Expect(got).To(HaveKeyWithValue("ntp", checks.FromNothing))
	})
})

func requirements(name string, peers ...string) ([]string, error) {
	GinkgoHelper()
	p, err := profile.Named(name)
	Expect(err).NotTo(HaveOccurred())
	var list []profile.Peer
	for _, text := range peers {
		peer, err := profile.ParsePeer(text)
		Expect(err).NotTo(HaveOccurred())
		list = append(list, peer)
	}
	needs, err := p.Requirements(list...)
	var texts []string
	for _, n := range needs {
		text := n.Name + ": " + n.Requirement.String()
		if n.OneOf != "" {
			text += " | " + n.OneOf
		}
		texts = append(texts, text)
	}
	return texts, err
}

var _ = DescribeTable("peers pick among alternatives", func(name string, peers []string, want ...string) {
	got, err := requirements(name, peers...)
	Expect(err).NotTo(HaveOccurred())
	Expect(got).To(Equal(want))
},
	Entry("none", "syslog", nil, "syslog-ssl: outbound TCP 1514 to a log collector | transport", "syslog-tcp: outbound TCP 514 to a log collector | transport", "syslog-udp: outbound UDP 514 to a log collector | transport"),
	Entry("by nothing", "syslog", []string{"10.0.0.9"}, "syslog-ssl: outbound TCP 1514 to 10.0.0.9 | transport", "syslog-tcp: outbound TCP 514 to 10.0.0.9 | transport", "syslog-udp: outbound UDP 514 to 10.0.0.9 | transport"),
	Entry("by scheme", "syslog", []string{"udp://10.0.0.9"}, "syslog-udp: outbound UDP 514 to 10.0.0.9"),
	Entry("by scheme, at another port", "syslog", []string{"ssl://10.0.0.9:6514"}, "syslog-ssl-6514: outbound TCP 6514 to 10.0.0.9"),
	Entry("by port", "syslog", []string{"10.0.0.9:514"}, "syslog-tcp: outbound TCP 514 to 10.0.0.9 | transport", "syslog-udp: outbound UDP 514 to 10.0.0.9 | transport"),
	Entry("by a port that one has", "online-depot", []string{"10.0.0.9:9084"}, "online-depot-lifecycle-manager: outbound TCP 9084 to 10.0.0.9"),
	Entry("each by its own", "syslog", []string{"ssl://10.0.0.9", "ssl://10.0.0.10", "ssl://10.0.0.11:6514", "udp://10.0.0.12"},
		"syslog-ssl: outbound TCP 1514 to 10.0.0.9, 10.0.0.10", "syslog-ssl-6514: outbound TCP 6514 to 10.0.0.11", "syslog-udp: outbound UDP 514 to 10.0.0.12"),
	Entry("a port alone", "iscsi", []string{"[2001:db8::1]:3261"}, "iscsi-3261: outbound TCP 3261 to 2001:db8::1"),
)

var _ = DescribeTable("peers are refused", func(name string, peers []string, says string) {
	_, err := requirements(name, peers...)
	Expect(err).To(MatchError(says))
},
	Entry(nil, "ntp", []string{"10.0.0.9:124"}, "the profile ntp takes addresses without a port, and 10.0.0.9:124 has one"),
	Entry(nil, "iscsi", []string{"tcp://10.0.0.9"}, "the profile iscsi takes addresses without a scheme, and tcp://10.0.0.9 has one"),
	Entry(nil, "syslog", []string{"tls://10.0.0.9"}, "the profile syslog takes one of ssl, tcp, udp for a scheme, and tls://10.0.0.9 has another"),
	Entry(nil, "syslog", []string{"logs.example:514"}, "the address of logs.example:514 is not known"),
	Entry(nil, "syslog", []string{"ssl://10.0.0.9", "10.0.0.8"}, "which of ssl, tcp, udp 10.0.0.8 needs is not known: give all addresses of the profile syslog with a scheme, or none"),
)

var _ = DescribeTable("a peer is read", func(text string, want profile.Peer) {
	got, err := profile.ParsePeer(text)
	Expect(err).NotTo(HaveOccurred())
	Expect(got).To(Equal(want))
	again, err := profile.ParsePeer(got.String())
	Expect(err).NotTo(HaveOccurred())
	Expect(again).To(Equal(want))
},
	Entry(nil, "10.0.0.9", profile.Peer{Prefix: netip.MustParsePrefix("10.0.0.9/32")}),
	Entry(nil, "10.0.0.0/24", profile.Peer{Prefix: netip.MustParsePrefix("10.0.0.0/24")}),
	Entry(nil, "2001:db8::1", profile.Peer{Prefix: netip.MustParsePrefix("2001:db8::1/128")}),
	Entry(nil, "SSL://10.0.0.9:6514", profile.Peer{Scheme: "ssl", Prefix: netip.MustParsePrefix("10.0.0.9/32"), Port: 6514}),
	Entry(nil, "udp://[2001:db8::1]", profile.Peer{Scheme: "udp", Prefix: netip.MustParsePrefix("2001:db8::1/128")}),
	Entry(nil, "udp://logs:5514", profile.Peer{Scheme: "udp", Name: "logs", Port: 5514}),
	Entry(nil, "tcp://10.0.0.0/24", profile.Peer{Scheme: "tcp", Prefix: netip.MustParsePrefix("10.0.0.0/24")}),
	Entry(nil, "logs.example", profile.Peer{Name: "logs.example"}),
)

var _ = DescribeTable("is no peer", func(text, says string) {
	_, err := profile.ParsePeer(text)
	Expect(err).To(MatchError(ContainSubstring(says)))
	Expect(err.Error()).NotTo(ContainSubstring("hunter2"))
},
	Entry(nil, "", "a peer is an address"),
	Entry(nil, "10.0.0.5/24", "give 10.0.0.5 for the address, or 10.0.0.0/24 for the network"),
	Entry(nil, "10.0.0", "a peer is an address"),
	Entry(nil, "10.0.0.9:", "the port of a peer is a number"),
	Entry(nil, "10.0.0.9:70000", "the port of a peer is a number"),
	Entry(nil, "ssl://root:hunter2@10.0.0.9", "a peer is an address"),
	Entry(nil, "10.0.0.9:hunter2", "a peer is an address"),
	Entry(nil, "ssl://", "a peer is an address"),
)

// FuzzParse holds that no file makes a panic, that every error has its place, and that
// what is taken is valid.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("builtin/*.yaml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
		f.Add(strings.Replace(string(data), "profile: ", "profile: my-", 1))
	}
	placed := regexp.MustCompile(`^p\.yaml:[1-9][0-9]*:[1-9][0-9]*: `)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := profile.Parse("p.yaml", []byte(text))
		if err != nil {
			for _, line := range strings.Split(err.Error(), "\n") {
				if !placed.MatchString(line) {
					t.Errorf("%q has no place", line)
				}
			}
			return
		}
		if p.Name == "" || p.Title == "" || len(p.Sources) == 0 || len(p.Needs) == 0 {
			t.Errorf("%+v", p)
		}
		for _, n := range p.Needs {
			if err := n.Validate(); err != nil {
				t.Error(err)
			}
		}
	})
}

// FuzzParsePeer holds that a peer which is taken is read again from its own text.
func FuzzParsePeer(f *testing.F) {
	for _, text := range []string{"10.0.0.9", "10.0.0.0/24", "ssl://[2001:db8::1]:6514", "udp://logs:5514", "::ffff:10.0.0.9", "fe80::1%eth0", "x://a/", "10.0.0.9:"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := profile.ParsePeer(text)
		if _, secret := profile.ParsePeer("ssl://root:c4naRy@" + text); secret == nil || strings.Contains(secret.Error(), "c4naRy") {
			t.Errorf("a peer with a password before %q: %v", text, secret)
		}
		if err != nil {
			return
		}
		if p.Prefix.IsValid() == (p.Name != "") || p.Port < 0 || p.Port > 65535 {
			t.Errorf("%q is %+v", text, p)
		}
		if again, err := profile.ParsePeer(p.String()); err != nil || again != p {
			t.Errorf("%q is %+v, and %q is %+v, %v", text, p, p.String(), again, err)
		}
	})
}

var _ = Describe("options", func() {
	// asked is the requirement of the name that the options ask for.
	asked := func(name string, options []string) checks.Requirement {
		GinkgoHelper()
		var p profile.Profile
		var peers []profile.Peer
		var err error
		for _, o := range options {
			if value, ok := strings.CutPrefix(o, "--profile="); ok {
				p, err = profile.Named(value)
			} else {
				var peer profile.Peer
				peer, err = profile.ParsePeer(strings.TrimPrefix(o, "--peer="))
				peers = append(peers, peer)
			}
			Expect(err).NotTo(HaveOccurred(), o)
		}
		needs, err := p.Requirements(peers...)
		Expect(err).NotTo(HaveOccurred())
		i := slices.IndexFunc(needs, func(n profile.Need) bool { return n.Name == name })
		Expect(i).To(BeNumerically(">=", 0), "%s is not among what %v ask for", name, options)
		Expect(needs[i].OneOf).To(BeEmpty())
		return needs[i].Requirement
	}
	It("ask for each requirement of the built-in profiles, at any port", func() {
		for _, p := range profile.All() {
			for _, n := range p.Needs {
				n.Peers = []netip.Prefix{netip.MustParsePrefix("2001:db8::/64")}
				Expect(asked(n.Name, profile.Options(n.Requirement)).Ports).To(Equal(n.Ports))
			}
			for _, text := range []string{"10.0.0.1:7777", "udp://10.0.0.1:7777", "ssl://[2001:db8::1]:7777"} {
				peer, err := profile.ParsePeer(text)
				Expect(err).NotTo(HaveOccurred())
				needs, _ := p.Requirements(peer) // where it takes such a peer
				for _, n := range needs {
					if n.OneOf == "" {
						Expect(asked(n.Name, profile.Options(n.Requirement)).Ports).To(Equal([]int{7777}))
					}
				}
			}
		}
	})
	It("have ADDRESS for a peer that is not known, and are none for another's requirement", func() {
		p, err := profile.Named("syslog")
		Expect(err).NotTo(HaveOccurred())
		Expect(profile.Options(p.Needs[2].Requirement)).To(Equal([]string{"--profile=syslog", "--peer=udp://ADDRESS"}))
		Expect(profile.Options(checks.Requirement{Name: "site-backup", Ports: []int{902}})).To(BeEmpty())
	})
})

var _ = DescribeTable("what else needs an outbound TCP port", func(port int, want, prefer string) {
	n, known := profile.ForPort(port)
	Expect(known).To(Equal(want != ""))
	Expect(n.Name).To(Equal(want))
	Expect(strings.Join(n.Prefer, " ")).To(Equal(prefer))
},
	Entry("logs", 1514, "syslog-ssl", "syslog"),
	Entry("downloads", 443, "online-depot-https", "httpClient"),
	Entry("SSH", 22, "ssh-out", "sshClient"),
	Entry("iSCSI", 3260, "iscsi", "iSCSI"),
	Entry("a mount, whose ruleset comes and goes", 2049, "", ""),
	Entry("keys, for a moment", 5696, "", ""),
	Entry("what is UDP", 123, "", ""),
	Entry("the port of virtual container hosts", 2377, "", ""),
	Entry("nothing", 4711, "", ""))

var _ = It("the rulesets by which hosts are managed", func() {
	Expect(profile.Managing()).To(ContainElements("vSphereClient", "vpxHeartbeats"))
	Expect(slices.IndexFunc(profile.All(), func(p profile.Profile) bool {
		return slices.ContainsFunc(p.Needs, func(n profile.Need) bool { return n.Name == profile.ManagementByVCenter })
	})).To(BeNumerically(">=", 0))
})
