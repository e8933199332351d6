package preflight

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
	"github.com/vic-preflight/vic-preflight/internal/vib"
	"github.com/vic-preflight/vic-preflight/inventory"
)

var _ = Describe("what a VIB offers", func() {
	service, err := firewallxml.NewService("vmware-vic", checks.VIC().Rules())
	if err != nil {
		panic(err)
	}
	made := func(edit func(*vib.Package)) *vib.Package {
		p := &vib.Package{
			Type: "bootbank", Name: "vmware-vic", Version: "1.0", Vendor: "me", AcceptanceLevel: "partner", LiveInstall: true, LiveRemove: true,
			Payloads: []vib.Payload{{Name: "one", Type: "tgz", Checksums: []vib.Checksum{{Algorithm: "sha-256", Process: "gunzip"}}}},
			Files:    []vib.File{{Path: "etc/vmware/firewall/vmware-vic.xml"}}, Services: []firewallxml.Service{service},
		}
		edit(p)
		return p
	}

	DescribeTable("goes by the signature and the level", func(level string, signed, community bool) {
		offer, err := vibOffer([]checks.Requirement{checks.VIC()}, made(func(p *vib.Package) { p.AcceptanceLevel, p.Signed = level, signed }))
		Expect(err).NotTo(HaveOccurred())
		Expect(offer.Signed).To(Equal(signed))
		Expect(offer.Community).To(Equal(community))
	},
		Entry("a partner's", "partner", true, false),
		Entry("one that says partner", "partner", false, false),
		Entry("the community's", inventory.Community, false, true),
		Entry("one that says community and has something for a signature", inventory.Community, true, true),
	)

	It("serves all requirements by one ruleset, or none", func() {
		other := checks.VIC().At(9000)
		both := []checks.Requirement{checks.VIC(), other}
		_, err := vibOffer(both, made(func(*vib.Package) {}))
		Expect(err).To(MatchError("it brings no ruleset that lets TCP 2377 out, and TCP 9000 out"))
		_, err = vibOffer(both, made(func(p *vib.Package) {
			second, _ := firewallxml.NewService("two", other.Rules())
			p.Services = append(p.Services, second)
		}))
		Expect(err).To(HaveOccurred())
		offer, err := vibOffer(both, made(func(p *vib.Package) { p.Services[0].Rules = append(checks.VIC().Rules(), other.Rules()...) }))
		Expect(err).NotTo(HaveOccurred())
		Expect(offer.Ruleset.Rules).To(HaveLen(2))
	})

	It("is a service of its own for all requirements of a profile", func() {
		reqs, err := Wanted{Port: checks.DefaultPort, Profiles: []string{"vsan"}}.Requirements()
		Expect(err).NotTo(HaveOccurred())
		offer, err := serviceOffer(reqs, ChangeOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(offer.Ruleset.Key).To(Equal("byhand-vsan"))
		for _, req := range reqs {
			Expect(req.Covers(&offer.Ruleset)).To(BeTrue(), req.Name)
		}
		edited, _, err := offer.Insert([]byte("<ConfigRoot>\n</ConfigRoot>\n"))
		Expect(err).NotTo(HaveOccurred())
		Expect(string(edited)).To(ContainSubstring("<id>byhand-vsan</id>"))

		reqs, err = Wanted{Port: checks.DefaultPort, Profiles: []string{"ntp", "kms"}}.Requirements()
		Expect(err).NotTo(HaveOccurred())
		offer, err = serviceOffer(reqs, ChangeOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(offer.Ruleset.Key).To(Equal("byhand-ntp-kms"))
		offer, err = serviceOffer(reqs, ChangeOptions{Ruleset: "site-time"})
		Expect(err).NotTo(HaveOccurred())
		Expect(offer.Ruleset.Key).To(Equal("site-time"))
	})

	It("says what was not looked into", func() {
		_, err := vibOffer([]checks.Requirement{checks.VIC()}, made(func(p *vib.Package) {
			p.Services, p.Files, p.Payloads[0].Opaque, p.Unseen = nil, nil, true, []string{"etc/vmware/firewall/vmware-vic.xml"}
		}))
		Expect(err).To(MatchError("it brings no ruleset that lets TCP 2377 out in what could be looked into: 1 of its files could not; vic-preflight vib inspect lists them"))
		offer, err := vibOffer([]checks.Requirement{checks.VIC()}, made(func(p *vib.Package) { p.Unseen = []string{"a", "b"} }))
		Expect(err).NotTo(HaveOccurred())
		Expect(offer.Also).To(ContainElement("2 more files: vic-preflight vib inspect lists them"))
	})

	It("tells which hosts it suits, and what is in doubt", func() {
		offer, err := vibOffer([]checks.Requirement{checks.VIC()}, made(func(p *vib.Package) { p.Depends = []vib.Dependency{{Name: "vmkapi_2"}} }))
		Expect(err).NotTo(HaveOccurred())
		problem, doubts := offer.Suits("8.0.2")
		Expect(problem).To(BeEmpty())
		Expect(doubts).To(Equal([]string{"it depends on vmkapi_2"}))
		problem, _ = offer.Suits("7.0.3")
		Expect(problem).To(ContainSubstring("not built for ESXi 7.0.3"))
		problem, _ = offer.Suits("9.0.0")
		Expect(problem).To(ContainSubstring("is not known"))
	})
})
