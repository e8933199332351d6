package privileges_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
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
	Expect(t.said).To(ContainSubstring(privilege), what)
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

// because is what a run says of a missing privilege: the shortest of its sentences that
// names it.
func (t *trial) because(privilege string) (shortest string) {
	var tree any
	_ = json.Unmarshal([]byte(t.report), &tree)
	sentences := texts(tree)
	for line := range strings.Lines(t.said) {
		if text, ok := strings.CutPrefix(line, "vic-preflight: "); ok {
			sentences = append(sentences, text)
		}
	}
	for _, text := range sentences {
		text = named.ReplaceAllString(strings.TrimSpace(text), "")
		if strings.Contains(text, privilege) && (shortest == "" || len(text) < len(shortest)) {
			shortest = text
		}
	}
	return shortest
}

// named is what a sentence says of one host or address alone.
var named = regexp.MustCompile(`^(esx\d+\.example|127[\d.]+): |127\.0\.0\.1:\d+: `)

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
			keys = append(keys, key)
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
			found = append(found, f)
		}, SpecTimeout(2*time.Minute))
	}

	It("are those of docs/privileges.md; make golden writes it", func() { verifyPage(page(found)) })
})
