package report_test

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

var _ = Describe("a table of many hosts that fail", func() {
	// shut are hosts of one cluster, all of which keep the port shut; the first so many
	// let another address through.
	shut := func(n, listed int) *report.Report {
		hosts := make([]inventory.Host, n)
		for i := range hosts {
			to := "10.0.0.9"
			if i < listed {
				to = "10.0.0.8"
			}
			hosts[i] = member("c", fmt.Sprintf("esx%03d.example", i), outbound("vic-engine", true, &inventory.AllowedHosts{Addrs: []string{to}}, 2377, 0))
		}
		return build(hosts, "10.0.0.5/32")
	}
	// lines are those of the table that begin with the text.
	lines := func(text, prefix string) (found []string) {
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, prefix) {
				found = append(found, strings.TrimSpace(line))
			}
		}
		return found
	}

	It("has a line for each of 100 hosts, and one for 101", func() {
		for _, group := range []report.Grouping{report.GroupAuto, report.GroupNever} {
			Expect(lines(render(shut(100, 0), report.Style{Width: 120, Group: group}), "esx")).To(HaveLen(100))
		}
		text := render(shut(101, 0), report.Style{Width: 120})
		Expect(lines(text, "esx")).To(BeEmpty())
		Expect(lines(text, "101 hosts ")).To(HaveLen(1))
	})

	It("keeps those apart of which something else is to be said, though the reason is the same", func() {
		text := render(shut(130, 20), report.Style{Width: 120, Group: report.GroupAlways})
		Expect(lines(text, "110 hosts ")).To(HaveLen(1))
		Expect(lines(text, "20 hosts ")).To(HaveLen(1))
	})

	It("names each of more than 100 hosts of a cluster once", func() {
		words := strings.FieldsFunc(render(shut(250, 0), report.Style{Width: 120, Group: report.GroupAlways}), func(r rune) bool { return strings.ContainsRune(" \n,", r) })
		told := map[string]int{}
		for _, word := range words {
			told[word]++
		}
		for i := range 250 {
			Expect(told[fmt.Sprintf("esx%03d.example", i)]).To(Equal(1), "host %d", i)
		}
	})
})
