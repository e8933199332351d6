package preflight_test

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/facts"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/profile"
	"github.com/vic-preflight/vic-preflight/report"
)

// site is a file with a profile of a site's own.
func site(text string) string {
	GinkgoHelper()
	path := filepath.Join(GinkgoT().TempDir(), "site.yaml")
	Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())
	return path
}

// anyPort is Wanted without a port of a virtual container host that was asked for.
func anyPort(w preflight.Wanted) preflight.Wanted {
	w.Port = checks.DefaultPort
	return w
}

var _ = Describe("what must be open", func() {
	DescribeTable("is", func(w preflight.Wanted, want ...string) {
		list, err := anyPort(w).Requirements()
		Expect(err).NotTo(HaveOccurred())
		var got []string
		for _, req := range list {
			got = append(got, req.Name+": "+req.String())
		}
		Expect(got).To(Equal(want))
	},
		Entry("a virtual container host's port by itself", preflight.Wanted{}, "vic: outbound TCP 2377 to a virtual container host"),
		Entry("for its addresses", preflight.Wanted{VCHs: []string{"10.0.0.5", "10.1.0.0/16"}}, "vic: outbound TCP 2377 to 10.0.0.5, 10.1.0.0/16"),
		Entry("a profile", preflight.Wanted{Profiles: []string{"ntp"}}, "ntp: outbound UDP 123 to an NTP server"),
		Entry("a profile for its peers", preflight.Wanted{Profiles: []string{"ntp"}, Peers: []string{"10.0.0.1", "ntp=10.0.0.2"}}, "ntp: outbound UDP 123 to 10.0.0.1, 10.0.0.2"),
		Entry("several, each for its peer", preflight.Wanted{Profiles: []string{"syslog", "ntp"}, Peers: []string{"ntp=10.0.0.1", "syslog=udp://10.0.0.9"}},
			"syslog-udp: outbound UDP 514 to 10.0.0.9", "ntp: outbound UDP 123 to 10.0.0.1"),
		Entry("the alternative that the scheme picks, at its port", preflight.Wanted{Profiles: []string{"syslog"}, Peers: []string{"ssl://10.0.0.9:6514"}},
			"syslog-ssl-6514: outbound TCP 6514 to 10.0.0.9"))

	DescribeTable("is refused, with the option and the way out", func(w preflight.Wanted, message, hint string) {
		_, err := anyPort(w).Requirements()
		var usage *preflight.UsageError
		Expect(errors.As(err, &usage)).To(BeTrue(), "%v", err)
		Expect(usage.Error()).To(ContainSubstring(message))
		Expect(strings.Join(usage.Hints, "; ")).To(ContainSubstring(hint))
	},
		Entry("an unknown profile", preflight.Wanted{Profiles: []string{"syslgo"}}, "did you mean syslog?", "vic-preflight profiles"),
		Entry("one twice", preflight.Wanted{Profiles: []string{"ntp", "ntp"}}, "the profile ntp is given twice", ""),
		Entry("an alternative that nothing picks", preflight.Wanted{Profiles: []string{"syslog"}}, "which one is not known", "profiles syslog"),
		Entry("a peer without a profile", preflight.Wanted{Peers: []string{"10.0.0.1"}}, "--peer goes with --profile", "--vch-ip"),
		Entry("a peer of none of several", preflight.Wanted{Profiles: []string{"ntp", "kms"}, Peers: []string{"10.0.0.1"}}, "--peer does not say of which profile", "ntp=10.0.0.1"),
		Entry("a peer of none of several, of which one asks for a scheme", preflight.Wanted{Profiles: []string{"syslog", "ntp"}, Peers: []string{"10.0.0.1"}}, "", "such as --peer ntp=10.0.0.1"),
		Entry("a peer with a scheme of none of several, of which one takes it", preflight.Wanted{Profiles: []string{"ntp", "syslog"}, Peers: []string{"ssl://10.0.0.1"}}, "", "such as --peer syslog=ssl://10.0.0.1"),
		Entry("auto for none of several, of which one has it", preflight.Wanted{Profiles: []string{"vddk-nbd", "ntp"}, Peers: []string{"auto"}}, "", "such as --peer ntp=auto"),
		Entry("a peer of none of several, where it stands in for a name", preflight.Wanted{Profiles: []string{"auto"}, Peers: []string{"10.0.0.1"}}, "", "such as --peer syslog=10.0.0.1"),
		Entry("a peer that none of several takes", preflight.Wanted{Profiles: []string{"ntp", "kms"}, Peers: []string{"ssl://10.0.0.1"}}, "", "--peer PROFILE=PEER; vic-preflight profiles PROFILE shows"),
		Entry("a name for none of several", preflight.Wanted{Profiles: []string{"ntp", "kms"}, Peers: []string{"ntp.example"}}, "ntp.example is a name", "give its address"),
		Entry("an alternative that nothing picks, of several profiles", preflight.Wanted{Profiles: []string{"syslog", "ntp"}}, "which one is not known", "--peer syslog=ssl://ADDRESS, or syslog=tcp://ADDRESS"),
		Entry("a peer of another", preflight.Wanted{Profiles: []string{"ntp"}, Peers: []string{"kms=10.0.0.1"}}, "--peer is of a profile that is not asked for", ""),
		Entry("a name", preflight.Wanted{Profiles: []string{"ntp"}, Peers: []string{"ntp.example"}}, "ntp.example is a name", "give its address"),
		Entry("a scheme where there is none", preflight.Wanted{Profiles: []string{"ntp"}, Peers: []string{"udp://10.0.0.1"}}, "without a scheme", ""),
		Entry("an address of a virtual container host", preflight.Wanted{Profiles: []string{"ntp"}, VCHs: []string{"10.0.0.1"}}, "--vch-ip and --port are of a virtual container host", "--peer"),
		Entry("a file that is not there", preflight.Wanted{Files: []string{"nosuch.yaml"}}, "--requirements: ", "docs/profile.schema.json"))

	It("lets allowed hosts be those of the virtual container host by a word, and of nobody else", func() {
		vch := []netip.Prefix{netip.MustParsePrefix("10.0.0.5/32"), netip.MustParsePrefix("10.0.0.6/32")}
		other := checks.Requirement{Name: "ntp", Peers: []netip.Prefix{netip.MustParsePrefix("10.0.0.9/32")}}
		list, err := preflight.ParseAllowed([]string{"10.0.0.9", "vch"}, []checks.Requirement{other, checks.VIC(vch...)})
		Expect(err).NotTo(HaveOccurred())
		Expect(list).To(Equal(append(other.Peers, vch...)))
		_, err = preflight.ParseAllowed([]string{"vch"}, []checks.Requirement{other})
		Expect(err).To(MatchError("--allowed-ip vch is a virtual container host's address, and no port of one is asked for"))
		_, err = preflight.ParseAllowed([]string{"vch"}, []checks.Requirement{checks.VIC()})
		Expect(err).To(MatchError(ContainSubstring("give --vch-ip")))
	})

	It("knows the options that ask for its profile alone", func() {
		file := func(name string) string {
			return site("profile: " + name + "\ntitle: x\npeer: {kind: a host}\nrequirements:\n  - {direction: outbound, protocol: tcp, ports: 9001, owner: user, breaks: x}\nsource: x\n")
		}
		one, other := file("a"), file("b")
		reqs, err := anyPort(preflight.Wanted{
			Files: []string{one, other}, Profiles: []string{"ntp", "vic"}, Peers: []string{"a=10.0.0.1", "ntp=10.0.0.2"}, VCHs: []string{"10.0.0.3"},
		}).Requirements()
		Expect(err).NotTo(HaveOccurred())
		asked := map[string]string{}
		for _, req := range reqs {
			asked[req.Name] = strings.Join(req.Asked, " ")
		}
		Expect(asked).To(Equal(map[string]string{
			"a": "--requirements=" + one + " --peer=a=10.0.0.1", "b": "--requirements=" + other,
			"ntp": "--profile=ntp --peer=ntp=10.0.0.2", "vic": "--profile=vic --vch-ip=10.0.0.3",
		}))
		reqs, err = anyPort(preflight.Wanted{Profiles: []string{"ntp"}, Peers: []string{"10.0.0.2"}}).Requirements()
		Expect(err).NotTo(HaveOccurred())
		Expect(reqs[0].Asked).To(Equal([]string{"--profile=ntp", "--peer=10.0.0.2"}))
	})
	It("is told apart by its name: two files must not make two of one", func() {
		need := "direction: outbound, protocol: tcp, ports: 9001, owner: user, breaks: x}\n"
		other := "  - {name: other, direction: inbound, protocol: tcp, ports: 9002, owner: user, breaks: x}\nsource: x\n"
		one := site("profile: a\ntitle: x\npeer: {kind: a host}\nrequirements:\n  - {name: b-c, " + need + other)
		two := site("profile: a-b\ntitle: x\npeer: {kind: a host}\nrequirements:\n  - {name: c, " + need + other)
		_, err := anyPort(preflight.Wanted{Files: []string{one, two}}).Requirements()
		Expect(err).To(MatchError("two requirements have the name a-b-c"))
		Expect(preflight.Hints(err)).To(ContainElement(ContainSubstring("another name")))

		settings := site("profile: ntp-x\ntitle: x\npeer: {kind: a host}\nrequirements:\n  - {" + need + "source: x\n")
		var o preflight.Options
		Expect(anyPort(preflight.Wanted{Files: []string{settings}, Profiles: []string{profile.Auto}}).Put(&o)).To(Succeed())
	})

	It("may be a site's own", func(ctx SpecContext) {
		file := site("profile: docker-api\ntitle: The Docker API\npeer: {kind: a Docker host}\nrequirements:\n" +
			"  - {direction: outbound, protocol: tcp, ports: [2375], prefer: [site-docker], owner: user, breaks: nothing is built}\nsource: [https://example.com/runbook]\n")
		list, err := anyPort(preflight.Wanted{Files: []string{file}}).Requirements()
		Expect(err).NotTo(HaveOccurred())

		o := on(start("mixed"))
		o.Requirements, o.Only = list, []string{checks.OutboundPort}
		run, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		reasons := map[string]checks.Reason{}
		for _, res := range run.Results {
			reasons[res.Subject[strings.LastIndex(res.Subject, "/")+1:]] = res.Reason
		}
		Expect(reasons).To(HaveKeyWithValue("esx25.example", checks.Permitted), "it has the site's ruleset")
		Expect(reasons).To(HaveKeyWithValue("esx01.example", checks.NoRuleset))
		Expect(list[0].Direction).To(Equal(inventory.Outbound))
	})
})

var _ = Describe("what hosts' own settings ask for", func() {
	names := func(list []profile.Profile) (names []string) {
		for _, p := range list {
			names = append(names, p.Name)
		}
		return names
	}
	put := func(w preflight.Wanted) (o preflight.Options, err error) {
		err = anyPort(w).Put(&o)
		return o, err
	}
	all := names(profile.FromSettings())
	DescribeTable("is put beside what is named", func(w preflight.Wanted, bySettings, required, flags []string) {
		o, err := put(w)
		Expect(err).NotTo(HaveOccurred())
		Expect(names(o.BySettings)).To(Equal(bySettings))
		var got []string
		for _, req := range o.Requirements {
			got = append(got, req.Name)
		}
		Expect(got).To(Equal(required))
		Expect(o.RequiredBy).To(Equal(flags))
	},
		Entry("all", preflight.Wanted{Profiles: []string{"auto"}}, all, nil, []string{"--profile=auto"}),
		Entry("also where a peer is given, which stands in for names alone", preflight.Wanted{Profiles: []string{"auto"}, Peers: []string{"ntp=10.0.0.1"}},
			all, nil, []string{"--profile=auto", "--peer=ntp=10.0.0.1"}),
		Entry("one alone", preflight.Wanted{Profiles: []string{"syslog"}, Peers: []string{"auto"}}, []string{"syslog"}, nil, []string{"--profile=syslog", "--peer=auto"}),
		Entry("and one that no setting has", preflight.Wanted{Profiles: []string{"vddk-nbd", "ntp"}, Peers: []string{"ntp=auto"}},
			[]string{"ntp"}, []string{"vddk-nbd-disk-data", "vddk-nbd-authentication"}, []string{"--profile=vddk-nbd", "--profile=ntp", "--peer=ntp=auto"}),
	)
	DescribeTable("is refused", func(w preflight.Wanted, message string) {
		_, err := put(w)
		Expect(err).To(MatchError(ContainSubstring(message)))
	},
		Entry("of a profile that no setting has", preflight.Wanted{Profiles: []string{"vddk-nbd"}, Peers: []string{"auto"}}, "no setting of a host has the peers of the profile vddk-nbd"),
		Entry("for whom", preflight.Wanted{Profiles: []string{"ntp", "syslog"}, Peers: []string{"auto"}}, "does not say of which profile it is"),
	)
})

var _ = Describe("what is not known of hosts' own settings", func() {
	check := func(ctx SpecContext, change func(*inventory.PeerSetting), w preflight.Wanted, o preflight.Options) (*report.Report, error) {
		GinkgoHelper()
		path := filepath.Join(GinkgoT().TempDir(), "facts.json")
		Expect(preflight.Collect(ctx, []preflight.Options{{Target: preflight.Target{Address: "sim://estate"}, BySettings: profile.FromSettings()}}, path, false)).To(Equal(12))
		f, err := facts.Read(path)
		Expect(err).NotTo(HaveOccurred())
		for i := range f.Targets[0].Inventory.Hosts {
			for n := range f.Targets[0].Inventory.Hosts[i].PeerSettings {
				change(&f.Targets[0].Inventory.Hosts[i].PeerSettings[n])
			}
		}
		data, err := facts.Encode(f)
		Expect(err).NotTo(HaveOccurred())
		Expect(os.WriteFile(path, data, 0o600)).To(Succeed())
		Expect(anyPort(w).Put(&o)).To(Succeed())
		o.Facts = path
		rep, errs := preflight.RunAll(ctx, []preflight.Options{o})
		return rep, errs[0]
	}
	unread := func(origin inventory.PeerOrigin) func(*inventory.PeerSetting) {
		return func(s *inventory.PeerSetting) {
			if origin == "" || s.Origin == origin {
				s.Values, s.Unnamed, s.Unreadable = nil, nil, "no permission"
			}
		}
	}
	auto := preflight.Wanted{Profiles: []string{profile.Auto}}

	It("makes a host unknown, whichever checks are picked", func(ctx SpecContext) {
		rep, err := check(ctx, unread(""), auto, preflight.Options{Only: []string{checks.OutboundPort}})
		Expect(err).NotTo(HaveOccurred())
		Expect(rep.Status()).To(Equal(checks.Unknown))
	}, SpecTimeout(time.Minute))
	It("is not passed over", func(ctx SpecContext) {
		_, err := check(ctx, unread(""), auto, preflight.Options{Skip: []string{checks.PeerSettings}})
		Expect(err).To(MatchError(ContainSubstring("a host would pass of whose settings nothing is known")))
	}, SpecTimeout(time.Minute))
	It("counts where a profile asks for it", func(ctx SpecContext) {
		rep, err := check(ctx, unread(inventory.KMIPServers), preflight.Wanted{Profiles: []string{"ntp"}, Peers: []string{profile.Auto}}, preflight.Options{})
		Expect(err).NotTo(HaveOccurred())
		for _, res := range rep.Runs[0].Results {
			Expect(res.Status).NotTo(Equal(checks.Unknown), res.Detail)
		}
	}, SpecTimeout(time.Minute))
})
