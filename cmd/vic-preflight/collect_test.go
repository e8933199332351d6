package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("collect", func() {
	It("writes facts that check --facts passes the same verdicts on", func(ctx SpecContext) {
		vc := start("mixed")
		file := filepath.Join(GinkgoT().TempDir(), "facts.json")
		args := append([]string{"collect"}, flags(vc, "-o", file)[1:]...)
		out := invocation{args: args}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(out.stdout).To(BeEmpty())
		Expect(out.stderr).To(Equal(shown +
			"warning: the firewall of 4 of 20 hosts could not be read (esx31.example, esx32.example, esx15.example and 1 more); esx31.example: not responding\n" +
			"note: " + file + " holds the facts of 20 hosts\n"))
		text, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(text)).NotTo(Or(ContainSubstring(secret), ContainSubstring(vc.Thumbprint)))

		again := invocation{args: args}.run(ctx)
		Expect(again.code).To(Equal(exitUsage))
		Expect(again.stderr).To(Equal("vic-preflight: --output " + file + " is there already\nhint: --force replaces it\n"))
		Expect(invocation{args: append(args, "--force")}.run(ctx).code).To(Equal(exitOK))

		live := invocation{args: flags(vc, "--compute-resource", "prod")}.run(ctx)
		calls := vc.Requests()
		// The environment names a target, as it does in a shell that also works live.
		byFile := invocation{
			args: []string{"check", "--facts", file, "--compute-resource", "prod"}, env: map[string]string{"VIC_MACHINE_TARGET": "127.0.0.1:1"},
		}.run(ctx)
		Expect(vc.Requests()).To(Equal(calls), "no connection is made")
		Expect(byFile.code).To(Equal(live.code))
		liveTitle, liveTable, _ := strings.Cut(live.stdout, "\n")
		title, table, _ := strings.Cut(byFile.stdout, "\n")
		// A file of facts holds no login.
		Expect(table).To(Equal(regexp.MustCompile(` --(user|thumbprint)=\S+`).ReplaceAllString(liveTable, "")))
		Expect(liveTitle).To(HavePrefix(vc.URL.Host + " (simulated)"))
		Expect(title).To(MatchRegexp(`^%s, facts of \d{4}-\d\d-\d\d \d\d:\d\d UTC \(simulated\)`, vc.URL.Host))
	}, SpecTimeout(time.Minute))

	It("is not done where of no host there is anything to judge", func(ctx SpecContext) {
		file := filepath.Join(GinkgoT().TempDir(), "facts.json")
		out := invocation{args: []string{"collect", "sim://mixed", "--host", "esx31*", "--host", "esx32*", "-o", file}}.run(ctx)
		Expect(out.code).To(Equal(exitUnknown))
		Expect(out.stderr).To(ContainSubstring("vic-preflight: the firewall of no host could be read (esx31.example, esx32.example); esx31.example: not responding\n"))
		Expect(out.stderr).To(ContainSubstring("note: " + file + " holds the facts of 2 hosts"))
		Expect(invocation{args: []string{"check", "--facts", file}}.run(ctx).code).To(Equal(exitUnknown), "a check by them says so too")

		out = invocation{args: []string{"collect", "sim://mixed", "sim://nosuch", "-o", file, "--force"}}.run(ctx)
		Expect(out.code).To(Equal(exitUsage))
	}, SpecTimeout(time.Minute))

	It("writes whom hosts talk to by their own settings, where they are asked for", func(ctx SpecContext) {
		file := filepath.Join(GinkgoT().TempDir(), "facts.json")
		out := invocation{args: []string{"collect", "sim://open", "--profile", "auto", "-o", file}}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		_, live, _ := strings.Cut(invocation{args: []string{"check", "sim://open", "--profile", "auto"}}.run(ctx).stdout, "\n")
		_, byFile, _ := strings.Cut(invocation{args: []string{"check", "--facts", file, "--profile", "auto"}}.run(ctx).stdout, "\n")
		Expect(byFile).To(Equal(live))
		Expect(byFile).To(ContainSubstring("vpxHeartbeats"))
	}, SpecTimeout(time.Minute))

	DescribeTable("and --facts refuse", verifyBad,
		Entry("a profile that is none", badRow{invocation{args: []string{"collect", "sim://mixed", "-o", "x", "--profile", "nope"}}, exitUsage, "nope", "profiles lists them"}),
		Entry("no file", badRow{invocation{args: []string{"collect", "sim://mixed"}}, exitUsage, "give --output FILE", ""}),
		Entry("no target", badRow{invocation{args: []string{"collect", "-o", "x"}}, exitUsage, "no target", "sim://mixed"}),
		Entry("a port that is none", badRow{invocation{args: []string{"collect", "sim://mixed", "-o", "x", "--port", "0"}}, exitUsage, "--port 0 is not a port", ""}),
		Entry("a file that is not there", badRow{invocation{args: []string{"check", "--facts", "/nonexistent"}}, exitUsage, "--facts /nonexistent: cannot be opened: no such file", "collect"}),
		Entry("an empty name", badRow{invocation{args: []string{"check", "--facts="}}, exitUsage, "--facts is given and empty", "unset"}),
		Entry("a target beside it", badRow{invocation{args: []string{"check", "--facts", "x", "vc.example"}}, exitUsage, "--target does not go with --facts", "leave --facts out"}),
		Entry("a password beside it", badRow{invocation{args: []string{"check", "--facts", "x", "-t", "root:" + secret + "@vc.example"}}, exitUsage, "--target does not go with --facts", ""}),
		Entry("a fix", badRow{invocation{args: []string{"check", "--facts", "x", "--fix"}}, exitUsage, "--fix does not go with --facts", "--target sim://x"}),
		Entry("a probe", badRow{invocation{args: []string{"check", "--facts", "x", "--probe", "serial"}}, exitUsage, "--probe does not go with --facts", ""}),
		Entry("a refresh", badRow{invocation{args: []string{"check", "--facts", "x", "--refresh"}}, exitUsage, "--refresh does not go with --facts", ""}),
		Entry("logins", badRow{invocation{args: []string{"check", "--facts", "x", "--ssh"}}, exitUsage, "--ssh does not go with --facts", ""}),
		Entry("an undo", badRow{invocation{args: []string{"undo", "x", "--facts", "x"}}, exitUsage, "unknown flag: --facts", ""}),
		Entry("a simulator of no file", badRow{invocation{args: []string{"check", "sim://./none.json"}}, exitUsage, "./none.json: cannot be opened", ""}),
		Entry("a served simulator of no file", badRow{invocation{args: []string{"sim", "none.json"}}, exitUsage, "none.json: cannot be opened", ""}),
	)

	It("says of itself what the other commands do", func(ctx SpecContext) {
		out := invocation{args: []string{"collect", "--help-all"}}.run(ctx)
		Expect(out.stdout).To(HaveSuffix(exitStatus + "\n"))
		text, _, _ := strings.Cut(out.stdout, "\nEXAMPLES\n")
		for line := range strings.Lines(text) {
			Expect(len(strings.TrimSuffix(line, "\n"))).To(BeNumerically("<=", 80), line)
		}
	})
})
