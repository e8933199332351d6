package e2e_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// banned imports, direct or not, of the packages that are meant to stay apart.
// Each has its reason.
var banned = []struct{ pkg, dep, why string }{
	{"inventory", "github.com/", "facts are plain data over the standard library"},
	{"inventory", module + "/checks", "facts do not know verdicts"},
	{"checks", "github.com/vmware/", "a verdict is a pure function: every corner gets a table row, without a simulator"},
	{"checks", "net/http", "a verdict does no I/O"},
	{"checks", module + "/report", "how a verdict is shown is not the verdict's business"},
	{"checks", module + "/internal", "a verdict does not know where facts come from"},
	{"report", "github.com/vmware/", resultsOnly},
	{"report", module + "/internal/vsphere", resultsOnly},
	{"report", module + "/internal/hostssh", resultsOnly},
	{"report", module + "/internal/onhost", resultsOnly},
	{"report", module + "/internal/sim", resultsOnly},
	{"report", module + "/preflight", resultsOnly},
	{"report", module + "/probe", resultsOnly},
	{"preflight", "github.com/spf13/", anyCaller},
	{"preflight", "golang.org/x/term", anyCaller},
	{"probe", module + "/checks", "a connection is opened and classed, whatever the rulesets say"},
	{"probe", module + "/report", "a connection is opened and classed, however it is shown"},
	{"internal/config", "github.com/vmware/", configFiles},
	{"internal/config", "github.com/spf13/", configFiles},
	{"internal/config", module + "/cmd", configFiles},
	{"internal/config", module + "/fix", "what a file says changes no host"},
	{"internal/config", module + "/preflight", configFiles},
	{"internal/config", module + "/probe", configFiles},
	{"internal/config", module + "/report", configFiles},
	{"internal/config", module + "/internal/vsphere", configFiles},
	{"internal/config", module + "/internal/sim", configFiles},
	{"internal/strict", module + "/checks", "a file is read strictly, whatever is in it"},
	{"internal/strict", module + "/inventory", "a file is read strictly, whatever is in it"},
	{"internal/strict", module + "/profile", "a file is read strictly, whatever is in it"},
	{"profile", "github.com/vmware/", asked},
	{"profile", "github.com/spf13/", asked},
	{"profile", "net/http", asked},
	{"profile", module + "/fix", asked},
	{"profile", module + "/preflight", asked},
	{"profile", module + "/probe", asked},
	{"profile", module + "/report", asked},
	{"profile", module + "/internal/config", "a site's own file is no configuration file, and both are read by internal/strict"},
	{"profile", module + "/internal/vsphere", asked},
	{"profile", module + "/internal/sim", "the production code must not know the simulator"},
	{"internal/nearest", module, "a word is near another, whatever it is for"},
	{"internal/newfile", module, "a file is written, whatever is in it"},
	{"fix", "github.com/vmware/", "a fix declares the small interface that it needs"},
	{"fix", module + "/report", "what is done does not depend on how it is shown"},
	{"fix", module + "/internal/vsphere", "a fix declares the small interface that it needs"},
	{"fix", module + "/internal/hostssh", "a fix declares the small interface that it needs"},
	{"fix", module + "/internal/onhost", "a fix declares the small interface that it needs"},
	{"fix", module + "/internal/sim", "the production code must not know the simulator"},
	{"internal/nearest", module, "a word is mistyped, whatever it is for"},
	{"internal/targets", "github.com/spf13/", "any place may name targets, the command line is one"},
	{"internal/vicmachine", "gopkg.in/urfave/cli.v1", "it is the tests' oracle, and must not become the parser that they test"},
	{"internal/vicmachine", module + "/internal/vsphere", "a command line is read without a server"},
	{"internal/usage", module + "/preflight", "how a command is used does not depend on what it does"},
	{"internal/output", module + "/preflight", "a report goes where it goes, however it was made"},
	{"internal/facts", "github.com/", "a file format needs the standard library and the facts that it holds"},
	{"internal/facts", module + "/checks", "facts do not know verdicts"},
	{"internal/guard", module, "a panic is one, whatever was done"},
	{"internal/linger", module, "a clock is one, whatever is waited for"},
	{"report", module + "/fix", "a report shows a plan, wherever it comes from"},
	{"internal/hostssh", module + "/fix", "a login knows nothing of what it is for"},
	{"internal/hostssh", module + "/inventory", "a login knows nothing of what it is for"},
	{"internal/onhost", module + "/internal/vsphere", "what is done on a host is not done through the API"},
	{"internal/onhost", module + "/internal/sim", "the production code must not know the simulator"},
	{"internal/onhost", module + "/report", "doing shows nothing"},
	{"internal/vsphere", module + "/fix", "speaking to vSphere decides nothing"},
	{"internal/vsphere", module + "/checks", "collecting passes no verdict"},
	{"internal/vsphere", module + "/report", "collecting shows nothing"},
	{"internal/vsphere", "github.com/vmware/govmomi/simulator", "the production client must not know the simulator"},
	{"internal/sim", module + "/checks", "the simulator must not know what is made of it, or the two could agree by accident"},
	{"e2e/esxi", module + "/internal/vib", "the stand-in for ESXi must read VIBs by itself, or it could agree with the tool by accident"},
	{"e2e/esxi", module + "/internal/firewallxml", "the stand-in for ESXi must read firewall files by itself"},
	{"e2e/esxi", module + "/internal/vsphere", "the stand-in for ESXi must not share code with the client that it tests"},
	{"internal/firewallxml", "github.com/", firewallFiles},
	{"internal/firewallxml", module + "/checks", firewallFiles},
	{"internal/firewallxml", module + "/fix", firewallFiles},
	{"internal/firewallxml", module + "/probe", firewallFiles},
	{"internal/firewallxml", module + "/report", firewallFiles},
	{"internal/firewallxml", module + "/internal/vib", firewallFiles},
	{"internal/firewallxml", module + "/internal/vsphere", firewallFiles},
	{"internal/firewallxml", module + "/internal/sim", firewallFiles},
	{"internal/vib", "github.com/", vibs},
	{"internal/vib", module + "/checks", vibs},
	{"internal/vib", module + "/fix", vibs},
	{"internal/vib", module + "/probe", vibs},
	{"internal/vib", module + "/report", vibs},
	{"internal/vib", module + "/internal/vsphere", vibs},
	{"internal/vib", module + "/internal/sim", vibs},
	{"internal/sim", module + "/internal/vsphere", "the simulator must not share code with the client that it tests"},
}

// direct imports that a package must not have; what it reaches by others does not
// count.
var direct = []struct{ pkg, dep, why string }{
	{"cmd/vic-preflight", module + "/internal/vsphere", throughPreflight},
	{"cmd/vic-preflight", module + "/internal/hostssh", throughPreflight},
	{"cmd/vic-preflight", module + "/internal/onhost", throughPreflight},
	{"cmd/vic-preflight", "github.com/vmware/", throughPreflight},
	{"cmd/vic-preflight", "golang.org/x/crypto", throughPreflight},
	{"checks", "os", "a verdict does no I/O"},
	{"internal/firewallxml", "os", firewallFiles},
	{"internal/vib", "os", vibs},
	{"preflight", "os/signal", anyCaller},
	{"report", "os", "a report goes to a writer that somebody else opened"},
}

// testOnly packages are imported by tests alone.
var testOnly = []string{"internal/testsuite", "internal/sim/simtest", "internal/hostssh/sshtest"}

// Why packages stay apart.
const (
	resultsOnly      = "a report shows results, wherever they come from"
	throughPreflight = "the command line reaches servers and hosts through preflight alone, so that any other caller can do what it does"
	anyCaller        = "a run is for any caller, not for a command line or a terminal"
	firewallFiles    = "a file format needs the standard library and the facts that it holds: bytes in, bytes out"
	configFiles      = "a configuration file is read without knowing what is done with it: names, values, severities and waivers out"
	asked            = "a profile says what must be open, and nothing of how that is read, judged or shown"
	vibs             = "a file format needs the standard library and the firewall files inside: bytes in, bytes out"
)

// own are the exceptions: this module's import path starts like other people's.
func isBanned(dep, ban string) bool {
	if strings.HasPrefix(dep, module) && !strings.HasPrefix(ban, module) {
		return false
	}
	return dep == ban || strings.HasPrefix(dep, strings.TrimSuffix(ban, "/")+"/")
}

var _ = Describe("the import graph", func() {
	deps := func(pkg string) []string {
		GinkgoHelper()
		out, err := exec.Command("go", "list", "-deps", module+"/"+pkg).Output()
		Expect(err).NotTo(HaveOccurred())
		return strings.Fields(string(out))
	}
	for _, b := range banned {
		It(b.pkg+" does not reach "+b.dep, func() {
			for _, dep := range deps(b.pkg) {
				if dep == module+"/"+b.pkg {
					continue // itself
				}
				Expect(isBanned(dep, b.dep)).To(BeFalse(), "%s reaches %s: %s", b.pkg, dep, b.why)
			}
		})
	}
	imports := func(pkg string) []string {
		GinkgoHelper()
		out, err := exec.Command("go", "list", "-f", `{{join .Imports "\n"}}`, module+"/"+pkg).Output()
		Expect(err).NotTo(HaveOccurred())
		return strings.Fields(string(out))
	}
	for _, b := range direct {
		It(b.pkg+" does not import "+b.dep, func() {
			for _, dep := range imports(b.pkg) {
				Expect(isBanned(dep, b.dep)).To(BeFalse(), "%s imports %s: %s", b.pkg, dep, b.why)
			}
		})
	}
	for _, pkg := range testOnly {
		It("tests alone import "+pkg, func() {
			out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"/...").Output()
			Expect(err).NotTo(HaveOccurred())
			for line := range strings.Lines(string(out)) {
				words := strings.Fields(line)
				Expect(words[1:]).NotTo(ContainElement(module+"/"+pkg), words[0])
			}
		})
	}
	It("reaches vSphere from the command line through preflight alone", func() {
		for _, dep := range deps("cmd/vic-preflight") {
			pkg, ours := strings.CutPrefix(dep, module+"/")
			if !ours || pkg == "preflight" || strings.HasPrefix(pkg, "internal/") || pkg == "cmd/vic-preflight" {
				continue
			}
			Expect(deps(pkg)).NotTo(ContainElement(module+"/internal/vsphere"), pkg)
		}
		Expect(deps("preflight")).To(ContainElement(module + "/internal/vsphere"))
	})
	It("would notice", func() {
		reaches := false
		for _, dep := range deps("internal/vsphere") {
			reaches = reaches || isBanned(dep, "github.com/vmware/")
		}
		Expect(reaches).To(BeTrue())
	})
})

var _ = It("every package has exactly one package comment", func() {
	comments := map[string][]string{}
	Expect(filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			return err
		}
		dir := filepath.Dir(path)
		if f.Doc != nil {
			comments[dir] = append(comments[dir], path)
		} else if comments[dir] == nil {
			comments[dir] = []string{}
		}
		return nil
	})).To(Succeed())
	Expect(len(comments)).To(BeNumerically(">", 6))
	for dir, files := range comments {
		Expect(files).To(HaveLen(1), dir)
	}
})
