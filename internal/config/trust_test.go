package config_test

import (
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/config"
)

var _ = DescribeTable("a file that was merely found writes into its own folder alone", func(output string, trusted bool) {
	top := GinkgoT().TempDir()
	dir := filepath.Join(top, "repository")
	for _, folder := range []string{"repository/reports", "elsewhere"} {
		Expect(os.MkdirAll(filepath.Join(top, folder), 0o700)).To(Succeed())
	}
	for link, to := range map[string]string{
		"inside": "reports", "outside": "../elsewhere", "profile": "../elsewhere/.profile", "latest.json": "reports/new.json",
	} {
		Expect(os.Symlink(to, filepath.Join(dir, link))).To(Succeed())
	}
	Expect(os.Symlink("repository", filepath.Join(top, "link"))).To(Succeed())
	for _, folder := range []string{dir, filepath.Join(top, "link")} {
		c := &config.Config{Path: filepath.Join(folder, ".vic-preflight.yaml"), Found: true}
		to := output
		if output != "-" && !filepath.IsAbs(output) {
			to = filepath.Join(folder, output)
		}
		s := config.Setting{Flag: "output", Values: []string{"table", "json=" + to}}
		applies := func(string) bool { return true }
		if trusted {
			Expect(c.Trust(s, applies)).To(Succeed())
		} else {
			Expect(c.Trust(s, applies)).To(MatchError(ContainSubstring("its output goes to " + to)))
		}
		Expect(c.Trust(s, func(string) bool { return false })).To(Succeed())
		c.Found = false
		Expect(c.Trust(s, applies)).To(Succeed())
	}
},
	Entry("beside it", "report.json", true),
	Entry("below it", "reports/report.json", true),
	Entry("in a folder that is not there yet", "new/report.json", true),
	Entry("by a link that stays inside", "inside/report.json", true),
	Entry("to standard output", "-", true),
	Entry("above it", "../report.json", false),
	Entry("by another way", "reports/../../elsewhere/report.json", false),
	Entry("by a link to a folder outside", "outside/report.json", false),
	Entry("by a link to a file outside that is not there yet", "profile", false),
	Entry("by a link to a file inside that is not there yet, where it leads cannot be told", "latest.json", false),
	Entry("somewhere else", "/etc/report.json", false),
	Entry("to a device", "/dev/tty", false),
)
