// Package oracle holds verdicts, plans and undos against an oracle that knows nothing of how
// they are made: random inventories are judged a second time, from docs/verdicts.md and what
// is known of ESXi's firewall alone.
package oracle_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"pgregory.net/rapid"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestOracle(t *testing.T) { testsuite.Run(t, "e2e/oracle") }

// What fails is drawn again by its seed; the tests leave no files.
func init() {
	_ = flag.Set("rapid.nofailfile", "true")
	_ = flag.Set("rapid.shrinktime", "20s")
}

// shown is a value in full, for the message of what fails.
func shown(value any) string {
	text, err := json.Marshal(value)
	Expect(err).NotTo(HaveOccurred())
	return string(text)
}

// seed is CAMPAIGN_SEED, or another one each time.
func seed() uint64 {
	GinkgoHelper()
	text := os.Getenv("CAMPAIGN_SEED")
	if text == "" {
		return rand.Uint64N(1 << 48)
	}
	n, err := strconv.ParseUint(text, 10, 64)
	Expect(err).NotTo(HaveOccurred(), "CAMPAIGN_SEED is a number")
	return n
}

// Each property is tried on that many hosts, and on a hundred times as many in a campaign.
const manyHosts = 10_000

// always tries a property until it has seen enough hosts; it tells how many it saw each
// time.
func always(property func(t *rapid.T) int) {
	GinkgoHelper()
	hosts := manyHosts
	if os.Getenv("CAMPAIGN") != "" {
		hosts *= 100
	}
	const checks = 200
	Expect(flag.Set("rapid.checks", strconv.Itoa(checks))).To(Succeed())
	first, seen, began := seed(), 0, time.Now()
	for round := uint64(0); seen < hosts; round++ {
		By(fmt.Sprintf("CAMPAIGN_SEED=%d, %d hosts before", first+round, seen))
		Expect(flag.Set("rapid.seed", strconv.FormatUint(first+round, 10))).To(Succeed())
		rapid.Check(GinkgoT(), func(t *rapid.T) { seen += property(t) })
	}
	GinkgoWriter.Printf("%d hosts in %s, CAMPAIGN_SEED=%d\n", seen, time.Since(began).Round(time.Millisecond), first)
}
