package preflight_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/guard"
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/preflight"
)

const (
	// runTime is the time of each run, lateness what it may take beside its clean-up, and
	// cleanUp the bound of that, which README names.
	runTime  = time.Second
	lateness = 5 * time.Second
	cleanUp  = 30 * time.Second
)

// command is one of the tool's, as options.
type command struct {
	name  string
	clean time.Duration // its clean-up
	set   func(*preflight.Options)
}

var commands = []command{
	{"check", 0, func(o *preflight.Options) { o.FirewallState = true }},
	{"create", 0, func(o *preflight.Options) {
		o.ComputeResource = "prod"
		o.Create = &preflight.CreateOptions{VCH: checks.VCH{Name: "vch1", ComputeResource: "prod", NoTLS: true}}
	}},
	{"fix", cleanUp, func(o *preflight.Options) { o.Change.Do = preflight.Allow }},
	{"undo", cleanUp, nil},
	{"probe", cleanUp, func(o *preflight.Options) { o.Probe.Vantage = inventory.VantageSerial }},
}

// silence is how a server does not answer.
type silence struct {
	name string
	bend func(*simtest.Call) []byte
}

func silences(methods []string) (list []silence) {
	for n := 1; n <= 40; n++ {
		list = append(list, silence{fmt.Sprintf("nothing from call %d on", n), func(c *simtest.Call) []byte {
			if c.N >= n {
				return c.Hang()
			}
			return c.Pass()
		}})
	}
	for _, method := range methods {
		list = append(list, silence{method + " hangs", func(c *simtest.Call) []byte {
			if c.Method == method {
				return c.Hang()
			}
			return c.Pass()
		}}, silence{"no answer to " + method, func(c *simtest.Call) []byte {
			answer := c.Pass()
			if c.Method == method {
				return nil
			}
			return answer
		}})
	}
	return list
}

// prepare is a simulator for the command, with something to undo where that is the
// command.
func prepare(ctx context.Context, c command, bend func(*simtest.Call) []byte) preflight.Options {
	GinkgoHelper()
	vc := start("closed")
	o := on(vc)
	if c.set == nil {
		o.Change.Do, o.Change.Journal = preflight.Allow, filepath.Join(o.Change.StateDir, "made.jsonl")
		_, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		o.Change.Do, o.Change.UndoJournal, o.Change.Journal = preflight.Undo, o.Change.Journal, ""
	} else {
		c.set(&o)
	}
	server := simtest.Bend(GinkgoTB(), vc, bend)
	o.Target.Address, o.Target.Thumbprints = server.Address, []string{server.Thumbprint}
	o.Timeout = runTime
	return o
}

var _ = Describe("a server that falls silent", testsuite.Long, func() {
	for _, c := range commands {
		It("is not waited for longer than was said, by "+c.name, func(ctx SpecContext) {
			var mu sync.Mutex
			seen := map[string]bool{}
			o := prepare(ctx, c, func(call *simtest.Call) []byte {
				mu.Lock()
				defer mu.Unlock()
				seen[call.Method] = true
				return call.Pass()
			})
			o.Timeout = time.Minute
			_, err := preflight.Run(ctx, o)
			Expect(err).NotTo(HaveOccurred())
			var methods []string
			for method := range seen {
				methods = append(methods, method)
			}

			var g errgroup.Group
			g.SetLimit(64)
			for _, s := range silences(methods) {
				o := prepare(ctx, c, s.bend)
				g.Go(func() error {
					started := time.Now()
					_, err := preflight.Run(ctx, o)
					if took := time.Since(started); took > runTime+lateness+c.clean {
						return fmt.Errorf("%s: it took %s", s.name, took)
					}
					if crash := (*guard.PanicError)(nil); errors.As(err, &crash) {
						return fmt.Errorf("%s: %w", s.name, err)
					}
					return nil
				})
			}
			Expect(g.Wait()).To(Succeed())
		}, SpecTimeout(5*time.Minute))
	}
})
