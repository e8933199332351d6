package vsphere_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing/iotest"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// feature is one feature as a license lists it: every one of them under the key
// "feature", its own key inside.
func feature(key string) types.KeyAnyValue {
	return types.KeyAnyValue{Key: "feature", Value: types.KeyValue{Key: key, Value: "some words"}}
}

var _ = DescribeTable("the features of a license",
	func(properties []types.KeyAnyValue, want ...string) {
		l := vsphere.LicenseOf(types.LicenseManagerLicenseInfo{Properties: properties})
		Expect(l.Features).To(ConsistOf(want))
	},
	Entry("none listed", nil),
	Entry("a name", []types.KeyAnyValue{feature("dvs")}, "dvs"),
	Entry("a name with a level", []types.KeyAnyValue{feature("serialuri:2"), feature("dvs")}, "serialuri", "dvs"),
	Entry("a level below the least", []types.KeyAnyValue{feature("serialuri:-1")}),
	Entry("a level that is none", []types.KeyAnyValue{feature("serialuri:x")}, "serialuri:x"),
	Entry("a name that begins alike", []types.KeyAnyValue{feature("dvsx")}, "dvsx"),
	Entry("an addon", []types.KeyAnyValue{{Key: "addon", Value: types.KeyValue{Key: "serialuri:2"}}}),
	Entry("a name that is no feature", []types.KeyAnyValue{{Key: "ProductName", Value: "serialuri"}}),
	Entry("a feature without a shape", []types.KeyAnyValue{{Key: "feature", Value: "serialuri"}}),
)

var _ = DescribeTable("the end of several licenses of a bare host is that of the one that lasts longest, whatever their order", func(a, b types.LicenseManagerLicenseInfo, year int, evaluation bool) {
	for _, list := range [][]types.LicenseManagerLicenseInfo{{a, b}, {b, a}} {
		l := vsphere.Together(list)
		Expect(l.Features).To(ContainElement("serialuri"))
		Expect(l.Evaluation).To(Equal(evaluation))
		if year == 0 {
			Expect(l.Expires.IsZero()).To(BeTrue())
		} else {
			Expect(l.Expires.Year()).To(Equal(year))
		}
	}
},
	Entry("both have an end", until(2030, ""), until(2031, ""), 2031, false),
	Entry("one has none", until(0, ""), until(2031, ""), 0, false),
	Entry("an evaluation whose end is not known beside a license", until(0, "eval"), until(2031, ""), 2031, false),
	Entry("the same beside a license without an end", until(0, "eval"), until(0, ""), 0, false),
	Entry("an evaluation that has ended beside a license", until(2020, "eval"), until(2031, ""), 2031, false),
	Entry("a license without an end beside an evaluation", until(0, ""), until(2031, "eval"), 0, false),
	Entry("a longer one without the feature", until(2030, ""), without(until(0, "")), 2030, false),
)

var _ = It("a bare host without a license has none that ends", func() { Expect(vsphere.Together(nil)).To(BeNil()) })

// until is a license with the feature that container VMs need; year 0 is without an end.
func until(year int, edition string) types.LicenseManagerLicenseInfo {
	info := types.LicenseManagerLicenseInfo{Name: "L", EditionKey: edition, Properties: []types.KeyAnyValue{feature("serialuri:2")}}
	if year > 0 {
		info.Properties = append(info.Properties, types.KeyAnyValue{Key: "expirationDate", Value: time.Date(year, 1, 2, 0, 0, 0, 0, time.UTC)})
	}
	return info
}

func without(info types.LicenseManagerLicenseInfo) types.LicenseManagerLicenseInfo {
	info.Properties = info.Properties[1:]
	return info
}

// assigned is an assignment as vCenter writes it, of a license with the features.
func assigned(entity, scope, more string, features ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<returnval><entityId>%s</entityId>", entity)
	if scope != "" {
		fmt.Fprintf(&b, "<scope>%s</scope>", scope)
	}
	fmt.Fprintf(&b, "<entityDisplayName>a &amp; b</entityDisplayName><assignedLicense><licenseKey>SECRE-T0000-KEY00-00000-00000</licenseKey>"+
		"<editionKey>esx.x</editionKey><name>vSphere %d</name><total>64</total><used>3</used>", len(features))
	for _, f := range features {
		fmt.Fprintf(&b, `<properties><key>feature</key><value xsi:type="KeyValue"><key>%s</key><value>words</value></value></properties>`, f)
	}
	return b.String() + more + "</assignedLicense>" +
		`<properties><key>ProductName</key><value xsi:type="xsd:string">ESX</value></properties></returnval>`
}

func assignedAnswer(inner string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" ` +
		`xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>` +
		`<QueryAssignedLicensesResponse xmlns="urn:vim25">` + inner + `</QueryAssignedLicensesResponse></soapenv:Body></soapenv:Envelope>`
}

const endOfLicense = `<properties><key>expirationDate</key><value xsi:type="xsd:dateTime">2027-01-02T03:04:05Z</value></properties>`

var _ = Describe("licenses", func() {
	read := func(ctx SpecContext, answer func(inv *inventory.Inventory) string) (*inventory.Placement, *inventory.Inventory) {
		GinkgoHelper()
		var collected atomic.Pointer[inventory.Inventory]
		s, err := bent(ctx, "vic", func(c *simtest.Call) []byte {
			if c.Method == "QueryAssignedLicenses" {
				return []byte(answer(collected.Load()))
			}
			return c.Pass()
		})
		Expect(err).NotTo(HaveOccurred())
		inv := collect(ctx, s, vsphere.Selection{ComputeResource: "prod"})
		collected.Store(inv)
		return place(ctx, s, inv, vicWanted), inv
	}

	It("are those of the vCenter's own hosts", func(ctx SpecContext) {
		p, inv := read(ctx, func(inv *inventory.Inventory) string {
			own, ids := inv.Endpoint.InstanceUUID, inv.Hosts
			return assignedAnswer(assigned(ids[0].ID, own, endOfLicense, "dvs", "serialuri:2") + assigned(ids[0].ID, "another", "", "drs") +
				assigned(ids[1].ID, "", "", "dvs") + assigned(own, own, ""))
		})
		Expect(p.LicensesUnreadable).To(BeEmpty())
		Expect(p.Licenses).To(Equal(map[string]inventory.License{
			inv.Hosts[0].ID: {Name: "vSphere 2", Features: []string{"dvs", "serialuri"}, Expires: time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)},
			inv.Hosts[1].ID: {Name: "vSphere 1", Features: []string{"dvs"}},
		}), "the third has none")
	}, SpecTimeout(time.Minute))

	It("do not depend on what a scope looks like", func(ctx SpecContext) {
		scopes := []string{"this", "this"}
		answer := func(inv *inventory.Inventory) string {
			return assignedAnswer(assigned(inv.Hosts[0].ID, scopes[0], "", "dvs") + assigned(inv.Hosts[1].ID, scopes[1], "", "dvs"))
		}
		p, _ := read(ctx, answer)
		Expect(p.Licenses).To(HaveLen(2))
		scopes[1] = "that"
		p, _ = read(ctx, answer)
		Expect(p.Licenses).To(BeEmpty())
		Expect(p.LicensesUnreadable).To(ContainSubstring("several vCenters"))
	}, SpecTimeout(time.Minute))

	It("are asked for where the account may not ask who has them", func(ctx SpecContext) {
		var denied atomic.Bool
		denied.Store(true)
		s, err := bent(ctx, "vic", func(c *simtest.Call) []byte {
			answer := c.Pass()
			switch {
			case strings.Contains(string(answer), "<name>licenseAssignmentManager</name>"):
				return []byte(missing(string(answer)))
			case c.Method == "QueryAssignedLicenses" && denied.Load():
				return faultAnswer("NoPermission", `<object type="Folder">x</object><privilegeId>System.View</privilegeId>`)
			}
			return answer
		})
		Expect(err).NotTo(HaveOccurred())
		inv := collect(ctx, s, vsphere.Selection{ComputeResource: "prod"})
		Expect(place(ctx, s, inv, vicWanted).LicensesUnreadable).To(Equal("the hosts' licenses could not be read: the account lacks the privilege Global.Licenses"))
		denied.Store(false)
		p := place(ctx, s, inv, vicWanted)
		Expect(p.LicensesUnreadable).To(BeEmpty())
		Expect(p.Licenses).To(HaveLen(3))
	}, SpecTimeout(time.Minute))

	It("are refused with the privilege's name where the server does not give it", func(ctx SpecContext) {
		p, _ := read(ctx, func(*inventory.Inventory) string {
			return string(faultAnswer("NoPermission", `<object type="Folder">x</object><privilegeId></privilegeId>`))
		})
		Expect(p.LicensesUnreadable).To(HaveSuffix("the account lacks the privilege Global.Licenses"))
	}, SpecTimeout(time.Minute))
})

// missing turns the property of an answer into one that the account may not read.
func missing(answer string) string {
	from := strings.Index(answer, "<propSet>")
	to := strings.Index(answer, "</propSet>") + len("</propSet>")
	return answer[:from] + `<missingSet><path>licenseAssignmentManager</path><fault><fault xsi:type="NoPermission"><object type="Folder">x</object>` +
		`<privilegeId>Global.Licenses</privilegeId></fault><localizedMessage>no</localizedMessage></fault></missingSet>` + answer[to:]
}

var _ = Describe("an answer about licenses", func() {
	features := []string{"dvs", "serialuri:2"}
	DescribeTable("is read piece by piece", func(text string, want int) {
		for range 2 {
			list, err := vsphere.ReadAssigned(iotest.OneByteReader(strings.NewReader(text)))
			Expect(err).NotTo(HaveOccurred())
			Expect(list).To(HaveLen(want))
			for _, a := range list {
				Expect(a.Entity()).To(HavePrefix("host-"))
				Expect(a.License().Features).To(ConsistOf("dvs", "serialuri"))
				Expect(fmt.Sprintf("%+v", *a.License())).NotTo(ContainSubstring("SECRE"))
			}
		}
	},
		Entry("none", assignedAnswer(""), 0),
		Entry("two", assignedAnswer(assigned("host-1", "u", "", features...)+assigned("host-2", "", "", features...)), 2),
		Entry("with a prefix", strings.NewReplacer("<returnval>", "<v:returnval>", "</returnval>", "</v:returnval>",
			`xmlns="urn:vim25"`, `xmlns="urn:vim25" xmlns:v="urn:vim25"`).Replace(assignedAnswer(assigned("host-1", "u", "", features...))), 1),
		Entry("with a character that XML forbids", assignedAnswer(strings.Replace(assigned("host-1", "u", "", features...), "a &amp; b", "a\x01b", 1)), 1),
		Entry("more than the window", assignedAnswer(assigned("host-1", "u", strings.Repeat(" ", 2*vsphere.WindowSize), features...)), 1),
	)

	It("shares what is alike", func() {
		list, err := vsphere.ReadAssigned(strings.NewReader(assignedAnswer(assigned("host-1", "u", "", features...) + assigned("host-2", "v", "", features...))))
		Expect(err).NotTo(HaveOccurred())
		Expect(list[0].License()).To(BeIdenticalTo(list[1].License()))
	})

	It("tells when an evaluation ends, which is each host's own", func() {
		evaluation := func(day int) string {
			return strings.NewReplacer("esx.x", "eval", "ProductName</key><value xsi:type=\"xsd:string\">ESX</value>",
				fmt.Sprintf(`Evaluation</key><value xsi:type="LicenseManagerEvaluationInfo"><properties><key>expirationDate</key>`+
					`<value xsi:type="xsd:dateTime">2027-01-%02dT00:00:00Z</value></properties></value>`, day)).Replace(assigned(fmt.Sprintf("host-%d", day), "u", "", features...))
		}
		list, err := vsphere.ReadAssigned(strings.NewReader(assignedAnswer(evaluation(1) + evaluation(2))))
		Expect(err).NotTo(HaveOccurred())
		for i, a := range list {
			Expect(a.License().Evaluation).To(BeTrue())
			Expect(a.License().Expires).To(BeTemporally("==", time.Date(2027, 1, i+1, 0, 0, 0, 0, time.UTC)))
		}
	})

	DescribeTable("is an error", func(text, want string) {
		_, err := vsphere.ReadAssigned(strings.NewReader(text))
		Expect(err).To(MatchError(ContainSubstring(want)))
		Expect(err.Error()).NotTo(ContainSubstring("SECRE"))
	},
		Entry("a fault", string(faultAnswer("NoPermission", "")), "no"),
		Entry("nothing", "", "EOF"),
		Entry("cut off", assignedAnswer(assigned("host-1", "u", "", features...))[:800], "EOF"),
		Entry("no license", assignedAnswer("<returnval><entityId>host-1</entityId></returnval>"), "not there"),
		Entry("not well formed", assignedAnswer(strings.Replace(assigned("host-1", "u", "", features...), "<total>", "<", 1)), "cannot be read"),
		Entry("an empty body", emptyBody, "neither a result nor a fault"),
	)
})
