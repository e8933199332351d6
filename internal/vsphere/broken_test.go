package vsphere_test

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// bent signs in to a simulator whose answers are bent.
func bent(ctx context.Context, scenario string, bend func(*simtest.Call) []byte) (*vsphere.Session, error) {
	GinkgoHelper()
	return bentOf(ctx, start(scenario), bend)
}

func bentOf(ctx context.Context, vc *sim.VCenter, bend func(*simtest.Call) []byte) (*vsphere.Session, error) {
	GinkgoHelper()
	server := simtest.Bend(GinkgoTB(), vc, bend)
	s, err := vsphere.Connect(ctx, vsphere.Config{
		Target: vsphere.Target{Address: server.Address}, User: sim.DefaultUser, Password: sim.DefaultPassword,
		Thumbprints: []vsphere.Thumbprint{thumbprint(server.Thumbprint)},
	})
	if err == nil {
		DeferCleanup(s.Close)
	}
	return s, err
}

// rewriting replaces in the answers of a method, and passes the others on.
func rewriting(method, old, replacement string) func(*simtest.Call) []byte {
	re := regexp.MustCompile(old)
	return func(c *simtest.Call) []byte {
		answer := c.Pass()
		if c.Method == method {
			return re.ReplaceAll(answer, []byte(replacement))
		}
		return answer
	}
}

const emptyBody = `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body></soapenv:Body></soapenv:Envelope>`

var _ = Describe("a server that answers nonsense", func() {
	It("is an error of the call where a body is empty", func(ctx SpecContext) {
		for _, method := range []string{"RetrieveServiceContent", "Login"} {
			_, err := bent(ctx, "mixed", func(c *simtest.Call) []byte {
				if c.Method == method {
					return []byte(emptyBody)
				}
				return c.Pass()
			})
			Expect(err).To(MatchError(ContainSubstring("holds neither a result nor a fault")), method)
		}
		empty := ""
		s, err := bent(ctx, "mixed", func(c *simtest.Call) []byte {
			if c.Method == empty {
				return []byte(emptyBody)
			}
			return c.Pass()
		})
		Expect(err).NotTo(HaveOccurred())
		inv := collect(ctx, s, vsphere.Selection{})
		h := hostNamed(inv, "esx01.example")
		for method, call := range map[string]func() error{
			"RefreshFirewall": func() error { return s.RefreshFirewall(ctx, h) },
			"EnableRuleset":   func() error { return s.EnableRuleset(ctx, h, "vSPC") },
			"UpdateRuleset":   func() error { return s.SetAllowedHosts(ctx, h, "vSPC", &inventory.AllowedHosts{All: true}) },
			"StartService":    func() error { _, err := s.StartSSH(ctx, h); return err },
			"RetrievePropertiesEx": func() error {
				_, err := s.Collect(ctx, vsphere.Selection{}, vsphere.CollectOptions{})
				return err
			},
		} {
			empty = method
			Expect(call()).To(MatchError(ContainSubstring("holds neither a result nor a fault")), method)
		}
	})

	It("costs nothing where an object is its own ancestor", func(ctx SpecContext) {
		parent := regexp.MustCompile(`(<name>parent</name><val [^>]*?)type="[^"]*"([^>]*>)[^<]*<`)
		for _, kind := range []string{"ClusterComputeResource", "HostSystem", "Datacenter"} {
			object := regexp.MustCompile(`<objects><obj type="` + kind + `">([^<]*)</obj>.*?</objects>`)
			bends := 0
			s, err := bent(ctx, "closed", func(c *simtest.Call) []byte {
				return object.ReplaceAllFunc(c.Pass(), func(o []byte) []byte {
					if c.Method == "RetrievePropertiesEx" && parent.Match(o) {
						bends++
					}
					return parent.ReplaceAll(o, []byte(`${1}type="`+kind+`"${2}`+string(object.FindSubmatch(o)[1])+`<`))
				})
			})
			Expect(err).NotTo(HaveOccurred())
			inv, err := s.Collect(ctx, vsphere.Selection{}, vsphere.CollectOptions{})
			Expect(bends).To(BeNumerically(">", 0), kind)
			Expect(err).NotTo(HaveOccurred())
			Expect(inv.Hosts).To(HaveLen(5), kind)
		}
	})

	DescribeTable("costs nobody a thing by a character that XML forbids", func(ctx SpecContext, character string) {
		s, err := bent(ctx, "closed", rewriting("RetrievePropertiesEx", `esx02\.example`, "esx"+character+"02.example"))
		Expect(err).NotTo(HaveOccurred())
		inv := collect(ctx, s, vsphere.Selection{})
		Expect(names(inv)).To(ContainElements("esx01.example", "esx\ufffd02.example"))
		for _, h := range inv.Hosts {
			Expect(h.Firewall.Unreadable).To(BeEmpty(), h.Name)
		}
	},
		Entry("as it is", "\x01"),
		Entry("as a reference", "&#x1;"),
		Entry("as a decimal reference", "&#8;"),
		Entry("no UTF-8", "\xff"),
	)

	It("costs no other host anything by one firewall that cannot be read", func(ctx SpecContext) {
		s, err := bent(ctx, "mixed", func(c *simtest.Call) []byte {
			answer := c.Pass()
			at := regexp.MustCompile(`<objects><obj type="HostFirewallSystem">firewallSystem-host-\d*2</obj>`).FindIndex(answer)
			if c.Method != "RetrievePropertiesEx" || at == nil {
				return answer
			}
			return bytes.Replace(answer, answer[at[0]:at[1]], append(answer[at[0]:at[1]:at[1]], "<broken"...), 1)
		})
		Expect(err).NotTo(HaveOccurred())
		unreadable := 0
		for _, h := range collect(ctx, s, vsphere.Selection{}).Hosts {
			if strings.Contains(h.Firewall.Unreadable, "the answer cannot be read") {
				unreadable++
			}
		}
		Expect(unreadable).To(BeNumerically(">", 0))
		Expect(unreadable).To(BeNumerically("<", 5))
	})

	It("is bounded: one object, and pages without end", func(ctx SpecContext) {
		s, err := bent(ctx, "mixed", rewriting("RetrievePropertiesEx", `esx02\.example`, strings.Repeat("x", 5<<20)))
		Expect(err).NotTo(HaveOccurred())
		_, err = s.Collect(ctx, vsphere.Selection{}, vsphere.CollectOptions{})
		Expect(err).To(MatchError(ContainSubstring("one object of the answer has more than 4 MiB")))

		page := regexp.MustCompile(`<objects>`)
		s, err = bent(ctx, "mixed", func(c *simtest.Call) []byte {
			answer := c.Pass()
			switch c.Method {
			case "RetrievePropertiesEx":
				return page.ReplaceAll(answer, []byte("<token>more</token><objects>"))
			case "ContinueRetrievePropertiesEx":
				return []byte(strings.Replace(emptyBody, "<soapenv:Body>", `<soapenv:Body><ContinueRetrievePropertiesExResponse xmlns="urn:vim25"><returnval><token>more</token></returnval></ContinueRetrievePropertiesExResponse>`, 1))
			}
			return answer
		})
		Expect(err).NotTo(HaveOccurred())
		_, err = s.Collect(ctx, vsphere.Selection{}, vsphere.CollectOptions{})
		Expect(err).To(MatchError(ContainSubstring("the pages of an answer do not end")))
	})

	It("names a cluster whose hosts it does not list", func(ctx SpecContext) {
		hide := regexp.MustCompile(`<propSet><name>host</name>.*?</propSet>`)
		s, err := bent(ctx, "mixed", func(c *simtest.Call) []byte {
			answer := c.Pass()
			if c.Method != "RetrievePropertiesEx" {
				return answer
			}
			return regexp.MustCompile(`<objects><obj type="ClusterComputeResource">.*?</objects>`).ReplaceAllFunc(answer, func(object []byte) []byte {
				if !bytes.Contains(object, []byte(">prod<")) || !hide.Match(object) {
					return object
				}
				object = hide.ReplaceAll(object, nil)
				return bytes.Replace(object, []byte("</objects>"), []byte(`<missingSet><path>host</path><fault><fault xsi:type="NoPermission"><object type="Folder">x</object><privilegeId>System.View</privilegeId></fault><localizedMessage>no</localizedMessage></fault></missingSet></objects>`), 1)
			})
		})
		Expect(err).NotTo(HaveOccurred())
		inv := collect(ctx, s, vsphere.Selection{})
		Expect(inv.Hidden).To(Equal([]string{"/dc1/host/prod (the account lacks the privilege System.View)"}))
		_, err = s.Collect(ctx, vsphere.Selection{ComputeResource: "prod"}, vsphere.CollectOptions{})
		Expect(err).To(MatchError("the hosts of /dc1/host/prod (the account lacks the privilege System.View) cannot be listed"))
	})
})

var _ = Describe("a machine of a probe", func() {
	It("is looked for until it is known what became of it", func(ctx SpecContext) {
		for _, method := range []string{"CreateVM_Task", "PowerOnVM_Task", "PowerOffVM_Task", "Destroy_Task"} {
			vc := start("mixed")
			lost := true
			server := simtest.Bend(GinkgoTB(), vc, func(c *simtest.Call) []byte {
				answer := c.Pass()
				if c.Method == method && lost {
					lost = false
					return nil // done, and nobody was told
				}
				return answer
			})
			s, err := vsphere.Connect(ctx, vsphere.Config{
				Target: vsphere.Target{Address: server.Address}, User: sim.DefaultUser, Password: sim.DefaultPassword,
				Thumbprints: []vsphere.Thumbprint{thumbprint(server.Thumbprint)},
			})
			Expect(err).NotTo(HaveOccurred())
			inv := collect(ctx, s, vsphere.Selection{})
			h := hostNamed(inv, "esx01.example")
			m, err := s.PrepareMachines(ctx, inv.Datacenter, []*inventory.Host{h})
			Expect(err).NotTo(HaveOccurred())
			vm, err := m.Create(ctx, h, "vic-preflight-probe-x", "telnet://127.0.0.1:1", "x")
			Expect(vm).NotTo(BeNil())
			if err == nil {
				err = vm.PowerOn(ctx)
			}
			if method == "CreateVM_Task" || method == "PowerOnVM_Task" {
				Expect(err).To(HaveOccurred(), method)
			}
			err = vm.Destroy(ctx)
			if err != nil {
				err = vm.Destroy(ctx)
			}
			Expect(err).NotTo(HaveOccurred(), method)
			left, _, err := s.CleanupMachines(ctx, "vic-preflight-probe-", 0)
			Expect(err).NotTo(HaveOccurred())
			Expect(left).To(BeEmpty(), method)
			s.Close()
		}
	})

	It("is not given up while its task runs", func(ctx SpecContext) {
		vc := start("mixed")
		held := make(chan struct{})
		server := simtest.Bend(GinkgoTB(), vc, func(c *simtest.Call) []byte {
			answer := c.Pass()
			if c.Method == "RetrievePropertiesEx" && bytes.Contains(answer, []byte("TaskInfo")) {
				select {
				case <-held:
				default:
					return regexp.MustCompile(`<state>success</state>`).ReplaceAll(answer, []byte(`<state>running</state>`))
				}
			}
			return answer
		})
		s, err := vsphere.Connect(ctx, vsphere.Config{
			Target: vsphere.Target{Address: server.Address}, User: sim.DefaultUser, Password: sim.DefaultPassword,
			Thumbprints: []vsphere.Thumbprint{thumbprint(server.Thumbprint)},
		})
		Expect(err).NotTo(HaveOccurred())
		defer s.Close()
		inv := collect(ctx, s, vsphere.Selection{})
		h := hostNamed(inv, "esx01.example")
		m, err := s.PrepareMachines(ctx, inv.Datacenter, []*inventory.Host{h})
		Expect(err).NotTo(HaveOccurred())
		run, end := context.WithTimeout(ctx, 200*time.Millisecond)
		defer end()
		vm, err := m.Create(run, h, "vic-preflight-probe-y", "telnet://127.0.0.1:1", "y")
		Expect(err).To(MatchError(ContainSubstring("the task was not seen to its end")))
		Expect(vm).NotTo(BeNil())
		time.AfterFunc(time.Second, func() { close(held) })
		Expect(vm.Destroy(ctx)).To(Succeed())
		left, _, err := s.CleanupMachines(ctx, "vic-preflight-probe-", 0)
		Expect(err).NotTo(HaveOccurred())
		Expect(left).To(BeEmpty())
	}, SpecTimeout(time.Minute))
})

var _ = It("faults of licences and of managed hosts say what they mean", func(ctx SpecContext) {
	vc := start("closed")
	s := login(ctx, vc)
	h := hostNamed(collect(ctx, s, vsphere.Selection{}), "esx01.example")
	ref := types.ManagedObjectReference{Type: "HostFirewallSystem", Value: h.Firewall.ID}
	vc.FaultTimes("EnableRuleset", ref, &types.RestrictedVersion{}, 1)
	Expect(s.EnableRuleset(ctx, h, "vSPC")).To(MatchError(ContainSubstring("licence")))
	vc.FaultTimes("EnableRuleset", ref, &types.HostAccessRestrictedToManagementServer{ManagementServer: "vc.example"}, 1)
	Expect(s.EnableRuleset(ctx, h, "vSPC")).To(MatchError("the host takes this from its vCenter alone, which is vc.example"))
})

var _ = It("Collect knows the hosts that Auto Deploy starts", func(ctx SpecContext) {
	s, err := bent(ctx, "closed", rewriting("RetrievePropertiesEx", `(bootedFromStatelessCache</name><val [^>]*>)false`, `${1}true`))
	Expect(err).NotTo(HaveOccurred())
	Expect(hostNamed(collect(ctx, s, vsphere.Selection{}), "esx01.example").Stateless).To(Equal(inventory.Yes))
	Expect(hostNamed(collect(ctx, login(ctx, start("closed")), vsphere.Selection{}), "esx01.example").Stateless).To(Equal(inventory.Unknown))
})

var _ = It("a server's text that repeats the password or the session is not passed on", func(ctx SpecContext) {
	vc := start("closed")
	var cookie atomic.Value
	s, err := bentOf(ctx, vc, func(c *simtest.Call) []byte {
		if c.Method != "RefreshFirewall" && c.Method != "RetrievePropertiesEx" || cookie.Load() == nil {
			return c.Pass()
		}
		answer := string(faultAnswer("HostConfigFault", ""))
		return []byte(strings.Replace(answer, "<faultstring>no", "<faultstring>sent: "+sim.DefaultPassword+", "+cookie.Load().(string), 1))
	})
	Expect(err).NotTo(HaveOccurred())
	inv := collect(ctx, s, vsphere.Selection{})
	cookie.Store(s.Cookie())
	Expect(cookie.Load()).NotTo(BeEmpty())
	Expect(s.RefreshFirewall(ctx, hostNamed(inv, "esx01.example"))).To(MatchError("the host refused the change: sent: ***, ***"))
	_, err = s.Collect(ctx, vsphere.Selection{}, vsphere.CollectOptions{})
	Expect(vsphere.Describe(err)).To(ContainSubstring("sent: ***, ***"))
})
