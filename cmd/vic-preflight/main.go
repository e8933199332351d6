// Command vic-preflight tells, before vic-machine create, whether every ESXi
// host can reach the virtual container host on TCP 2377.
//
// This package holds flags, environment, exit codes and wiring. It does not
// know how a verdict is reached.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends the run in good order; give the second one back to
	// the system, for a run that hangs on its way out.
	context.AfterFunc(ctx, stop)

	os.Exit(execute(ctx, &app{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv,
	}, os.Args[1:]))
}
