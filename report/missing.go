package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
)

// Missing says in a line what keeps a report from being good: what failed of the virtual
// container host, the hosts that failed or of
// which nothing is known, the worst first, and the targets that were not checked.
func (r *Report) Missing() string {
	var parts []string
	for _, run := range r.Runs {
		if run.Err != nil {
			parts = append(parts, Clean(run.Target)+" (not checked)")
			continue
		}
		for _, res := range run.vchResults() {
			if res.Status == checks.Fail || res.Status == checks.Unknown {
				parts = append(parts, fmt.Sprintf("%s (%s)", lastElement(res.Subject), run.told(res)))
			}
		}
		if run.hostless() {
			parts = append(parts, fmt.Sprintf("%s (%s)", Clean(run.Target), noHost))
		}
		byHost, names := run.byHost(), run.shortNames()
		rows := run.rows(byHost)
		order := make([]int, 0, len(rows))
		for i, row := range rows {
			if row.status == checks.Fail || row.status == checks.Unknown {
				order = append(order, i)
			}
		}
		slices.SortStableFunc(order, func(x, y int) int { return checks.CompareStatus(rows[x].status, rows[y].status) })
		for _, i := range order {
			code := "nothing known"
			if len(rows[i].codes) > 0 {
				code = rows[i].codes[0]
			}
			parts = append(parts, fmt.Sprintf("%s (%s)", names[run.Inventory.Hosts[i].Path], code))
		}
	}
	if len(parts) == 0 {
		return strings.Join(r.summaryLines(Style{}), "; ") // warnings that count
	}
	return fmt.Sprintf("%d: %s", len(parts), few(parts))
}
