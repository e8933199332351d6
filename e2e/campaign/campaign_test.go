package campaign_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
)

// The cells that run at a time: those that wait, and those that work.
const (
	mostWaiting = 32
	most        = 12
)

// sampled is how many cells a sample has; a row of the table has at least one.
const sampled = 120

var _ = It("no fault of the table makes a command lie, hang, leak or leave a mess", func(ctx SpecContext) {
	cells := everyCell(ctx)
	total := len(cells)
	if only := os.Getenv("CAMPAIGN_ONLY"); only != "" {
		fits := regexp.MustCompile(only)
		cells = slices.DeleteFunc(cells, func(c *cell) bool { return !fits.MatchString(c.String()) })
	}
	cells = shuffled(cells)
	if !all {
		cells = cells[:min(len(cells), sampled)]
	}
	By(fmt.Sprintf("%d of %d cells, CAMPAIGN_SEED=%d", len(cells), total, seed))
	results := runAll(ctx, cells)
	matrix := matrixOf(results)
	AddReportEntry("matrix", matrix.text(), ReportEntryVisibilityFailureOrVerbose)
	fmt.Fprintln(GinkgoWriter, matrix.text())
	if all {
		Expect(writeTrust(matrix, len(results), total)).To(Succeed())
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

// shuffled begins with a cell of each row of the table.
func shuffled(cells []*cell) []*cell {
	draw(1).Shuffle(len(cells), func(i, j int) { cells[i], cells[j] = cells[j], cells[i] })
	seen := map[string]bool{}
	var first, rest []*cell
	for _, c := range cells {
		if row := c.fault.row; !seen[row] {
			seen[row] = true
			first = append(first, c)
			continue
		}
		rest = append(rest, c)
	}
	return append(first, rest...)
}

// result is a cell and what is wrong with it.
type result struct {
	cell  *cell
	wrong []string
}

// runAll runs cells until the time is up, if there is a bound.
func runAll(ctx context.Context, cells []*cell) []result {
	var mu sync.Mutex
	var results []result
	var working, waiting, both errgroup.Group
	working.SetLimit(most)
	waiting.SetLimit(mostWaiting)
	start := func(g *errgroup.Group, cells []*cell) error {
		for _, c := range cells {
			g.Go(func() error {
				if !until.IsZero() && time.Now().After(until) {
					return nil
				}
				wrong := c.judge(ctx)
				mu.Lock()
				defer mu.Unlock()
				if len(wrong) > 0 {
					fmt.Fprintf(GinkgoWriter, "%s\n    %s\n", c, strings.Join(wrong, "\n    "))
				}
				results = append(results, result{c, wrong})
				return nil
			})
		}
		return g.Wait()
	}
	hangs := func(c *cell) bool { return c.fault.hangs || c.fault.hung }
	both.Go(func() error { return start(&working, slices.DeleteFunc(slices.Clone(cells), hangs)) })
	both.Go(func() error {
		return start(&waiting, slices.DeleteFunc(slices.Clone(cells), func(c *cell) bool { return !hangs(c) }))
	})
	_ = both.Wait()
	return results
}
