//go:build linux

package esxi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/vic-preflight/vic-preflight/e2e/lab"
	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// Host is an ESXi host. All methods may be called from several goroutines.
type Host struct {
	Name string

	lab      *lab.Lab
	sim      *sim.Host
	dir      string
	listener net.Listener

	// mu is held while a command runs, so that they run one after the other.
	mu       sync.Mutex
	builtIn  []byte              // service.xml as ESXi brings it
	packages map[string]*archive // the VIBs that bring files, by name
	pending  []change            // for the next start
	failures []failure
	held     []held
	ran      []string
	onStdout bool

	rules rules
}

// failure is what a command is to fail with.
type failure struct {
	command, text string
	code          int
}

// held is what a command is to wait for.
type held struct {
	command string
	release <-chan struct{}
}

// SSH says what a host's SSH service does when the host starts.
type SSH bool

const (
	// SSHOff is the service's policy as installed: off after a start.
	SSHOff SSH = false
	// SSHOn is the policy "Start and stop with host".
	SSHOn SSH = true
)

func (h *Host) start(program string) error {
	if err := h.makeFiles(program); err != nil {
		return err
	}
	l, err := net.Listen("unix", h.path("vmware", "hostd.sock"))
	if err != nil {
		return err
	}
	h.listener = l
	go h.serve(l)
	h.sim.OnRefresh(h.reload)
	return h.lab.SetSession(h.Name, lab.Session{Prepare: h.mount, Env: []string{"PATH=" + binDir}})
}

func (h *Host) stop() {
	h.sim.OnRefresh(nil)
	_ = h.lab.SetSession(h.Name, lab.Session{})
	if h.listener != nil {
		_ = h.listener.Close()
	}
}

// serve answers the programs on the host.
func (h *Host) serve(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = conn.Close() }()
			var args []string
			if json.NewDecoder(conn).Decode(&args) == nil && len(args) > 0 {
				_ = json.NewEncoder(conn).Encode(h.run(args))
			}
		}()
	}
}

// answer is what a program prints and ends with.
type answer struct {
	Stdout, Stderr string
	Code           int
}

// run runs one of the host's own programs.
func (h *Host) run(args []string) answer {
	line := strings.Join(args[1:], " ")
	h.mu.Lock()
	h.ran = append(h.ran, strings.Join(args, " "))
	waits := slices.Clone(h.held)
	h.mu.Unlock()
	for _, w := range waits {
		if strings.HasPrefix(line, w.command) {
			<-w.release
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, f := range h.failures {
		if strings.HasPrefix(line, f.command) {
			h.failures = slices.Delete(h.failures, i, i+1)
			return h.failed(f.text, f.code)
		}
	}
	var out string
	var err error
	switch args[0] {
	case "secureBoot.py":
		out, err = h.secureBoot(args[1:])
	case "vmware":
		out = fmt.Sprintf("VMware ESXi %s build-%s\n", h.sim.Version(), sim.BuildOf(h.sim.Version()))
	default:
		out, err = h.esxcli(args[1:])
	}
	if err != nil {
		return h.failed(err.Error(), 1)
	}
	return answer{Stdout: out}
}

func (h *Host) failed(text string, code int) answer {
	text = strings.TrimRight(text, "\n") + "\n"
	if h.onStdout {
		return answer{Stdout: text, Code: code}
	}
	return answer{Stderr: text, Code: code}
}

// secureBoot is /usr/lib/vmware/secureboot/bin/secureBoot.py. -s prints one word
// (DISA's checks of ESXi compare it with Enabled); the text of -c is a field
// report's (communities.vmware.com, td-p/2864968), that of its failure inferred.
func (h *Host) secureBoot(args []string) (string, error) {
	switch {
	case slices.Equal(args, []string{"-s"}) && h.sim.SecureBoot():
		return "Enabled\n", nil
	case slices.Equal(args, []string{"-s"}):
		return "Disabled\n", nil
	case slices.Equal(args, []string{"-c"}):
		if ids := h.unsigned(); len(ids) > 0 {
			return "Secure boot CANNOT be enabled: Failed to verify signatures of the following vib(s): [" + strings.Join(ids, ", ") + "]\n", nil
		}
		return "Secure boot can be enabled: All vib signatures verified. All tardisks validated. All acceptance levels validated\n", nil
	}
	return "", errors.New("usage: secureBoot.py [-h] [-a | -c | -s]")
}

// unsigned are the packages that Secure Boot refuses.
func (h *Host) unsigned() []string {
	var ids []string
	for _, v := range h.sim.VIBs() {
		if v.AcceptanceLevel == community {
			ids = append(ids, v.ID())
		}
	}
	return ids
}

// SetSecureBoot makes the host one that was started with Secure Boot, or not.
func (h *Host) SetSecureBoot(on bool) { h.sim.SetSecureBoot(on) }

// SetAcceptance changes the acceptance level, in the API's or esxcli's spelling.
func (h *Host) SetAcceptance(level string) error { return h.sim.SetAcceptance(level) }

// VIBs are the installed packages, by name.
func (h *Host) VIBs() []sim.VIB { return h.sim.VIBs() }

// ReadFile reads a file by its path on the host.
func (h *Host) ReadFile(path string) ([]byte, error) {
	real, err := h.real(path)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(real)
}

// WriteFile writes a file by its path on the host, as somebody there would.
func (h *Host) WriteFile(path string, data []byte, mode os.FileMode) error {
	real, err := h.real(path)
	if err != nil {
		return err
	}
	if err := os.Remove(real); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return writeFile(real, data, mode)
}

// Stat describes a file by its path on the host.
func (h *Host) Stat(path string) (os.FileInfo, error) {
	real, err := h.real(path)
	if err != nil {
		return nil, err
	}
	return os.Lstat(real)
}

// Fail makes the next command of esxcli's (or secureBoot.py's) that starts with
// these arguments fail with the text and the exit code.
func (h *Host) Fail(command, text string, code int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failures = append(h.failures, failure{command, text, code})
}

// Hold makes every command that starts with these arguments wait until release
// is called, and then do what it would have done: also when the session that
// ran it has ended, as on ESXi, where it is a daemon that does the work.
func (h *Host) Hold(command string) (release func()) {
	done := make(chan struct{})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held = append(h.held, held{command, done})
	return sync.OnceFunc(func() { close(done) })
}

// Ran are the commands of the host's own programs so far, such as
// "esxcli network firewall refresh".
func (h *Host) Ran() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.ran)
}

// ErrorsOnStdout makes errors come on standard output instead of standard
// error. Which one ESXi takes was not found out: a caller should do with either.
func (h *Host) ErrorsOnStdout(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.onStdout = on
}

// Reboot starts the host again. Packages stay, and what the API or esxcli set
// of rulesets that are still there; edits of service.xml, files made by hand and
// /tmp are gone; sessions end.
//
// A host with Secure Boot does not come up with a package of the community's:
// that is the error, in ESXi's words, and the host stays without SSH.
func (h *Host) Reboot(ssh SSH) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.lab.Halt(h.Name); err != nil {
		return err
	}
	h.sim.SetServiceRunning("TSM-SSH", false)
	if err := h.applyPending(); err != nil {
		return err
	}
	if ids := h.unsigned(); h.sim.SecureBoot() && len(ids) > 0 {
		return fmt.Errorf("UEFI Secure Boot failed: Failed to verify signatures of the following vibs (%d): %s", len(ids), strings.Join(ids, ", "))
	}
	if err := h.restoreFiles(); err != nil {
		return fmt.Errorf("reboot %s: %w", h.Name, err)
	}
	h.rules.forget() // what was loaded from files that are no longer there
	if err := h.reload(); err != nil {
		return fmt.Errorf("reboot %s: %w", h.Name, err)
	}
	if _, err := h.sim.Esxcli("network.firewall.load", nil); err != nil {
		return fmt.Errorf("reboot %s: %w", h.Name, err)
	}
	h.sim.Booted()
	if ssh == SSHOff {
		return nil
	}
	h.sim.SetServiceRunning("TSM-SSH", true)
	return h.lab.StartSSH(h.Name)
}

func (h *Host) path(elements ...string) string {
	return filepath.Join(append([]string{h.dir}, elements...)...)
}
