package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// What the threat model claims is to be found where it says: names of files are in
// backticks, names of tests stand in quotes behind them.
var _ = It("the threat model names files and tests that are there", func() {
	data, err := os.ReadFile("../docs/threat-model.md")
	Expect(err).NotTo(HaveOccurred())
	text := strings.ReplaceAll(string(data), "\n", " ")
	folder, named := "", 0
	for _, found := range regexp.MustCompile("`([\\w./*-]+(?:/[\\w.*-]+|_test\\.go|\\.go))`(?:: \"([^\"]+)\")?").FindAllStringSubmatch(text, -1) {
		path := found[1]
		if strings.HasPrefix(path, "/") {
			continue // of a host
		}
		if dir := filepath.Dir(path); dir != "." {
			folder = dir
		} else {
			path = filepath.Join(folder, path) // beside the one before
		}
		files, err := filepath.Glob(filepath.Join("..", path))
		Expect(err).NotTo(HaveOccurred())
		Expect(files).NotTo(BeEmpty(), path)
		named++
		if found[2] != "" {
			code, err := os.ReadFile(files[0])
			Expect(err).NotTo(HaveOccurred())
			Expect(string(code)).To(ContainSubstring(found[2]), path)
		}
	}
	Expect(named).To(BeNumerically(">", 25))
})
