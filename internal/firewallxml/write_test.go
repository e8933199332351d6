package firewallxml_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
	"github.com/vic-preflight/vic-preflight/inventory"
)

var vic = firewallxml.Service{ID: "vicoutgoing", Enabled: true, Rules: []inventory.Rule{
	{Port: 2377, Direction: inventory.Outbound, PortType: inventory.Dst, Protocol: inventory.TCP},
}}

const vicElement = `  <service>
    <id>vicoutgoing</id>
    <rule id='0000'>
      <direction>outbound</direction>
      <protocol>tcp</protocol>
      <porttype>dst</porttype>
      <port>2377</port>
    </rule>
    <enabled>true</enabled>
    <required>false</required>
  </service>
`

var _ = Describe("Render", func() {
	It("writes the form of ESXi's own files", func() {
		Expect(string(firewallxml.Render(vic))).To(Equal(vicElement))
		Expect(string(firewallxml.Document(vic))).To(Equal("<ConfigRoot>\n" + vicElement + "</ConfigRoot>\n"))
	})
	It("writes numbers, ranges and several rules", func() {
		s := firewallxml.Service{ID: "a", Number: "0042", Required: true, Rules: []inventory.Rule{
			{Port: 1, EndPort: 2, Direction: inventory.Inbound, PortType: inventory.Src, Protocol: inventory.UDP},
			{Port: 3, EndPort: 3, Direction: inventory.Outbound, Protocol: inventory.TCP},
		}}
		Expect(string(firewallxml.Render(s))).To(Equal(`  <service id='0042'>
    <id>a</id>
    <rule id='0000'>
      <direction>inbound</direction>
      <protocol>udp</protocol>
      <porttype>src</porttype>
      <port>
        <begin>1</begin>
        <end>2</end>
      </port>
    </rule>
    <rule id='0001'>
      <direction>outbound</direction>
      <protocol>tcp</protocol>
      <porttype>dst</porttype>
      <port>3</port>
    </rule>
    <enabled>false</enabled>
    <required>true</required>
  </service>
`))
	})
	It("escapes what nobody validated", func() {
		s := firewallxml.Service{ID: "<&>", Number: "'><x y='", Rules: []inventory.Rule{{Direction: "</rule>"}}}
		Expect(string(firewallxml.Render(s))).To(And(
			ContainSubstring("<id>&lt;&amp;&gt;</id>"),
			ContainSubstring("<service id='&#39;&gt;&lt;x y=&#39;'>"),
			ContainSubstring("<direction>&lt;/rule&gt;</direction>")))
	})
	It("writes what Parse reads", func() {
		f, err := firewallxml.Parse(firewallxml.Document(vic))
		Expect(err).NotTo(HaveOccurred())
		Expect(f.Services()).To(Equal([]firewallxml.Service{vic}))
	})
})

// split is a file cut where the insertion is expected.
type split struct{ before, inserted, behind string }

var _ = DescribeTable("Insert",
	func(s split) {
		f, err := firewallxml.Parse([]byte(s.before + s.behind))
		Expect(err).NotTo(HaveOccurred())
		edited, err := f.Insert(vic)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(edited)).To(Equal(s.before + s.inserted + s.behind))
		again, err := firewallxml.Parse(edited)
		Expect(err).NotTo(HaveOccurred())
		Expect(again.Has("vicoutgoing")).To(BeTrue())
		Expect(again.Services()).To(HaveLen(len(f.Services()) + 1))
	},
	Entry("after the last service, with the next number, before what follows", split{
		numbered[:strings.LastIndex(numbered, "\n  <!-- the end")],
		"\n" + strings.TrimSuffix(strings.Replace(vicElement, "<service>", "<service id='0042'>", 1), "\n"),
		numbered[strings.LastIndex(numbered, "\n  <!-- the end"):],
	}),
	Entry("without a number where the others have none", split{
		"<ConfigRoot>\n  <service>\n    <id>a</id>\n  </service>", "\n" + strings.TrimSuffix(vicElement, "\n"), "\n</ConfigRoot>",
	}),
	Entry("in a file without services", split{"<ConfigRoot>\n", vicElement, "</ConfigRoot>\n"}),
	Entry("in a file without services, indented, with Windows line ends",
		split{"\r\n  <ConfigRoot>\r\n", strings.ReplaceAll(vicElement, "\n", "\r\n"), "  </ConfigRoot>\r\n"}),
	Entry("in a file that is one line", split{"<ConfigRoot>", "\n" + vicElement, "</ConfigRoot>"}),
	Entry("in a file that is one line, with a service", split{
		"<ConfigRoot><service><id>a</id></service>", "\n" + strings.TrimSuffix(vicElement, "\n"), "</ConfigRoot>",
	}),
	Entry("in the style of KB 2008226, where nothing is indented", split{
		"<ConfigRoot>\n<service id='7'>\n<id>a</id>\n</service>", "\n<service id='8'>\n<id>vicoutgoing</id>\n<rule id='0000'>\n" +
			"<direction>outbound</direction>\n<protocol>tcp</protocol>\n<porttype>dst</porttype>\n<port>2377</port>\n</rule>\n" +
			"<enabled>true</enabled>\n<required>false</required>\n</service>", "\n</ConfigRoot>\n",
	}),
	Entry("with tabs and Windows line ends", split{
		"<ConfigRoot>\r\n\t<service>\r\n\t\t<id>a</id>\r\n\t</service>", "\r\n\t<service>\r\n\t\t<id>vicoutgoing</id>\r\n\t\t<rule id='0000'>\r\n" +
			"\t\t\t<direction>outbound</direction>\r\n\t\t\t<protocol>tcp</protocol>\r\n\t\t\t<porttype>dst</porttype>\r\n\t\t\t<port>2377</port>\r\n" +
			"\t\t</rule>\r\n\t\t<enabled>true</enabled>\r\n\t\t<required>false</required>\r\n\t</service>", "\r\n</ConfigRoot>\r\n",
	}),
	Entry("where the last service's name stands in comments and text besides", split{
		"<!-- </service></ConfigRoot> --><ConfigRoot>\n<x><![CDATA[</service>]]></x>\n  <service>\n    <id>a</id><!-- </service> -->\n  </service>",
		"\n" + strings.TrimSuffix(vicElement, "\n"), "<!-- </service> -->\n<x><service/></x></ConfigRoot><!-- </ConfigRoot> -->",
	}),
	Entry("behind a byte order mark", split{"\ufeff<ConfigRoot>\n", vicElement, "</ConfigRoot>"}),
)

var _ = It("Add refuses a file of /etc/vmware/service", func() {
	f, err := firewallxml.Parse([]byte("<ConfigRoot>\n<service id='0032'><id>sshd</id></service></ConfigRoot>"))
	Expect(err).NotTo(HaveOccurred())
	_, _, err = f.Add(vic)
	Expect(err).To(MatchError(SatisfyAll(HavePrefix("line 2: <service>: "), ContainSubstring("this is not a firewall configuration file"))))
	f, err = firewallxml.Parse([]byte("<ConfigRoot>\n</ConfigRoot>"))
	Expect(err).NotTo(HaveOccurred())
	_, _, err = f.Add(vic)
	Expect(err).NotTo(HaveOccurred(), "one without any service is none of these")
})

var _ = DescribeTable("Insert refuses",
	func(text string, change func(*firewallxml.Service), problem string) {
		f, err := firewallxml.Parse([]byte(text))
		Expect(err).NotTo(HaveOccurred())
		s := vic
		change(&s)
		_, err = f.Insert(s)
		Expect(err).To(MatchError(problem))
	},
	Entry("an id that is there", numbered, func(s *firewallxml.Service) { s.ID = "sshServer" }, "the file has a service sshServer already"),
	Entry("a number that is there, however padded", numbered, func(s *firewallxml.Service) { s.Number = "41" },
		"the number 41 is that of the service nfsClient already: use 0042"),
	Entry("a root without a closing tag", "\n<ConfigRoot/>", func(*firewallxml.Service) {},
		"line 2: <ConfigRoot>: it is closed in its own tag: write <ConfigRoot></ConfigRoot> to add a service"),
	Entry("a service that is not valid", numbered, func(s *firewallxml.Service) { s.Rules = nil }, "service vicoutgoing: it has no rules, and would open nothing"),
	Entry("more than a file may hold", "<ConfigRoot>"+strings.Repeat(" ", firewallxml.MaxSize-30)+"</ConfigRoot>", func(*firewallxml.Service) {},
		"with the service vicoutgoing the file would have more than 1048576 bytes"),
)

var _ = DescribeTable("Validate",
	func(change func(*firewallxml.Service), problem string) {
		s := vic
		s.Rules = []inventory.Rule{s.Rules[0]}
		Expect(s.Validate()).To(Succeed())
		change(&s)
		Expect(s.Validate()).To(MatchError(ContainSubstring(problem)))
	},
	Entry("no id", func(s *firewallxml.Service) { s.ID = "" }, "a service needs an id"),
	Entry("a long id", func(s *firewallxml.Service) { s.ID = strings.Repeat("a", 65) }, "65 characters: use at most 64"),
	Entry("a blank in the id", func(s *firewallxml.Service) { s.ID = "a b" }, "a character that rulesets do not"),
	Entry("a path in the id", func(s *firewallxml.Service) { s.ID = "../a" }, "a character that rulesets do not"),
	Entry("a dot first", func(s *firewallxml.Service) { s.ID = ".a" }, "a letter or digit first"),
	Entry("an umlaut", func(s *firewallxml.Service) { s.ID = "aä" }, "a character that rulesets do not"),
	Entry("a number in words", func(s *firewallxml.Service) { s.Number = "one" }, `the number "one"`),
	Entry("a number without end", func(s *firewallxml.Service) { s.Number = "0123456789" }, "of up to 9 digits"),
	Entry("a direction", func(s *firewallxml.Service) { s.Rules[0].Direction = "Outbound" }, `rule 0: the direction "Outbound"`),
	Entry("a protocol", func(s *firewallxml.Service) { s.Rules[0].Protocol = "" }, `rule 0: the protocol ""`),
	Entry("a port type", func(s *firewallxml.Service) { s.Rules[0].PortType = "both" }, `rule 0: the port type "both"`),
	Entry("a port", func(s *firewallxml.Service) { s.Rules[0].Port = 65536 }, "0 to 65535, not 65536 to 0"),
	Entry("a port below zero", func(s *firewallxml.Service) { s.Rules[0].Port = -1 }, "0 to 65535, not -1 to 0"),
	Entry("an end", func(s *firewallxml.Service) { s.Rules[0].EndPort = 70000 }, "0 to 65535, not 2377 to 70000"),
	Entry("an end before the begin", func(s *firewallxml.Service) { s.Rules[0].EndPort = 1 }, "begins at port 2377 and ends before, at 1"),
)
