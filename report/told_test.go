package report_test

import (
	"encoding/json"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

var _ = Describe("JSON tells of a ruleset", func() {
	// told are the rulesets of the one host's verdict on the port.
	told := func(rulesets ...*inventory.Ruleset) map[string]map[string]any {
		GinkgoHelper()
		var r struct {
			Targets []struct {
				Hosts []struct {
					Checks []struct {
						ID       string
						Rulesets []map[string]any
					}
				}
			}
		}
		Expect(json.Unmarshal([]byte(write("json", build([]inventory.Host{member("c", "esx1.example", rulesets...)}, "10.20.0.5/32"))), &r)).To(Succeed())
		found := map[string]map[string]any{}
		for _, c := range r.Targets[0].Hosts[0].Checks {
			for _, rs := range c.Rulesets {
				found[rs["key"].(string)] = rs
			}
		}
		return found
	}

	It("the networks of its list as well as the addresses", func() {
		list := &inventory.AllowedHosts{Addrs: []string{"10.0.0.1"}, Networks: []inventory.Network{{Address: "10.20.0.0", Bits: 16}, {Address: "2001:db8::", Bits: 32}}}
		Expect(told(outbound("vic-engine", true, list, 2377, 0))["vic-engine"]["allowedHosts"]).To(Equal(map[string]any{
			"all": false, "addresses": []any{"10.0.0.1"}, "networks": []any{"10.20.0.0/16", "2001:db8::/32"},
		}))
	})
	It("nothing of a list that the host does not tell, and that an empty one is not all", func() {
		found := told(outbound("vic-engine", true, nil, 2377, 0), outbound("vSPC", true, &inventory.AllowedHosts{}, 0, 65535))
		Expect(found["vic-engine"]).NotTo(HaveKey("allowedHosts"))
		Expect(found["vSPC"]["allowedHosts"]).To(Equal(map[string]any{"all": false}))
	})
	It("whether it lasts, where that is known", func() {
		found := told(outbound("vic-engine", true, everybody(), 2377, 0), outbound("vicoutgoing", true, everybody(), 2377, 0), outbound("site-vch", true, everybody(), 2377, 0))
		Expect(found["vic-engine"]).To(HaveKeyWithValue("persistent", true))
		Expect(found["vicoutgoing"]).To(HaveKeyWithValue("persistent", false))
		Expect(found["site-vch"]).NotTo(HaveKey("persistent"), "not known is not no")
	})
})

var _ = DescribeTable("the exit code for Nagios is 3 though every host passes", func(change func(*report.Run)) {
	r := build([]inventory.Host{member("c", "esx1.example", outbound("vic-engine", true, everybody(), 2377, 0))})
	Expect(r.NagiosCode(false, false)).To(Equal(0))
	change(r.Runs[0])
	Expect(r.NagiosCode(false, false)).To(Equal(3))
},
	Entry("where something is left, or was not made", func(r *report.Run) { r.Unfinished = true }),
	Entry("where the run ended early", func(r *report.Run) { r.Interrupted = true }),
	Entry("where hosts could not be listed", func(r *report.Run) { r.Inventory.Hidden = []string{"/dc1/host/dark"} }),
)
