// Package slips makes small mistakes in the production code on purpose, one at a time, and
// asks the tests whether they notice. It knows a slip by its table, and the tests by what
// they report.
package slips_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestSlips(t *testing.T) { testsuite.Run(t, "e2e/slips") }

// all is set by make campaign: every slip instead of a sample.
var all = os.Getenv("CAMPAIGN") == "all"

// until is when no more slips are made, where SLIPS_TIME bounds it: they come in the seed's
// order then, so that those which were made are a fair sample.
var until time.Time

// seed says which slips a sample has. It is the same in every run that gives none: what a
// change did not do must not fail it.
var seed int64 = 20261127

// commit is what the slips are made in, as it was when they began.
var commit string

var _ = BeforeSuite(func() {
	if text := os.Getenv("SLIPS_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseInt(text, 10, 64)
		Expect(err).NotTo(HaveOccurred(), "SLIPS_SEED")
	}
	if text := os.Getenv("SLIPS_TIME"); text != "" {
		bound, err := time.ParseDuration(text)
		Expect(err).NotTo(HaveOccurred(), "SLIPS_TIME")
		until = time.Now().Add(bound)
	}
	AddReportEntry("seed", fmt.Sprintf("SLIPS_SEED=%d", seed), ReportEntryVisibilityFailureOrVerbose)
	described, err := exec.Command("git", "describe", "--always", "--dirty", "--exclude=*").Output()
	Expect(err).NotTo(HaveOccurred())
	commit = strings.TrimSpace(string(described))
})

func shuffle(slips []*slip) {
	rand.New(rand.NewPCG(uint64(seed), 1)).Shuffle(len(slips), func(i, j int) { slips[i], slips[j] = slips[j], slips[i] })
}
