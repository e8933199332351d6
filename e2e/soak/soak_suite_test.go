//go:build linux

// Package soak does the same again and again in one process, and side by side in many,
// and holds that nothing grows: no goroutines, descriptors, memory or changes that stay.
package soak_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
	"github.com/vic-preflight/vic-preflight/preflight"
)

// whole asks for the campaign: as often as issue 15 says, and not a sample.
var whole = os.Getenv("CAMPAIGN") != ""

// times is how often something is done: so often in a sample, and by make campaign.
func times(sample, campaign int) int {
	if whole {
		return campaign
	}
	return sample
}

func TestSoak(t *testing.T) { testsuite.Run(t, "e2e/soak") }

// program is the binary, built once.
var program string

func TestMain(m *testing.M) { os.Exit(built(m)) }

// built runs the tests with the program at hand, and returns the exit code.
func built(m *testing.M) int {
	folder, err := os.MkdirTemp("", "vic-preflight-soak-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	program = filepath.Join(folder, "vic-preflight")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/vic-preflight/vic-preflight/cmd/vic-preflight").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v: %s", err, out))
	}
	return m.Run()
}

// The account of the simulators.
const user, password = "root", "pw"

// serve starts a simulator in a process of its own, so that what it keeps does not count,
// until the test ends, and returns its address.
func serve(tb testing.TB, scenario string) string {
	tb.Helper()
	cmd := exec.Command(program, "sim", scenario, "--listen", "127.0.0.1:0", "--user", user, "--password", password)
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	address := regexp.MustCompile(`https://(127\.0\.0\.1:[0-9]+)`)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return m[1]
		}
	}
	tb.Fatal("the simulator told no address")
	return ""
}

// at are the options of a run against a simulator.
func at(address string) preflight.Options {
	return preflight.Options{Target: preflight.Target{Address: address, User: user, Password: password, HasPassword: true, Insecure: true}}
}

// usage is what this process holds.
type usage struct {
	goroutines, descriptors int
	heap                    uint64 // bytes
}

func used(tb testing.TB) usage {
	tb.Helper()
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers let go
	runtime.ReadMemStats(&m)
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		tb.Fatal(err)
	}
	return usage{runtime.NumGoroutine(), len(open), m.HeapAlloc}
}

// mostGrowth is far more than what a collector leaves now and then, and less than a
// hundred inventories of some hosts.
const mostGrowth = 4 << 20

// holdStill waits until the process holds no more than it did before.
func holdStill(before usage) {
	GinkgoHelper()
	DeferCleanup(func() {
		if CurrentSpecReport().Failed() {
			_ = pprof.Lookup("goroutine").WriteTo(GinkgoWriter, 1)
		}
	})
	Eventually(func(g Gomega) {
		now := used(GinkgoTB())
		g.Expect(now.goroutines).To(BeNumerically("<=", before.goroutines), "goroutines")
		g.Expect(now.descriptors).To(BeNumerically("<=", before.descriptors), "descriptors")
		g.Expect(now.heap).To(BeNumerically("<=", before.heap+mostGrowth), "bytes of the heap")
	}).WithTimeout(time.Minute).WithPolling(100 * time.Millisecond).Should(Succeed())
	now := used(GinkgoTB())
	GinkgoWriter.Printf("goroutines %d -> %d, descriptors %d -> %d, heap %d -> %d KB\n",
		before.goroutines, now.goroutines, before.descriptors, now.descriptors, before.heap>>10, now.heap>>10)
}

// state is all that is read of the hosts, but for the time.
func state(ctx context.Context, address string) any {
	GinkgoHelper()
	return stateOf(ctx, GinkgoTB(), address)
}

func stateOf(ctx context.Context, tb testing.TB, address string) any {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "facts.json")
	var file map[string]any
	_, err := preflight.Collect(ctx, []preflight.Options{at(address)}, path, false)
	if err == nil {
		var text []byte
		if text, err = os.ReadFile(path); err == nil {
			err = json.Unmarshal(text, &file)
		}
	}
	if err != nil {
		tb.Fatal(err)
	}
	for _, target := range file["targets"].([]any) {
		delete(target.(map[string]any), "collectedAt")
	}
	return file
}
