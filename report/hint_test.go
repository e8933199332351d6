package report

import (
	"net/netip"
	"strings"

	"github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

var _ = ginkgo.It("names what the finding names, each by itself", func() {
	run := &Run{Inventory: &inventory.Inventory{Placement: &inventory.Placement{Compute: inventory.ComputeResource{Path: "/dc 1/host/prod", Cluster: true}}}}
	a := &advice{requirement: checks.VIC(), results: []checks.Result{{
		Check: "c", Scope: checks.ScopeVCH, Subject: "/dc 1/host/prod", Verdict: &checks.Verdict{
			Switch: "/dc 1/network/dvs1", Store: checks.LackedStore{Path: "/dc 1/datastore/shared", NFS: true, ReadOnly: true}, Servers: []string{"ntp1", "{name}"},
		},
	}}}
	a.Commands = []string{"x {switch} {switch name} {switch or} {store} {datastore} {nfs} {read only nfs} {compute} {drs cluster} {servers} -server {server}"}
	Expect(a.commands(run, run.places())).To(Equal([]string{
		"x '/dc 1/network/dvs1' dvs1 '/dc 1/network/dvs1' '/dc 1/datastore/shared' shared shared '/dc 1/datastore/shared' '/dc 1/host/prod' '/dc 1/host/prod' 'ntp1,{name}' -server ntp1 -server 'name'",
	}))
})

var _ = ginkgo.It("explains every command without a place holder", func() {
	for _, e := range checks.Explanations() {
		var b strings.Builder
		_, err := Explain(&b, string(e.Reason), checks.VIC(), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(b.String()).NotTo(MatchRegexp(`(?m)^  .*\{[a-z ]+\}`), "%s", e.Reason)
	}
})

var _ = ginkgo.It("explains a reason of every profile in no profile's words, and one of create in those of a virtual container host", func() {
	for _, e := range checks.Explanations() {
		var b strings.Builder
		_, err := Explain(&b, string(e.Reason), checks.VIC(), nil)
		Expect(err).NotTo(HaveOccurred())
		text := strings.Join(strings.Fields(b.String()), " ")
		text = strings.ReplaceAll(text, whosePeer, "")
		if e.Class == "" && !strings.Contains(e.Meaning+e.Hint, "irtual container host") {
			Expect(text).NotTo(ContainSubstring("irtual container host"), "%s", e.Reason)
		}
		if strings.Contains(e.Meaning, "{the peer}") && e.Class == "" {
			Expect(strings.Join(strings.Fields(b.String()), " ")).To(ContainSubstring(whosePeer), "%s", e.Reason)
		}
	}
})

var _ = ginkgo.DescribeTable("which profile's peer a hint asks for", func(want string, options ...string) {
	run := &Run{Options: options, Requirements: make([]checks.Requirement, 1)}
	req := checks.Requirement{Name: "syslog-ssl", Ports: []int{1514}, Words: checks.Words{PeerOption: "--peer"}}
	if strings.Contains(want, "PROFILE") || len(options) == 1 && strings.HasPrefix(options[0], "--requirements") {
		req.Name = "site"
	}
	Expect(run.say(req, "Give {option} ADDRESS.")).To(Equal("Give " + want + "."))
},
	ginkgo.Entry("the only one's", "--peer ssl://ADDRESS", "--profile=syslog"),
	ginkgo.Entry("one of several's", "--peer syslog=ssl://ADDRESS", "--profile=syslog", "--profile=ntp"),
	ginkgo.Entry("one of all that settings have, though one is asked for alone", "--peer syslog=ssl://ADDRESS", "--profile=auto"),
	ginkgo.Entry("a site's only one", "--peer ADDRESS", "--requirements=site.yaml"),
	ginkgo.Entry("a site's among others", "--peer PROFILE=ADDRESS", "--requirements=site.yaml", "--profile=ntp"),
)

var _ = ginkgo.DescribeTable("the command for lists that overlap connects to each address", func(want string, peers ...string) {
	run := &Run{
		Target: "vc.example", Inventory: &inventory.Inventory{Hosts: []inventory.Host{{Name: "esx1", Path: "/dc1/host/edge/esx1"}}},
		Results: []checks.Result{{Check: checks.OutboundPort, Requirement: "vic", Scope: checks.ScopeHost, Subject: "/dc1/host/edge/esx1", Verdict: &checks.Verdict{Status: checks.Warn, Reason: checks.ListsOverlap}}},
	}
	req := checks.VIC()
	for _, p := range peers {
		req.Peers = append(req.Peers, netip.MustParsePrefix(p))
		run.Options = append(run.Options, "--vch-ip="+p)
	}
	run.Requirements = []checks.Requirement{req}
	e, _ := checks.Explain(checks.ListsOverlap)
	a := &advice{Explanation: e, requirement: req, results: run.Results}
	Expect(strings.Join(a.commands(run, run.places()), "\n")).To(Equal(want))
},
	ginkgo.Entry("that is known", "vic-preflight check --probe serial --target vc.example --host esx1 --vch-ip 10.0.0.5", "10.0.0.5/32"),
	ginkgo.Entry("of several", "vic-preflight check --probe serial --target vc.example --host esx1 --vch-ip 10.0.0.5\n"+
		"      vic-preflight check --probe serial --target vc.example --host esx1 --vch-ip 10.0.0.6", "10.0.0.5/32", "10.0.1.0/24", "10.0.0.6/32"),
	ginkgo.Entry("that the user has to fill in", "vic-preflight check --probe serial --target vc.example --host esx1 --vch-ip ADDRESS"),
)

var _ = ginkgo.DescribeTable("a command for what an option of create names", func(template, subject, want string) {
	run := &Run{
		Target: "vc.example", VCH: "my vch", Compute: "prod",
		Inventory: &inventory.Inventory{Hosts: []inventory.Host{{Name: "esx1", Path: "/dc1/host/edge/esx1", Cluster: "edge", ClusterPath: "/dc1/host/edge"}}},
		Results: []checks.Result{{
			Check: "c", Scope: checks.ScopeVCH, Subject: subject, Class: checks.CreateRefuses,
			Verdict: &checks.Verdict{Status: checks.Fail, Reason: checks.NameUnresolved},
		}},
	}
	a := &advice{Explanation: checks.Explanation{Commands: []string{template}}, requirement: checks.VIC(), results: run.Results}
	Expect(strings.Join(a.commands(run, run.places()), "\n")).To(Equal(want))
},
	ginkgo.Entry("has its path", "govc object.collect -s {subject} host", "/dc1/datastore/shared", "govc object.collect -s /dc1/datastore/shared host"),
	ginkgo.Entry("has its name, quoted", "govc datastore.create -name {datastore}", "/dc1/datastore/pod/the store", "govc datastore.create -name 'the store'"),
	ginkgo.Entry("has a datastore's path, quoted", "govc datastore.info {store}", "/dc1/datastore/pod/the store", "govc datastore.info '/dc1/datastore/pod/the store'"),
	ginkgo.Entry("has a word for a switch that nobody named", "govc x -dvs {switch or} {vch}-bridge", "/dc1/network/bridge", "govc x -dvs DVS 'my vch'-bridge"),
	ginkgo.Entry("names no switch that nobody named", "govc dvs.add -dvs {switch} {switch name}", "/dc1/network/bridge", ""),
	ginkgo.Entry("switches DRS on where there is a cluster alone", "govc cluster.change -drs-enabled {drs cluster}", "/dc1/host/esx1", ""),
	ginkgo.Entry("has an NTP server for want of any", "govc x -server {server} {servers}", "/dc1/host/edge", "govc x -server pool.ntp.org pool.ntp.org"),
	ginkgo.Entry("names no datastore that is none", "govc datastore.info {datastore}", "/dc1/network/bridge", ""),
	ginkgo.Entry("has the network", "x {network} {name}", "/dc1/network/f/bridge", "x bridge bridge"),
	ginkgo.Entry("has the virtual container host's name", "govc cluster.group.remove -cluster {subject} -name {vch}", "/dc1/host/prod", "govc cluster.group.remove -cluster /dc1/host/prod -name 'my vch'"),
	ginkgo.Entry("has the cluster that was asked for", "x --compute-resource {cluster}", "/dc1/datastore/shared", "x --compute-resource prod"),
	ginkgo.Entry("has that of the subject, where it is one", "x --compute-resource {cluster}", "/dc1/host/edge", "x --compute-resource edge"),
	ginkgo.Entry("takes no option for a path", "govc ls {subject}", "--image-store", ""),
	ginkgo.Entry("takes no option for a name", "Get-Datastore {name}", "--image-store", ""),
	ginkgo.Entry("names no host", "govc host.info -host {host}", "/dc1/datastore/shared", ""),
)

var _ = ginkgo.DescribeTable("a command for what a profile asks for", func(template, want string, several bool) {
	run := &Run{
		Target: "vc.example", Options: []string{"--profile=syslog", "--peer=ssl://10.0.0.9"}, Requirements: make([]checks.Requirement, 1, 2),
		Inventory: &inventory.Inventory{Hosts: []inventory.Host{{Name: "esx1", Path: "/dc1/host/edge/esx1", Cluster: "edge", ClusterPath: "/dc1/host/edge"}}},
		Results:   []checks.Result{{Check: "c", Scope: checks.ScopeHost, Subject: "/dc1/host/edge/esx1", Verdict: &checks.Verdict{Status: checks.Fail, Reason: checks.RulesetDisabled}}},
	}
	if several {
		run.Requirements = run.Requirements[:2]
	}
	a := &advice{
		Explanation: checks.Explanation{Reason: checks.RulesetDisabled, Commands: []string{template}}, ruleset: "site-logs",
		requirement: checks.Requirement{Name: "syslog-ssl", Direction: "outbound", Protocol: "tcp", Ports: []int{1514}, Prefer: []string{"syslog"}, Words: checks.Words{PeerOption: "--peer"}}, results: run.Results,
	}
	Expect(strings.Join(a.commands(run, run.places()), "\n")).To(Equal(want))
},
	ginkgo.Entry("has its options", "vic-preflight fix --allow --target {target} --compute-resource {cluster} {option} {peer} --allowed-ip vch",
		"vic-preflight fix --allow --target vc.example --profile=syslog --peer=ssl://10.0.0.9 --compute-resource edge --ruleset site-logs", false),
	ginkgo.Entry("names no ruleset where there are several", "vic-preflight fix --allow --target {target} --compute-resource {cluster}", "", true),
	ginkgo.Entry("is not vic-machine's", "vic-machine-linux update firewall --target {target} --compute-resource {cluster} --allow", "", false),
)

var _ = ginkgo.It("advises a VIB before a ruleset that opens much more, and says of that what it is", func() {
	rulesets := []*inventory.Ruleset{{
		Key: "vSPC", Allowed: &inventory.AllowedHosts{All: true},
		Rules: []inventory.Rule{{EndPort: 65535, Direction: inventory.Outbound, PortType: inventory.Dst, Protocol: inventory.TCP}},
	}}
	commands := func(port int) []string {
		req := checks.VIC().At(port)
		run := &Run{
			Target: "vc.example", Options: []string{"--port=4711"}, Requirements: []checks.Requirement{req},
			Inventory: &inventory.Inventory{Hosts: []inventory.Host{{
				Name: "esx1", Path: "/dc/host/prod/esx1", Cluster: "prod", ClusterPath: "/dc/host/prod", Connection: inventory.Connected,
				Firewall: inventory.Firewall{Rulesets: rulesets},
			}}},
		}
		run.Results = checks.Run(checks.Default(), checks.Facts{Inventory: run.Inventory, Judged: checks.JudgeAll(run.Inventory, req)})
		for _, a := range run.advise() {
			if a.Reason == checks.RulesetDisabled {
				return a.commands(run, run.places())
			}
		}
		return nil
	}
	list := commands(4711)
	Expect(list[0]).To(HavePrefix("vic-preflight vib build --port=4711 --output vmware-vic.vib"))
	Expect(list[1]).To(HavePrefix("vic-preflight fix --allow --method vib --vib vmware-vic.vib"))
	Expect(list[2]).To(Equal("vic-preflight fix --allow --target vc.example --port=4711 --compute-resource prod --ruleset vSPC\n      (it opens much more than this port)"))
	Expect(commands(2377)[0]).NotTo(ContainSubstring("vib"), "vSPC is vic-machine's own way")
})
