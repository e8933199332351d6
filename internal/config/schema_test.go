package config_test

import (
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/config"
)

func published() map[string]any {
	GinkgoHelper()
	file, err := os.Open(filepath.Join("..", "..", "docs", "config.schema.json"))
	Expect(err).NotTo(HaveOccurred())
	defer file.Close()
	doc, err := jsonschema.UnmarshalJSON(file)
	Expect(err).NotTo(HaveOccurred())
	return doc.(map[string]any)
}

var compiled = sync.OnceValue(func() *jsonschema.Schema {
	GinkgoHelper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	Expect(c.AddResource("config.json", published())).To(Succeed())
	s, err := c.Compile("config.json")
	Expect(err).NotTo(HaveOccurred())
	return s
})

// decoded is a document as editors see it: a date is a text.
func decoded(text string) any {
	GinkgoHelper()
	var node yaml.Node
	Expect(yaml.Unmarshal([]byte(text), &node)).To(Succeed())
	var untimed func(*yaml.Node)
	untimed = func(n *yaml.Node) {
		if n.ShortTag() == "!!timestamp" {
			n.Tag = "!!str"
		}
		for _, inner := range n.Content {
			untimed(inner)
		}
	}
	untimed(&node)
	var value any
	Expect(node.Decode(&value)).To(Succeed())
	return value
}

var _ = Describe("the schema", func() {
	It("has the keys of the decoder, and no others", func() {
		doc := published()
		defs := doc["$defs"].(map[string]any)
		for name, keys := range config.Keys() {
			part := doc
			if name != "" {
				part = defs[name].(map[string]any)
			}
			properties := part["properties"].(map[string]any)
			Expect(slices.Sorted(maps.Keys(properties))).To(Equal(keys), name)
			Expect(part["additionalProperties"]).To(BeFalse(), name)
			for key, property := range properties {
				Expect(described(doc, property)).To(BeTrue(), "%s %s has no description", name, key)
			}
		}
		Expect(defs["check"].(map[string]any)["enum"]).To(ConsistOf(anys(checks.IDs())...))
		Expect(defs["reason"].(map[string]any)["enum"]).To(ConsistOf(anys(config.SeverityKeys())...))
	})

	It("takes the example, as the decoder does, and the example has all keys", func() {
		text, err := os.ReadFile(filepath.Join("..", "..", "docs", "vic-preflight.yaml"))
		Expect(err).NotTo(HaveOccurred())
		Expect(compiled().Validate(decoded(string(text)))).To(Succeed())
		c := good(string(text))
		Expect(c.Targets).To(HaveLen(2))
		Expect(c.Waivers).To(HaveLen(1))
		for part, keys := range config.Keys() {
			for _, key := range keys {
				// Keys that exclude others stand in a comment.
				Expect(string(text)).To(MatchRegexp(`(?m)(^|- |# or )\s*`+regexp.QuoteMeta(key)+`\b`), "%s %s", part, key)
			}
		}
	})

	It("takes the globs that the decoder takes", func() {
		form := compiled().Properties["host"].Ref.OneOf[0]
		alphabet := []string{"a", "*", "?", "[", "]", "^", "-", "\\", "[a", "-z]", "[^", "/", "ä"}
		var try func(glob string, more int)
		try = func(glob string, more int) {
			_, err := path.Match(glob, "")
			Expect(form.Validate(glob) == nil).To(Equal(err == nil && glob != ""), glob)
			for _, next := range alphabet {
				if more > 0 {
					try(glob+next, more-1)
				}
			}
		}
		try("", 4)
	})
})

func anys(list []string) (out []any) {
	for _, s := range list {
		out = append(out, s)
	}
	return out
}

// described reports whether editors have something to show for a property.
func described(doc map[string]any, property any) bool {
	p := property.(map[string]any)
	if _, ok := p["description"]; ok {
		return true
	}
	ref, _ := p["$ref"].(string)
	def, ok := doc["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")]
	return ok && described(doc, def)
}

// The documents, by a key or a part; each line is a document.
const (
	goodDocuments = `
port: 1
port: 65535
vch-ip: 10.0.0.5
vch-ip: [10.0.0.5, "fe80::1", 10.0.0.0/24, "2001:db8::/32"]
profile: ntp
profile: [syslog, auto, vddk-nbd]
requirements: site.yaml
requirements: [~/a b.yaml, /c.yaml]
peer: 10.0.0.9
peer: [syslog=ssl://10.0.0.9:6514, ntp=auto]
only: outbound-port
skip: [host-state, tcp-connect]
refresh: false
ssh: true
firewall-state: true
probe: none
probe-target: vch.example
listener-key: a b
probe-timeout: 1.5s
probe-retries: 0
ssh-user: root
ssh-key: ~/.ssh/id
ssh-password-file: x
ssh-known-hosts: x
ssh-port: 22
timeout: 0
timeout: 1h30m
wait: 30m
concurrency: 256
max-hosts: 1
output: table
output: [table, junit=a b.xml, json=-, html=x=y]
strict: true
allow-unknown: false
nagios-exit: true
baseline: last.json
fail-on: new
user: "1"
password-file: x
password-env: _VC1
thumbprint: AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01
thumbprint: [SHA1 Fingerprint=ABCDEF0123456789ABCDEF0123456789ABCDEF01]
insecure: true
compute-resource: /dc1/host/prod
host: "*"
host: ["esx[1-4].*", 'a\[b']
targets: [{target: vc1}]
targets: [{target: vc1.example/New Datacenter}]
targets: [{target: "sim://large?hosts=3"}, {target: "[::1]:8443/dc", user: x@y, password-env: A, host: x}]
targets: [{target: vc1/dc1, user: x, password-file: y, insecure: true, compute-resource: z, host: [a, b]}]
severities: {maintenance: fail}
severities: {drift: fail, ruleset-disabled: warn}
waivers: [{reason: drift, because: "a\nb", expires: 2027-01-31}]
waivers: [{reason: drift, because: 2026-01-01, expires: "2027-01-31", check: cluster-drift, host: "*", target: a/b, ticket: OPS-1}]
`
	badDocuments = `
prot: 1
Port: 1
port: 0
port: 65536
port: 2377.5
port: "2377"
port: [2377]
port:
vch-ip: ten
vch-ip: 10.0.0.0/x
vch-ip: 10
vch-ip: []
vch-ip: [10.0.0.5, ""]
vch-ip: [[10.0.0.5]]
profile: NTP
profile: vddk
profile: "ntp,syslog"
profile: [ntp, ""]
profile: {ntp: 10.0.0.1}
profile: []
requirements: [1]
requirements: ""
peer: 10
peer: ["a\nb"]
peer: []
only: outbound
only: []
only: {a: b}
skip: ["outbound-port,host-state"]
refresh: yes
refresh: "true"
refresh: 1
probe: remote
probe: null
probe: [ssh]
probe-timeout: 0s
probe-timeout: 0h0.0m
probe-timeout: 5
probe-timeout: 5 minutes
probe-timeout: -5m
probe-timeout: 0
probe-retries: 11
probe-retries: -1
ssh-user: ""
ssh-user: "  "
ssh-user: 0
ssh-user: "a\nb"
ssh-user: "a\tb"
ssh-port: 0
ssh-key: [a]
timeout: 1
timeout: "0"
timeout: 5
timeout: 1d
wait: 0
concurrency: 0
concurrency: 257
max-hosts: 0
output: []
output: junit=
output: "junit= "
output: =x
output: JSON
output: 1
strict: no
baseline: ""
fail-on: old
user: 1
user: true
password: x
password-env: vc1
password-env: $VC1
password-env: 1A
thumbprint: AB
thumbprint: ""
insecure: maybe
compute-resource: 12
host: "["
host: "[]"
host: 'a\'
host: [a, "[b"]
host: [a, 1]
fix: true
allow: true
ruleset: vSPC
width: 80
targets: []
targets: {}
targets: vc1
targets: [vc1]
targets: [{}]
targets: [{user: x}]
targets: [{target: ""}]
targets: [{target: root@vc1}]
targets: [{target: "root:x@vc1"}]
targets: [{target: "a\nb"}]
targets: [{target: " "}]
targets: [{target: vc1, password: x}]
targets: [{target: vc1, port: 1}]
targets: [{target: vc1, password-file: x, password-env: X}]
severities: {}
severities: {maintenance: pass}
severities: {maintenance: unknown}
severities: {permitted: fail}
severities: {no-such: fail}
severities: {maintenance: [fail]}
severities: fail
waivers: []
waivers: [{}]
waivers: [{reason: drift, because: x}]
waivers: [{reason: drift, expires: 2027-01-31}]
waivers: [{because: x, expires: 2027-01-31}]
waivers: [{reason: drift, because: "", expires: 2027-01-31}]
waivers: [{reason: drift, because: "\e[31m", expires: 2027-01-31}]
waivers: [{reason: permitted, because: x, expires: 2027-01-31}]
waivers: [{reason: drift, because: x, expires: 2027-02-30}]
waivers: [{reason: drift, because: x, expires: 31.01.2027}]
waivers: [{reason: drift, because: x, expires: 2027-01-31T00:00:00Z}]
waivers: [{reason: drift, because: x, expires: 2027}]
waivers: [{reason: drift, because: x, expires: 2027-01-31, host: "["}]
waivers: [{reason: drift, because: x, expires: 2027-01-31, until: x}]
waivers: [{reason: drift, because: x, expires: 2027-01-31, check: drift}]
waivers: [{reason: drift, because: x, expires: 2027-01-31, ticket: 42}]
{password-file: x, password-env: X}
{ssh-key: x, ssh-password-file: x}
{}
[]
port
null
`
)

var _ = Describe("schema and decoder", func() {
	judge := func(text string) (bySchema, byDecoder error) {
		GinkgoHelper()
		_, byDecoder = config.Parse("conf.yaml", []byte(text))
		return compiled().Validate(decoded(text)), byDecoder
	}
	for text := range strings.Lines(strings.TrimSpace(goodDocuments)) {
		It("take "+text, func() {
			schema, decoder := judge(text)
			Expect(schema).NotTo(HaveOccurred())
			Expect(decoder).NotTo(HaveOccurred())
		})
	}
	for text := range strings.Lines(strings.TrimSpace(badDocuments)) {
		It("refuse "+text, func() {
			schema, decoder := judge(text)
			Expect(schema).To(HaveOccurred())
			Expect(decoder).To(HaveOccurred())
		})
	}
})
