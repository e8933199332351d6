package slips_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	. "github.com/onsi/gomega"
)

// sampled is how many slips a sample has.
const sampled = 2

var _ = Describe("the table of slips", func() {
	It("fits the tree: what each slip changes stands there once", func() {
		slips, err := readTable()
		Expect(err).NotTo(HaveOccurred())
		Expect(len(slips)).To(BeNumerically(">", 80))
		seen := map[string]bool{}
		var wrong []string
		for _, s := range slips {
			if _, err := s.applied(); err != nil {
				wrong = append(wrong, fmt.Sprintf("%s: %s: %v", s.area, s.Name, err))
			}
			if seen[s.Name] {
				wrong = append(wrong, fmt.Sprintf("%s: %s: the name is there twice", s.area, s.Name))
			}
			seen[s.Name] = true
		}
		Expect(wrong).To(BeEmpty(), strings.Join(wrong, "\n"))
	})
	It("says that a slip is stale where its text is gone, or there twice", func() {
		s := &slip{Name: "n", File: "f.go", Was: "a < b", Now: "a > b", Tests: []string{"./x"}, Says: []string{"w"}}
		Expect(s.apply("if a < b {")).To(Equal("if a > b {"))
		_, err := s.apply("if a <= b {")
		Expect(err).To(MatchError(`the slip is stale: f.go does not hold "a < b" any more`))
		_, err = s.apply("a < b || a < b")
		Expect(err).To(MatchError(`the slip is stale: f.go holds "a < b" 2 times`))
		gone := &slip{Name: "n", File: "checks/gone.go", Was: "a", Now: "b", Tests: []string{"./x"}, Says: []string{"w"}}
		Expect(gone.run(context.Background(), GinkgoT().TempDir()).verdict).To(Equal(stale))
	})
})

var _ = DescribeTable("a slip is caught by a spec that fails and names it, and by nothing else",
	func(of tested, want verdict, detail string) {
		verdict, said := of.judge([]string{"networks", "lost"})
		Expect(verdict).To(Equal(want))
		Expect(said).To(ContainSubstring(detail))
	},
	Entry("name and message hold the words", tested{specs: specs(types.SpecStatePassed, "", types.SpecStateFailed, "lost"), err: errExit}, caught, "by: merges networks"),
	Entry("all pass", tested{specs: specs(types.SpecStatePassed, "")}, passed, ""),
	Entry("a spec fails without the words", tested{specs: specs(types.SpecStateFailed, "no answer"), err: errExit}, astray, "no answer"),
	Entry("the words are spread over two specs", tested{specs: append(specs(types.SpecStateFailed, "other"), other("lost"))}, astray, "other"),
	Entry("a spec panics", tested{specs: specs(types.SpecStatePanicked, "lost"), err: errExit}, crashed, "panicked"),
	Entry("a spec's time is up", tested{specs: specs(types.SpecStateTimedout, "lost"), err: errExit}, crashed, "timedout"),
	Entry("a spec panics, and another one fails well", tested{specs: specs(types.SpecStatePanicked, "x", types.SpecStateFailed, "lost"), err: errExit}, caught, ""),
	Entry("a test that is no spec fails", tested{specs: specs(types.SpecStatePassed, ""), plain: plainFailures("--- FAIL: TestNetworks (0.1s)\n    --- FAIL: TestNetworks/networks (0.00s)\n        x_test.go:7: one is lost\nFAIL\n"), err: errExit}, caught, "TestNetworks/networks"),
	Entry("a test fails where there are no specs", tested{plainOnly: true, plain: plainFailures("--- FAIL: TestNetworks (0.1s)\n    x_test.go:7: one is lost\n    networks\nFAIL\n"), err: errExit}, caught, "TestNetworks"),
	Entry("all pass where there are no specs", tested{plainOnly: true}, passed, ""),
	Entry("a test that is no spec panics", tested{specs: specs(types.SpecStatePassed, ""), plain: plainFailures("--- FAIL: TestX (0.1s)\npanic: networks are lost\nFAIL\n"), err: errExit}, crashed, "exit status 1"),
	Entry("it does not compile", tested{output: "syntax error", err: errExit}, crashed, "syntax error"),
	Entry("the suite ends in the middle", tested{output: "fatal error", err: errExit}, crashed, "fatal error"),
	Entry("the focus fits no spec", tested{specs: specs(types.SpecStateSkipped, "")}, crashed, "the focus fits none"),
	Entry("all pass, and the program fails", tested{specs: specs(types.SpecStatePassed, ""), output: "DATA RACE", err: errExit}, crashed, "DATA RACE"),
)

var errExit = errors.New("exit status 1")

// specs are reports of specs named "merges networks": a state and a message each.
func specs(of ...any) (list []types.SpecReport) {
	for pair := range slices.Chunk(of, 2) {
		list = append(list, types.SpecReport{
			LeafNodeType: types.NodeTypeIt, LeafNodeText: "merges networks", State: pair[0].(types.SpecState),
			Failure: types.Failure{Message: pair[1].(string)},
		})
	}
	return list
}

// other is the report of a failed spec of another name.
func other(message string) types.SpecReport {
	of := specs(types.SpecStateFailed, message)[0]
	of.LeafNodeText = "signs in"
	return of
}

var _ = It("no slip of the table goes unnoticed", func(ctx SpecContext) {
	slips, err := readTable()
	Expect(err).NotTo(HaveOccurred())
	total := len(slips)
	only := os.Getenv("SLIPS_ONLY")
	switch {
	case only != "":
		fits := regexp.MustCompile(only)
		slips = slices.DeleteFunc(slips, func(s *slip) bool { return !fits.MatchString(s.area + ": " + s.Name) })
		Expect(slips).NotTo(BeEmpty(), "SLIPS_ONLY fits none")
	case !all:
		slips = slices.DeleteFunc(slips, (*slip).heavy)
		shuffle(slips)
		slips = slips[:min(len(slips), sampled)]
	case !until.IsZero():
		shuffle(slips)
	}
	By(fmt.Sprintf("%d of %d slips, SLIPS_SEED=%d", len(slips), total, seed))
	dir := GinkgoT().TempDir()
	var results []result
	for _, s := range slips {
		if !until.IsZero() && time.Now().After(until) {
			break
		}
		r := s.run(ctx, dir)
		fmt.Fprintln(GinkgoWriter, r)
		results = append(results, r)
	}
	text := tableOf(results)
	AddReportEntry("table", text, ReportEntryVisibilityFailureOrVerbose)
	if all && only == "" {
		Expect(writeTrust(text, len(results), total)).To(Succeed())
	}
	misses := wrong(results)
	Expect(misses).To(BeEmpty(), "SLIPS_SEED=%d\n%s", seed, strings.Join(misses, "\n"))
})

// wrong are the results that are not as the table says: a slip that is known to be missed,
// and caught now, is no miss any more.
func wrong(results []result) (list []string) {
	for _, r := range results {
		switch known := r.slip.Missed != ""; {
		case !known && r.verdict != caught:
			list = append(list, r.String())
		case known && r.verdict != passed:
			list = append(list, r.String()+"\nthe table says that it is missed: take that out, or mend the slip")
		}
	}
	return list
}
