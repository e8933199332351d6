//go:build linux

package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	// marker tells the re-executed test binary that it is inside.
	marker = "LAB_SANDBOX"
	// stateDir exists in a sandbox and nowhere else.
	stateDir = "/run/lab"
	homeDir  = "/run/home"

	localhost = "127.0.0.1 localhost\n::1 localhost\n"
	install   = "apt-get install nftables openssh-server netcat-openbsd iproute2"
)

// programs are what a lab runs; ssh-keygen comes with sshd, nsenter with mount.
var programs = [...]string{"ip", "nft", "sshd", "ssh-keygen", "nc", "nsenter"}

// Missing names the programs that a lab needs and that are not installed.
func Missing() []string {
	var missing []string
	for _, p := range programs {
		if _, err := find(p); err != nil {
			missing = append(missing, p)
		}
	}
	return missing
}

// find looks a program up where administrators' programs are, too: a plain
// user's PATH often lacks these.
func find(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return filepath.Abs(path)
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w", program, exec.ErrNotFound)
}

// Sandbox runs the tests in a copy of the test binary with mounts, processes
// and a network of its own, and returns the exit code. The kernel removes all
// of it with the last process, even when this one is killed. A machine where
// that cannot be done is a failure, said in one line.
//
// Inside, /run is empty, temporary files are in it, /etc/hosts and
// /etc/resolv.conf know nothing of the machine's network, and the current user
// has a plain shell and an empty home for logins; $HOME stays. There is no way
// out to any network, so Ginkgo's parallel processes (-p) cannot be used.
func Sandbox(m *testing.M) int {
	if os.Getenv(marker) == "" {
		if missing := Missing(); len(missing) > 0 {
			return fail(fmt.Errorf("the lab needs programs that are not installed: %s (%s)", strings.Join(missing, ", "), install))
		}
		code, err := reexecute()
		if err != nil {
			return fail(err)
		}
		return code
	}
	_ = os.Unsetenv(marker)
	if err := furnish(); err != nil {
		return fail(err)
	}
	return m.Run()
}

func fail(err error) int {
	fmt.Fprintf(os.Stderr, "lab: %v\n", err)
	return 1
}

// reexecute runs this program again in new namespaces and waits for it.
func reexecute() (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("find the test binary: %w", err)
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), marker+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = namespaces()

	// Its life is tied to this thread's, not to the process's.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 0, notAllowed(err)
	}
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	var exit *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	} else if err != nil {
		return 0, fmt.Errorf("run the tests in the sandbox: %w", err)
	}
	return 0, nil
}

// namespaces are the sandbox's. A plain user keeps the uid: as a mapped root
// sshd would try, in vain, to change users.
func namespaces() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET,
		Pdeathsig:  unix.SIGKILL,
		Setpgid:    true, // the terminal's ^C comes once, passed on, not twice
	}
	if uid, gid := os.Getuid(), os.Getgid(); uid != 0 {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
		attr.AmbientCaps = []uintptr{unix.CAP_NET_ADMIN, unix.CAP_SYS_ADMIN, unix.CAP_NET_RAW, unix.CAP_NET_BIND_SERVICE}
	}
	return attr
}

func notAllowed(err error) error {
	way := "run as root with CAP_SYS_ADMIN, in a container that is privileged"
	if os.Getuid() != 0 {
		way = "allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, " +
			"kernel.apparmor_restrict_unprivileged_userns) or run as root"
	}
	return fmt.Errorf("the lab needs Linux namespaces, which this machine does not allow (%w): %s", err, way)
}

// furnish makes the inside of the sandbox.
func furnish() error {
	files, err := privateFiles()
	if err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return notAllowed(fmt.Errorf("make mounts private: %w", err))
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return notAllowed(fmt.Errorf("mount /run: %w", err))
	}
	for _, dir := range []string{netnsDir, "/run/sshd", "/run/tmp", stateDir, "/run/etc", homeDir} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return fmt.Errorf("furnish the sandbox: %w", err)
		}
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return notAllowed(fmt.Errorf("mount /proc: %w", err))
	}
	for path, text := range files {
		if err := overlay(path, text); err != nil {
			return fmt.Errorf("replace %s in the sandbox: %w", path, err)
		}
	}
	_ = os.Setenv("TMPDIR", "/run/tmp")
	_ = os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin:/usr/local/sbin")
	if err := run("", "ip", "link", "set", "lo", "up"); err != nil {
		return notAllowed(err)
	}
	return nil
}

// privateFiles are files of /etc that are others inside, by where they really
// are. Nobody answers for names: a query is refused at once.
func privateFiles() (map[string]string, error) {
	u, err := user.Current()
	if err != nil {
		return nil, fmt.Errorf("find out the current user: %w", err)
	}
	passwd, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return nil, fmt.Errorf("read the users: %w", err)
	}
	me := fmt.Sprintf("%s:x:%s:%s::%s:/bin/sh\n", u.Username, u.Uid, u.Gid, homeDir)
	for line := range strings.Lines(string(passwd)) {
		if name, _, _ := strings.Cut(line, ":"); name != u.Username {
			me += line
		}
	}
	files := map[string]string{}
	for path, text := range map[string]string{
		"/etc/hosts":       localhost,
		"/etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
		"/etc/passwd":      me,
		// Neither locked nor with a password: sshd wants it so for a key.
		"/etc/shadow": u.Username + ":*:19000:0:99999:7:::\n",
	} {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			files[real] = text
		} else if path == "/etc/hosts" {
			return nil, fmt.Errorf("the sandbox replaces a file that must exist: %w", err)
		}
	}
	return files, nil
}

// overlay puts a file over another one, or, where that was in /run and so has
// gone, in its place.
func overlay(path, text string) error {
	if strings.HasPrefix(path, "/run/") {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, []byte(text), 0o644)
	}
	own := filepath.Join("/run/etc", filepath.Base(path))
	if err := os.WriteFile(own, []byte(text), 0o644); err != nil {
		return err
	}
	return unix.Mount(own, path, "", unix.MS_BIND, "")
}
