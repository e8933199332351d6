package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("a run against an earlier one", func() {
	It("tells what is new, mended and gone, in the run and in diff, and fails a gate by what is new", func(ctx SpecContext) {
		vc, s := hostScenario("mixed")
		dir := GinkgoT().TempDir()
		save := func(name string, args ...string) string {
			GinkgoHelper()
			out := command(ctx, s.env(), preflight, append([]string{"check", "-o", "json", "--allow-unknown", "--refresh"}, args...)...)
			Expect(out.code).To(BeElementOf(0, 1), out.stderr)
			file := filepath.Join(dir, name)
			Expect(os.WriteFile(file, []byte(out.stdout), 0o600)).To(Succeed())
			return file
		}
		monday := save("monday.json")
		gate := []string{"check", "--refresh", "--allow-unknown", "--baseline", monday, "--fail-on", "new"}
		Expect(command(ctx, s.env(), preflight, gate...).code).To(Equal(0), "what failed on Monday does not count")

		Expect(command(ctx, s.env(), preflight, "fix", "--allow", "--host", "esx0[34]*", "--yes", "--journal", filepath.Join(dir, "j")).code).To(Equal(0))
		out := command(ctx, s.env(), preflight, gate...)
		Expect(out.code).To(Equal(0), out.stderr)
		Expect(out.stdout).To(MatchRegexp(`against .*monday\.json of 20\S+ \S+ UTC: 2 mended, \d+ unchanged`))

		By("a host that fails now")
		for _, ruleset := range []string{"vic-engine", "vSPC"} {
			vc.Host("esx01.example").RemoveRuleset(ruleset)
		}
		out = command(ctx, s.env(), preflight, gate...)
		Expect(out.code).To(Equal(1))
		Expect(out.stdout).To(ContainSubstring("new failures: esx01.example"))
		tuesday := save("tuesday.json", "--baseline", monday)

		out = command(ctx, s.env(), preflight, "diff", monday, tuesday, "-o", "json")
		Expect(out.code).To(Equal(0), out.stderr)
		var d struct {
			Targets []struct {
				Findings []struct{ Change, Name, Check string }
			}
			Summary struct{ NewFailures, Mended, Gone int }
		}
		Expect(json.Unmarshal([]byte(out.stdout), &d)).To(Succeed())
		Expect(d.Summary.NewFailures).To(Equal(1))
		Expect(d.Summary.Mended).To(Equal(2))
		Expect(d.Summary.Gone).To(BeZero())
		Expect(d.Targets[0].Findings[0]).To(Equal(struct{ Change, Name, Check string }{"new", "esx01.example", "outbound-port"}))
		Expect(command(ctx, s.env(), preflight, "diff", monday, tuesday, "--fail-on", "new").code).To(Equal(1))
		Expect(command(ctx, s.env(), preflight, "diff", tuesday, tuesday, "--fail-on", "new").code).To(Equal(0))

		By("files that are no reports")
		out = command(ctx, s.env(), preflight, "diff", monday, filepath.Join(dir, "j"))
		Expect(out.code).To(Equal(2))
		Expect(out.stderr).To(ContainSubstring("it is no report of vic-preflight in JSON"))
	}, SpecTimeout(time.Minute))
})
