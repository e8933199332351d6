package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/newfile"
	"github.com/vic-preflight/vic-preflight/internal/vib"
	"github.com/vic-preflight/vic-preflight/report"
)

// built runs vib build into a file of its own, and returns the file.
func built(ctx context.Context, i invocation) (path string, out outcome) {
	GinkgoHelper()
	path = filepath.Join(GinkgoT().TempDir(), "some.vib")
	for _, arg := range i.args {
		if arg == "--bundle" {
			path = strings.TrimSuffix(path, ".vib") + ".zip"
		}
	}
	i.args = append([]string{"vib", "build", "--output", path}, i.args...)
	out = i.run(ctx)
	Expect(out.code).To(Equal(exitOK), out.stderr)
	Expect(out.stdout).To(BeEmpty())
	return path, out
}

func contents(path string) []byte {
	GinkgoHelper()
	data, err := os.ReadFile(path)
	Expect(err).NotTo(HaveOccurred())
	return data
}

func readBack(data []byte) *vib.Package {
	GinkgoHelper()
	p, err := vib.Read(bytes.NewReader(data))
	Expect(err).NotTo(HaveOccurred())
	Expect(p.Problems).To(BeEmpty())
	return p
}

// names lists a folder, hidden files too.
func names(dir string) []string {
	GinkgoHelper()
	entries, err := os.ReadDir(dir)
	Expect(err).NotTo(HaveOccurred())
	list := []string{}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func suits(p *vib.Package, f vib.Flavour) vib.Suitability {
	s, _ := p.Suits(f)
	return s
}

var _ = Describe("vib build", func() {
	It("writes a VIB for ESXi 8, and says what to do with it", func(ctx SpecContext) {
		path, out := built(ctx, invocation{})
		data := contents(path)
		p := readBack(data)
		Expect(p.ID()).To(Equal("vic-preflight_bootbank_vmware-vic_1.0.0-8"))
		Expect(suits(p, vib.ESXi8)).To(Equal(vib.Suited))
		Expect(suits(p, vib.ESXi6And7)).To(Equal(vib.Unsuited))
		Expect(p.Services).To(HaveLen(1))
		s := p.Services[0]
		Expect([]any{s.ID, s.Enabled, s.Required}).To(Equal([]any{"vmware-vic", true, false}))
		Expect(s.Rules).To(HaveLen(1))
		Expect(fmt.Sprintf("%+v", s.Rules[0])).To(Equal("{Port:2377 EndPort:0 Direction:outbound PortType:dst Protocol:tcp}"))

		Expect(out.stderr).To(HavePrefix("wrote " + path + "\n"))
		for _, said := range []string{
			p.ID(), fmt.Sprintf("%d bytes", len(data)), fmt.Sprintf("%x", sha256.Sum256(data)), "ESXi 8; ", "(--esxi 6-7)", "Secure Boot",
			"\n  esxcli software acceptance set --level=CommunitySupported\n  esxcli software vib install -v /tmp/some.vib\n  esxcli network firewall refresh\n",
			"--ruleset-id vmware-vic\n",
		} {
			Expect(out.stderr).To(ContainSubstring(said))
		}
	})

	It("writes another for ESXi 6.x and 7.x, under an older ID", func(ctx SpecContext) {
		path, out := built(ctx, invocation{args: []string{"--esxi", "6-7"}})
		p := readBack(contents(path))
		Expect(p.ID()).To(Equal("vic-preflight_bootbank_vmware-vic_1.0.0-6.7"))
		Expect(suits(p, vib.ESXi6And7)).To(Equal(vib.Suited))
		Expect(suits(p, vib.ESXi8)).To(Equal(vib.Unsuited))
		Expect(out.stderr).To(ContainSubstring("ESXi 6.x and 7.x; the others want a VIB of their own (--esxi 8)"))
	})

	It("writes an offline bundle", func(ctx SpecContext) {
		path, out := built(ctx, invocation{args: []string{"--bundle"}})
		data := contents(path)
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		Expect(err).NotTo(HaveOccurred())
		f, err := z.Open("vib20/vmware-vic/vic-preflight_bootbank_vmware-vic_1.0.0-8.vib")
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(f.Close)
		var inner bytes.Buffer
		_, err = inner.ReadFrom(f)
		Expect(err).NotTo(HaveOccurred())
		alone, _ := built(ctx, invocation{})
		Expect(inner.Bytes()).To(Equal(contents(alone)))
		Expect(out.stderr).To(ContainSubstring("esxcli software vib install -d /tmp/some.zip\n"))
	})

	It("takes every flag", func(ctx SpecContext) {
		path, out := built(ctx, invocation{
			args: []string{
				"--service", "site", "--port", "2378", "--name", "site-vib", "--version", "2.1", "--vendor", "acme",
				"--summary", "Über <alles> & mehr", "--release-date", "2025-02-03T04:05:06+01:00",
			},
			env: map[string]string{"SOURCE_DATE_EPOCH": "nonsense that the flag beats"},
		})
		p := readBack(contents(path))
		Expect(p.ID()).To(Equal("acme_bootbank_site-vib_2.1"))
		Expect(p.Summary).To(Equal("Über <alles> & mehr"))
		Expect(p.Released).To(Equal(time.Date(2025, 2, 3, 3, 5, 6, 0, time.UTC)))
		Expect(p.Services[0].ID).To(Equal("site"))
		Expect(p.Services[0].Rules[0].Port).To(Equal(2378))
		Expect(p.Files[0].Path).To(Equal("etc/vmware/firewall/site.xml"))
		Expect(out.stderr).To(ContainSubstring("note: check cannot tell by the key site that a VIB brought it"))
	})

	It("says that check takes vicoutgoing for a ruleset written by hand", func(ctx SpecContext) {
		_, out := built(ctx, invocation{args: []string{"--service", "vicoutgoing"}})
		Expect(out.stderr).To(ContainSubstring("note: check takes vicoutgoing for a ruleset written by hand"))
		_, out = built(ctx, invocation{})
		Expect(out.stderr).NotTo(ContainSubstring("note: check"))
	})

	It("takes a profile", func(ctx SpecContext) {
		path, out := built(ctx, invocation{args: []string{"--profile", "vddk-nbd"}})
		p := readBack(contents(path))
		Expect(p.Name).To(Equal("preflight-vddk-nbd"))
		Expect(p.Services[0].Rules).To(ContainElement(HaveField("Direction", "inbound")))
		Expect(out.stderr).To(ContainSubstring("note: it opens the host to every address"))
	})

	It("gives another port another ID, as other content must have", func(ctx SpecContext) {
		path, _ := built(ctx, invocation{args: []string{"--port", "2378", "--esxi", "6-7"}})
		Expect(readBack(contents(path)).Version).To(Equal("1.0.0-6.7.2378"))
	})

	It("takes the date from SOURCE_DATE_EPOCH", func(ctx SpecContext) {
		path, _ := built(ctx, invocation{env: map[string]string{"SOURCE_DATE_EPOCH": "1711632897"}})
		Expect(readBack(contents(path)).Released).To(Equal(time.Date(2024, 3, 28, 13, 34, 57, 0, time.UTC)))
	})

	It("writes to standard output, the same bytes as to a file, and then names a file to copy to", func(ctx SpecContext) {
		path, _ := built(ctx, invocation{})
		out := invocation{args: []string{"vib", "build", "--output", "-"}}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect([]byte(out.stdout)).To(Equal(contents(path)))
		Expect(out.stderr).To(HavePrefix("wrote standard output\n"))
		Expect(out.stderr).To(ContainSubstring("install -v /tmp/vmware-vic.vib\n"))
	})

	It("does not write to a terminal", func(ctx SpecContext) {
		terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(terminal.Close)
		var stderr bytes.Buffer
		a := &app{stdin: strings.NewReader(""), stdout: terminal, stderr: &stderr, lookupEnv: func(string) (string, bool) { return "", false }}
		Expect(execute(ctx, a, []string{"vib", "build", "--output", "-"})).To(Equal(exitUsage))
		Expect(stderr.String()).To(ContainSubstring("standard output is a terminal"))
	})

	It("says when standard output takes nothing", func(ctx SpecContext) {
		var stderr bytes.Buffer
		for _, args := range [][]string{{"vib", "build", "--output", "-"}, {"rule", "render"}} {
			a := &app{stdin: strings.NewReader(""), stdout: brokenPipe{}, stderr: &stderr, lookupEnv: func(string) (string, bool) { return "", false }}
			stderr.Reset()
			Expect(execute(ctx, a, args)).To(Equal(exitUsage))
			Expect(stderr.String()).To(Equal("vic-preflight: write to standard output: broken pipe\n"))
		}
	})

	// The default content may not change under its ID: hosts that have the VIB
	// would refuse the new one. Who changes these sums changes defaultRelease.
	DescribeTable("builds the same bytes, today as ever", func(ctx SpecContext, sum string, args ...string) {
		first, _ := built(ctx, invocation{args: args})
		second, _ := built(ctx, invocation{args: args})
		Expect(contents(first)).To(Equal(contents(second)))
		Expect(fmt.Sprintf("%x", sha256.Sum256(contents(first)))).To(Equal(sum))
	},
		Entry("for ESXi 8", "e78912bb7a5a0bfce835f1cd36bc4237428cfba1f6f169fa1b5e45bd26667e7c"),
		Entry("for ESXi 6.x and 7.x", "058a2412feefcdafa13aedef43aa60fe390c9a21299af17f85ae606f42db5d27", "--esxi", "6-7"),
		Entry("the bundle", "d1baa0cdad89ea827281184a38c2f33b59b39fc48bc2e9409347a7bbf12ebe0a", "--bundle"),
	)

	It("quotes the file's name in the command to copy, and keeps it off the terminal", func(ctx SpecContext) {
		path := filepath.Join(GinkgoT().TempDir(), "it's\x1b[2J $(a) vib.vib")
		out := invocation{args: []string{"vib", "build", "--output", path}}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(path).To(BeAnExistingFile())
		Expect(out.stderr).NotTo(ContainSubstring("\x1b"))
		Expect(out.stderr).To(ContainSubstring(`install -v '/tmp/it'"'"'s[2J $(a) vib.vib'` + "\n"))
	})

	Describe("the file", func() {
		It("is not overwritten, unless that is asked for", func(ctx SpecContext) {
			dir := GinkgoT().TempDir()
			path := filepath.Join(dir, "a.vib")
			Expect(os.WriteFile(path, []byte("precious"), 0o600)).To(Succeed())
			verifyBad(ctx, badRow{invocation{args: []string{"vib", "build", "--output", path}}, exitUsage, path + " is there already", "hint: --force"})
			Expect(string(contents(path))).To(Equal("precious"))

			out := invocation{args: []string{"vib", "build", "--output", path, "--force"}}.run(ctx)
			Expect(out.code).To(Equal(exitOK), out.stderr)
			readBack(contents(path))
			Expect(names(dir)).To(Equal([]string{"a.vib"}), "nothing is left behind")
		})

		It("is readable, as what is copied to hosts may be", func(ctx SpecContext) {
			path, _ := built(ctx, invocation{})
			info, err := os.Stat(path)
			Expect(err).NotTo(HaveOccurred())
			Expect(info.Mode().Perm()).To(Equal(os.FileMode(0o644)))
			Expect(names(filepath.Dir(path))).To(Equal([]string{"some.vib"}), "nothing is left behind")
		})

		It("does not appear when its name was taken in the meantime", func() {
			dir := GinkgoT().TempDir()
			path := filepath.Join(dir, "a.vib")
			Expect(os.WriteFile(path, []byte("precious"), 0o600)).To(Succeed())
			Expect(newfile.Write(path, []byte("new"), false)).To(MatchError(fs.ErrExist))
			Expect(string(contents(path))).To(Equal("precious"))
		})

		DescribeTable("leaves nothing behind when it cannot be", func(ctx SpecContext, message string, prepare func(dir string) (path string), more ...string) {
			dir := GinkgoT().TempDir()
			path := prepare(dir)
			before := names(dir)
			verifyBad(ctx, badRow{invocation{args: append([]string{"vib", "build", "--output", path}, more...)}, exitUsage, message, ""})
			Expect(names(dir)).To(Equal(before))
		},
			Entry("no folder", "no such file or directory", func(dir string) string { return filepath.Join(dir, "nowhere", "a.vib") }),
			Entry("a name that is too long", "file name too long", func(dir string) string { return filepath.Join(dir, strings.Repeat("a", 300)+".vib") }),
			Entry("a name that is too long, by force", "file name too long", func(dir string) string { return filepath.Join(dir, strings.Repeat("a", 300)+".vib") }, "--force"),
			Entry("a folder of that name", "no regular file", func(dir string) string {
				Expect(os.Mkdir(filepath.Join(dir, "a.vib"), 0o700)).To(Succeed())
				return filepath.Join(dir, "a.vib")
			}, "--force"),
			Entry("a link to elsewhere", "no regular file", func(dir string) string {
				Expect(os.Symlink("/dev/null", filepath.Join(dir, "a.vib"))).To(Succeed())
				return filepath.Join(dir, "a.vib")
			}, "--force"),
			Entry("content that is refused", "the version", func(dir string) string { return filepath.Join(dir, "a.vib") }, "--version", "x"),
		)

		It("is not written by a run that was interrupted", func(ctx SpecContext) {
			done, cancel := context.WithCancel(ctx)
			cancel()
			dir := GinkgoT().TempDir()
			verifyBad(done, badRow{run: invocation{args: []string{"vib", "build", "--output", filepath.Join(dir, "a.vib")}}, code: exitInterrupted, message: "interrupted"})
			Expect(names(dir)).To(BeEmpty())
		})
	})
})

// brokenPipe takes nothing.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

var _ = DescribeTable("bad input to vib build", func(ctx SpecContext, row badRow) {
	row.run.args = append([]string{"vib", "build", "--output", "-"}, row.run.args...)
	verifyBad(ctx, row)
},
	Entry("no output", badRow{invocation{args: []string{"--output", ""}}, exitUsage, "--output is given and empty", ""}),
	Entry("no output for a bundle", badRow{invocation{args: []string{"--output", "", "--bundle", "--service", "site"}}, exitUsage, "--output is given and empty", ""}),
	Entry("a VIB that is not called one", badRow{invocation{args: []string{"--output", "json"}}, exitUsage, "--output json does not end in .vib", "--bundle"}),
	Entry("a bundle that is not called one", badRow{invocation{args: []string{"--output", "a.vib", "--bundle"}}, exitUsage, "does not end in .zip", ""}),
	Entry("output by the short flag of a format", badRow{invocation{args: []string{"-o", "a.vib"}}, exitUsage, "unknown shorthand flag", "--help"}),
	Entry("port 0", badRow{invocation{args: []string{"--port", "0"}}, exitUsage, "--port 0 is not a port", ""}),
	Entry("port 65536", badRow{invocation{args: []string{"--port", "65536"}}, exitUsage, "--port 65536 is not a port", ""}),
	Entry("a port and a profile", badRow{invocation{args: []string{"--port", "80", "--profile", "ntp"}}, exitUsage, "--vch-ip and --port are of a virtual container host", "--peer"}),
	Entry("an unknown profile", badRow{invocation{args: []string{"--profile", "npt"}}, exitUsage, "did you mean ntp?", "vic-preflight profiles"}),
	Entry("an unknown generation", badRow{invocation{args: []string{"--esxi", "7"}}, exitUsage, `--esxi "7" is none of 8 and 6-7`, "ESXi 9 is not known"}),
	Entry("no key", badRow{invocation{args: []string{"--service", ""}}, exitUsage, "--service is given and empty", ""}),
	Entry("a key that leads elsewhere", badRow{invocation{args: []string{"--service", "../../passwd"}}, exitUsage, "has a character that rulesets do not", ""}),
	Entry("a key that is long", badRow{invocation{args: []string{"--service", strings.Repeat("a", 65)}}, exitUsage, "has 65 characters", ""}),
	Entry("a key that is long for the name of a VIB", badRow{invocation{args: []string{"--service", strings.Repeat("a", 40)}}, exitUsage, "the name", "--help"}),
	Entry("VIC's own ruleset", badRow{invocation{args: []string{"--service", "vic-engine"}}, exitUsage, "--service vic-engine is a ruleset that ESXi brings itself", "fix --allow"}),
	Entry("the ruleset of SSH", badRow{invocation{args: []string{"--service", "sshServer"}}, exitUsage, "ESXi brings itself", "another key"}),
	Entry("a ruleset of ESXi's in another case", badRow{invocation{args: []string{"--service", "VSPC"}}, exitUsage, "ESXi brings itself", ""}),
	Entry("the ruleset of vSphere HA", badRow{invocation{args: []string{"--service", "fdm"}}, exitUsage, "ESXi brings itself", ""}),
	Entry("ESXi's own file", badRow{invocation{args: []string{"--service", "service"}}, exitUsage, "would replace ESXi's own service.xml", ""}),
	Entry("a name that is none", badRow{invocation{args: []string{"--name", "a b"}}, exitUsage, `the name "a b" of a VIB`, ""}),
	Entry("a vendor that is none", badRow{invocation{args: []string{"--vendor", ""}}, exitUsage, "--vendor is given and empty", ""}),
	Entry("a version that is none, and a vendor", badRow{invocation{args: []string{"--version", "v1", "--vendor", "a/b"}}, exitUsage, `a letter or digit first; the version "v1" of a VIB`, ""}),
	Entry("a summary of two lines", badRow{invocation{args: []string{"--summary", "a\nb"}}, exitUsage, "printable characters on one line", ""}),
	Entry("a date without a time", badRow{invocation{args: []string{"--release-date", "2025-01-01"}}, exitUsage, `--release-date "2025-01-01"`, "2026-01-02T03:04:05Z"}),
	Entry("a date before zip", badRow{invocation{args: []string{"--release-date", "1979-12-31T00:00:00Z"}}, exitUsage, "use one from 1980 to 2099", ""}),
	Entry("an epoch that is none", badRow{invocation{env: map[string]string{"SOURCE_DATE_EPOCH": "today"}}, exitUsage, `SOURCE_DATE_EPOCH "today" is no number of seconds`, ""}),
	Entry("an epoch long ago", badRow{invocation{env: map[string]string{"SOURCE_DATE_EPOCH": "-1"}}, exitUsage, "use one from 1980 to 2099", ""}),
	Entry("an argument", badRow{invocation{args: []string{"vmware-vic"}}, exitUsage, "takes no argument", ""}),
)

var _ = DescribeTable("bad input to vib inspect and to vib", func(ctx SpecContext, row badRow) { verifyBad(ctx, row) },
	Entry("vib what", badRow{invocation{args: []string{"vib"}}, exitUsage, "vib what?", "vib inspect FILE"}),
	Entry("an unknown command", badRow{invocation{args: []string{"vib", "bild"}}, exitUsage, "no such command", "build"}),
	Entry("no file", badRow{invocation{args: []string{"vib", "inspect"}}, exitUsage, "one file, not 0", ""}),
	Entry("two files", badRow{invocation{args: []string{"vib", "inspect", "a", "b"}}, exitUsage, "one file, not 2", ""}),
	Entry("a file that is not there", badRow{invocation{args: []string{"vib", "inspect", "/nonexistent.vib"}}, exitUsage, "/nonexistent.vib", ""}),
	Entry("a folder", badRow{invocation{args: []string{"vib", "inspect", "/"}}, exitUsage, "is a directory", ""}),
	Entry("an unknown format", badRow{invocation{args: []string{"vib", "inspect", "-", "-o", "xml"}}, exitUsage, `--output "xml" is no format`, "table, json"}),
	Entry("nothing", badRow{invocation{args: []string{"vib", "inspect", "-"}}, exitUsage, "standard input: no VIB that can be read: it is too short", ""}),
	Entry("text", badRow{invocation{args: []string{"vib", "inspect", "-"}, stdin: "<ConfigRoot></ConfigRoot>"}, exitUsage, "no VIB that can be read: it does not start as an ar archive", ""}),
)

var _ = Describe("vib inspect", func() {
	archive := func(ctx SpecContext, args ...string) string {
		GinkgoHelper()
		out := invocation{args: append([]string{"vib", "build", "--output", "-"}, args...)}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		return out.stdout
	}
	inspect := func(ctx SpecContext, data string, args ...string) outcome {
		return invocation{args: append([]string{"vib", "inspect", "-"}, args...), stdin: data}.run(ctx)
	}

	It("shows what a VIB holds", func(ctx SpecContext) {
		path, _ := built(ctx, invocation{})
		out := invocation{args: []string{"vib", "inspect", path}}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(out.stderr).To(BeEmpty())
		data := contents(path)
		Expect(out.stdout).To(Equal(fmt.Sprintf(`vic-preflight_bootbank_vmware-vic_1.0.0-8
  file              %s, %d bytes
  SHA-256           %x
  type              bootbank
  summary           Outbound TCP 2377 to virtual container hosts
  description       Brings the firewall ruleset vmware-vic, which lets outbound TCP 2377 through, and keeps it over reboots.
  released          2026-01-01T00:00:00Z
  acceptance level  community
  signed            no
  asks for ESXi     8.*
  suits             ESXi 8
  install           live
  remove            live
  maintenance mode  not needed

Payloads
  payload1 (tgz): 3612 bytes
    sha-256, as packed: verified
    sha-256, gunzip: verified
    sha-1, gunzip: verified

Files
  /etc/vmware/firewall/vmware-vic.xml (-rw-r--r--, 292 bytes)

Rulesets
  vmware-vic: enabled
    outbound tcp dst 2377

Problems: none
`, path, len(data), sha256.Sum256(data))))
	})

	It("tells the same in JSON", func(ctx SpecContext) {
		data := archive(ctx, "--esxi", "6-7")
		out := inspect(ctx, data, "-o", "json")
		Expect(out.code).To(Equal(exitOK), out.stderr)
		var v report.VIB
		d := json.NewDecoder(strings.NewReader(out.stdout))
		d.DisallowUnknownFields()
		Expect(d.Decode(&v)).To(Succeed())
		Expect(v.SchemaVersion).To(Equal(1))
		Expect(v.ID).To(Equal("vic-preflight_bootbank_vmware-vic_1.0.0-6.7"))
		Expect(v.SHA256).To(Equal(fmt.Sprintf("%x", sha256.Sum256([]byte(data)))))
		Expect(v.Suits).To(Equal([]string{"6-7"}))
		Expect(v.Rulesets).To(Equal([]report.VIBRuleset{{Key: "vmware-vic", Enabled: true, Rules: []report.VIBRule{{Direction: "outbound", Protocol: "tcp", PortType: "dst", Port: 2377, EndPort: 2377}}}}))
		for _, list := range []string{`"platforms": []`, `"problems": []`} {
			Expect(out.stdout).To(ContainSubstring(list))
		}
	})

	It("says what it did not look into, and never that there is nothing", func(ctx SpecContext) {
		data := strings.Replace(archive(ctx), `type="tgz"`, `type="own"`, 1)
		Expect(inspect(ctx, data).stdout).To(ContainSubstring(`
  payload1 (own): 3612 bytes, not looked into
    sha-256, as packed: verified
    sha-256, gunzip: verified
    sha-1, gunzip: verified

Files
  /etc/vmware/firewall/vmware-vic.xml (listed by the descriptor, not looked into)

Rulesets: not all payloads were looked into

Problems: none
`))
		Expect(inspect(ctx, data, "-o", "json").stdout).To(ContainSubstring(`"notLookedInto": [
    "etc/vmware/firewall/vmware-vic.xml"
  ]`))
		none := regexp.MustCompile(`(?s)<file-list>.*</file-list>`).ReplaceAllStringFunc(data, func(s string) string { return "<file-list></file-list>" + strings.Repeat(" ", len(s)-23) })
		Expect(inspect(ctx, none).stdout).To(ContainSubstring("Files: not looked into\n"))
	})

	It("says what speaks against a VIB without refusing it", func(ctx SpecContext) {
		old, depends := "<conflicts></conflicts>\n    <replaces></replaces>", "<depends><constraint name='a'/></depends>"
		data := archive(ctx)
		Expect(data).To(ContainSubstring(old))
		data = strings.Replace(data, old, depends+strings.Repeat(" ", len(old)-len(depends)), 1)
		out := inspect(ctx, data)
		Expect(out.stdout).To(SatisfyAll(MatchRegexp(`(?m)^  suits +none\n  may suit +ESXi 8\n  depends on +a$`), ContainSubstring("Doubts: hosts may refuse it\n  - it depends on a\n")))
		Expect(out.code).To(Equal(exitOK))
	})

	It("exits 1 for a damaged one, and names the damage", func(ctx SpecContext) {
		data := []byte(archive(ctx))
		data[len(data)-2000] ^= 1 // inside the payload
		for _, format := range []string{"table", "json"} {
			out := inspect(ctx, string(data), "-o", format)
			Expect(out.code).To(Equal(exitFailed), out.stderr)
			Expect(out.stderr).To(BeEmpty(), "the report has said it all")
			Expect(out.stdout).To(ContainSubstring("payload1"))
			Expect(out.stdout).To(MatchRegexp(`its sha-256 checksum is [0-9a-f]{64}, and the descriptor says`))
		}
		Expect(inspect(ctx, string(data)).stdout).To(MatchRegexp(`(?s)sha-256, as packed: NOT VERIFIED.*Problems\n  - "payload1"`))
	})

	It("exits 2 for one that was cut, and names where", func(ctx SpecContext) {
		data := archive(ctx)
		verifyBad(ctx, badRow{invocation{args: []string{"vib", "inspect", "-"}, stdin: data[:len(data)-100]}, exitUsage, `it ends in the middle of "payload1"`, ""})
	})

	It("says of a bundle what to do", func(ctx SpecContext) {
		path, _ := built(ctx, invocation{args: []string{"--bundle"}})
		verifyBad(ctx, badRow{invocation{args: []string{"vib", "inspect", path}}, exitUsage, "no VIB that can be read", "hint: it looks like an offline bundle"})
	})

	It("keeps a stranger's texts from steering the terminal or forging lines", func(ctx SpecContext) {
		// As long in bytes as what it replaces: the archive stays whole. U+202E
		// turns text around, U+009B starts an escape sequence.
		forged := strings.Replace(archive(ctx, "--summary", "10 bytes.."), "10 bytes..", "A\nB\u202e\u009b--", 1)
		out := inspect(ctx, forged)
		Expect(out.code).To(Equal(exitOK), out.stdout+out.stderr)
		Expect(out.stdout).To(ContainSubstring("summary           A B--\n"))
		Expect(inspect(ctx, forged, "-o", "json").stdout).To(ContainSubstring(`"summary": "A B--"`))
	})

	It("is interrupted", func(ctx SpecContext) {
		done, cancel := context.WithCancel(ctx)
		cancel()
		verifyBad(done, badRow{run: invocation{args: []string{"vib", "inspect", "-"}}, code: exitInterrupted, message: "interrupted"})
	})

	It("wraps behind the labels where the terminal is narrow", func() {
		v := &report.VIB{ID: "a", Summary: "one two three four five", Problems: []string{"six seven eight nine ten eleven twelve"}}
		Expect(v.Table(30)).To(And(
			ContainSubstring("  summary           one two\n                    three four\n                    five\n"),
			ContainSubstring("  - six seven eight nine ten\n    eleven twelve\n"),
		))
	})
})
