package facts_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/facts"
	"github.com/vic-preflight/vic-preflight/inventory"
)

func ruleset(key string, enabled bool) *inventory.Ruleset {
	return &inventory.Ruleset{Key: key, Enabled: enabled, Allowed: &inventory.AllowedHosts{All: true}, Rules: []inventory.Rule{
		{Port: 2377, Direction: inventory.Outbound, PortType: inventory.Dst, Protocol: inventory.TCP},
	}}
}

// estate has hosts of which each has a list of its own, of the same few rulesets.
func estate(hosts int, lists ...[]*inventory.Ruleset) *facts.File {
	inv := &inventory.Inventory{Endpoint: inventory.Endpoint{Kind: inventory.VCenter}, Datacenter: "/dc1"}
	for i := range hosts {
		name := fmt.Sprintf("esx%05d.example", i)
		inv.Hosts = append(inv.Hosts, inventory.Host{
			ID: fmt.Sprintf("host-%d", i), UUID: fmt.Sprintf("4c4c4544-0000-0000-0000-%012d", i), Name: name, Path: "/dc1/host/prod/" + name,
			Cluster: "prod", ClusterPath: "/dc1/host/prod", Connection: inventory.Connected, Version: "8.0.3",
			Firewall: inventory.Firewall{ID: fmt.Sprintf("firewallSystem-%d", i), Rulesets: lists[i%len(lists)]},
			Software: inventory.Software{NotAsked: true},
		})
	}
	return &facts.File{Tool: "t", Targets: []facts.Target{{Name: "vc.example/dc1", CollectedAt: time.Unix(1e9, 0), Inventory: inv}}}
}

func encoded(f *facts.File) []byte {
	GinkgoHelper()
	data, err := facts.Encode(f)
	Expect(err).NotTo(HaveOccurred())
	return data
}

var _ = Describe("a file of facts", func() {
	It("shares what hosts have in common, and stores it once", func() {
		one, twin := []*inventory.Ruleset{ruleset("a", true), ruleset("b", false)}, []*inventory.Ruleset{ruleset("a", true), ruleset("b", false)}
		other := []*inventory.Ruleset{one[0], ruleset("b", true)}
		data := encoded(estate(6, one, twin, other))
		Expect(bytes.Count(data, []byte(`"key":"a"`))).To(Equal(1))
		Expect(bytes.Count(data, []byte(`"key":"b"`))).To(Equal(2), "it differs")

		f, err := facts.Decode(data)
		Expect(err).NotTo(HaveOccurred())
		hosts := f.Targets[0].Inventory.Hosts
		list := func(i int) **inventory.Ruleset { return &hosts[i].Firewall.Rulesets[0] }
		Expect(list(0)).To(BeIdenticalTo(list(1)), "the hosts that are alike have one list")
		Expect(list(0)).To(BeIdenticalTo(list(4)))
		Expect(list(2)).NotTo(BeIdenticalTo(list(0)))
		Expect(*list(2)).To(BeIdenticalTo(*list(0)), "and the lists have one ruleset")
	})

	It("names its target, and says of when it is", func() {
		t := facts.Target{Name: "vc.example/dc1", CollectedAt: time.Date(2026, 11, 26, 14, 45, 0, 0, time.FixedZone("CET", 3600))}
		Expect(t.Label()).To(Equal("vc.example/dc1, facts of 2026-11-26 13:45 UTC"))
	})

	It("says what is wrong with a file that cannot be read, and names it", func() {
		path := filepath.Join(GinkgoT().TempDir(), "no.json")
		_, err := facts.Read(path)
		Expect(err).To(MatchError(path + ": cannot be opened: no such file or directory"))
		_, err = facts.Read(filepath.Dir(path))
		Expect(err).To(MatchError(filepath.Dir(path) + ": cannot be read: is a directory"))
		Expect(os.WriteFile(path, []byte(`{"factsVersion":1,"targets":[]}`), 0o600)).To(Succeed())
		_, err = facts.Read(path)
		Expect(err).To(MatchError(path + ": it holds the facts of no target"))
	})
})

// withHost is a file with one target that has these parts.
func withParts(host, parts string) string {
	return `{"factsVersion":1,"targets":[{"target":"vc","collectedAt":"2026-01-02T03:04:05Z","endpoint":{"kind":"vCenter"}` + parts +
		`,"hosts":[{"id":"host-1","name":"a","path":"/a"` + host + `}]}]}`
}

var _ = DescribeTable("Decode refuses",
	func(text, problem string) {
		_, err := facts.Decode([]byte(text))
		Expect(err).To(MatchError(problem))
		Expect(err.Error()).NotTo(ContainSubstring("json:"))
	},
	Entry("nothing", "", "it is cut off at byte 0: copy or collect it again"),
	Entry("what was cut off", withParts("", "")[:99], "it is cut off at byte 99: copy or collect it again"),
	Entry("no JSON", "factsVersion: 1", "it is no JSON, from byte 3 on"),
	Entry("a report", `{"schemaVersion":1}`, "it is no file of facts: it has no factsVersion"),
	Entry("a list", `[]`, "it is no file of facts: it has no factsVersion"),
	Entry("a later version", `{"factsVersion":2,"targets":{}}`,
		"its factsVersion is 2, and this vic-preflight reads 1: take the vic-preflight that collected it, or collect again"),
	Entry("a version of another type", `{"factsVersion":"1"}`,
		`its factsVersion is "1", and this vic-preflight reads 1: take the vic-preflight that collected it, or collect again`),
	Entry("no target", `{"factsVersion":1}`, "it holds the facts of no target"),
	Entry("targets that are no list", `{"factsVersion":1,"targets":{}}`, "targets is no list"),
	Entry("a tool of another type", `{"factsVersion":1,"tool":7,"targets":[{}]}`, "tool is a JSON number, and takes a string"),
	Entry("a target without a kind", `{"factsVersion":1,"targets":[{"target":"vc"}]}`, `targets[0].endpoint.kind is "": it takes vCenter or ESXi`),
	Entry("a target without a time", `{"factsVersion":1,"targets":[{"target":"vc","endpoint":{"kind":"ESXi"}}]}`, "targets[0].target or collectedAt is missing"),
	Entry("a host without a path", withParts(`,"path":""`, ""), "targets[0].hosts[0].id, name or path is missing"),
	Entry("a host of another type", withParts(`,"name":["a"]`, ""), "targets[0].hosts[0].name is a JSON array, and takes a string"),
	Entry("a flag of another type", withParts(`,"firewall":{"switch":{"enabled":"yes"}}`, ""),
		"targets[0].hosts[0].firewall.switch.enabled is a JSON string, and takes true or false"),
	Entry("two hosts with one ID", strings.Replace(withParts("", ""), `"hosts":[`, `"hosts":[{"id":"host-1","name":"b","path":"/b"},`, 1),
		"targets[0].hosts[1].id is that of hosts[0] too"),
	Entry("a time that is none", withParts(`,"bootTime":"yesterday"`, ""),
		`targets[0].hosts[0].bootTime is "yesterday": it takes a time such as 2026-01-02T15:04:05Z`),
	Entry("a list of rulesets that is not there", withParts(`,"firewall":{"rulesets":3}`, `,"rulesetLists":[[]]`),
		"targets[0].hosts[0].firewall.rulesets is 3, and there are 1 rulesetLists"),
	Entry("a place before the first", withParts(`,"software":{"vibs":-1}`, `,"vibLists":[[]]`),
		"targets[0].hosts[0].software.vibs is -1, and there are 1 vibLists"),
	Entry("a ruleset that is not there", withParts("", `,"rulesets":[{"key":"a"}],"rulesetLists":[[0,1]]`),
		"targets[0].rulesetLists[0][1] is 1, and there are 1 rulesets"),
	Entry("a list that holds itself", withParts("", `,"rulesets":[{"key":"a"}],"rulesetLists":[[0],[[1]]]`),
		"targets[0].the lists of places[1] is a JSON array, and takes a whole number"),
	Entry("a port of another size", withParts("", `,"rulesets":[{"key":"a","rules":[{"port":99999999999}]}]`),
		"targets[0].rulesets[0].rules.port is a JSON number 99999999999, and takes a whole number of 32 bits"),
)

var _ = It("no list may be longer than any estate makes it", func() {
	DeferCleanup(facts.SetMaxRows(2))
	_, err := facts.Decode([]byte(withParts("", `,"rulesetLists":[[],[],[]]`)))
	Expect(err).To(MatchError("targets[0].the lists of places has more than 2 elements"))
	_, err = facts.Encode(estate(3, nil))
	Expect(err).To(MatchError("there are more than 2 hosts: collect --compute-resource makes a smaller file of each cluster"))
})

// FuzzDecode: whatever the text, Decode neither panics nor takes what Encode would not
// write back.
func FuzzDecode(f *testing.F) {
	for _, file := range []*facts.File{estate(3, nil, []*inventory.Ruleset{ruleset("a", true)}, []*inventory.Ruleset{})} {
		data, err := facts.Encode(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(withParts(`,"firewall":{"rulesets":0}`, `,"rulesets":[{"key":"a"}],"rulesetLists":[[0,0]]`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := facts.Decode(data)
		if err != nil {
			return
		}
		once, err := facts.Encode(file)
		if err != nil {
			t.Fatal(err)
		}
		again, err := facts.Decode(once)
		if err != nil {
			t.Fatalf("%v in %s", err, once)
		}
		if twice, err := facts.Encode(again); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%s, and then %s (%v)", once, twice, err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	file := estate(15_000, lists()...)
	for b.Loop() {
		if _, err := facts.Encode(file); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	data, err := facts.Encode(estate(15_000, lists()...))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := facts.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

// lists are of 64 kinds of hosts, with 50 rulesets each.
func lists() [][]*inventory.Ruleset {
	list := make([][]*inventory.Ruleset, 64)
	for i := range list {
		for j := range 50 {
			list[i] = append(list[i], ruleset(fmt.Sprintf("ruleset%02d", j), i&(1<<(j%6)) != 0))
		}
	}
	return list
}
