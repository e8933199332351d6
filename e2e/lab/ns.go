//go:build linux

package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const netnsDir = "/run/netns"

// NS is one machine of the lab: a network namespace.
type NS struct {
	Name string
	// Addr4 and Addr6 are its addresses on eth0; the switch has none.
	Addr4, Addr6 netip.Addr

	// port is its interface on the switch.
	port string
}

// newNS makes a namespace and pins it under its name, as `ip netns` would.
// That program itself is of no use here: it goes back to the namespace it came
// from, which an unprivileged user may not.
func newNS(name string) (*NS, error) {
	if name == "" || name != filepath.Base(name) || strings.ContainsAny(name, " \t\n\"") {
		return nil, fmt.Errorf("%q cannot be a machine's name in the lab", name)
	}
	n := &NS{Name: name}
	f, err := os.OpenFile(n.path(), os.O_CREATE|os.O_EXCL|os.O_RDONLY, 0o444)
	if err != nil {
		return nil, fmt.Errorf("make the network namespace of %s: %w", name, err)
	}
	_ = f.Close()
	err = onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		own := fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid())
		return unix.Mount(own, n.path(), "", unix.MS_BIND, "")
	})
	if err != nil {
		_ = os.Remove(n.path())
		return nil, fmt.Errorf("make the network namespace of %s: %w", name, err)
	}
	return n, nil
}

func (n *NS) path() string { return filepath.Join(netnsDir, n.Name) }

// kill ends the processes that run in the namespace.
func (n *NS) kill() {
	out, _ := exec.Command("ip", "netns", "pids", n.Name).Output()
	for _, field := range strings.Fields(string(out)) {
		if pid, err := strconv.Atoi(field); err == nil && pid != os.Getpid() {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
}

func (n *NS) remove() {
	_ = unix.Unmount(n.path(), unix.MNT_DETACH)
	_ = os.Remove(n.path())
}

// Do runs f on a thread that is in the namespace. Sockets that f opens and
// programs that it starts belong to the namespace for good; goroutines that it
// starts are outside.
func (n *NS) Do(f func() error) error {
	return onThread(func() error {
		fd, err := unix.Open(n.path(), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open the network namespace of %s: %w", n.Name, err)
		}
		defer func() { _ = unix.Close(fd) }()
		if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter the network namespace of %s: %w", n.Name, err)
		}
		return f()
	})
}

// onThread runs f on a thread of its own, which ends with it: the lock is never
// released. A panic, such as a failed assertion, comes out on the caller's side.
// The main thread cannot end and would keep a namespace alive: while it is held
// here, f is given another.
func onThread(f func() error) error {
	var panicked any
	err := errors.New("the function did not return")
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { panicked = recover() }()
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			defer runtime.UnlockOSThread()
			err = onThread(f)
			return
		}
		err = f()
	}()
	<-done
	if panicked != nil {
		panic(panicked)
	}
	return err
}

// DialContext opens a connection from the namespace. A name is looked up from
// there as well; of several addresses one is tried after the other, since Go
// would try them at once from goroutines outside.
func (n *NS) DialContext(ctx context.Context, network, address string) (conn net.Conn, err error) {
	dialer := net.Dialer{FallbackDelay: -1, Resolver: &net.Resolver{PreferGo: true, Dial: n.dialLiteral}}
	err = n.Do(func() (err error) {
		conn, err = dialer.DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// dialLiteral is for the resolver, which has addresses and runs elsewhere.
func (n *NS) dialLiteral(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = n.Do(func() (err error) {
		conn, err = (&net.Dialer{FallbackDelay: -1}).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Listen listens in the namespace. Accepting may be done from anywhere.
func (n *NS) Listen(network, address string) (l net.Listener, err error) {
	err = n.Do(func() (err error) {
		l, err = net.Listen(network, address)
		return err
	})
	return l, err
}

// Start starts a program in the namespace.
func (n *NS) Start(cmd *exec.Cmd) error { return n.Do(cmd.Start) }

// Command is a program that runs in the namespace wherever it is started from:
// it may be handed to anything that wants an exec.Cmd, and need not be given to
// Start.
func (n *NS) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "nsenter", append([]string{"--net=" + n.path(), "--", name}, args...)...)
}

// NFT loads a script of nft's in the namespace, as a whole or not at all.
func (n *NS) NFT(script string) error { return n.run(script, "nft", "-f", "-") }

// ip runs a batch of ip's commands on the namespace.
func (n *NS) ip(batch string) error { return run(batch, "ip", "-n", n.Name, "-batch", "-") }

func (n *NS) run(stdin, name string, args ...string) error {
	if err := n.Do(func() error { return run(stdin, name, args...) }); err != nil {
		return fmt.Errorf("on %s: %w", n.Name, err)
	}
	return nil
}

// run runs a program to its end; what it says is part of the error.
func run(stdin, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(said.String()))
	}
	return nil
}
