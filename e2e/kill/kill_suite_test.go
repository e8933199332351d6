//go:build unix

// Package kill ends fix and undo of the built binary at random moments, by each signal, and
// sees that undo restores what there was and that nothing is left.
package kill_test

import (
	"bufio"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestKill(t *testing.T) { testsuite.Run(t, "e2e/kill") }

var preflight string

var _ = BeforeSuite(func() {
	preflight = testsuite.Program("cmd/vic-preflight")
})

// rounds is how often something is tried: all of it in a campaign.
func rounds(some, all int) int {
	if os.Getenv("CAMPAIGN") != "" {
		return all
	}
	return some
}

// moments draws when to kill, from CAMPAIGN_SEED or another seed each time. The same seed
// draws the same times; what a program does at a time is its own.
func moments() *rand.Rand {
	GinkgoHelper()
	seed := rand.Uint64N(1 << 48)
	if text := os.Getenv("CAMPAIGN_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		Expect(err).NotTo(HaveOccurred(), "CAMPAIGN_SEED is a number")
	}
	GinkgoWriter.Printf("CAMPAIGN_SEED=%d\n", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// serve serves a scenario from a process of its own until the spec ends, and returns its URL.
func serve(scenario string) string {
	GinkgoHelper()
	cmd := exec.Command(preflight, "sim", scenario, "--listen", "127.0.0.1:0", "--user", "root", "--password", "pw")
	cmd.Env = []string{"HOME=" + GinkgoT().TempDir()}
	out, err := cmd.StdoutPipe()
	Expect(err).NotTo(HaveOccurred())
	Expect(cmd.Start()).To(Succeed())
	DeferCleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	found := make(chan string, 1)
	go func() {
		at := regexp.MustCompile(`https://[^ ]+`)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if m := at.FindString(lines.Text()); m != "" {
				found <- m
				break
			}
		}
		_, _ = io.Copy(io.Discard, out)
	}()
	var url string
	Eventually(found).WithTimeout(time.Minute).Should(Receive(&url))
	return url
}
