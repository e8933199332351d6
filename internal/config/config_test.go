package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/config"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
	"github.com/vic-preflight/vic-preflight/preflight"
)

func TestConfig(t *testing.T) { testsuite.Run(t, "config") }

// good parses a document that must be good.
func good(text string) *config.Config {
	GinkgoHelper()
	c, err := config.Parse("/site/conf.yaml", []byte(text))
	Expect(err).NotTo(HaveOccurred())
	return c
}

// complaints are the lines of the error of a document that must be bad.
func complaints(text string) []string {
	GinkgoHelper()
	c, err := config.Parse("conf.yaml", []byte(text))
	Expect(err).To(HaveOccurred())
	Expect(c).To(BeNil())
	return strings.Split(err.Error(), "\n")
}

var _ = Describe("a configuration", func() {
	It("gives settings as flags take them, in the order of the file", func() {
		c := good("strict: true\nport: 0x949\nvch-ip: 10.0.0.5\nonly: [outbound-port, host-state]\ntimeout: 0\noutput: [table, junit=out/r.xml, json=-]\nlistener-key: /abs/key\nbaseline: last.json\n")
		at := func(line int) config.Place { return config.Place{Path: "/site/conf.yaml", Line: line, Column: 1} }
		Expect(c.Settings).To(Equal([]config.Setting{
			{Flag: "strict", Values: []string{"true"}, Place: at(1)},
			{Flag: "port", Values: []string{"2377"}, Place: at(2)},
			{Flag: "vch-ip", Values: []string{"10.0.0.5"}, Place: at(3)},
			{Flag: "only", Values: []string{"outbound-port", "host-state"}, Place: at(4)},
			{Flag: "timeout", Values: []string{"0"}, Place: at(5)},
			{Flag: "output", Values: []string{"table", "junit=/site/out/r.xml", "json=-"}, Place: at(6)},
			{Flag: "listener-key", Values: []string{"/abs/key"}, Place: at(7)},
			{Flag: "baseline", Values: []string{"/site/last.json"}, Place: at(8)},
		}))
		Expect(c.Settings[0].Place.String()).To(Equal("/site/conf.yaml:1:1"))
	})

	It("lets targets have from the file what they do not say themselves", func() {
		c := good(`targets:
  - target: vc1.example/dc1
    password-env: VC1_PASSWORD
    insecure: false
    host: esx1
  - target: sim://large?hosts=3
    user: other
user: svc@vsphere.local
password-file: secrets/vc
insecure: true
compute-resource: prod
host: ["esx*", "*.example"]
`)
		Expect(c.Shared).To(Equal(config.Target{
			User: "svc@vsphere.local", PasswordFile: "/site/secrets/vc", Insecure: true, ComputeResource: "prod", Hosts: []string{"esx*", "*.example"},
		}))
		Expect(c.Targets).To(Equal([]config.Target{
			{
				Place: config.Place{Path: "/site/conf.yaml", Line: 2, Column: 5}, Address: "vc1.example/dc1",
				User: "svc@vsphere.local", PasswordEnv: "VC1_PASSWORD", ComputeResource: "prod", Hosts: []string{"esx1"},
			},
			{
				Place: config.Place{Path: "/site/conf.yaml", Line: 6, Column: 5}, Address: "sim://large?hosts=3",
				User: "other", PasswordFile: "/site/secrets/vc", Insecure: true, ComputeResource: "prod", Hosts: []string{"esx*", "*.example"},
			},
		}))
		Expect(c.Settings).To(BeEmpty())
	})

	It("gives severities and waivers as checks take them", func() {
		c := good(`severities: {maintenance: fail, ruleset-disabled: warn}
waivers:
  - reason: ruleset-disabled
    because: >
      replaced
      in January
    expires: 2027-01-31
    check: outbound-port
    requirement: vic
    host: esx09.*
    target: vc1*
    ticket: OPS-42
`)
		Expect(c.Severities).To(Equal(map[checks.Reason]checks.Status{checks.HostMaintenance: checks.Fail, checks.RulesetDisabled: checks.Warn}))
		Expect(c.Waivers).To(Equal([]checks.Waiver{{
			Check: checks.OutboundPort, Reason: checks.RulesetDisabled, Requirement: "vic", Host: "esx09.*", Target: "vc1*",
			Because: "replaced in January", Ticket: "OPS-42", Expires: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC),
		}}))
	})

	It("tells of waivers that expired, and of those that soon will", func() {
		c := good("waivers:\n" +
			"- {reason: drift, because: x, expires: 2026-05-01}\n" +
			"- {reason: maintenance, because: x, expires: \"2026-05-02\"}\n" +
			"- {reason: standby, because: x, expires: 2026-06-01}\n")
		now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
		Expect(c.Notes(now)).To(Equal([]string{
			"/site/conf.yaml:2:3: the waiver of drift expired on 2026-05-01 and counts no more",
			"/site/conf.yaml:3:3: the waiver of maintenance expires soon, on 2026-05-02",
		}))
		Expect(c.Notes(now.AddDate(0, -2, 0))).To(BeEmpty())
	})

	It("finds the home directory", func() {
		GinkgoT().Setenv("HOME", "/home/x")
		Expect(good("ssh-key: ~/.ssh/id").Settings[0].Values).To(Equal([]string{"/home/x/.ssh/id"}))
		GinkgoT().Setenv("HOME", "")
		Expect(complaints("ssh-key: ~/.ssh/id")).To(Equal([]string{"conf.yaml:1:10: ssh-key begins with ~/, and there is no home directory: write the path out"}))
	})

	It("tells all that is wrong at once, in the order of the file, each with its place", func() {
		_, err := config.Parse("conf.yaml", []byte(`prot: 2377
targets:
  - user: x
  - target: vc1
    hsot: esx1
port: "2377"
port: 1
waivers:
  - reason: rulesetdisabled
    because: ""
    expires: 2027-02-30
`))
		Expect(strings.Split(err.Error(), "\n")).To(Equal([]string{
			"conf.yaml:1:1: prot is no key of a configuration file; did you mean port?",
			"conf.yaml:3:5: a target needs the key target",
			"conf.yaml:5:5: hsot is no key of a target; did you mean host?",
			"conf.yaml:6:7: port takes a whole number from 1 to 65535",
			"conf.yaml:7:1: port is given twice, first on line 6",
			"conf.yaml:9:13: reason takes a reason of a warning or a failure that vic-preflight explain lists; did you mean ruleset-disabled?",
			"conf.yaml:10:5: because is given and empty: leave it out or give it a value",
			"conf.yaml:11:14: expires takes a date, such as 2027-01-31",
		}))
		var first *config.Error
		Expect(errors.As(err, &first)).To(BeTrue())
		Expect(first.Place).To(Equal(config.Place{Path: "conf.yaml", Line: 1, Column: 1}))
	})
})

// What a schema cannot see, or says in other words.
var _ = DescribeTable("is refused",
	func(text string, want ...string) {
		for i := range want {
			want[i] = "conf.yaml:" + want[i]
		}
		Expect(complaints(text)).To(Equal(want))
	},
	Entry("empty", "", "1:1: the file is empty"),
	Entry("with comments alone", "# nothing\n", "1:1: the file is empty"),
	Entry("an empty document", "---\n", "1:1: the file is empty"),
	Entry("a word", "port", "1:1: a configuration file is keys with values, such as port: 2377"),
	Entry("two documents", "port: 1\n---\nport: 2\n", "2:1: a second document begins, and a configuration file is one"),
	Entry("an alias", "user: &u x\ntargets:\n  - {target: a, user: *u}\n",
		"1:7: anchors and aliases are not taken: write the value out, and put a text that begins with * or & in quotes",
		"3:23: anchors and aliases are not taken: write the value out, and put a text that begins with * or & in quotes"),
	Entry("a glob without quotes", "port: 1\nhost: *.example\n", "2:7: anchors and aliases are not taken: write the value out, and put a text that begins with * or & in quotes"),
	Entry("a merged mapping", "<<: {port: 1}\n", "1:1: a key is a word"),
	Entry("a key that is no text", "2377: x\n[a]: b\n", "1:1: a key is a word", "2:1: a key is a word"),
	Entry("a tag of one's own", "user: !secret x\n", "1:7: user takes a text: put it in quotes"),
	Entry("a tag that is none", "user: !a{b} x\n", "1:9: it is not YAML: put a text that begins with ! in quotes"),
	Entry("no YAML on its first line", "port: a: b", "1:8: it is not YAML: mapping values are not allowed in this context"),
	Entry("no YAML further down", "port: 1\nvch-ip: [a,\n", "3:1: it is not YAML: did not find expected node content"),
	Entry("bytes that are no text", "user: x\nssh-user: \xff\n", "2:11: it is not UTF-8 text, or has a control character here"),
	Entry("a control character", "user: ä\x1b[31m\n", "1:8: it is not UTF-8 text, or has a control character here"),
	Entry("a control character in disguise", `user: "\e[31m"`, "1:7: user takes a text on one line, without tabs and other control characters"),
	Entry("an address with a mask", "vch-ip: 10.0.0.5/24", "1:9: vch-ip is an address and a network at once: give 10.0.0.5 for the address, or 10.0.0.0/24 for the network"),
	Entry("a value in a list", "vch-ip: [10.0.0.5, ten]", "1:20: vch-ip takes an address such as 10.0.0.5, or a network such as 10.0.0.0/24"),
	Entry("nothing in a list", "vch-ip:\n  - 10.0.0.5\n  -\n", "3:4: vch-ip has an empty value"),
	Entry("a list in a list", "host: [[a]]", "1:8: host takes a text"),
	Entry("what changes hosts", "fix: true\nallowed-ip: 10.0.0.5\nssh-start-service: true\n",
		"1:1: fix is about changing hosts, which no file does: give --fix on the command line",
		"2:1: allowed-ip is about changing hosts, which no file does: give --allowed-ip on the command line",
		"3:1: ssh-start-service is about changing hosts, which no file does: give --ssh-start-service on the command line"),
	Entry("the width of somebody's terminal", "width: 80", "1:1: width is about one terminal, and a file is for all: give --width on the command line"),
	Entry("a reason that is always a pass", "severities: {permitted: fail}\nwaivers: [{reason: facts-unavailable, because: x, expires: 2027-01-31}]",
		"1:14: permitted is no reason of a warning or a failure", "2:20: reason takes a reason of a warning or a failure, and facts-unavailable is none"),
	Entry("a reason with a mistake", "severities: {maintenanc: fail}", "1:14: maintenanc is no reason of a warning or a failure; did you mean maintenance?"),
	Entry("a severity that turns green", "severities: {maintenance: pass}", "1:27: maintenance takes one of warn, fail"),
	Entry("a check with a mistake", "only: outbound-prot", "1:7: only takes a check that vic-preflight explain lists; did you mean outbound-port?"),
	Entry("a check that is like none", "skip: everything", "1:7: skip takes a check that vic-preflight explain lists"),
	Entry("a vantage with a mistake", "probe: seriall", "1:8: probe takes one of none, local, ssh, serial; did you mean serial?"),
	Entry("a profile with a mistake", "profile: [auto, syslgo]", "1:17: profile takes the name of a profile, such as ntp, that vic-preflight profiles lists, or auto; did you mean syslog?"),
	Entry("a peer that is none", "peer: ntp=10.0.0.999",
		"1:7: peer takes [PROFILE=]auto or [PROFILE=]PEER: a peer is an address, a network or a host's name, such as 10.0.0.9, 10.0.0.0/24, 10.0.0.9:6514 or ssl://10.0.0.9:6514"),
	Entry("two sources of a password", "password-file: a\npassword-env: B\n", "2:1: password-file and password-env exclude each other"),
	Entry("two ways to log in", "ssh-password-file: a\nssh-key: b\n", "2:1: ssh-key and ssh-password-file exclude each other"),
	Entry("targets that are no list", "targets: {target: a}", "1:10: targets takes a list: begin each item with a dash"),
	Entry("a target that is a word", "targets: [vc1]", "1:11: a target is keys with values, such as port: 2377"),
)

var _ = DescribeTable("repeats no secret",
	func(text string) {
		for _, line := range complaints(text) {
			Expect(strings.ToLower(line)).NotTo(ContainSubstring("hunter2"))
			Expect(line).To(MatchRegexp(`^conf\.yaml:[0-9]+:[0-9]+: [a-z]`))
		}
	},
	Entry("of a password", "password: hunter2"),
	Entry("of a target's password", "targets: [{target: a, password: hunter2}]"),
	Entry("of a mistyped password", "pasword: hunter2"),
	Entry("of a password in a mapping", "password: {hunter2: x}"),
	Entry("of a target with credentials", "targets: [{target: 'root:hunter2@vc1'}]"),
	Entry("of a target with an odd password", "targets: [{target: 'https://root:a/b@hunter2@vc1'}]"),
	Entry("of a password for the name of a variable", "password-env: hunter2"),
	Entry("of a password for a thumbprint", "thumbprint: hunter2"),
	Entry("of a password for an address", "vch-ip: hunter2"),
	Entry("of a password for anything else",
		"port: hunter2\nstrict: hunter2\nwait: hunter2\noutput: [HUNTER2]\nprobe: hunter2\nonly: hunter2\nseverities: {drift: hunter2}\nwaivers: [{reason: hunter2, expires: hunter2}]"),
	Entry("where a space is missing", "{password:hunter2}"),
	Entry("where a colon is missing", "password hunter2"),
	Entry("that looks like an alias", "password-file: *hunter2"),
	Entry("that looks like an anchor", "password-file: &hunter2"),
	Entry("that looks like a tag", "password-file: !hunter2 x\npassword: !hunter2{} x"),
	Entry("that breaks the syntax", "password: hunter2: x"),
	Entry("in quotes that do not end", `password: "hunter2`),
	Entry("as a list", "password-file: [hunter2]"),
	Entry("in a document of its own", "hunter2"),
)

var _ = Describe("a password in a file", func() {
	It("is refused with the way out", func() {
		Expect(complaints("password: x")).To(Equal([]string{
			"conf.yaml:1:1: password does not belong in a file: name a file that holds it by password-file (for hosts, ssh-password-file), or a variable by password-env",
		}))
		Expect(complaints("targets: [{target: root:x@vc1}]")).To(Equal([]string{
			"conf.yaml:1:20: target takes no credentials: give the user by user, and the password by password-file or password-env",
		}))
	})
})

var _ = Describe("a file", func() {
	var dir string
	BeforeEach(func() { dir = GinkgoT().TempDir() })
	write := func(name, text string) string {
		GinkgoHelper()
		path := filepath.Join(dir, name)
		Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())
		return path
	}

	It("is found by either name, .yaml first", func() {
		_, found := config.Find(dir)
		Expect(found).To(BeFalse())
		yml := write(".vic-preflight.yml", "port: 1")
		path, found := config.Find(dir)
		Expect(found).To(BeTrue())
		Expect(path).To(Equal(yml))
		yaml := write(".vic-preflight.yaml", "port: 2")
		path, found = config.Find(dir)
		Expect(found).To(BeTrue())
		Expect(path).To(Equal(yaml))
		c, err := config.Read(path)
		Expect(err).NotTo(HaveOccurred())
		Expect(c.Path).To(Equal(yaml))
		Expect(c.Settings[0].Values).To(Equal([]string{"2"}))
	})
	It("is found also where it cannot be read, so that somebody is told", func() {
		path := filepath.Join(dir, ".vic-preflight.yaml")
		Expect(os.Symlink(filepath.Join(dir, "gone"), path)).To(Succeed())
		found, ok := config.Find(dir)
		Expect(ok).To(BeTrue())
		_, err := config.Read(found)
		Expect(err).To(MatchError(path + ": no such file or directory"))
		Expect(err).To(MatchError(os.ErrNotExist))
	})
	It("is no directory", func() {
		_, err := config.Read(dir)
		Expect(err).To(MatchError(dir + ": it is a directory, and no configuration file"))
	})
	It("can be read", func() {
		_, err := config.Read("/proc/self/mem") // which opens, and has nothing at its start
		Expect(err).To(MatchError("/proc/self/mem: input/output error"))
	})
	It("has at most 1 MiB", func() {
		path := write("big.yaml", "port: 1\n#"+strings.Repeat("x", 1<<20-9))
		_, err := config.Read(path)
		Expect(err).NotTo(HaveOccurred())
		path = write("big.yaml", "port: 1\n#"+strings.Repeat("x", 1<<20-8))
		_, err = config.Read(path)
		Expect(err).To(MatchError(path + ": it has more than 1 MiB, and is no configuration file"))
	})
})

var _ = It("takes what a run takes", func() {
	// The two packages do not know each other, and have these bounds twice.
	Expect(complaints("concurrency: 257")).To(HaveLen(1))
	Expect(good("concurrency: 256").Settings).To(HaveLen(1))
	Expect(preflight.MostConcurrency).To(Equal(256))
	for _, text := range []string{
		strings.Repeat("AB:", 19) + "AB", strings.Repeat("ab", 32), "SHA256 Fingerprint=" + strings.Repeat("AB:", 31) + "AB",
		strings.Repeat("AB", 21), "AB", strings.Repeat("AG", 20), "=",
	} {
		_, err := config.Parse("conf.yaml", []byte("thumbprint: \""+text+"\""))
		Expect(err == nil).To(Equal(preflight.CheckThumbprint(text) == nil), text)
	}
})

var _ = It("a waiver is told of from thirty days before it expires, and as expired from that day", func() {
	c := good("waivers:\n- {reason: drift, because: x, expires: 2026-06-30}\n")
	expires := time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)
	const days = 24 * time.Hour
	Expect(c.Notes(expires.Add(-30*days - time.Second))).To(BeEmpty())
	Expect(c.Notes(expires.Add(-30 * days))).To(ConsistOf(ContainSubstring("expires soon, on 2026-06-30")))
	Expect(c.Notes(expires.Add(-time.Second))).To(ConsistOf(ContainSubstring("expires soon")))
	Expect(c.Notes(expires)).To(ConsistOf(ContainSubstring("expired on 2026-06-30 and counts no more")))
})

var _ = It("the reports and the exit of a check are not those of a command that changes hosts", func() {
	c := &config.Config{Settings: []config.Setting{{Flag: "output"}, {Flag: "nagios-exit"}, {Flag: "strict"}}}
	flags := func(command string) (names []string) {
		for _, s := range c.For(command, func(string) bool { return false }) {
			names = append(names, s.Flag)
		}
		return names
	}
	for _, command := range []string{"check", "create", "probe"} {
		Expect(flags(command)).To(Equal([]string{"output", "nagios-exit", "strict"}), command)
	}
	for _, command := range []string{"fix", "undo", "firewall"} {
		Expect(flags(command)).To(Equal([]string{"strict"}), command)
	}
})
