package campaign_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

// matrix is faults by commands: how many cells went well, of how many.
type matrix struct {
	rows  []string
	cells map[string]map[string][2]int
}

func matrixOf(results []result) matrix {
	m := matrix{cells: map[string]map[string][2]int{}}
	for _, r := range results {
		row := r.cell.fault.row
		if m.cells[row] == nil {
			m.cells[row] = map[string][2]int{}
		}
		n := m.cells[row][r.cell.command.name]
		if len(r.wrong) == 0 {
			n[0]++
		}
		n[1]++
		m.cells[row][r.cell.command.name] = n
	}
	for _, f := range faultsOf(traits{calls: 3, methods: []string{"x"}, paths: []string{"x"}, hosts: []string{"x"}}) {
		if _, ok := m.cells[f.row]; ok && !slices.Contains(m.rows, f.row) {
			m.rows = append(m.rows, f.row)
		}
	}
	return m
}

// text is the matrix as a table of Markdown.
func (m matrix) text() string {
	var b strings.Builder
	b.WriteString("| fault |")
	for _, c := range commands {
		fmt.Fprintf(&b, " %s |", c.name)
	}
	b.WriteString(" all |\n|---|" + strings.Repeat("---|", len(commands)+1) + "\n")
	whole := map[string][2]int{}
	line := func(name string, of map[string][2]int) {
		var sum [2]int
		fmt.Fprintf(&b, "| %s |", name)
		for _, c := range commands {
			n := of[c.name]
			sum[0], sum[1] = sum[0]+n[0], sum[1]+n[1]
			if n[1] == 0 {
				b.WriteString(" |")
				continue
			}
			fmt.Fprintf(&b, " %d of %d |", n[0], n[1])
		}
		fmt.Fprintf(&b, " %d of %d |\n", sum[0], sum[1])
	}
	for _, row := range m.rows {
		line(row, m.cells[row])
		for name, n := range m.cells[row] {
			w := whole[name]
			whole[name] = [2]int{w[0] + n[0], w[1] + n[1]}
		}
	}
	line("all", whole)
	return b.String()
}

const (
	begin = "<!-- make campaign: begin -->"
	end   = "<!-- make campaign: end -->"
)

// writeTrust puts the matrix between the markers of docs/trust.md.
func writeTrust(m matrix, run, total int) error {
	return testsuite.WriteTrust(filepath.Join("..", "..", "docs", "trust.md"), begin, end,
		fmt.Sprintf("%d of %d cells were run, seed %d, commit %s.\n\n%s", run, total, seed, commit, m.text()))
}
