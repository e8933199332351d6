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
	"syscall"

	"github.com/adrg/xdg"
)

func main() {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as it is under nohup
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	// The first signal ends the run in good order; give the second one back to
	// the system, for a run that hangs on its way out.
	context.AfterFunc(ctx, stop)
	log.SetOutput(io.Discard) // the simulator's own log is not this tool's

	os.Exit(execute(ctx, &app{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, lookupEnv: os.LookupEnv, stateDir: xdg.StateHome,
	}, os.Args[1:]))
}
