package firewallxml_test

import (
	"errors"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// numbered is a file in the form of ESXi's own service.xml.
const numbered = `<?xml version="1.0" encoding="UTF-8"?>
<!-- FirewallRule for VMware services -->
<ConfigRoot>
  <!-- inbound -->
  <service id='0000'>
    <id>sshServer</id>
    <rule id='0000'>
      <direction>inbound</direction>
      <protocol>tcp</protocol>
      <porttype>dst</porttype>
      <port>22</port>
    </rule>
    <enabled>true</enabled>
    <required>false</required>
  </service>

  <service id='0041'>
    <id>nfsClient</id>
    <rule id='0000'>
      <direction>outbound</direction>
      <protocol>tcp</protocol>
      <porttype>dst</porttype>
      <port>
        <begin>0</begin>
        <end>65535</end>
      </port>
    </rule>
    <enabled>false</enabled>
    <required>true</required>
  </service>
  <!-- the end -->
</ConfigRoot>
`

var _ = Describe("Parse", func() {
	It("reads a file in the form of ESXi's service.xml", func() {
		f, err := firewallxml.Parse([]byte(numbered))
		Expect(err).NotTo(HaveOccurred())
		Expect(f.Services()).To(Equal([]firewallxml.Service{
			{ID: "sshServer", Number: "0000", Enabled: true, Rules: []inventory.Rule{
				{Port: 22, Direction: "inbound", PortType: "dst", Protocol: "tcp"},
			}},
			{ID: "nfsClient", Number: "0041", Required: true, Rules: []inventory.Rule{
				{Port: 0, EndPort: 65535, Direction: "outbound", PortType: "dst", Protocol: "tcp"},
			}},
		}))
		Expect(f.Has("nfsClient")).To(BeTrue())
		Expect(f.Has("nfsclient")).To(BeFalse())
		Expect(f.NextNumber()).To(Equal("0042"))
	})
	It("gives away nothing that would change the file", func() {
		data := []byte(numbered)
		f, err := firewallxml.Parse(data)
		Expect(err).NotTo(HaveOccurred())
		clear(data)
		f.Services()[0].Rules[0].Port = 9
		Expect(f.Services()[0].Rules[0].Port).To(Equal(22))
		edited, err := f.Insert(vic)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(edited)).To(HavePrefix(numbered[:100]))
	})
})

// one wraps the inside of a service.
func one(inside string) string { return "<ConfigRoot><service>" + inside + "</service></ConfigRoot>" }

// rule wraps the inside of a rule.
func rule(inside string) string { return one("<id>a</id><rule>" + inside + "</rule>") }

const way = "<direction>outbound</direction><protocol>tcp</protocol>"

var _ = DescribeTable("Parse lets through what hosts have",
	func(text string, want firewallxml.Service) {
		f, err := firewallxml.Parse([]byte(text))
		Expect(err).NotTo(HaveOccurred())
		Expect(f.Services()).To(Equal([]firewallxml.Service{want}))
	},
	Entry("VMware KB 2008226: flush left, blanks around the equals sign",
		"<ConfigRoot>\n<service id='0000'>\n<id>serviceName</id>\n<rule id = '0000'>\n<direction>inbound</direction>\n"+
			"<protocol>tcp</protocol>\n<porttype>src</porttype>\n<port>\n<begin>1020</begin>\n<end>1050</end>\n</port>\n</rule>\n"+
			"<enabled>true</enabled>\n<required>false</required>\n</service>\n</ConfigRoot>\n",
		firewallxml.Service{ID: "serviceName", Number: "0000", Enabled: true, Rules: []inventory.Rule{
			{Port: 1020, EndPort: 1050, Direction: "inbound", PortType: "src", Protocol: "tcp"},
		}}),
	Entry("umich-vci/packer-vib: double quotes, a comment",
		"<ConfigRoot>\n  <!-- VNC -->\n  <service id=\"1000\">\n    <id>packer-vnc</id>\n    <rule id=\"0000\">\n      <direction>inbound</direction>\n"+
			"      <protocol>tcp</protocol>\n      <porttype>dst</porttype>\n      <port>\n        <begin>5900</begin>\n        <end>6000</end>\n"+
			"      </port>\n    </rule>\n    <enabled>true</enabled>\n    <required>true</required>\n  </service>\n</ConfigRoot>\n",
		firewallxml.Service{ID: "packer-vnc", Number: "1000", Enabled: true, Required: true, Rules: []inventory.Rule{
			{Port: 5900, EndPort: 6000, Direction: "inbound", PortType: "dst", Protocol: "tcp"},
		}}),
	Entry("the form of 4.x: the type as an attribute, flags, neither enabled nor required, no number",
		"<ConfigRoot><service id='LikewiseEnterprise'><id>LikewiseEnterprise</id><rule id='0000'><direction>outbound</direction>"+
			"<protocol>udp</protocol><port type='dst'>53</port><flags>-m state --state NEW</flags></rule></service></ConfigRoot>",
		firewallxml.Service{ID: "LikewiseEnterprise", Number: "LikewiseEnterprise", Rules: []inventory.Rule{
			{Port: 53, Direction: "outbound", PortType: "dst", Protocol: "udp"},
		}}),
	Entry("both kinds of port type that agree", rule(way+"<porttype>src</porttype><port type='src'>53</port>"),
		firewallxml.Service{ID: "a", Rules: []inventory.Rule{{Port: 53, Direction: "outbound", PortType: "src", Protocol: "tcp"}}}),
	Entry("a range of one port", rule(way+"<porttype>dst</porttype><port><begin>5004</begin><end>5004</end></port>"),
		firewallxml.Service{ID: "a", Rules: []inventory.Rule{{Port: 5004, Direction: "outbound", PortType: "dst", Protocol: "tcp"}}}),
	Entry("blanks, comments and references in values, another order", one("<required> true\n</required><enabled>fals&#x65;</enabled><id>\n a<!-- b -->-c </id>"),
		firewallxml.Service{ID: "a-c", Required: true}),
	Entry("CDATA", one("<id><![CDATA[a]]></id>"), firewallxml.Service{ID: "a"}),
	Entry("elements it does not know, whatever they hold", "<ConfigRoot><flags/>"+
		"<service><new a='b'>text<service/></new><id>a</id></service><x><service/>text</x></ConfigRoot>", firewallxml.Service{ID: "a"}),
	Entry("elements of a namespace, which are none of ours", one("<id>a</id><id xmlns='urn:x'>b</id><e:enabled xmlns:e='urn:x'/>"), firewallxml.Service{ID: "a"}),
	Entry("a byte order mark", "\ufeff<?xml version='1.0'?>"+one("<id>a</id>"), firewallxml.Service{ID: "a"}),
	Entry("ASCII that says so", "<?xml version='1.0' encoding='US-ASCII'?>"+one("<id>a</id>"), firewallxml.Service{ID: "a"}),
	Entry("Windows line ends", strings.ReplaceAll(one("\n<id>a</id>\n"), "\n", "\r\n"), firewallxml.Service{ID: "a"}),
	Entry("a processing instruction", "<?x y?>"+one("<id>a</id>")+"<?x y?>", firewallxml.Service{ID: "a"}),
	Entry("an empty number", "<ConfigRoot><service id=''><id>a</id></service></ConfigRoot>", firewallxml.Service{ID: "a"}),
)

var _ = DescribeTable("Parse refuses",
	func(text string, line int, element, problem string) {
		_, err := firewallxml.Parse([]byte(text))
		var syntax *firewallxml.SyntaxError
		Expect(errors.As(err, &syntax)).To(BeTrue(), "%v", err)
		Expect(syntax.Problem).To(ContainSubstring(problem))
		Expect(syntax.Element).To(Equal(element))
		Expect(syntax.Line).To(Equal(line), syntax.Problem)
	},
	Entry("nothing", "", 1, "", "no <ConfigRoot>"),
	Entry("blanks alone", "\n\n", 3, "", "no <ConfigRoot>"),
	Entry("another root", "\n<vib/>", 2, "vib", "the root is not <ConfigRoot>"),
	Entry("the root in a namespace", "<ConfigRoot xmlns='urn:x'/>", 1, "urn:x:ConfigRoot", "the root is not"),
	Entry("a second root", "<ConfigRoot/>\n<ConfigRoot/>", 2, "ConfigRoot", "a second root"),
	Entry("text before", "x<ConfigRoot/>", 1, "", `text outside of <ConfigRoot>: "x"`),
	Entry("text behind", "<ConfigRoot/>\nx", 1, "", `text outside`),
	Entry("an end that is missing", "<ConfigRoot>\n<service>", 2, "", "unexpected EOF"),
	Entry("the closing tag of old installation guides", "<ConfigRoot>\n<service id='0'>\n<id>vicoutgoing</id>\n<rule id='0'>\n"+
		"<port type='dst'>2377</port type>\n</rule></service></ConfigRoot>", 5, "", "not well-formed XML"),
	Entry("the same, closed well, beside the port", "<ConfigRoot><service><id>vicoutgoing</id>\n<rule id='0'>"+way+
		"\n<port type='dst'></port>\n<port>2377</port></rule></service></ConfigRoot>", 4, "port", "twice in one <rule>"),
	Entry("a document type", "<!DOCTYPE ConfigRoot>\n<ConfigRoot/>", 1, "", "document type"),
	Entry("entities", "<!DOCTYPE c [<!ENTITY a 'b'>]><ConfigRoot/>", 1, "", "document type or entity"),
	Entry("an entity that is not defined", "<ConfigRoot>&a;</ConfigRoot>", 1, "", "invalid character entity &a;"),
	Entry("Latin-1 that says so", "<?xml version='1.0' encoding='iso-8859-1'?>\n<ConfigRoot/>", 1, "", `"iso-8859-1": save it as UTF-8`),
	Entry("Latin-1 that does not", "<ConfigRoot>\n<!-- \xe9 --></ConfigRoot>", 2, "", "the byte 0xe9 is not UTF-8"),
	Entry("UTF-16", "\xff\xfe<\x00", 1, "", "UTF-16"),
	Entry("XML 1.1", "<?xml version='1.1'?><ConfigRoot/>", 1, "", "unsupported version"),
	Entry("a late declaration", "\n<?xml version='1.0'?><ConfigRoot/>", 2, "", "very start"),
	Entry("an attribute twice", "<ConfigRoot>\n<service id='1' id='2'/></ConfigRoot>", 2, "service", "the attribute id is there twice"),
	Entry("attributes without end", "<ConfigRoot"+strings.Repeat(" a='b'", 40)+"/>", 1, "ConfigRoot", "more than 32 attributes"),
	Entry("depth without end", "<ConfigRoot>"+strings.Repeat("<a>", 40), 1, "a", "nest more than 32 deep"),
	Entry("too large a file", strings.Repeat(" ", firewallxml.MaxSize+1), 1, "", "at most 1048576"),

	Entry("no id", "<ConfigRoot>\n<service>\n</service></ConfigRoot>", 2, "service", "it has no <id>"),
	Entry("an empty id", one("\n<id> </id>"), 2, "id", "it is empty"),
	Entry("two ids", one("<id>a</id>\n<id>b</id>"), 2, "id", "twice in one <service>"),
	Entry("an id that holds elements", one("<id>a<b/></id>"), 1, "id", "it holds <b>"),
	Entry("a service's id twice", "<ConfigRoot><service><id>a</id></service>\n<service><id>a</id></service></ConfigRoot>", 2, "service", `the id "a" is there twice`),
	Entry("text between services", "<ConfigRoot>\n x</ConfigRoot>", 1, "ConfigRoot", `text that belongs to nothing: "x"`),
	Entry("text in a service", one("<id>a</id>x"), 1, "service", "text that belongs to nothing"),
	Entry("text in a rule", rule("x"), 1, "rule", "text that belongs to nothing"),
	Entry("a hard blank as text", one("<id>a</id>\u00a0"), 1, "service", "text that belongs to nothing"),
	Entry("enabled in capitals", one("<id>a</id>\n<enabled>TRUE</enabled>"), 2, "enabled", `"TRUE" is neither true nor false`),
	Entry("required by number", one("<id>a</id><required>1</required>"), 1, "required", `"1" is neither`),
	Entry("an empty boolean", one("<id>a</id><required/>"), 1, "required", "it is empty"),

	Entry("a rule without direction", rule(""), 1, "rule", "it has no <direction>"),
	Entry("an unknown direction", rule("\n<direction>Outbound</direction>"), 2, "direction", `"Outbound" is neither outbound nor inbound`),
	Entry("a rule without protocol", rule("<direction>inbound</direction>"), 1, "rule", "it has no <protocol>"),
	Entry("an unknown protocol", rule("<direction>inbound</direction><protocol>icmp</protocol>"), 1, "protocol", `"icmp" is neither tcp nor udp`),
	Entry("a rule without port", rule(way), 1, "rule", "it has no <port>"),
	Entry("a rule without port type", rule(way+"<port>1</port>"), 1, "rule", "it has no <porttype>"),
	Entry("an unknown port type", rule(way+"<porttype>both</porttype><port>1</port>"), 1, "porttype", `"both" is neither dst nor src`),
	Entry("an unknown port type as attribute", rule(way+"<port type='both'>1</port>"), 1, "port", `its type "both"`),
	Entry("port types that contradict", rule(way+"<porttype>src</porttype><port type='dst'>1</port>"), 1, "port", "its type is dst, and <porttype> says src"),
	Entry("an empty port", rule(way+"<porttype>dst</porttype><port/>"), 1, "port", "it is empty"),
	Entry("a name for a port", rule(way+"<porttype>dst</porttype><port>ssh</port>"), 1, "port", `"ssh" is not a port, 0 to 65535`),
	Entry("a port too high", rule(way+"<porttype>dst</porttype><port>65536</port>"), 1, "port", `"65536" is not a port`),
	Entry("a port below zero", rule(way+"<porttype>dst</porttype><port>-1</port>"), 1, "port", `"-1" is not a port`),
	Entry("a port with a sign", rule(way+"<porttype>dst</porttype><port>+1</port>"), 1, "port", `"+1" is not a port`),
	Entry("a range in text", rule(way+"<porttype>dst</porttype><port>1-2</port>"), 1, "port", `"1-2" is not a port`),
	Entry("a list of ports", rule(way+"<porttype>dst</porttype><port>1,2</port>"), 1, "port", `"1,2" is not a port`),
	Entry("a range without begin", rule(way+"<porttype>dst</porttype><port><end>1</end></port>"), 1, "port", "it has no <begin>"),
	Entry("a range without end", rule(way+"<porttype>dst</porttype><port><begin>1</begin></port>"), 1, "port", "it has no <end>"),
	Entry("a range beside a port", rule(way+"<porttype>dst</porttype><port>7<begin>1</begin><end>2</end></port>"), 1, "port", "text that belongs to nothing"),
	Entry("a range that ends before", rule(way+"<porttype>dst</porttype><port><begin>2</begin><end>1</end></port>"), 1, "port", "it begins at 2 and ends before, at 1"),
	Entry("a range too high", rule(way+"<porttype>dst</porttype><port><begin>2</begin><end>99999</end></port>"), 1, "end", `"99999" is not a port`),
)

var _ = It("a SyntaxError says line and element", func() {
	_, err := firewallxml.Parse([]byte(one("<id>a</id>\n<enabled>yes</enabled>")))
	Expect(err).To(MatchError(`line 2: <enabled>: "yes" is neither true nor false`))
	_, err = firewallxml.Parse([]byte("\n\xff"))
	Expect(err).To(MatchError("line 2: the byte 0xff is not UTF-8: save the file as UTF-8"))
})

var _ = It("Parse takes services of the same number, and says so", func() {
	service := func(number, id string) string {
		return "<service id='" + number + "'><id>" + id + "</id><rule><direction>outbound</direction><protocol>tcp</protocol><porttype>dst</porttype><port>1</port></rule></service>"
	}
	f, err := firewallxml.Parse([]byte("<ConfigRoot>" + service("07", "a") + service("7", "b") + service("x", "c") + service("x", "d") + service("8", "e") + "</ConfigRoot>"))
	Expect(err).NotTo(HaveOccurred())
	Expect(f.Services()).To(HaveLen(5))
	Expect(f.Doubts()).To(Equal([]string{
		`the services a and b have the same number, "7": what ESXi makes of that is not documented`,
		`the services c and d have the same number, "x": what ESXi makes of that is not documented`,
	}))
	edited, added, err := f.Add(vic)
	Expect(err).NotTo(HaveOccurred())
	Expect(added.Number).To(Equal("9"))
	Expect(string(edited)).To(ContainSubstring("<service id='9'>"))
})

var _ = DescribeTable("NextNumber",
	func(want string, numbers ...string) {
		var b strings.Builder
		for i, n := range numbers {
			b.WriteString("<service id='" + n + "'><id>s" + string(rune('a'+i)) + "</id><rule><direction>outbound</direction><protocol>tcp</protocol><porttype>dst</porttype><port>1</port></rule></service>")
		}
		f, err := firewallxml.Parse([]byte("<ConfigRoot>" + b.String() + "</ConfigRoot>"))
		Expect(err).NotTo(HaveOccurred())
		Expect(f.NextNumber()).To(Equal(want))
	},
	Entry("of a file without services", "0000"),
	Entry("of a file without numbers", "0000", ""),
	Entry("after the last", "0002", "0000", "0001"),
	Entry("after the highest, wherever it is", "1001", "1000", "0001"),
	Entry("in the width of the highest", "08", "07"),
	Entry("past the width", "10000", "9999"),
	Entry("of text alone", "0000", "vendor-a"),
	Entry("beside text", "0008", "0007", "vendor-a", "-9", "12345678901234567890"),
)
