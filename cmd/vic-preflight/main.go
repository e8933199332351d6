// Command vic-preflight tells, before vic-machine create, whether every ESXi
// host can reach the virtual container host on TCP 2377.
//
// This package holds flags, environment, exit codes, and where reports go. It does
// not know how a run proceeds: see package preflight.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/vic-preflight/vic-preflight/preflight"
)

func main() {
	signals := []os.Signal{os.Interrupt, syscall.SIGHUP, syscall.SIGTERM}
	signals = slices.DeleteFunc(signals, signal.Ignored) // as a hangup is under nohup, and Ctrl-C in a shell's background
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	// The first signal ends the run in good order; give the second one back to
	// the system, for a run that hangs on its way out.
	context.AfterFunc(ctx, stop)
	log.SetOutput(io.Discard) // the simulator's own log is not this tool's

	os.Exit(execute(ctx, &app{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, lookupEnv: os.LookupEnv, stateDir: preflight.StateHome(os.Getenv),
	}, os.Args[1:]))
}
