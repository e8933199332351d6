package e2e_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// The sizes that the production code keeps to. Who meets a bound asks whether the
// function does two things; cutting one in halves is no answer.
const (
	longestFunction = 60
	medianFunction  = 12
	commandLines    = 2000
	orderOfStages   = 40
)

// function is a function of the production code and how many lines it has.
type function struct {
	name  string
	lines int
}

func functions(root string) (list []function, lines int) {
	GinkgoHelper()
	fset := token.NewFileSet()
	Expect(filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == "e2e" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return err
		}
		if len(file.Comments) > 0 && file.Comments[0].List[0].Text == "//go:build man" {
			return nil // it writes the man pages, and is no part of the program
		}
		lines += fset.File(file.Pos()).LineCount()
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Body != nil {
				length := fset.Position(f.End()).Line - fset.Position(f.Pos()).Line + 1
				list = append(list, function{fmt.Sprintf("%s: %s", path, f.Name.Name), length})
			}
		}
		return nil
	})).To(Succeed())
	slices.SortFunc(list, func(a, b function) int { return cmp.Or(b.lines-a.lines, cmp.Compare(a.name, b.name)) })
	return list, lines
}

var _ = Describe("the size of the code", func() {
	It("stays within what is read at a glance", func() {
		list, lines := functions("..")
		Expect(len(list)).To(BeNumerically(">", 500))
		at := func(share float64) int { return list[int(float64(len(list)-1)*(1-share))].lines }
		AddReportEntry("size", fmt.Sprintf("%d lines, %d functions; lines of a function: median %d, p90 %d; the longest: %v",
			lines, len(list), at(0.5), at(0.9), list[:5]))
		Expect(list[0].lines).To(BeNumerically("<=", longestFunction), list[0].name)
		Expect(at(0.5)).To(BeNumerically("<=", medianFunction))
	})
	It("leaves the command line thin", func() {
		_, lines := functions(filepath.Join("..", "cmd", "vic-preflight"))
		Expect(lines).To(BeNumerically("<", commandLines))
	})
	It("tells the order of a run's stages in one function", func() {
		list, _ := functions(filepath.Join("..", "preflight"))
		i := slices.IndexFunc(list, func(f function) bool { return strings.HasSuffix(f.name, "preflight.go: Run") })
		Expect(i).To(BeNumerically(">=", 0))
		Expect(list[i].lines).To(BeNumerically("<=", orderOfStages))
	})
})
