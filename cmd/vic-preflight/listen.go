package main

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/completion"
	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/internal/usage"
	"github.com/vic-preflight/vic-preflight/probe"
	"github.com/vic-preflight/vic-preflight/report"
)

type listenFlags struct {
	address, keyFile, output string
	maxConns                 int
	duration                 time.Duration
}

func newListen(a *app) *cobra.Command {
	o := &listenFlags{}
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Stand where the VCH will stand, and answer probes",
		Long:  longHelp("listen"), Example: exampleHelp("listen"),
		Args: usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.execute(cmd.Context(), a) },
	}
	f := cmd.Flags()
	f.StringVar(&o.address, "listen", fmt.Sprintf(":%d", checks.DefaultPort), "`address` to listen on")
	f.StringVar(&o.keyFile, "key-file", "", "`file` that holds the key; it is made when it does not exist")
	f.IntVar(&o.maxConns, "max-connections", 1024, "`number` of connections at a time that have not said whose they are")
	f.DurationVar(&o.duration, "for", time.Hour, "`time` to listen")
	f.StringVarP(&o.output, "output", "o", "text", "`format` of what came: text or json (an object a line)")
	completion.Offer(cmd, "output", "text", "json")
	return cmd
}

func (o *listenFlags) execute(ctx context.Context, a *app) error {
	switch {
	case o.output != "text" && o.output != "json":
		return usageError(fmt.Errorf("--output %q is no format; the formats are: text, json", o.output))
	case o.duration <= 0:
		return usageError(fmt.Errorf("--for %s is no time to listen", o.duration))
	case o.maxConns < 1:
		return usageError(fmt.Errorf("--max-connections %d is not 1 or more", o.maxConns))
	}
	key, err := infile.Until(ctx, "read "+o.keyFile, func() (probe.Key, error) { return probe.KeyFile(o.keyFile) })
	if err != nil {
		return usageError(fmt.Errorf("--key-file %w", err), "vic-preflight listen --key-file NEW writes one")
	}
	var mu sync.Mutex
	l, err := probe.Listen(ctx, o.address, key, probe.ListenOptions{MaxConns: o.maxConns, OnPeer: func(p probe.Peer) {
		mu.Lock()
		defer mu.Unlock()
		_ = report.Peer{
			At: p.At.UTC(), From: p.From, Kind: string(p.Kind), VMName: p.VMName, VMUUID: p.VMUUID, URI: p.URI,
		}.Write(a.stdout, o.output == "json") // nothing hangs on what is shown
	}})
	if err != nil {
		return usageError(err, "it takes host:port, such as :2377; is the address this machine's, and the port free?")
	}
	fmt.Fprintf(a.stderr, "listening on %s for %s; Ctrl-C ends it\n", l.Addr(), o.duration)
	select {
	case <-ctx.Done():
		return cmp.Or(l.Close(), error(&exitError{code: exitInterrupted}))
	case <-time.After(o.duration):
		return l.Close()
	}
}
