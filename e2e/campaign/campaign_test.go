package campaign_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
)

// The cells that run at a time: those that wait, and those that work.
const (
	waiting = 48
	working = 6
)

// sampled is how many cells a sample has; a row of the table has at least one.
const sampled = 300

var _ = It("no fault of the table makes a command lie, hang, leak or leave a mess", func(ctx SpecContext) {
	cells := everyCell(ctx)
	total := len(cells)
	if only := os.Getenv("CAMPAIGN_ONLY"); only != "" {
		fits := regexp.MustCompile(only)
		cells = slices.DeleteFunc(cells, func(c *cell) bool { return !fits.MatchString(c.String()) })
	}
	if !all {
		cells = sample(cells)
	}
	By(fmt.Sprintf("%d of %d cells, CAMPAIGN_SEED=%d", len(cells), total, seed))
	results := runAll(ctx, cells)
	matrix := matrixOf(results)
	AddReportEntry("matrix", matrix.text(), ReportEntryVisibilityFailureOrVerbose)
	fmt.Fprintln(GinkgoWriter, matrix.text())
	if all {
		Expect(writeTrust(matrix, len(cells))).To(Succeed())
	}
	var misses []string
	for _, r := range results {
		if len(r.wrong) > 0 {
			misses = append(misses, r.cell.String()+"\n    "+strings.Join(r.wrong, "\n    "))
		}
	}
	slices.Sort(misses)
	Expect(misses).To(BeEmpty(), "CAMPAIGN_SEED=%d\n%s", seed, strings.Join(misses, "\n"))
})

// everyCell asks each command what it does when nothing goes wrong, and lets each fault
// happen to it.
func everyCell(ctx context.Context) (cells []*cell) {
	GinkgoHelper()
	for _, c := range commands {
		of, err := consult(ctx, c)
		Expect(err).NotTo(HaveOccurred())
		for _, f := range faultsOf(of.traits) {
			cells = append(cells, &cell{c, f, of})
		}
	}
	return cells
}

// sample takes one cell of each row and command, then others up to the number.
func sample(cells []*cell) []*cell {
	r := draw(1)
	r.Shuffle(len(cells), func(i, j int) { cells[i], cells[j] = cells[j], cells[i] })
	seen := map[string]bool{}
	var picked, rest []*cell
	for _, c := range cells {
		if key := c.fault.row; !seen[key] {
			seen[key] = true
			picked = append(picked, c)
			continue
		}
		rest = append(rest, c)
	}
	return append(picked, rest[:min(len(rest), max(0, sampled-len(picked)))]...)
}

// result is a cell and what is wrong with it.
type result struct {
	cell  *cell
	wrong []string
}

func runAll(ctx context.Context, cells []*cell) []result {
	var mu sync.Mutex
	var results []result
	var groups [2]errgroup.Group
	groups[0].SetLimit(working)
	groups[1].SetLimit(waiting)
	run := func(g *errgroup.Group, cells []*cell) {
		for _, c := range cells {
			g.Go(func() error {
				wrong := c.judge(ctx)
				mu.Lock()
				defer mu.Unlock()
				results = append(results, result{c, wrong})
				return nil
			})
		}
		_ = g.Wait()
	}
	hangs := func(c *cell) bool { return c.fault.hangs }
	quick := slices.DeleteFunc(slices.Clone(cells), hangs)
	run(&groups[0], quick)
	run(&groups[1], slices.DeleteFunc(slices.Clone(cells), func(c *cell) bool { return !hangs(c) }))
	return results
}
