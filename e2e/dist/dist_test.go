//go:build linux

package dist_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// file is the one file of the first build that a pattern names.
func file(pattern string) string {
	GinkgoHelper()
	found, err := filepath.Glob(filepath.Join(first, pattern))
	Expect(err).NotTo(HaveOccurred())
	Expect(found).To(HaveLen(1), pattern)
	return found[0]
}

// unpacked is the archive of this machine's platform, unpacked.
func unpacked(ctx context.Context) string {
	GinkgoHelper()
	dir := GinkgoT().TempDir()
	name := "vic-preflight_" + version + "_linux_" + runtime.GOARCH
	run(ctx, dir, "tar", "-xzf", file(name+".tar.gz"))
	return filepath.Join(dir, name)
}

var _ = Describe("make dist", func() {
	It("builds the same bytes again", func(ctx SpecContext) {
		sums, err := os.ReadFile(filepath.Join(first, "sha256sums"))
		Expect(err).NotTo(HaveOccurred())
		again, err := os.ReadFile(filepath.Join(second, "sha256sums"))
		Expect(err).NotTo(HaveOccurred())
		if whole {
			Expect(string(again)).To(Equal(string(sums)))
		} else {
			Expect(string(again)).To(HaveSuffix(".tar.gz\n"), "the second build has no deb")
			Expect(string(sums)).To(ContainSubstring(string(again)))
		}
		run(ctx, first, "sha256sum", "--check", "--strict", "sha256sums")
		run(ctx, second, "sha256sum", "--check", "--strict", "sha256sums")

		entries, err := os.ReadDir(first)
		Expect(err).NotTo(HaveOccurred())
		Expect(strings.Count(string(sums), "\n")).To(Equal(len(entries)-1), "every file has its checksum")
		for _, platform := range platforms {
			name := "vic-preflight_" + version + "_" + strings.ReplaceAll(platform, "/", "_")
			if strings.HasPrefix(platform, "windows/") {
				Expect(string(sums)).To(ContainSubstring("  " + name + ".zip\n"))
			} else {
				Expect(string(sums)).To(ContainSubstring("  " + name + ".tar.gz\n"))
			}
			if whole {
				bom, err := os.ReadFile(filepath.Join(first, name+".cdx.json"))
				Expect(err).NotTo(HaveOccurred())
				Expect(string(bom)).To(And(ContainSubstring(`"CycloneDX"`), ContainSubstring("pkg:golang/github.com/vmware/govmomi@")))
			}
		}
	})

	It("puts the program and what belongs to it into the archive", func(ctx SpecContext) {
		dir := unpacked(ctx)
		for _, name := range []string{
			"LICENSE", "THIRD-PARTY-NOTICES", "README.md", "man/vic-preflight.1", "man/vic-preflight-check.1", "completions/vic-preflight.bash",
			"completions/vic-preflight.zsh", "completions/vic-preflight.fish", "completions/vic-preflight.powershell",
		} {
			Expect(filepath.Join(dir, name)).To(BeARegularFile())
		}
		Expect(run(ctx, dir, "./vic-preflight", "version")).To(Equal("vic-preflight " + version + "\n"))
		Expect(run(ctx, dir, "tar", "-tvzf", file("*_linux_"+runtime.GOARCH+".tar.gz"))).NotTo(MatchRegexp(`(?m)^\S+ (?:[^0]|0/[^0])`),
			"who built it is in no archive")
	})

	It("carries the licence of everything that is in the program", func(ctx SpecContext) {
		dir := unpacked(ctx)
		notices, err := os.ReadFile(filepath.Join(dir, "THIRD-PARTY-NOTICES"))
		Expect(err).NotTo(HaveOccurred())
		modules := regexp.MustCompile(`(?m)^\tdep\t(\S+)\t(\S+)`).FindAllStringSubmatch(run(ctx, dir, "go", "version", "-m", "vic-preflight"), -1)
		Expect(len(modules)).To(BeNumerically(">", 20))
		for _, module := range modules {
			Expect(string(notices)).To(MatchRegexp(`(?m)^` + regexp.QuoteMeta(module[1]+" "+module[2]+": LICENSE")))
		}
		Expect(string(notices)).To(And(
			MatchRegexp(`(?m)^Go go1\..*: LICENSE\n\nCopyright 2009 The Go Authors`),
			MatchRegexp(`(?m)^github.com/prometheus/procfs .*: NOTICE$`),
			ContainSubstring("Permission is hereby granted, free of charge"),
		))
	})

	It("makes a deb that installs, runs and goes away", func(ctx SpecContext) {
		deb := file("*_" + runtime.GOARCH + ".deb")
		machine := GinkgoT().TempDir()
		Expect(os.MkdirAll(filepath.Join(machine, "var/lib/dpkg/info"), 0o755)).To(Succeed())
		Expect(os.WriteFile(filepath.Join(machine, "var/lib/dpkg/status"), nil, 0o644)).To(Succeed())
		dpkg := func(args ...string) {
			GinkgoHelper()
			run(ctx, machine, "dpkg", append([]string{"--root=" + machine, "--force-not-root", "--log=/dev/null"}, args...)...)
		}
		Expect(run(ctx, machine, "dpkg-deb", "--field", deb, "Package", "Version", "Depends")).To(Equal("Package: vic-preflight\nVersion: " + version + "-1\n"))

		dpkg("--install", deb)
		program := filepath.Join(machine, "usr/bin/vic-preflight")
		Expect(run(ctx, machine, program, "version")).To(Equal("vic-preflight " + version + "\n"))
		out, err := try(ctx, machine, program, "check", "--target", "sim://mixed")
		Expect(err).To(MatchError("exit status 1"), out)
		Expect(out).To(ContainSubstring("20 hosts:"))
		Expect(run(ctx, machine, "man", "--warnings", "-l", filepath.Join(machine, "usr/share/man/man1/vic-preflight-fix.1.gz"))).To(ContainSubstring("--allow"))
		Expect(filepath.Join(machine, "usr/share/doc/vic-preflight/THIRD-PARTY-NOTICES")).To(BeARegularFile())
		run(ctx, machine, "bash", "-n", filepath.Join(machine, "usr/share/bash-completion/completions/vic-preflight"))

		dpkg("--purge", "vic-preflight")
		Expect(filepath.WalkDir(machine, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				Expect(path).To(HavePrefix(filepath.Join(machine, "var/lib/dpkg")), "is left on the machine")
			}
			return err
		})).To(Succeed())
	})

	if whole {
		It("makes an rpm that rpm reads", rpmReads)
	}

	It("writes man pages that man reads without a warning", func(ctx SpecContext) {
		dir := unpacked(ctx)
		pages, err := filepath.Glob(filepath.Join(dir, "man", "*.1"))
		Expect(err).NotTo(HaveOccurred())
		for _, page := range pages {
			// What man complains of goes to the file alone.
			run(ctx, dir, "sh", "-c", `man --warnings -l "$0" 2>warnings >/dev/null && cat warnings && test ! -s warnings`, page)
		}
		var described []string
		describes(ctx, dir, &described)
		Expect(len(described)).To(BeNumerically(">", 15))
		Expect(pages).To(ConsistOf(described))
	})
})

func rpmReads(ctx SpecContext) {
	arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	rpm := file("*." + arch + ".rpm")
	query := func(args ...string) string {
		return run(ctx, first, "rpm", append([]string{"--dbpath", GinkgoT().TempDir(), "-qp", rpm}, args...)...)
	}
	Expect(query("-i")).To(And(MatchRegexp(`Version\s*: `+version+`\n`), MatchRegexp(`License\s*: Apache-2.0\n`), MatchRegexp(`Architecture: `+arch+`\n`)))
	Expect(query("-l")).To(And(ContainSubstring("/usr/bin/vic-preflight\n"), ContainSubstring("/usr/share/licenses/vic-preflight/THIRD-PARTY-NOTICES\n"), ContainSubstring("/usr/share/man/man1/vic-preflight-check.1.gz\n")))
	Expect(query("--requires")).NotTo(MatchRegexp(`(?m)^[^r]`), "it stands alone")
}

// describes sees that a command's man page names all its flags, with their values, and
// goes on with the commands below it. It adds the pages to a list.
func describes(ctx context.Context, dir string, pages *[]string, command ...string) {
	GinkgoHelper()
	page := filepath.Join(dir, "man", strings.Join(append([]string{"vic-preflight"}, command...), "-")+".1")
	*pages = append(*pages, page)
	// As wide as the longest line, so that nothing is hyphenated.
	text := run(ctx, dir, "sh", "-c", `MANWIDTH=2000 man -l "$0" | cat`, page)
	help := run(ctx, dir, "./vic-preflight", append(command, "--help-all")...)
	flags := regexp.MustCompile(`(?m)^ +(?:-\w, )?(--[a-z-]+)(?: (\S+))?(?:  |$)`).FindAllStringSubmatch(help, -1)
	Expect(flags).NotTo(BeEmpty(), help)
	for _, flag := range flags {
		option := flag[1]
		if flag[2] != "" {
			option += "=" + flag[2]
		}
		Expect(text).To(MatchRegexp(`(?m)^ +(-\w, )?`+regexp.QuoteMeta(option)+`(?: +\S.*)?$`), page) // a short one has its text beside it
	}
	Expect(text).To(ContainSubstring("EXIT STATUS\n"), page)
	_, commands, _ := strings.Cut(help, "Commands:\n")
	commands, _, _ = strings.Cut(commands, "\n\n")
	for _, name := range regexp.MustCompile(`(?m)^  ([\w-]+) `).FindAllStringSubmatch(commands, -1) {
		describes(ctx, dir, pages, append(slices.Clone(command), name[1])...)
	}
}
