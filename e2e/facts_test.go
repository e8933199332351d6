package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("a rehearsal", func() {
	It("changes a simulator of the collected facts, and takes it back, in processes of their own", func(ctx SpecContext) {
		estate := serveScenario("mixed")
		dir := GinkgoT().TempDir()
		file := filepath.Join(dir, "facts.json")
		Expect(command(ctx, estate.env(), preflight, "collect", "-o", file).code).To(Equal(0))
		rehearsal := serveScenario(file)

		times := regexp.MustCompile(`"(target|startedAt|bootTime|durationMs|instanceUuid)": ("[^"]*"|\d+)`)
		check := func(env []string, args ...string) string {
			GinkgoHelper()
			out := command(ctx, env, preflight, append([]string{"check", "-o", "json"}, args...)...)
			Expect(out.code).To(Equal(1), out.stderr)
			return times.ReplaceAllString(out.stdout, `"$1"`)
		}
		before := check(estate.env())
		Expect(check(environment(), "--facts", file)).To(Equal(before))
		Expect(check(rehearsal.env())).To(Equal(before))

		journal := filepath.Join(dir, "journal.jsonl")
		fixed := command(ctx, rehearsal.env(), preflight, "fix", "--allow", "--host", "esx0[34]*", "--journal", journal)
		Expect(fixed.code).To(Equal(0), fixed.stderr)
		Expect(command(ctx, rehearsal.env(), preflight, "check", "--host", "esx0[34]*").code).To(Equal(0))
		Expect(check(estate.env())).To(Equal(before), "nothing but the simulator changed")

		wrong := command(ctx, estate.env(), preflight, "undo", journal)
		Expect(wrong.code).To(Equal(2), "a journal of a rehearsal is none of the server: %s", wrong.stderr)
		undone := command(ctx, rehearsal.env(), preflight, "undo", journal)
		Expect(undone.code).To(Equal(0), undone.stderr)
		Expect(check(rehearsal.env())).To(Equal(before))

		// What one command changes of a simulator of its own ends with it.
		own := command(ctx, environment("XDG_STATE_HOME="+dir), preflight, "fix", "--allow", "sim://"+file, "--host", "esx0[34]*")
		Expect(own.code).To(Equal(0), own.stderr)
		text, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		Expect(command(ctx, estate.env(), preflight, "collect", "-o", file, "--force").code).To(Equal(0))
		again, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		collectedAt := regexp.MustCompile(`"collectedAt":"[^"]*"`)
		Expect(collectedAt.ReplaceAllString(string(again), "")).To(Equal(collectedAt.ReplaceAllString(string(text), "")), "the same facts make the same file")
	}, SpecTimeout(2*time.Minute))
})
