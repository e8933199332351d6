//go:build linux

package esxi_test

import (
	"context"
	"os"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/e2e/esxi"
	"github.com/vic-preflight/vic-preflight/e2e/lab"
)

var _ = Describe("a session on a host", func() {
	var w *world
	BeforeEach(func() { w = newWorld("closed", eight, six) })

	It("has files of its own", func(ctx SpecContext) {
		w.must(ctx, eight, "echo one > /tmp/mine && mkdir /tmp/dir && rm -r /tmp/dir && echo two | tee /etc/vmware/firewall/other > /tmp/copy")
		Expect(w.must(ctx, eight, "cat /tmp/mine /tmp/copy; sha256sum /tmp/mine | cut -c 1-8")).To(Equal("one\ntwo\n2c8b08da\n"))
		Expect(w.run(ctx, six, "cat /tmp/mine").code).To(Equal(1))
		Expect(w.must(ctx, six, "ls /etc/vmware/firewall")).To(Equal("service.xml\n"))
		Expect(w.x.Host(eight).ReadFile("/tmp/mine")).To(BeEquivalentTo("one\n"))
		_, err := w.x.Host(six).ReadFile("/tmp/mine")
		Expect(err).To(MatchError(os.ErrNotExist))
		_, err = w.x.Host(six).ReadFile("/etc/passwd")
		Expect(err).To(MatchError(os.ErrNotExist))
	}, SpecTimeout(limit))

	It("has the machine's files in the folders that it shares", func(ctx SpecContext) {
		Expect(w.must(ctx, eight, "ls /etc/passwd /usr/lib/os-release /etc/os-release /var/log > /dev/null; head -n 1 /etc/hosts")).To(Equal("127.0.0.1 localhost\n"))
	}, SpecTimeout(limit))

	It("has the programs that ESXi has, and no others", func(ctx SpecContext) {
		Expect(w.must(ctx, eight, "echo $PATH")).To(Equal("/usr/lib/vmware/bin\n"))
		Expect(w.run(ctx, eight, "bash -c true").code).To(Equal(127))
		Expect(w.run(ctx, eight, "timeout 1 true").code).To(Equal(127))
		Expect(w.must(ctx, eight, "vmware -v")).To(Equal("VMware ESXi 8.0.2 build-22380479\n"))
	}, SpecTimeout(limit))

	It("has service.xml as ESXi brings it", func(ctx SpecContext) {
		Expect(w.must(ctx, eight, "stat -c %a /etc/vmware/firewall/service.xml")).To(Equal("1444\n"))
		text := w.must(ctx, eight, "cat /etc/vmware/firewall/service.xml")
		Expect(text).To(ContainSubstring("<service id='0000'>\n    <id>CIMHttpServer</id>"))
		Expect(text).To(ContainSubstring("<service id='0001'>\n    <id>CIMHttpsServer</id>"))
		Expect(text).To(ContainSubstring("<id>vic-engine</id>"))
		Expect(strings.Count(text, "<service id=")).To(Equal(len(w.vc.Host(eight).Firewall().Ruleset)))
		Expect(w.must(ctx, six, "cat /etc/vmware/firewall/service.xml")).NotTo(ContainSubstring("vic-engine"))
	}, SpecTimeout(limit))

	It("changes nothing by a refresh when no file has changed", func(ctx SpecContext) {
		before := w.vc.Host(eight).Firewall()
		w.must(ctx, eight, "esxcli network firewall refresh")
		Expect(w.vc.Host(eight).Firewall()).To(Equal(before))
	}, SpecTimeout(limit))

	It("tells of Secure Boot", func(ctx SpecContext) {
		const secureBoot = "/usr/lib/vmware/secureboot/bin/secureBoot.py -s"
		Expect(w.must(ctx, eight, secureBoot)).To(Equal("Disabled\n"))
		w.x.Host(eight).SetSecureBoot(true)
		Expect(w.login(ctx, eight, secureBoot)).To(Equal("Enabled\n"), "by OpenSSH's client")
		s := w.run(ctx, eight, "esxcli software acceptance set --level=CommunitySupported")
		Expect(s.code).To(Equal(1))
		Expect(s.err).To(HavePrefix(" [AcceptanceConfigError]\n Secure Boot is enabled"))
	}, SpecTimeout(limit))

	It("waits as long as a test wants it, and does its work without a session", func(ctx SpecContext) {
		h := w.x.Host(eight)
		release := h.Hold("network firewall ruleset set")
		DeferCleanup(release)
		go func() { _, _ = w.login(ctx, eight, "esxcli network firewall ruleset set -r vSPC -e true") }()
		Eventually(h.Ran).WithContext(ctx).Should(HaveLen(1))
		Expect(w.must(ctx, eight, "esxcli network firewall ruleset list -r vSPC")).To(ContainSubstring("false"))
		Expect(w.Halt(eight)).To(Succeed())
		Expect(w.ruleset(eight, "vSPC").Enabled).To(BeFalse())
		release()
		Eventually(func() bool { return w.ruleset(eight, "vSPC").Enabled }).WithContext(ctx).Should(BeTrue())
	}, SpecTimeout(limit))

	It("is the machine's again when the host is a plain one", func(ctx SpecContext) {
		_, err := esxi.New(w.Lab, w.vc, []string{"nobody"})
		Expect(err).To(MatchError("the simulator has no host nobody"))
		w.x.Close()
		Expect(w.StopSSH(eight)).To(Succeed())
		Expect(w.StartSSH(eight)).To(Succeed())
		_, err = w.login(ctx, eight, "ls /etc/vmware/firewall")
		Expect(err).To(HaveOccurred())
	}, SpecTimeout(limit))

	It("fails when a test wants it, and remembers what it ran", func(ctx SpecContext) {
		h := w.x.Host(eight)
		h.Fail("network firewall refresh", "Unable to refresh", 3)
		Expect(w.run(ctx, eight, "esxcli network firewall refresh")).To(Equal(said{err: "Unable to refresh\n", code: 3}))
		Expect(w.run(ctx, eight, "esxcli network firewall refresh")).To(Equal(said{}))
		h.Fail("-s", "no such thing", 1)
		Expect(w.run(ctx, eight, "/usr/lib/vmware/secureboot/bin/secureBoot.py -s").code).To(Equal(1))
		h.ErrorsOnStdout(true)
		Expect(w.run(ctx, eight, "esxcli network firewal get")).To(Equal(said{out: "Error: Unknown command or namespace network firewal get\n", code: 1}))
		Expect(h.Ran()).To(Equal([]string{"esxcli network firewall refresh", "esxcli network firewall refresh", "secureBoot.py -s", "esxcli network firewal get"}))
		Expect(w.x.Host(six).Ran()).To(BeEmpty())
	}, SpecTimeout(limit))
})

var _ = Describe("esxcli network firewall", func() {
	var w *world
	BeforeEach(func() { w = newWorld("closed", eight, six) })

	It("get, set, load and unload", func(ctx SpecContext) {
		Expect(w.must(ctx, eight, "esxcli network firewall get")).To(Equal("   Default Action: DROP\n   Enabled: true\n   Loaded: true\n"))
		Expect(w.must(ctx, eight, "esxcli network firewall set -d true --enabled false && esxcli network firewall unload")).To(BeEmpty())
		Expect(w.must(ctx, eight, "esxcli network firewall get")).To(Equal("   Default Action: PASS\n   Enabled: false\n   Loaded: false\n"))
		w.must(ctx, eight, "esxcli network firewall load")
		Expect(w.must(ctx, eight, "esxcli network firewall get")).To(HaveSuffix("Loaded: true\n"))
	}, SpecTimeout(limit))

	It("lists rulesets in two columns, and in four since 8.0 U2", func(ctx SpecContext) {
		Expect(w.must(ctx, six, "esxcli network firewall ruleset list --ruleset-id sshServer")).To(Equal(
			"Name       Enabled\n" +
				"---------  -------\n" +
				"sshServer     true\n"))
		Expect(w.must(ctx, eight, "esxcli network firewall ruleset list -r nfsClient")).To(Equal(
			"Name       Enabled  Enable/Disable configurable  Allowed IP configurable\n" +
				"---------  -------  ---------------------------  -----------------------\n" +
				"nfsClient    false                        false                    false\n"))
		Expect(strings.Count(w.must(ctx, eight, "esxcli network firewall ruleset list"), "\n")).To(Equal(2 + len(w.vc.Host(eight).Firewall().Ruleset)))
	}, SpecTimeout(limit))

	It("enables rulesets, and the host's packets follow", func(ctx SpecContext) {
		w.listen()
		Expect(w.reaches(ctx, eight)).To(BeFalse())
		Expect(w.run(ctx, eight, "esxcli network firewall ruleset set -r vic-engine -e true")).To(Equal(said{}))
		Expect(w.reaches(ctx, eight)).To(BeTrue())
		w.must(ctx, eight, "esxcli network firewall ruleset set --ruleset-id=vic-engine --allowed-all=false")
		w.must(ctx, eight, "esxcli network firewall ruleset allowedip add --ruleset-id=vic-engine --ip-address=192.0.2.1")
		w.must(ctx, eight, "esxcli network firewall ruleset allowedip add -r vic-engine -i 192.0.2.0/24")
		Expect(w.must(ctx, eight, "esxcli network firewall ruleset allowedip list -r vic-engine")).To(Equal(
			"Ruleset     Allowed IP Addresses\n----------  -----------------------\nvic-engine  192.0.2.1, 192.0.2.0/24\n"))
		Expect(w.reaches(ctx, eight)).To(BeFalse())
		w.must(ctx, eight, "esxcli network firewall ruleset allowedip remove -r vic-engine -i 192.0.2.0/24")
		w.must(ctx, eight, "esxcli network firewall ruleset set -r vic-engine -a true -e=false")
		Expect(w.must(ctx, eight, "esxcli network firewall ruleset allowedip list -r sshServer")).To(Equal(
			"Ruleset    Allowed IP Addresses\n---------  --------------------\nsshServer  All\n"))
		Expect(w.ruleset(eight, "vic-engine").Enabled).To(BeFalse())
	}, SpecTimeout(limit))

	It("lists rules", func(ctx SpecContext) {
		Expect(w.must(ctx, eight, "esxcli network firewall ruleset rule list -r nfsClient")).To(Equal(
			"Ruleset    Direction  Protocol  Port Type  Port Begin  Port End\n" +
				"---------  ---------  --------  ---------  ----------  --------\n" +
				"nfsClient  Outbound   TCP       Dst                 0     65535\n"))
		Expect(w.must(ctx, eight, "esxcli network firewall ruleset rule list -r vic-engine")).To(HaveSuffix(
			"vic-engine  Outbound   TCP       Dst              2377      2377\n"))
	}, SpecTimeout(limit))

	DescribeTable("refuses", func(sc SpecContext, arguments, text string) {
		ctx, cancel := within(sc)
		defer cancel()
		s := w.run(ctx, eight, "esxcli "+arguments)
		Expect(s.code).To(Equal(1), "%+v", s)
		Expect(s.out).To(BeEmpty())
		Expect(s.err).To(HavePrefix(text))
	},
		Entry("a ruleset that is not there", "network firewall ruleset list -r nope", "Invalid ruleset id: 'nope'"),
		Entry("the system's own ruleset", "network firewall ruleset set -r nfsClient -e true", "Invalid operation requested: Can not change this ruleset"),
		Entry("its addresses", "network firewall ruleset set -r nfsClient -a false", "Invalid operation requested: Can not change allowed ip list this ruleset, it is owned by system service."),
		Entry("a command that is not there", "network firewall ruleset enable -r vSPC", "Error: Unknown command or namespace network firewall ruleset enable"),
		Entry("a namespace", "network firewall", "Usage: esxcli [options] network firewall {cmd}"),
		Entry("no ruleset", "network firewall ruleset set -e true", "Error: Missing required parameter -r|--ruleset-id"),
		Entry("an option that is not there", "network firewall get --all", "Error: Invalid option --all"),
		Entry("an option without a value", "network firewall ruleset set -r", "Error: Missing value"),
		Entry("what is neither true nor false", "network firewall ruleset set -r vSPC -e maybe", "Error: Invalid value"),
	)
})

var _ = Describe("the firewall's files", func() {
	var w *world
	BeforeEach(func() { w = newWorld("closed", eight) })
	refresh := func(ctx context.Context) {
		GinkgoHelper()
		w.must(ctx, eight, "esxcli network firewall refresh")
	}

	It("count after a refresh, with packets", func(ctx SpecContext) {
		w.listen()
		w.put(ctx, eight, "/etc/vmware/firewall/byhand.xml", ruleXML("byhand", 2377))
		Expect(w.ruleset(eight, "byhand")).To(BeNil())
		Expect(w.reaches(ctx, eight)).To(BeFalse())
		refresh(ctx)
		Expect(w.reaches(ctx, eight)).To(BeTrue())
		Expect(w.must(ctx, eight, "esxcli network firewall ruleset list -r byhand")).To(ContainSubstring("byhand"))
		w.must(ctx, eight, "rm /etc/vmware/firewall/byhand.xml")
		Expect(w.reaches(ctx, eight)).To(BeTrue())
		refresh(ctx)
		Expect(w.ruleset(eight, "byhand")).To(BeNil())
		Expect(w.reaches(ctx, eight)).To(BeFalse())
	}, SpecTimeout(limit))

	It("can be edited as the guides have it", func(ctx SpecContext) {
		const edit = `set -e; f=/etc/vmware/firewall/service.xml
			n=$(grep -c "<service id=" $f)
			chmod 644 $f; chmod +t $f
			sed -i '/<\/ConfigRoot>/d' $f
			cat >> $f
			echo '</ConfigRoot>' >> $f
			chmod 444 $f; chmod +t $f
			esxcli network firewall refresh; echo $n`
		service := strings.NewReplacer("<ConfigRoot>\n", "", "</ConfigRoot>\n", "", "'0000'>\n    <id>", "'0900'>\n    <id>").Replace(ruleXML("appended", 2377))
		Expect(w.feed(ctx, eight, edit, service).code).To(BeZero())
		Expect(w.ruleset(eight, "appended")).To(HaveField("Enabled", true))
		Expect(w.ruleset(eight, "vic-engine")).NotTo(BeNil(), "the others are still there")
	}, SpecTimeout(limit))

	It("leave the state of a ruleset alone, unless they say something new", func(ctx SpecContext) {
		w.put(ctx, eight, "/etc/vmware/firewall/byhand.xml", ruleXML("byhand", 2377))
		refresh(ctx)
		w.must(ctx, eight, "esxcli network firewall ruleset set -r byhand -e false -a false")
		w.put(ctx, eight, "/etc/vmware/firewall/byhand.xml", ruleXML("byhand", 2378))
		refresh(ctx)
		rs := w.ruleset(eight, "byhand")
		Expect(rs.Enabled).To(BeFalse())
		Expect(rs.AllowedHosts.AllIp).To(BeFalse())
		Expect(rs.Rule).To(ConsistOf(HaveField("Port", int32(2378))))
		w.put(ctx, eight, "/etc/vmware/firewall/byhand.xml", strings.Replace(ruleXML("byhand", 2378), "<enabled>true", "<enabled>false", 1))
		refresh(ctx)
		w.put(ctx, eight, "/etc/vmware/firewall/byhand.xml", ruleXML("byhand", 2378))
		refresh(ctx)
		Expect(w.ruleset(eight, "byhand").Enabled).To(BeTrue())
	}, SpecTimeout(limit))

	DescribeTable("are passed over when they make no sense", func(sc SpecContext, old, replacement string) {
		ctx, cancel := within(sc)
		defer cancel()
		path := "/etc/vmware/firewall/byhand.xml"
		w.put(ctx, eight, path, ruleXML("byhand", 2377))
		refresh(ctx)
		bad := strings.Replace(ruleXML("byhand", 2379), old, replacement, 1)
		Expect(bad).NotTo(Equal(ruleXML("byhand", 2379)))
		w.put(ctx, eight, path, bad)
		refresh(ctx)
		Expect(w.ruleset(eight, "byhand").Rule).To(ConsistOf(HaveField("Port", int32(2377))), "as it was before")
		Expect(w.x.Host(eight).Log()).To(ContainSubstring("firewall: ignored byhand.xml"))
	},
		Entry("no XML", "</ConfigRoot>", ""),
		Entry("the port of old VIC documents", "<port>2379</port>", "<port type='dst'>2379</port type>"),
		Entry("an attribute of the port", "<port>2379</port>", "<port type='dst'>2379</port>"),
		Entry("a port beyond", "2379", "70000"),
		Entry("a range backwards", "<port>2379</port>", "<port><begin>9</begin><end>8</end></port>"),
		Entry("another protocol", "tcp", "TCP"),
		Entry("another direction", "outbound", "out"),
		Entry("another port type", "<porttype>dst", "<porttype>destination"),
		Entry("no name", "<id>byhand</id>", ""),
		Entry("a state that is none", "<enabled>true", "<enabled>yes"),
		Entry("two services without numbers of their own", "</ConfigRoot>", "<service id='0000'><id>x</id></service></ConfigRoot>"),
		Entry("another element", "<required>", "<comment>x</comment><required>"),
		Entry("an empty file", ruleXML("byhand", 2379), ""),
	)

	It("may have ranges, inbound rules and the form of 4.x", func(ctx SpecContext) {
		w.put(ctx, eight, "/etc/vmware/firewall/old.xml", `<ConfigRoot><service><id>old</id>
			<rule><direction>inbound</direction><protocol>udp</protocol><porttype>src</porttype><port><begin>10</begin><end>20</end></port></rule>
			</service></ConfigRoot>`)
		refresh(ctx)
		rs := w.ruleset(eight, "old")
		Expect(rs.Enabled).To(BeFalse())
		Expect(rs.Rule).To(Equal([]types.HostFirewallRule{{Port: 10, EndPort: 20, Direction: "inbound", Protocol: "udp", PortType: "src"}}))
	}, SpecTimeout(limit))

	It("are read by the API's refresh as well", func(ctx SpecContext) {
		Expect(w.x.Host(eight).WriteFile("/etc/vmware/firewall/byhand.xml", []byte(ruleXML("byhand", 2377)), 0o444)).To(Succeed())
		c := w.client(ctx)
		Expect(w.firewall(ctx, c, eight).Refresh(ctx)).To(Succeed())
		info, err := w.firewall(ctx, c, eight).Info(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(info.Ruleset).To(ContainElement(HaveField("Key", "byhand")))
	}, SpecTimeout(limit))
})

var _ = It("a bare host shows the API at once what its shell has done", func(ctx SpecContext) {
	const host = "esxi.example"
	w := newWorld("esxi", host)
	w.put(ctx, host, "/etc/vmware/firewall/byhand.xml", ruleXML("byhand", 2377))
	w.must(ctx, host, "esxcli network firewall refresh && esxcli network firewall ruleset set -r vSPC -e true")
	info, err := w.firewall(ctx, w.client(ctx), host).Info(ctx)
	Expect(err).NotTo(HaveOccurred())
	Expect(info.Ruleset).To(ContainElements(
		And(HaveField("Key", "byhand"), HaveField("Enabled", true)), And(HaveField("Key", "vSPC"), HaveField("Enabled", true))))
}, SpecTimeout(limit))

// It is here because the lab's own tests keep one all the time.
var _ = It("a lab that cannot be built leaves room for the next one", func() {
	for range 2 {
		_, err := lab.New(lab.Options{Hosts: []string{eight, "no name"}})
		Expect(err).To(MatchError(ContainSubstring("cannot be a machine's name")))
	}
	l, err := lab.New(lab.Options{Hosts: []string{eight}})
	Expect(err).NotTo(HaveOccurred())
	l.Close()
})
