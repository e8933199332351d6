package main

import (
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
)

// serviceXML is like a host's: numbered, with a comment, and line ends of its own.
const serviceXML = "<!-- FirewallRule.xml -->\r\n<ConfigRoot>\r\n" +
	"    <service id='0041'>\r\n        <id>one</id>\r\n        <rule id='0000'>\r\n" +
	"            <direction>inbound</direction>\r\n            <protocol>tcp</protocol>\r\n            <porttype>dst</porttype>\r\n            <port>22</port>\r\n" +
	"        </rule>\r\n        <enabled>true</enabled>\r\n        <required>false</required>\r\n    </service>\r\n</ConfigRoot>\r\n"

const element = `  <service%s>
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

func numbered(number string) string { return strings.Replace(element, "%s", number, 1) }

var _ = Describe("rule render", func() {
	render := func(ctx SpecContext, stdin string, args ...string) outcome {
		GinkgoHelper()
		out := invocation{args: append([]string{"rule", "render"}, args...), stdin: stdin}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(out.stderr).To(Equal(lostAtReboot), "it is said each time")
		return out
	}

	It("prints the element, without a number", func(ctx SpecContext) {
		Expect(render(ctx, "").stdout).To(Equal(numbered("")))
	})

	It("says what does not last, and what would", func() {
		Expect(lostAtReboot).To(And(
			ContainSubstring("does not survive a reboot"), ContainSubstring("vic-engine, or vSPC"), ContainSubstring("fix --allow"), ContainSubstring("vib build"),
		))
	})

	It("prints a document", func(ctx SpecContext) {
		Expect(render(ctx, "", "--document").stdout).To(Equal("<ConfigRoot>\n" + numbered("") + "</ConfigRoot>\n"))
	})

	It("takes key and port", func(ctx SpecContext) {
		f, err := firewallxml.Parse([]byte(render(ctx, "", "--document", "--service", "site", "--port", "2378").stdout))
		Expect(err).NotTo(HaveOccurred())
		s := f.Services()
		Expect(s).To(HaveLen(1))
		Expect(s[0].ID).To(Equal("site"))
		Expect(s[0].Rules[0].Port).To(Equal(2378))
	})

	It("takes a profile, and warns of what it opens", func(ctx SpecContext) {
		out := invocation{args: []string{"rule", "render", "--document", "--profile", "vddk-nbd"}}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		f, err := firewallxml.Parse([]byte(out.stdout))
		Expect(err).NotTo(HaveOccurred())
		Expect(f.Services()).To(HaveLen(1))
		Expect(f.Services()[0].ID).To(Equal("byhand-vddk-nbd"))
		Expect(out.stderr).To(And(ContainSubstring("warning: it opens the host to every address"), HaveSuffix(lostAtReboot)))
	})

	It("gives the element the file's next number", func(ctx SpecContext) {
		path := filepath.Join(GinkgoT().TempDir(), "service.xml")
		Expect(os.WriteFile(path, []byte(serviceXML), 0o600)).To(Succeed())
		Expect(render(ctx, "", "--file", path).stdout).To(Equal(numbered(" id='0042'")))
		Expect(render(ctx, serviceXML, "--file", "-").stdout).To(Equal(numbered(" id='0042'")), "from standard input")
		Expect(string(contents(path))).To(Equal(serviceXML), "the file is not written")
	})

	It("gives no number where the file's services have none", func(ctx SpecContext) {
		without := strings.Replace(serviceXML, " id='0041'", "", 1)
		Expect(render(ctx, without, "--file", "-").stdout).To(Equal(numbered("")))
	})

	It("prints the whole file with not one other byte changed", func(ctx SpecContext) {
		whole := render(ctx, serviceXML, "--file", "-", "--whole").stdout
		at := strings.Index(whole, "\r\n    <service id='0042'>")
		Expect(at).To(BeNumerically(">", 0), whole)
		added := whole[at : at+len(whole)-len(serviceXML)]
		Expect(whole[:at] + whole[at+len(added):]).To(Equal(serviceXML))
		Expect(strings.Join(strings.Fields(added), "")).To(Equal(strings.Join(strings.Fields(numbered(" id='0042'")), "")))
		Expect(strings.Count(added, "\n")).To(Equal(strings.Count(added, "\r\n")), "the file's own line ends")
	})

	It("refuses to add the same again", func(ctx SpecContext) {
		whole := render(ctx, serviceXML, "--file", "-", "--whole").stdout
		verifyBad(ctx, badRow{invocation{args: []string{"rule", "render", "--file", "-"}, stdin: whole}, exitUsage, "standard input: the file has a service vicoutgoing already", ""})
	})
})

var _ = DescribeTable("bad input to rule", func(ctx SpecContext, row badRow) { verifyBad(ctx, row) },
	Entry("rule what", badRow{invocation{args: []string{"rule"}}, exitUsage, "rule what?", "rule render"}),
	Entry("an argument", badRow{invocation{args: []string{"rule", "render", "vicoutgoing"}}, exitUsage, "takes no argument", ""}),
	Entry("port 0", badRow{invocation{args: []string{"rule", "render", "--port", "0"}}, exitUsage, "--port 0 is not a port", ""}),
	Entry("a key that is none", badRow{invocation{args: []string{"rule", "render", "--service", "a b"}}, exitUsage, "--service: ", ""}),
	Entry("ESXi's own ruleset", badRow{invocation{args: []string{"rule", "render", "--service", "vSPC"}}, exitUsage, "vSPC is a ruleset that ESXi brings itself", "fix --allow"}),
	Entry("the VIB's ruleset, which check believes to last", badRow{invocation{args: []string{"rule", "render", "--service", "vmware-vic"}}, exitUsage, "vmware-vic is the key of a VIB's ruleset", "vicoutgoing"}),
	Entry("a document and a file", badRow{invocation{args: []string{"rule", "render", "--document", "--file", "-"}}, exitUsage, "--document prints a file of its own", ""}),
	Entry("a document and all of a file", badRow{invocation{args: []string{"rule", "render", "--document", "--whole"}}, exitUsage, "--document prints a file of its own", ""}),
	Entry("all of no file", badRow{invocation{args: []string{"rule", "render", "--whole"}}, exitUsage, "--whole prints all of a file: which?", ""}),
	Entry("a file that is not there", badRow{invocation{args: []string{"rule", "render", "--file", "/nonexistent.xml"}}, exitUsage, "--file: open /nonexistent.xml", ""}),
	Entry("a folder", badRow{invocation{args: []string{"rule", "render", "--file", "/"}}, exitUsage, "is a directory", ""}),
	Entry("an empty file", badRow{invocation{args: []string{"rule", "render", "--file", os.DevNull}}, exitUsage, os.DevNull + ": line 1: ", "service.xml"}),
	Entry("the malformed port of old manuals, by its line", badRow{invocation{
		args:  []string{"rule", "render", "--file", "-"},
		stdin: strings.Replace(serviceXML, "<port>22</port>", "<port type='dst'>22</port type>", 1),
	}, exitUsage, "standard input: line 9: ", "is it a copy of the host's"}),
	Entry("a direction that is none, by its line", badRow{invocation{
		args:  []string{"rule", "render", "--file", "-", "--whole"},
		stdin: strings.Replace(serviceXML, "inbound", "sideways", 1),
	}, exitUsage, `standard input: line 6: <direction>: "sideways" is neither`, ""}),
	Entry("a file that is cut", badRow{invocation{args: []string{"rule", "render", "--file", "-"}, stdin: serviceXML[:len(serviceXML)-20]}, exitUsage, "standard input: line ", ""}),
	Entry("a file too large", badRow{invocation{
		args:  []string{"rule", "render", "--file", "-"},
		stdin: serviceXML + strings.Repeat(" ", firewallxml.MaxSize),
	}, exitUsage, "standard input: ", ""}),
	Entry("a root that cannot take it", badRow{invocation{args: []string{"rule", "render", "--file", "-"}, stdin: "<ConfigRoot/>"}, exitUsage, "closed in its own tag", ""}),
)
