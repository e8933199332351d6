package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// compatible are the licences that code may have that goes into a program under Apache-2.0.
var compatible = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}

var _ = Describe("what the program depends on", func() {
	read := func(path string) string {
		GinkgoHelper()
		data, err := os.ReadFile(filepath.Join("..", path))
		Expect(err).NotTo(HaveOccurred())
		return string(data)
	}

	It("stands in docs/licenses.md, in the version that is used, with a compatible licence", func() {
		linked := map[string]string{}
		for _, system := range []string{"linux", "darwin", "windows", "freebsd"} {
			list := exec.Command("go", "list", "-deps", "-f", `{{with .Module}}{{.Path}} {{.Version}}{{end}}`, module+"/cmd/vic-preflight")
			list.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
			out, err := list.Output()
			Expect(err).NotTo(HaveOccurred())
			for line := range strings.Lines(string(out)) {
				if path, version, _ := strings.Cut(strings.TrimSpace(line), " "); path != module {
					linked[path] = version
				}
			}
		}
		listed := map[string]string{}
		for _, row := range regexp.MustCompile("(?m)^\\| `(\\S+)` \\| (\\S+) \\| (.+) \\|$").FindAllStringSubmatch(read("docs/licenses.md"), -1) {
			listed[row[1]] = row[2]
			for licence := range strings.SplitSeq(row[3], ", ") {
				Expect(compatible).To(ContainElement(licence), row[1])
			}
		}
		Expect(len(linked)).To(BeNumerically(">", 20))
		Expect(listed).To(Equal(linked), "make licenses writes the page")
	})

	It("has a line in docs/decisions/dependencies.md, and so have the tools", func() {
		var wanted []string
		for _, file := range []string{"go.mod", "tools/go.mod", "packaging/go.mod"} {
			out, err := exec.Command("go", "mod", "edit", "-json", filepath.Join("..", file)).Output()
			Expect(err).NotTo(HaveOccurred())
			var mod struct {
				Require []struct {
					Path     string
					Indirect bool
				}
				Tool []struct{ Path string }
			}
			Expect(json.Unmarshal(out, &mod)).To(Succeed())
			for _, require := range mod.Require {
				if !require.Indirect {
					wanted = append(wanted, require.Path)
				}
			}
			for _, tool := range mod.Tool {
				wanted = append(wanted, tool.Path)
			}
		}
		var lines []string
		for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]+`) \\| [^|]{20,} \\|$").FindAllStringSubmatch(read("docs/decisions/dependencies.md"), -1) {
			for name := range strings.SplitSeq(row[1], ", ") {
				lines = append(lines, strings.Trim(name, "`"))
			}
		}
		Expect(lines).To(ConsistOf(wanted), "each dependency once, with its reason, and none that is gone")
	})
})
