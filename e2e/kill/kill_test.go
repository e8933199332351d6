//go:build unix

package kill_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// vcenter is a simulated one, seen by govmomi.
type vcenter struct {
	url    string
	client *govmomi.Client
}

func connect(ctx context.Context, scenario string) *vcenter {
	GinkgoHelper()
	at := serve(scenario)
	u, err := url.Parse(at)
	Expect(err).NotTo(HaveOccurred())
	u.User = url.UserPassword("root", "pw")
	client, err := govmomi.NewClient(ctx, u, true)
	Expect(err).NotTo(HaveOccurred())
	return &vcenter{at, client}
}

// state is all that a fix could change or leave: of each host its rulesets and services, as
// the API spells them, and the virtual machines.
func (vc *vcenter) state(ctx context.Context) map[string]string {
	GinkgoHelper()
	all := map[string]string{}
	v, err := view.NewManager(vc.client.Client).CreateContainerView(ctx, vc.client.ServiceContent.RootFolder, []string{"HostSystem", "VirtualMachine"}, true)
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(v.Destroy(ctx)).To(Succeed()) }()
	var hosts []mo.HostSystem
	Expect(v.Retrieve(ctx, []string{"HostSystem"}, []string{"name", "configManager.firewallSystem", "configManager.serviceSystem"}, &hosts)).To(Succeed())
	names := map[types.ManagedObjectReference]string{}
	var systems, serving []types.ManagedObjectReference
	for _, h := range hosts {
		systems, serving = append(systems, *h.ConfigManager.FirewallSystem), append(serving, *h.ConfigManager.ServiceSystem)
		names[*h.ConfigManager.FirewallSystem], names[*h.ConfigManager.ServiceSystem] = "firewall of "+h.Name, "services of "+h.Name
	}
	keep := func(of types.ManagedObjectReference, value any) {
		text, err := json.Marshal(value)
		Expect(err).NotTo(HaveOccurred())
		all[names[of]] = string(text)
	}
	var firewalls []mo.HostFirewallSystem
	Expect(vc.client.Retrieve(ctx, systems, []string{"firewallInfo"}, &firewalls)).To(Succeed())
	for _, fw := range firewalls {
		keep(fw.Self, fw.FirewallInfo)
	}
	var services []mo.HostServiceSystem
	Expect(vc.client.Retrieve(ctx, serving, []string{"serviceInfo"}, &services)).To(Succeed())
	for _, s := range services {
		keep(s.Self, s.ServiceInfo)
	}
	Expect(all).To(HaveLen(2 * len(hosts)))
	var vms []mo.VirtualMachine
	Expect(v.Retrieve(ctx, []string{"VirtualMachine"}, []string{"name"}, &vms)).To(Succeed())
	var vmNames []string
	for _, vm := range vms {
		vmNames = append(vmNames, vm.Name)
	}
	slices.Sort(vmNames)
	all["virtual machines"] = strings.Join(vmNames, " ")
	return all
}

// others are the sessions on the server besides the one that asks.
func (vc *vcenter) others(ctx context.Context) (users []string) {
	GinkgoHelper()
	var m mo.SessionManager
	Expect(vc.client.RetrieveOne(ctx, *vc.client.ServiceContent.SessionManager, []string{"sessionList"}, &m)).To(Succeed())
	own, err := vc.client.SessionManager.UserSession(ctx)
	Expect(err).NotTo(HaveOccurred())
	for _, s := range m.SessionList {
		if s.Key != own.Key {
			users = append(users, s.Key)
		}
	}
	return users
}

// room is a folder in which a program has all its places.
type room struct {
	vc   *vcenter
	dir  string
	mark string // in the environment of each of its processes
}

func (vc *vcenter) room(dir, name string) *room {
	GinkgoHelper()
	r := &room{vc, filepath.Join(dir, name), "KILL_ROUND=" + name + "-" + strconv.Itoa(os.Getpid())}
	for _, place := range []string{"home", "tmp", "state", "work"} {
		Expect(os.MkdirAll(filepath.Join(r.dir, place), 0o700)).To(Succeed())
	}
	return r
}

func (r *room) journal(name string) string { return filepath.Join(r.dir, "work", name) }

type ended struct {
	code   int // -1 where a signal ended it
	output string
	took   time.Duration
	// after is how long after its journal appeared.
	after time.Duration
}

// command is a program in the room.
func (r *room) command(args ...string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.Command(preflight, args...)
	cmd.Dir = filepath.Join(r.dir, "work")
	cmd.Env = []string{
		r.mark, "PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(r.dir, "home"), "TMPDIR=" + filepath.Join(r.dir, "tmp"),
		"XDG_STATE_HOME=" + filepath.Join(r.dir, "state"), "GOVC_URL=" + r.vc.url, "GOVC_USERNAME=root", "GOVC_PASSWORD=pw", "GOVC_INSECURE=true",
	}
	out := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out
}

// run runs a program, and ends it: after a time, counted from its start or from when its
// journal is there; a signal of 0 lets it go on.
func (r *room) run(ctx context.Context, s syscall.Signal, from string, after time.Duration, args ...string) ended {
	GinkgoHelper()
	cmd, out := r.command(args...)
	began := time.Now()
	Expect(cmd.Start()).To(Succeed())
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	journal := args[len(args)-1]
	var appeared, signalled time.Time
	for {
		select {
		case <-done:
			e := ended{code: cmd.ProcessState.ExitCode(), output: out.String(), took: time.Since(began)}
			if !appeared.IsZero() {
				e.after = time.Since(appeared)
			}
			return e
		case <-ctx.Done():
			_ = cmd.Process.Kill()
			Fail("the program did not end")
		case <-time.After(200 * time.Microsecond):
		}
		if _, err := os.Stat(journal); err == nil && appeared.IsZero() {
			appeared = time.Now()
		}
		since := began
		if from != "" {
			since = appeared
		}
		if s != 0 && signalled.IsZero() && !since.IsZero() && time.Since(since) >= after {
			signalled = time.Now()
			_ = cmd.Process.Signal(s)
		}
	}
}

// left are the files in the room.
func (r *room) left() (files []string) {
	GinkgoHelper()
	Expect(filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			at, _ := filepath.Rel(r.dir, path)
			files = append(files, at)
		}
		return err
	})).To(Succeed())
	return files
}

// processes are those of the room that are there.
func (r *room) processes() (pids []string) {
	environments, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environments {
		if env, err := os.ReadFile(path); err == nil && bytes.Contains(env, []byte(r.mark)) {
			pids = append(pids, path)
		}
	}
	return pids
}

// way is a fix that makes changes, with how it goes when nobody ends it.
type way struct {
	scenario string
	args     []string

	vc        *vcenter
	first     map[string]string
	fix, undo ended
}

var ways = []way{
	{scenario: "closed", args: []string{"fix", "--allow", "--allowed-ip", "10.0.0.9"}},
	{scenario: "estate", args: []string{"check", "--profile", "auto", "--fix", "--yes"}},
}

// start serves the scenario, and goes the way a few times.
func (w way) start(ctx context.Context, dir string) *way {
	GinkgoHelper()
	w.vc = connect(ctx, w.scenario)
	w.first = w.vc.state(ctx)
	for i := range 3 {
		r := w.vc.room(dir, fmt.Sprintf("undisturbed-%s-%d", w.scenario, i))
		fixed := r.run(ctx, 0, "", 0, w.fixing(r)...)
		Expect(w.vc.state(ctx)).NotTo(Equal(w.first), fixed.output)
		undone := r.run(ctx, 0, "", 0, w.undoing(r, "undo")...)
		Expect(undone.code).To(Equal(0), undone.output)
		Expect(w.vc.state(ctx)).To(Equal(w.first))
		Expect(w.vc.others(ctx)).To(BeEmpty())
		w.fix, w.undo = w.fix.quicker(fixed), w.undo.quicker(undone)
	}
	GinkgoWriter.Printf("%s undisturbed: fix ends with %d after %s, %s from its journal on; undo after %s, %s from its journal on\n",
		w.scenario, w.fix.code, w.fix.took, w.fix.after, w.undo.took, w.undo.after)
	return &w
}

// quicker is the end with the shorter times of both.
func (e ended) quicker(than ended) ended {
	if e.took != 0 {
		than.took, than.after = min(e.took, than.took), min(e.after, than.after)
	}
	return than
}

func (w *way) fixing(r *room) []string {
	return append(slices.Clone(w.args), "--journal", r.journal("fix"))
}

func (w *way) undoing(r *room, to string) []string {
	return []string{"undo", r.journal("fix"), "--journal", r.journal(to)}
}

// moment is some time of a run, every other time of the part that makes changes.
func moment(random *rand.Rand, whole ended) (from string, after time.Duration) {
	if random.IntN(2) == 0 {
		return "", time.Duration(random.Int64N(int64(whole.took)))
	}
	return "journal", time.Duration(random.Int64N(max(int64(whole.after), 1)))
}

// endedBy are the exit codes of programs that a signal ends; -1 is the signal itself.
var endedBy = map[syscall.Signal]int{syscall.SIGKILL: -1, syscall.SIGHUP: 129, syscall.SIGINT: 130, syscall.SIGTERM: 143}

// tally counts what was found at the moments.
type tally map[string]int

// round ends a fix, or the undo of a whole one, and sees that undo brings all back. It is
// false where the program had ended by itself.
func (w *way) round(ctx context.Context, r *room, s syscall.Signal, of string, random *rand.Rand, seen tally) (hit bool) {
	GinkgoHelper()
	undisturbed, args := w.fix, w.fixing(r)
	if of == "undo" {
		whole := r.run(ctx, 0, "", 0, w.fixing(r)...)
		Expect(whole.code).To(Equal(w.fix.code), whole.output)
		undisturbed, args = w.undo, w.undoing(r, "undo")
	}
	from, after := moment(random, undisturbed)
	e := r.run(ctx, s, from, after, args...)
	what := fmt.Sprintf("%s of %s, %v %s after %q\n%s", of, w.scenario, s, after, from, e.output)
	if e.code != -1 || e.output != "" { // else it had not begun to listen to signals
		Expect(e.code).To(BeElementOf(endedBy[s], undisturbed.code), what)
	}
	if s != syscall.SIGKILL {
		Expect(w.vc.others(ctx)).To(BeEmpty(), "sessions are left: "+what)
	}
	if hit = e.code != undisturbed.code; hit {
		seen[w.found(ctx, args)]++
	} else { // the next moments are in the time that it really takes
		w.learn(of, e)
	}

	switch text, err := os.ReadFile(r.journal("fix")); {
	case os.IsNotExist(err):
		seen["(without a journal)"]++
	case strings.Count(string(text), "\n") == 0: // nothing is changed before there is a line
		seen["(with an empty journal)"]++
		back := r.run(ctx, 0, "", 0, w.undoing(r, "again")...)
		Expect(back.output).To(ContainSubstring("it is empty, or no journal"), what)
	default:
		back := r.run(ctx, 0, "", 0, w.undoing(r, "again")...)
		Expect(back.code).To(Equal(0), what+back.output)
	}
	allowed := []string{"work/fix", "work/undo", "work/again"}
	Expect(w.vc.state(ctx)).To(Equal(w.first), what)
	Expect(allowed).To(ContainElements(r.left()), what)
	Expect(r.processes()).To(BeEmpty(), what)
	w.signOut(ctx)
	return hit
}

// learn takes the times of a run that nobody ended.
func (w *way) learn(of string, e ended) {
	if of == "undo" {
		w.undo = w.undo.quicker(e)
	} else {
		w.fix = w.fix.quicker(e)
	}
}

// found says how far the program had come.
func (w *way) found(ctx context.Context, args []string) string {
	GinkgoHelper()
	text, err := os.ReadFile(args[len(args)-1])
	now, changed := w.vc.state(ctx), 0
	for place := range now {
		if now[place] != w.first[place] {
			changed++
		}
	}
	switch lines := strings.Count(string(text), "\n"); {
	case err != nil:
		return "before its journal"
	case lines <= 1:
		return "before its first change"
	default:
		return fmt.Sprintf("with %d changes in its journal and %d hosts changed", lines-1, changed)
	}
}

// signOut ends the sessions of those that were killed, which a vCenter does after half an
// hour.
func (w *way) signOut(ctx context.Context) {
	GinkgoHelper()
	if keys := w.vc.others(ctx); len(keys) > 0 {
		Expect(w.vc.client.SessionManager.TerminateSession(ctx, keys)).To(Succeed())
	}
}

var _ = DescribeTable("a program that is ended at any moment leaves nothing that undo does not take back", func(ctx SpecContext, s syscall.Signal, some, all int) {
	random := moments()
	dir := GinkgoT().TempDir()
	var started []*way
	for _, w := range ways {
		started = append(started, w.start(ctx, dir))
	}
	for _, of := range []string{"fix", "undo"} {
		seen, n, hits, tries := tally{}, rounds(some, all), 0, 0
		for ; hits < n; tries++ {
			Expect(tries).To(BeNumerically("<", 10*n), "the moments are hardly ever hit")
			w := started[tries%len(started)]
			r := w.vc.room(dir, fmt.Sprintf("%s-%d", of, tries))
			if w.round(ctx, r, s, of, random, seen) {
				hits++
			}
			Expect(os.RemoveAll(r.dir)).To(Succeed())
		}
		GinkgoWriter.Printf("%v: %d rounds of %s, and %d that ended before, all restored, nothing left\n", s, hits, of, tries-hits)
		var lines []string
		for where, times := range seen {
			lines = append(lines, fmt.Sprintf("%5d %s\n", times, where))
		}
		slices.Sort(lines)
		GinkgoWriter.Print(strings.Join(lines, ""))
	}
},
	func(s syscall.Signal, _, _ int) string { return s.String() },
	Entry(nil, syscall.SIGKILL, 10, 200, SpecTimeout(time.Hour)),
	Entry(nil, syscall.SIGHUP, 3, 50, SpecTimeout(time.Hour)),
	Entry(nil, syscall.SIGINT, 3, 50, SpecTimeout(time.Hour)),
	Entry(nil, syscall.SIGTERM, 3, 50, SpecTimeout(time.Hour)),
)
