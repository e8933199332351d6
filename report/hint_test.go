package report

import (
	"strings"

	"github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
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
	ginkgo.Entry("has its name, quoted", "govc datastore.info -H {datastore}", "/dc1/datastore/pod/the store", "govc datastore.info -H 'the store'"),
	ginkgo.Entry("names no datastore that is none", "govc datastore.info {datastore}", "/dc1/network/bridge", ""),
	ginkgo.Entry("has the network", "x {network} {name}", "/dc1/network/f/bridge", "x bridge bridge"),
	ginkgo.Entry("has the virtual container host's name", "govc cluster.group.remove -cluster {subject} -name {vch}", "/dc1/host/prod", "govc cluster.group.remove -cluster /dc1/host/prod -name 'my vch'"),
	ginkgo.Entry("has the cluster that was asked for", "x --compute-resource {cluster}", "/dc1/datastore/shared", "x --compute-resource prod"),
	ginkgo.Entry("has that of the subject, where it is one", "x --compute-resource {cluster}", "/dc1/host/edge", "x --compute-resource edge"),
	ginkgo.Entry("takes no option for a path", "govc ls {subject}", "--image-store", ""),
	ginkgo.Entry("takes no option for a name", "Get-Datastore {name}", "--image-store", ""),
	ginkgo.Entry("names no host", "govc host.info -host {host}", "/dc1/datastore/shared", ""),
)
