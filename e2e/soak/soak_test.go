//go:build linux

package soak_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

// verdicts are those of a run, one a line.
func verdicts(run *report.Run) string {
	var b strings.Builder
	for _, r := range run.Results {
		fmt.Fprintf(&b, "%s %s %s %s\n", r.Subject, r.Check, r.Status, r.Reason)
	}
	return b.String()
}

var _ = Describe("one process", Serial, func() {
	It("checks again and again, and says and holds the same", func(ctx SpecContext) {
		address := serve(GinkgoTB(), "mixed")
		first := state(ctx, address)
		check := func() string {
			run, err := preflight.Run(ctx, at(address))
			Expect(err).NotTo(HaveOccurred())
			return verdicts(run)
		}
		said := check()
		Expect(said).NotTo(BeEmpty())
		var before usage
		n := times(40, 200)
		for i := range n + 5 {
			if i == 5 {
				before = used(GinkgoTB()) // caches and pools are filled
			}
			Expect(check()).To(Equal(said), "check %d", i)
		}
		holdStill(before)
		Expect(state(ctx, address)).To(Equal(first))
		By(fmt.Sprintf("%d checks", n))
	}, SpecTimeout(10*time.Minute))

	It("fails again and again where no server answers, and holds the same", func(ctx SpecContext) {
		address := serve(GinkgoTB(), "closed")
		refused := at(address)
		refused.Target.Password = "wrong"
		nobody := at("127.0.0.1:1")
		var before usage
		for i := range times(20, 200) + 5 {
			if i == 5 {
				before = used(GinkgoTB())
			}
			for _, o := range []preflight.Options{refused, nobody} {
				_, err := preflight.Run(ctx, o)
				var unavailable *preflight.UnavailableError
				Expect(errors.As(err, &unavailable)).To(BeTrue(), "%v", err)
			}
			broken, cancel := context.WithTimeout(ctx, time.Duration(i+1)*time.Millisecond)
			_, _ = preflight.Run(broken, at(address)) // at any moment
			cancel()
		}
		holdStill(before)
	}, SpecTimeout(10*time.Minute))

	It("fixes and takes back again and again, and leaves all as it was", func(ctx SpecContext) {
		address := serve(GinkgoTB(), "mixed")
		folder := GinkgoT().TempDir()
		first := state(ctx, address)
		round := func(i int) {
			o := at(address)
			o.ComputeResource = "prod"
			o.AllowUnknown = true
			o.Change = preflight.ChangeOptions{Do: preflight.Allow, Journal: filepath.Join(folder, fmt.Sprintf("%d.jsonl", i))}
			fixed, err := preflight.Run(ctx, o)
			var unfinished *preflight.UnfinishedError // one of the hosts lets nobody change it
			Expect(err == nil || errors.As(err, &unfinished)).To(BeTrue(), "round %d: %v", i, err)
			Expect(fixed.Results).NotTo(BeEmpty())
			Expect(verdicts(fixed)).To(ContainSubstring("esx03.example outbound-port pass"), "round %d", i)
			o = at(address)
			o.Change = preflight.ChangeOptions{Do: preflight.Undo, UndoJournal: filepath.Join(folder, fmt.Sprintf("%d.jsonl", i)), StateDir: folder}
			_, err = preflight.Run(ctx, o)
			Expect(err).NotTo(HaveOccurred(), "round %d", i)
		}
		var before usage
		n := times(10, 50)
		for i := range n + 3 {
			if i == 3 {
				before = used(GinkgoTB())
			}
			round(i)
			if i == 0 {
				Expect(state(ctx, address)).To(Equal(first), "after one round")
			}
		}
		holdStill(before)
		Expect(state(ctx, address)).To(Equal(first))
		By(fmt.Sprintf("%d rounds", n))
	}, SpecTimeout(20*time.Minute))
})

var _ = Describe("processes side by side", Serial, func() {
	// each runs the program so many times at once, and returns the exit codes and outputs.
	each := func(ctx context.Context, n int, args func(i int) []string) (codes []int, outputs []string) {
		GinkgoHelper()
		codes, outputs = make([]int, n), make([]string, n)
		home := GinkgoT().TempDir()
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				cmd := exec.CommandContext(ctx, program, args(i)...)
				cmd.Env = []string{"HOME=" + home, "VIC_MACHINE_PASSWORD=" + password}
				out, err := cmd.CombinedOutput()
				var exit *exec.ExitError
				if err != nil && !errors.As(err, &exit) {
					out = append(out, err.Error()...)
				}
				codes[i], outputs[i] = cmd.ProcessState.ExitCode(), string(out)
			})
		}
		all.Wait()
		return codes, outputs
	}
	const processes = 20
	target := func(address string) []string {
		return []string{"--target", address, "--user", user, "--insecure"}
	}

	It("all say the same", func(ctx SpecContext) {
		address := serve(GinkgoTB(), "mixed")
		first := state(ctx, address)
		codes, outputs := each(ctx, processes, func(int) []string {
			return append([]string{"check", "--output", "tap"}, target(address)...)
		})
		for i := range codes {
			Expect(codes[i]).To(Equal(codes[0]), outputs[i])
			Expect(outputs[i]).To(Equal(outputs[0]))
		}
		Expect(outputs[0]).To(ContainSubstring("not ok"))
		Expect(state(ctx, address)).To(Equal(first))
	}, SpecTimeout(5*time.Minute))

	It("fix a host each, and take it back, and none disturbs another", func(ctx SpecContext) {
		address := serve(GinkgoTB(), "large?hosts=120")
		first := state(ctx, address)
		run, err := preflight.Run(ctx, preflight.Options{Target: at(address).Target, Only: []string{checks.OutboundPort}})
		Expect(err).NotTo(HaveOccurred())
		var shut []string
		for _, r := range run.Results {
			if r.Reason == checks.RulesetDisabled && len(shut) < processes {
				shut = append(shut, r.Subject[strings.LastIndex(r.Subject, "/")+1:])
			}
		}
		Expect(shut).To(HaveLen(processes))
		folder := GinkgoT().TempDir()
		journal := func(i int) string { return filepath.Join(folder, fmt.Sprintf("%d.jsonl", i)) }
		codes, outputs := each(ctx, len(shut), func(i int) []string {
			return append([]string{"fix", "--allow", "--yes", "--host", shut[i], "--journal", journal(i)}, target(address)...)
		})
		for i := range codes {
			Expect(codes[i]).To(BeZero(), outputs[i])
		}
		Expect(state(ctx, address)).NotTo(Equal(first))
		codes, outputs = each(ctx, len(shut), func(i int) []string {
			return append([]string{"undo", journal(i)}, target(address)...)
		})
		for i := range codes {
			Expect(codes[i]).To(BeZero(), outputs[i])
		}
		Expect(state(ctx, address)).To(Equal(first))
		By(fmt.Sprintf("%d processes", len(shut)))
	}, SpecTimeout(5*time.Minute))

	It("fix the same hosts at once, and the journals together take all of it back", func(ctx SpecContext) {
		address := serve(GinkgoTB(), "closed")
		first := state(ctx, address)
		folder := GinkgoT().TempDir()
		journal := func(i int) string { return filepath.Join(folder, fmt.Sprintf("%d.jsonl", i)) }
		codes, outputs := each(ctx, processes, func(i int) []string {
			return append([]string{"fix", "--allow", "--yes", "--journal", journal(i)}, target(address)...)
		})
		for i := range codes {
			Expect(codes[i]).To(BeZero(), outputs[i])
		}
		for i := range codes {
			if _, err := os.Stat(journal(i)); err != nil {
				continue // it had nothing to do
			}
			_, outputs := each(ctx, 1, func(int) []string { return append([]string{"undo", journal(i)}, target(address)...) })
			GinkgoWriter.Println(outputs[0])
		}
		Expect(state(ctx, address)).To(Equal(first))
	}, SpecTimeout(5*time.Minute))
})
