// Package campaign puts the tool before a vCenter that everything goes wrong with: each
// command under each fault of a table, and secrets planted wherever one can be given. It
// knows a run by its options, its report and its error, and never how it proceeds.
package campaign_test

import (
	"fmt"
	"io"
	"log"
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

func TestCampaign(t *testing.T) { testsuite.Run(t, "e2e/campaign") }

// all is set by make campaign: every cell instead of a sample.
var all = os.Getenv("CAMPAIGN") == "all"

// until is when a campaign begins no more cells, where CAMPAIGN_TIME bounds it: cells come
// in the seed's order, so that those which were run are a fair sample.
var until time.Time

// seed says which cells a sample has, and what is drawn in them. It is the same in every run
// that gives none: what a change did not do must not fail it.
var seed int64 = 20261126

// commit is what the campaign is of, as it was when it began.
var commit string

// binary is the built program, for what a process alone can show.
var binary string

var _ = BeforeSuite(func() {
	if text := os.Getenv("CAMPAIGN_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseInt(text, 10, 64)
		Expect(err).NotTo(HaveOccurred(), "CAMPAIGN_SEED")
	}
	if text := os.Getenv("CAMPAIGN_TIME"); text != "" {
		bound, err := time.ParseDuration(text)
		Expect(err).NotTo(HaveOccurred(), "CAMPAIGN_TIME")
		until = time.Now().Add(bound)
	}
	fmt.Fprintf(GinkgoWriter, "CAMPAIGN_SEED=%d\n", seed)
	AddReportEntry("seed", fmt.Sprintf("CAMPAIGN_SEED=%d", seed), ReportEntryVisibilityFailureOrVerbose)
	log.SetOutput(io.Discard) // the simulator's
	described, err := exec.Command("git", "describe", "--always", "--dirty", "--exclude=*").Output()
	Expect(err).NotTo(HaveOccurred())
	commit = strings.TrimSpace(string(described))
	binary = testsuite.Program("cmd/vic-preflight")
})

// draw is a source of random numbers for one purpose.
func draw(purpose uint64) *rand.Rand { return rand.New(rand.NewPCG(uint64(seed), purpose)) }
