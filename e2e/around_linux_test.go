package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("what is around the program", func() {
	It("is no reason to end in the middle of changes: nobody reads standard error any more", func(ctx SpecContext) {
		s := serveScenario("closed")
		r, w, err := os.Pipe()
		Expect(err).NotTo(HaveOccurred())
		Expect(r.Close()).To(Succeed())
		journal := filepath.Join(GinkgoT().TempDir(), "journal")
		cmd := exec.CommandContext(ctx, preflight, "fix", "--allow", "--yes", "--journal", journal)
		cmd.Env, cmd.Stderr = s.env(), w
		Expect(cmd.Run()).To(Succeed(), "it says where its journal is before it changes anything")
		Expect(w.Close()).To(Succeed())
		text, err := os.ReadFile(journal)
		Expect(err).NotTo(HaveOccurred())
		Expect(strings.TrimSpace(string(text))).To(HaveSuffix("}"))
		Expect(string(text)).To(ContainSubstring(`"end":true`), "it came to its end")
		Expect(command(ctx, s.env(), preflight, "check", "--refresh").code).To(Equal(0))
	}, SpecTimeout(time.Minute))

	It("says nowhere where a journal goes: that takes --journal", func(ctx SpecContext) {
		for _, state := range []string{"", "relative"} {
			out := command(ctx, []string{"PATH=" + os.Getenv("PATH"), "XDG_STATE_HOME=" + state}, preflight, "fix", "--allow", "-t", "sim://closed")
			Expect(out.code).To(Equal(4))
			Expect(out.stderr).To(ContainSubstring("neither XDG_STATE_HOME nor HOME is set"))
			Expect(out.stderr).To(ContainSubstring("nothing was changed; --journal names another file"))
		}
		Expect("/.local/state/vic-preflight").NotTo(BeADirectory())
	}, SpecTimeout(time.Minute))

	It("takes no file: what was there stays, and the error names it", func(ctx SpecContext) {
		dir := GinkgoT().TempDir()
		old := filepath.Join(dir, "old.json")
		Expect(os.WriteFile(old, []byte("what was there"), 0o600)).To(Succeed())
		// A file that grows beyond what is allowed fails as one on a full disk does.
		for _, line := range []string{
			"check sim://closed -o json=" + old,
			"collect sim://closed --force -o " + old,
			"vib build --force --bundle --output " + old + ".zip",
		} {
			out := command(ctx, environment(), "sh", "-c", `trap "" XFSZ; ulimit -f 1; exec "$0" "$@"`, "sh", "-c", `exec `+preflight+` `+line)
			Expect(out.code).To(BeElementOf(1, 2), line+out.stderr)
			Expect(out.stderr).To(ContainSubstring(old), line)
			Expect(out.stderr).To(ContainSubstring("file too large"), line)
			Expect(os.ReadFile(old)).To(BeEquivalentTo("what was there"), line)
			Expect(filepath.Glob(filepath.Join(dir, "*"))).To(ConsistOf(old), "nothing is left beside it: "+line)
			Expect(filepath.Glob(filepath.Join(dir, ".*"))).To(BeEmpty(), "nothing is left beside it: "+line)
		}
		for _, place := range []string{"/proc/new.json", dir, "/dev/full", filepath.Join(dir, "nowhere", "new.json")} {
			out := command(ctx, environment(), preflight, "collect", "sim://closed", "-o", place)
			Expect(out.code).To(Equal(2), out.stderr)
			Expect(out.stderr).To(And(HavePrefix("vic-preflight: --output"), ContainSubstring(place)))
		}
	}, SpecTimeout(time.Minute))
})
