//go:build linux

// Package dist tests what users install: it builds the release twice, and reads
// archives, packages and man pages with other programs than those that made them.
//
// make dist-check sets DIST_CHECK to the platforms to build, in place of this machine's
// alone, and tests what takes minutes to compile: the release's own flags, two folders,
// bills of materials, rpm, the image. Without it the release is built with the flags of a
// plain go build, of which the other tests have left all packages in Go's cache.
package dist_test

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestDist(t *testing.T) { testsuite.Run(t, "dist") }

const (
	version = "1.2.3"
	epoch   = "1700000000" // 2023-11-14
)

var (
	root string
	// first and second are two builds of the release.
	first, second string
	platforms     []string
	whole         = os.Getenv("DIST_CHECK") != ""
)

var _ = BeforeSuite(func(ctx context.Context) {
	var err error
	root, err = filepath.Abs("../..")
	Expect(err).NotTo(HaveOccurred())
	list := cmp.Or(os.Getenv("DIST_CHECK"), "linux/"+runtime.GOARCH)
	platforms = strings.Fields(list)
	dir, err := os.MkdirTemp("", "dist-")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(os.RemoveAll, dir)

	first, second = filepath.Join(dir, "first"), filepath.Join(dir, "second")
	build(ctx, root, first)
	elsewhere := root
	if whole {
		elsewhere = filepath.Join(dir, "a copy of the sources")
		Expect(os.Mkdir(elsewhere, 0o700)).To(Succeed())
		run(ctx, root, "sh", "-c", `git ls-files -z -co --exclude-standard >"$0.list" && tar --ignore-failed-read --null -T "$0.list" -cf - | tar -C "$0" -xf -`, elsewhere)
	}
	build(ctx, elsewhere, second, "TZ=Pacific/Auckland", "LC_ALL=C", "USER=somebody")
})

// build makes a release of the sources in a folder.
func build(ctx context.Context, sources, out string, environment ...string) {
	GinkgoHelper()
	args := append(environment, "make", "dist", "DIST="+out, "VERSION=v"+version, "SOURCE_DATE_EPOCH="+epoch, "PLATFORMS="+strings.Join(platforms, " "))
	if !whole {
		// Each package takes ten seconds to compress: one will do.
		packages := ""
		if out == first {
			packages = "deb"
		}
		args = append(args, "PACKAGES="+packages, "SBOM=", "TRIMPATH=", "CGO="+strings.TrimSpace(run(ctx, root, "go", "env", "CGO_ENABLED")))
	}
	run(ctx, sources, "env", args...)
}

// run runs a program in a folder and returns what it wrote; an error of it ends the test.
func run(ctx context.Context, dir, name string, args ...string) string {
	GinkgoHelper()
	out, err := try(ctx, dir, name, args...)
	Expect(err).NotTo(HaveOccurred(), "%s %v: %s", name, args, out)
	return out
}

func try(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANWIDTH=80", "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
