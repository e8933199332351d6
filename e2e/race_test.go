package e2e_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// inPart is the package of which CI runs a part with the race detector: the specs of
// probes, of several targets side by side and of --wait. All that it starts itself is in
// main, which no spec calls; what several goroutines call of it is what they are told of,
// and whole it would take minutes. make race runs it whole.
const inPart = "cmd/vic-preflight"

// concurrent reports whether a file starts goroutines, by itself or by a group's Go or an
// AfterFunc.
func concurrent(file *ast.File) bool {
	found := false
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = true
		case *ast.CallExpr:
			if s, ok := n.Fun.(*ast.SelectorExpr); ok && (s.Sel.Name == "Go" || s.Sel.Name == "AfterFunc") {
				found = true
			}
		}
		return !found
	})
	return found
}

var _ = It("CI runs every package that starts goroutines with the race detector", func() {
	makefile, err := os.ReadFile("../Makefile")
	Expect(err).NotTo(HaveOccurred())
	raced := regexp.MustCompile(`(?m)^RACED := (.*)$`).FindSubmatch(makefile)
	Expect(raced).NotTo(BeNil())
	Expect(string(makefile)).To(MatchRegexp("(?m)^race-ci:.*\n.* -race .*RACED.*\n.* -race \\./" + inPart + " -args "))
	ci, err := os.ReadFile("../.ci/run")
	Expect(err).NotTo(HaveOccurred())
	Expect(string(ci)).To(ContainSubstring("\nmake race-ci\n"))

	starting := map[string]bool{}
	Expect(filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "e2e" || d.Name() == "packaging" || strings.HasSuffix(d.Name(), "test")):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err == nil && concurrent(file) {
			starting[filepath.ToSlash(strings.TrimPrefix(filepath.Dir(path), ".."+string(filepath.Separator)))] = true
		}
		return err
	})).To(Succeed())
	var packages []string
	for pkg := range starting {
		packages = append(packages, pkg)
	}
	Expect(packages).To(ConsistOf(append(strings.Fields(string(raced[1])), inPart)))
})

var _ = It("CI finds the README's test command", func() {
	readme, err := os.ReadFile("../README.md")
	Expect(err).NotTo(HaveOccurred())
	Expect(string(readme)).To(MatchRegexp("(?m)^Run the tests:\n\n```sh\nmake test\n```$"), ".ci/run looks for these lines")
})
