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
	{"checks", "os", "a verdict does no I/O"},
	{"checks", module + "/report", "how a verdict is shown is not the verdict's business"},
	{"checks", module + "/internal", "a verdict does not know where facts come from"},
	{"report", "github.com/vmware/", "a report shows results, wherever they come from"},
	{"report", module + "/internal", "a report shows results, wherever they come from"},
	{"fix", "github.com/vmware/", "a fix declares the small interface that it needs"},
	{"fix", module + "/report", "what is done does not depend on how it is shown"},
	{"fix", module + "/internal", "a fix declares the small interface that it needs"},
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
	{"internal/firewallxml", "os", firewallFiles},
	{"internal/vib", "github.com/", vibs},
	{"internal/vib", module + "/checks", vibs},
	{"internal/vib", module + "/fix", vibs},
	{"internal/vib", module + "/probe", vibs},
	{"internal/vib", module + "/report", vibs},
	{"internal/vib", module + "/internal/vsphere", vibs},
	{"internal/vib", module + "/internal/sim", vibs},
	{"internal/vib", "os", vibs},
	{"internal/sim", module + "/internal/vsphere", "the simulator must not share code with the client that it tests"},
}

// Why two formats stay by themselves.
const (
	firewallFiles = "a file format needs the standard library and the facts that it holds: bytes in, bytes out"
	vibs          = "a file format needs the standard library and the firewall files inside: bytes in, bytes out"
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
		It(b.pkg+" does not import "+b.dep, func() {
			for _, dep := range deps(b.pkg) {
				if b.dep == "os" {
					// The standard library itself uses os; what counts is this
					// package's own imports.
					continue
				}
				Expect(isBanned(dep, b.dep)).To(BeFalse(), "%s reaches %s: %s", b.pkg, dep, b.why)
			}
			if b.dep == "os" {
				out, err := exec.Command("go", "list", "-f", `{{join .Imports "\n"}}`, module+"/"+b.pkg).Output()
				Expect(err).NotTo(HaveOccurred())
				Expect(strings.Fields(string(out))).NotTo(ContainElement(b.dep), b.why)
			}
		})
	}
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
