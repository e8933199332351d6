package privileges_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
)

// finding is what was found of a job.
type finding struct {
	job  *job
	full *trial
	// set are the privileges that the job takes, and without is what comes of one fewer.
	set     []string
	without map[string]*trial
	// readOnly is what comes of the built-in role "Read-only".
	readOnly *trial
}

// always are in every role.
var always = []string{"System.Read", "System.View"}

func except(list []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == one })
}

// find takes away what is not missed, and then what is.
func (j *job) find(ctx context.Context) *finding {
	GinkgoHelper()
	f := &finding{job: j, full: j.try(ctx), without: map[string]*trial{}}
	f.set = slices.Compact(slices.Sorted(slices.Values(slices.Concat(always, f.full.asked))))
	for _, privilege := range slices.Clone(f.set) {
		if t := j.try(ctx, except(f.set, privilege)...); t.same(f.full) {
			f.set = except(f.set, privilege)
			clear(f.without) // with more than is needed
		} else {
			f.without[privilege] = t
		}
	}
	for _, privilege := range f.set {
		if f.without[privilege] == nil {
			f.without[privilege] = j.try(ctx, except(f.set, privilege)...)
		}
	}
	f.readOnly = j.try(ctx, always...)
	return f
}

// verify holds a trial without a privilege against the one with all: it says what is
// missing, and nothing passes that did not.
func (f *finding) verify(privilege string, t *trial) {
	GinkgoHelper()
	what := fmt.Sprintf("%s without %s: exit %d\n%s", f.job.title, privilege, t.code, t.said)
	Expect(t.same(f.full)).To(BeFalse(), what)
	Expect(strings.Contains(t.said, privilege)).To(BeTrue(), "it is named: %s", what)
	f.verifyVerdicts(t, what)
}

// verifyVerdicts sees that nothing passes that does not with all privileges, and that no run
// is well that did less.
func (f *finding) verifyVerdicts(t *trial, what string) {
	GinkgoHelper()
	for where, status := range t.verdicts {
		if status == "pass" {
			Expect(f.full.verdicts).To(HaveKeyWithValue(where, "pass"), "%s passes: %s", where, what)
		}
	}
	if t.code == 0 {
		Expect(f.full.code).To(BeZero(), what)
		Expect(t.state).To(Equal(f.full.state), "not all was done: %s", what)
	}
}

// because is what a run says of a missing privilege: the shortest sentence of its report
// that names it, else of what was printed beside.
func (t *trial) because(privilege string) string {
	var tree any
	_ = json.Unmarshal([]byte(t.report), &tree)
	var printed []string
	for line := range strings.Lines(t.said) {
		for _, prefix := range []string{"vic-preflight: ", "warning: "} {
			if text, ok := strings.CutPrefix(line, prefix); ok {
				printed = append(printed, strings.TrimSpace(text))
			}
		}
	}
	for _, sentences := range [][]string{texts(tree), printed} {
		sentences = slices.DeleteFunc(sentences, func(s string) bool { return !strings.Contains(s, privilege) })
		if len(sentences) > 0 {
			shortest := slices.MinFunc(sentences, func(a, b string) int { return len(a) - len(b) })
			shortest, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(shortest), "vic-preflight: "), "; vic-machine create")
			return hostNames.ReplaceAllString(own.ReplaceAllString(shortest, ""), "HOST")
		}
	}
	return ""
}

// own is what a sentence has of the simulator, and of one run, alone.
var own = regexp.MustCompile(`127\.0\.0\.1:\d+: | vic-preflight-probe-\w+`)

var hostNames = regexp.MustCompile(`esx\d+\.example`)

// texts are the texts of a document, in the order of its keys.
func texts(node any) (all []string) {
	switch node := node.(type) {
	case string:
		return []string{node}
	case []any:
		for _, value := range node {
			all = append(all, texts(value)...)
		}
	case map[string]any:
		keys := make([]string, 0, len(node))
		for key := range node {
			if key != "hint" {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		for _, key := range keys {
			all = append(all, texts(node[key])...)
		}
	}
	return all
}

var _ = Describe("the privileges of commands", Ordered, ContinueOnFailure, func() {
	var found []*finding
	for _, j := range jobs {
		It("are found: "+j.title, func(ctx SpecContext) {
			f := j.find(ctx)
			By(fmt.Sprintf("%s: exit %d with %v", j.title, f.full.code, f.set))
			Expect(j.try(ctx, f.set...).same(f.full)).To(BeTrue(), "with these alone: %v", f.set)
			for privilege, t := range f.without {
				f.verify(privilege, t)
			}
			f.verifyVerdicts(f.readOnly, "with the role Read-only: "+f.readOnly.said)
			Expect(f.unknowing()).NotTo(BeEmpty(), "what is not known with the role Read-only")
			found = append(found, f)
		}, SpecTimeout(2*time.Minute))
	}

	It("are those of docs/privileges.md; make golden writes it", func() { verifyPage(page(found)) })

	It("are given by the page's commands, as printed", func(ctx SpecContext) {
		text, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		vc := simtest.Start(GinkgoTB(), "open", sim.Options{User: "root", Password: "pw"})
		given := runRoles(ctx, vc, string(text))
		Expect(given).To(HaveLen(len(roles)))
		for _, f := range found {
			Expect(given).To(HaveKey(f.job.role))
			Expect(f.job.try(ctx, given[f.job.role]...).same(f.full)).To(BeTrue(), "%s with %s", f.job.title, f.job.role)
		}
	}, SpecTimeout(2*time.Minute))
})

// runRoles runs the page's commands by govc, and returns the privileges of each role as
// govc has them then. The account has the last role on the root folder.
func runRoles(ctx context.Context, vc *sim.VCenter, text string) map[string][]string {
	GinkgoHelper()
	const user = "auditor@vsphere.local"
	run := func(args ...string) string {
		GinkgoHelper()
		cmd := exec.CommandContext(ctx, govc, args...)
		cmd.Env = []string{"HOME=" + GinkgoT().TempDir(), "GOVC_URL=" + vc.URL.String(), "GOVC_USERNAME=root", "GOVC_PASSWORD=pw", "GOVC_INSECURE=true"}
		out, err := cmd.CombinedOutput()
		Expect(err).NotTo(HaveOccurred(), "govc %s: %s", args, out)
		return string(out)
	}
	given := map[string][]string{}
	for line := range strings.Lines(text) {
		args, ok := strings.CutPrefix(line, "    govc ")
		if !ok {
			continue
		}
		words := strings.Fields(strings.ReplaceAll(args, "USER", user))
		run(words...)
		if words[0] == "role.create" {
			given[words[1]] = strings.Fields(run("role.ls", words[1]))
		} else {
			Expect(run("permissions.ls", "/")).To(MatchRegexp(`(?m)^` + regexp.QuoteMeta(words[slices.Index(words, "-role")+1]) + `\s.*` + regexp.QuoteMeta(user)))
		}
	}
	return given
}
