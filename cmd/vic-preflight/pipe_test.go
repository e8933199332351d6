//go:build unix

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = It("a pipe that nobody writes to ends every command that reads it", func(ctx SpecContext) {
	dir := GinkgoT().TempDir()
	fifo, known := filepath.Join(dir, "fifo"), filepath.Join(dir, "known")
	Expect(syscall.Mkfifo(fifo, 0o600)).To(Succeed())
	Expect(os.WriteFile(known, nil, 0o600)).To(Succeed())
	var runs sync.WaitGroup
	for _, line := range []string{
		"check -t sim://open --requirements FIFO",
		"check -t sim://open --config FIFO",
		"config check FIFO",
		"check -t vc.example -u root --password-file FIFO",
		"check --facts FIFO",
		"check -t sim://open --baseline FIFO",
		"check -t sim://open --probe local --vch-ip 127.0.0.1 --listener-key FIFO",
		"check -t sim://open --ssh --ssh-known-hosts KNOWN --ssh-key FIFO",
		"check -t sim://open --ssh --ssh-known-hosts KNOWN --ssh-password-file FIFO",
		"check -t sim://open --ssh --ssh-known-hosts FIFO --ssh-password-file KNOWN",
		"fix --allow -t sim://open --method vib --vib FIFO",
		"undo -t sim://open FIFO",
		"vib inspect FIFO",
		"rule render --file FIFO",
		"diff FIFO KNOWN",
	} {
		runs.Go(func() {
			defer GinkgoRecover()
			words := strings.Fields(strings.NewReplacer("FIFO", fifo, "KNOWN", known).Replace(line))
			out := invocation{args: words}.run(context.WithoutCancel(ctx))
			Expect(out.code).To(Equal(exitUsage), "%s: %s", line, out.stderr)
			Expect(out.stderr).To(And(ContainSubstring(fifo), ContainSubstring("it is a pipe that nobody writes to")), line)
		})
	}
	runs.Wait()
}, SpecTimeout(time.Minute))
