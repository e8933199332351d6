package slips_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

// tableOf tells by area how many slips were caught, of how many, and names the others.
func tableOf(results []result) string {
	var areas, missed []string
	caughtIn, in := map[string]int{}, map[string]int{}
	for _, r := range results {
		if !slices.Contains(areas, r.slip.area) {
			areas = append(areas, r.slip.area)
		}
		in[r.slip.area]++
		in["all"]++
		if r.verdict == caught {
			caughtIn[r.slip.area]++
			caughtIn["all"]++
			continue
		}
		why := r.slip.Missed
		if why == "" {
			why = string(r.verdict)
		}
		missed = append(missed, fmt.Sprintf("- %s: %s (%s)\n", r.slip.area, r.slip.Name, why))
	}
	slices.Sort(areas)
	slices.Sort(missed)
	var b strings.Builder
	b.WriteString("| area | caught |\n|---|---|\n")
	for _, area := range append(areas, "all") {
		fmt.Fprintf(&b, "| %s | %d of %d |\n", area, caughtIn[area], in[area])
	}
	if len(missed) > 0 {
		b.WriteString("\nNot caught:\n\n" + strings.Join(missed, ""))
	}
	return b.String()
}

const (
	begin = "<!-- make campaign, slips: begin -->"
	end   = "<!-- make campaign, slips: end -->"
)

// writeTrust puts the table between the markers of docs/trust.md.
func writeTrust(table string, made, total int) error {
	return testsuite.WriteTrust(filepath.Join(root, "docs", "trust.md"), begin, end,
		fmt.Sprintf("%d of %d slips were made, commit %s.\n\n%s", made, total, commit, table))
}
