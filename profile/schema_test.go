package profile_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/profile"
)

func published() map[string]any {
	GinkgoHelper()
	file, err := os.Open(filepath.Join("..", "docs", "profile.schema.json"))
	Expect(err).NotTo(HaveOccurred())
	defer file.Close()
	doc, err := jsonschema.UnmarshalJSON(file)
	Expect(err).NotTo(HaveOccurred())
	return doc.(map[string]any)
}

var compiled = sync.OnceValue(func() *jsonschema.Schema {
	GinkgoHelper()
	c := jsonschema.NewCompiler()
	Expect(c.AddResource("profile.json", published())).To(Succeed())
	s, err := c.Compile("profile.json")
	Expect(err).NotTo(HaveOccurred())
	return s
})

// A site's profile, of which the rows below change one line each.
const site = `profile: my-logs
title: Logs
peer: {kind: a log host}
requirements:
  - direction: outbound
    protocol: tcp
    ports: [5514]
    owner: user
    breaks: no logs leave the host
source: the wiki
`

func changed(from, to string) string {
	GinkgoHelper()
	Expect(site).To(ContainSubstring(from))
	return strings.Replace(site, from, to, 1)
}

func bySchema(text string) error {
	GinkgoHelper()
	var value any
	Expect(yaml.Unmarshal([]byte(text), &value)).To(Succeed())
	return compiled().Validate(value)
}

func byReader(text string) error {
	_, err := profile.Parse("p.yaml", []byte(text))
	return err
}

var _ = Describe("the schema of profiles", func() {
	It("has the keys of the reader, and no others", func() {
		doc := published()
		for name, keys := range profile.Keys() {
			part := doc
			if name != "" {
				part = doc["$defs"].(map[string]any)[name].(map[string]any)
			}
			Expect(slices.Sorted(maps.Keys(part["properties"].(map[string]any)))).To(Equal(keys), name)
			Expect(part["additionalProperties"]).To(BeFalse(), name)
		}
	})
	It("has the origins of the reader", func() {
		var want []any
		for _, o := range inventory.PeerOrigins() {
			want = append(want, string(o))
			Expect(profile.Settings([]inventory.PeerOrigin{o})).NotTo(BeEmpty(), string(o))
		}
		Expect(published()["$defs"].(map[string]any)["origin"].(map[string]any)["enum"]).To(Equal(want))
	})
	It("takes the built-in profiles, whose names the reader refuses", func() {
		for _, name := range profile.Names() {
			text, err := os.ReadFile(filepath.Join("builtin", name+".yaml"))
			Expect(err).NotTo(HaveOccurred())
			Expect(bySchema(string(text))).To(Succeed(), name)
			Expect(byReader(string(text))).To(MatchError(ContainSubstring(name+" is the name of a built-in profile: give it another one")), name)
		}
	})
})

var _ = DescribeTable("schema and reader take", func(from, to string) {
	Expect(bySchema(changed(from, to))).To(Succeed())
	Expect(byReader(changed(from, to))).To(Succeed())
},
	Entry("what is whole", "", ""),
	Entry("one port", "[5514]", "5514"),
	Entry("a range of ports", "[5514]", "[5514, 5900-6199]"),
	Entry("a range alone", "[5514]", "5900-6199"),
	Entry("both directions", "outbound", "both"),
	Entry("UDP", "protocol: tcp", "protocol: udp"),
	Entry("rulesets", "    owner", "    prefer: syslog\n    accept: [vSPC, my_rules.v2]\n    fallback: [vSPC]\n    owner"),
	Entry("a service", "owner: user", "owner: service:ntpd"),
	Entry("what ESXi switches", "owner: user", "owner: host\n    switched: by a mount"),
	Entry("what is not narrowed", "    owner", "    neverNarrowWithout: true\n    owner"),
	Entry("a name", "  - dir", "  - name: tls\n    dir"),
	Entry("a port with the peer", "{kind: a log host}", "{kind: a log host, carries: port, from: syslog-log-hosts, flag: --peer}"),
	Entry("the other hosts", "a log host", "the other hosts"),
	Entry("several lines", "title: Logs", "title: >\n  Logs\n  of all"),
)

var _ = DescribeTable("schema and reader refuse", func(from, to, says string) {
	Expect(bySchema(changed(from, to))).NotTo(Succeed())
	Expect(byReader(changed(from, to))).To(MatchError(ContainSubstring("p.yaml:" + says)))
},
	Entry("an unknown key", "title", "titel", "2:1: titel is no key of a profile; did you mean title?"),
	Entry("an unknown key of a peer", "kind", "knd", "3:8: knd is no key of a peer; did you mean kind?"),
	Entry("an unknown key of a requirement", "ports", "prots", "7:5: prots is no key of a requirement; did you mean ports?"),
	Entry("no source", "source: the wiki\n", "", "1:1: a profile needs the key source"),
	Entry("an empty list of sources", "source: the wiki", "source: []", "10:1: source is given and empty"),
	Entry("a name that is not kebab-case", "my-logs", "MyLogs", "1:10: profile takes small letters and digits"),
	Entry("a peer without an article", "a log host", "log host", "3:14: kind takes words with an article"),
	Entry("a flag", "{kind: a log host}", "{kind: a log host, flag: --target}", "3:32: flag takes one of --peer, --vch-ip"),
	Entry("an origin", "{kind: a log host}", "{kind: a log host, from: ntp-server}", "3:32: from takes one of"),
	Entry("a direction", "outbound", "out", "5:16: direction takes one of outbound, inbound, both"),
	Entry("a protocol", "tcp", "icmp", "6:15: protocol takes one of tcp, udp"),
	Entry("a port", "5514", "70000", "7:13: ports takes a whole number from 1 to 65535"),
	Entry("a range with blanks", "5514", "1 - 5", "7:13: ports takes a whole number from 1 to 65535, or a range such as 5900-6199"),
	Entry("half a range", "5514", "'1-'", "7:13: ports takes"),
	Entry("no port", "[5514]", "[]", "7:5: ports is given and empty"),
	Entry("an owner", "owner: user", "owner: service", "8:12: owner takes user, host or service:NAME"),
	Entry("no owner", "    owner: user\n", "", "5:5: a requirement needs the key owner"),
	Entry("nothing that breaks", "    breaks: no logs leave the host\n", "", "5:5: a requirement needs the key breaks"),
	Entry("no requirement", site[strings.Index(site, "requirements:"):], "requirements: []\nsource: x\n", "4:1: requirements is given and empty"),
	Entry("requirements that are no list", "  - direction", "    direction", "5:5: requirements takes a list: begin each item with a dash"),
	Entry("a truth", "    owner", "    neverNarrowWithout: maybe\n    owner", "8:25: neverNarrowWithout takes true or false"),
)

const second = `  - name: two
    oneOf: way
    direction: outbound
    protocol: udp
    ports: [1, 2]
    owner: user
    breaks: x
source`

// What a schema cannot see.
var _ = DescribeTable("the reader refuses", func(from, to, says string) {
	Expect(byReader(changed(from, to))).To(MatchError(ContainSubstring(says)))
},
	Entry("a built-in name", "my-logs", "syslog", "p.yaml:1:1: syslog is the name of a built-in profile"),
	Entry("the name of a built-in requirement", "my-logs", "syslog-ssl", "p.yaml:1:1: syslog-ssl is the name of a requirement of the built-in profile syslog"),
	Entry("what ESXi switches and users do", "    owner", "    switched: by a mount\n    owner", "switched says when ESXi itself"),
	Entry("a range that ends before it begins", "5514", "6199-5900", "7:13: ports takes"),
	Entry("a range beyond the last port", "5514", "65530-65536", "7:13: ports takes"),
	Entry("a range from 0", "5514", "0-7", "7:13: ports takes"),
	Entry("too many ports", "5514", "1-1024, 2000", "7:5: ports takes up to 1024 ports"),
	Entry("a fallback that is not accepted", "    owner", "    fallback: [vSPC]\n    owner", "fallback takes keys that accept has"),
	Entry("several without names", "source", second, "5:5: a requirement needs the key name"),
	Entry("a choice of one", "source", second, "oneOf way has one requirement"),
	Entry("a choice that nothing makes", "  - direction", strings.Replace(second, "source", "  - name: one\n    oneOf: way\n    direction", 1), "oneOf is a choice that nothing makes"),
	Entry("a choice of both directions", "direction: outbound", "oneOf: x\n    direction: both", "oneOf does not go with direction: both"),
	Entry("two of a name", "source", "  - {name: x, direction: inbound, protocol: tcp, ports: 1, owner: user, breaks: x}\n  - {name: x, direction: inbound, protocol: tcp, ports: 2, owner: user, breaks: x}\nsource", "two requirements have the name my-logs-x"),
	Entry("a scheme that picks nothing", "host}", "host, carries: scheme}", "the peer carries a scheme"),
	Entry("a port for several ports", "host}\nrequirements:\n  - direction: outbound\n    protocol: tcp\n    ports: [5514]", "host, carries: port}\nrequirements:\n  - direction: outbound\n    protocol: tcp\n    ports: [1, 2]", "the peer carries a port"),
)

var _ = It("ranges are all their ports, each once, and read as ranges", func() {
	p, err := profile.Parse("p.yaml", []byte(changed("5514", "10000-10010, 10003, 443")))
	Expect(err).NotTo(HaveOccurred())
	Expect(p.Needs[0].Ports).To(HaveLen(12))
	Expect(p.Needs[0].Service()).To(Equal("TCP 10000-10010 and 443"))
	_, err = profile.Parse("p.yaml", []byte(changed("5514", "1-1024")))
	Expect(err).NotTo(HaveOccurred())
})

var _ = It("a site's profile is read from its file", func() {
	path := filepath.Join(GinkgoT().TempDir(), "p.yaml")
	_, err := profile.Read(path)
	Expect(err).To(MatchError(path + ": no such file or directory"))
	Expect(os.WriteFile(path, []byte(changed("outbound", "both")), 0o600)).To(Succeed())
	p, err := profile.Read(path)
	Expect(err).NotTo(HaveOccurred())
	Expect(p.Needs).To(HaveLen(2))
	Expect(p.Needs[0].Name).To(Equal("my-logs-out"))
	Expect(p.Needs[1].Name).To(Equal("my-logs-in"))
	Expect(p.Needs[1].String()).To(Equal("inbound TCP 5514 from a log host"))
})
