package campaign_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/guard"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

// The times of a run. A run must not be late: what it cleans up afterwards has a bound of
// 30 s of its own, and this machine may be busy.
const (
	hangTime   = 2 * time.Second
	runTime    = 2 * time.Minute
	hostTime   = 15 * time.Second
	verifyTime = 2 * time.Second
	lateness   = 90 * time.Second
)

// world is what can be seen of a simulator from outside.
type world struct {
	firewalls map[string]map[string]string // by host's ID and ruleset
	machines  []string
}

func look(vc *sim.VCenter) world {
	w := world{firewalls: map[string]map[string]string{}}
	for _, name := range vc.HostNames() {
		id, info := vc.Host(name).Object().Self.Value, vc.Host(name).Firewall()
		w.firewalls[id] = map[string]string{}
		if info == nil {
			continue
		}
		for _, rs := range info.Ruleset {
			list, _ := json.Marshal(rs.AllowedHosts)
			w.firewalls[id][rs.Key] = fmt.Sprint(rs.Enabled, " ", string(list))
		}
	}
	for _, vm := range vc.Model().Map().All("VirtualMachine") {
		w.machines = append(w.machines, vm.Entity().Name)
	}
	slices.Sort(w.machines)
	return w
}

// changed are host and ruleset of what is not as it was.
func (w world) changed(now world) (list []string) {
	for host, rulesets := range w.firewalls {
		for key, was := range rulesets {
			if now.firewalls[host][key] != was {
				list = append(list, host+" "+key)
			}
		}
	}
	slices.Sort(list)
	return list
}

// journaled are host and ruleset of each entry of a journal.
func journaled(file string) map[string]bool {
	known := map[string]bool{}
	data, err := os.ReadFile(file)
	if err != nil {
		return known
	}
	for line := range bytes.Lines(data) {
		var e struct {
			Record struct {
				Host    struct{ ID string }
				Ruleset string
			}
		}
		if json.Unmarshal(line, &e) == nil && e.Record.Ruleset != "" {
			known[e.Record.Host.ID+" "+e.Record.Ruleset] = true
		}
	}
	return known
}

// cell is one command under one fault.
type cell struct {
	command command
	fault   *fault
	oracle  *oracle
}

func (c *cell) String() string {
	return strings.TrimSuffix(c.command.name+" / "+c.fault.row+": "+c.fault.name, ": ")
}

// outcome is what was seen of a cell.
type outcome struct {
	run                  *report.Run
	err                  error
	took                 time.Duration
	code                 int
	first, before, after world // before the fix of an undo, before the run, after it
	// truth are the verdicts of a check without a fault, made afterwards.
	truth map[subject]checks.Status
}

// oracle is what a command comes to without a fault.
type oracle struct {
	verdicts map[subject]checks.Status
	code     int
	traits   traits
}

// consult runs the command without a fault, through a proxy that only counts.
func consult(ctx context.Context, c command) (*oracle, error) {
	cell := &cell{command: c, fault: &fault{}}
	var of *oracle
	err := cell.within(ctx, func(vc *sim.VCenter, p *proxy, o preflight.Options, _ world) error {
		run, err := preflight.Run(ctx, o)
		if err != nil {
			return fmt.Errorf("%s without a fault: %w", c.name, err)
		}
		of = &oracle{verdicts: verdicts(run), code: codeOf(run, nil, c.name != "undo")}
		of.traits = traits{calls: int(p.calls.Load()), methods: slices.Sorted(maps.Keys(p.seen)), paths: slices.Sorted(maps.Keys(p.paths)), refs: map[string][]string{}}
		for _, found := range run.Inventory.Hosts {
			name, h := found.Name, vc.Host(found.Name)
			of.traits.hosts = append(of.traits.hosts, name)
			of.traits.refs[name] = []string{h.FirewallRef().Value, h.Object().Self.Value}
		}
		return nil
	})
	return of, err
}

// within has a simulator, a proxy before it and the command's options.
func (c *cell) within(ctx context.Context, do func(vc *sim.VCenter, p *proxy, o preflight.Options, first world) error) error {
	vc, err := startSimulator(c.command.scenario)
	if err != nil {
		return err
	}
	defer vc.Close()
	dir, err := os.MkdirTemp("", "campaign-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	first := look(vc)
	o, err := c.command.options(ctx, vc, dir)
	if err != nil {
		return err
	}
	p, err := startProxy(vc, c.fault)
	if err != nil {
		return err
	}
	defer p.close()
	o.Target.Address, o.Target.Thumbprints = p.address(), []string{p.thumbprint()}
	if c.fault.trust != nil {
		if err := c.fault.trust(&o, p); err != nil {
			return err
		}
	}
	o.Timeout, o.Change.HostTimeout, o.Change.VerifyTimeout = runTime, runTime, verifyTime
	if c.fault.hangs {
		o.Timeout = hangTime
	}
	if c.fault.harmless || c.fault.host != "" { // others are to be done, on a busy machine too
		o.Change.VerifyTimeout = runTime
	}
	if c.fault.hung {
		o.Change.HostTimeout = hostTime
	}
	return do(vc, p, o, first)
}

// judge runs the cell and returns what is wrong with it.
func (c *cell) judge(ctx context.Context) (wrong []string) {
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	err := c.within(ctx, func(vc *sim.VCenter, p *proxy, o preflight.Options, first world) error {
		out := outcome{first: first, before: look(vc)}
		started := time.Now()
		pprof.Do(ctx, pprof.Labels("cell", c.String()), func(ctx context.Context) { out.run, out.err = preflight.Run(ctx, o) })
		out.took = time.Since(started)
		out.after, out.code = look(vc), codeOf(out.run, out.err, c.command.name != "undo")
		left := c.left(vc, p, o.Change.StateDir, out)
		after := c.sequel(ctx, vc, o, &out)
		for _, w := range slices.Concat(c.wrongVerdicts(out), c.wrongCode(out), c.others(out), c.machines(out), left, after) {
			add("%s", w)
		}
		if bound := o.Timeout + lateness; out.took > bound {
			add("it took %s", out.took)
		}
		if crash := (*guard.PanicError)(nil); errors.As(out.err, &crash) {
			add("it crashed: %v", crash)
		}
		if len(wrong) > 0 {
			add("(exit code %d, %v)", out.code, out.err)
		}
		return nil
	})
	if err != nil {
		add("the campaign itself: %v", err)
	}
	return wrong
}

// wrongVerdicts are false passes.
func (c *cell) wrongVerdicts(out outcome) (wrong []string) {
	truth := c.oracle.verdicts
	if c.command.changes {
		truth = out.truth
	}
	for s, said := range verdicts(out.run) {
		is, known := truth[s]
		bad := known && is == checks.Fail && (said == checks.Pass || said == checks.Warn || said == checks.Skip && out.code == 0)
		bad = bad || c.command.changes && s.check == checks.OutboundPort && said == checks.Pass && is != checks.Pass && !(c.fault.removed && c.about(s))
		if bad {
			wrong = append(wrong, fmt.Sprintf("a false pass: %s of %s (%s) is %s, and was said to be %s", s.check, s.name, s.requirement, is, said))
		}
	}
	return wrong
}

// about reports whether the fault is the subject's own.
func (c *cell) about(s subject) bool {
	return slices.Contains(c.oracle.traits.refs[c.fault.host], s.name)
}

// wrongCode is an exit code that does not fit.
func (c *cell) wrongCode(out outcome) (wrong []string) {
	add := func(format string, args ...any) {
		wrong = append(wrong, fmt.Sprintf("exit code %d ", out.code)+fmt.Sprintf(format, args...))
	}
	said := verdicts(out.run)
	allowed := []int{c.oracle.code, 3}
	if slices.Contains(slices.Collect(maps.Values(said)), checks.Fail) {
		allowed = append(allowed, 1)
	}
	if c.command.changes || c.command.probes {
		allowed = append(allowed, 4)
	}
	if c.unfound(out) {
		allowed = append(allowed, 2)
	}
	if c.fault.total {
		allowed = []int{3}
	}
	if c.fault.harmless {
		allowed = []int{c.oracle.code}
	}
	if !slices.Contains(allowed, out.code) {
		add("is none of %v", allowed)
	}
	if out.code != 0 {
		return wrong
	}
	for s, was := range c.oracle.verdicts {
		is, there := said[s]
		gone := c.fault.removed && c.about(s)
		if !gone && s.check != checks.ClusterDrift && (!there || is == checks.Unknown && was != checks.Unknown) {
			add("while %s of %s was not found out", s.check, s.name)
		}
	}
	return wrong
}

// unfound reports whether nothing had a name that the command was given: it could not be
// read, or was removed before.
func (c *cell) unfound(out outcome) bool {
	return (c.fault.facts || c.fault.removed) && c.command.narrows && out.run == nil
}

// others are hosts that are not done though the fault is another's.
func (c *cell) others(out outcome) (wrong []string) {
	if c.fault.host == "" || c.unfound(out) {
		return nil
	}
	said := verdicts(out.run)
	for s, was := range c.oracle.verdicts {
		if s.check != checks.OutboundPort || c.about(s) {
			continue
		}
		if is, there := said[s]; !there || is != was {
			wrong = append(wrong, fmt.Sprintf("%s was not done: %s is %s instead of %s", s.name, s.check, is, was))
		}
	}
	return wrong
}

// machines are those of probes that are left and not named.
func (c *cell) machines(out outcome) (wrong []string) {
	for _, name := range out.after.machines {
		if slices.Contains(out.before.machines, name) {
			continue
		}
		named := out.run != nil && slices.ContainsFunc(out.run.Leftovers, func(l string) bool { return strings.Contains(l, name) })
		if !named || out.code != 4 {
			wrong = append(wrong, fmt.Sprintf("the machine %s is left, and not named", name))
		}
	}
	return wrong
}

// left is what a run leaves behind besides changes.
func (c *cell) left(vc *sim.VCenter, p *proxy, dir string, out outcome) (wrong []string) {
	if !soon(func() bool { return p.connections() == 0 }) {
		wrong = append(wrong, fmt.Sprintf("%d connections are left open", p.connections()))
	}
	if !soon(func() bool { return goroutines(c.String()) == "" }) {
		wrong = append(wrong, "goroutines are left: "+goroutines(c.String()))
	}
	if n := vc.OpenSessions(); c.fault.out && n > 0 {
		wrong = append(wrong, fmt.Sprintf("%d sessions are left", n))
	}
	_ = filepath.WalkDir(dir, func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || slices.Contains([]string{"fix.jsonl", "undo.jsonl", "ca.pem"}, d.Name()) {
			return err
		}
		wrong = append(wrong, "the file "+file+" is left")
		return nil
	})
	return wrong
}

// soon waits for what happens in the background.
func soon(is func() bool) bool {
	for range 1000 {
		if is() {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// goroutines are the stacks of those that a cell has started.
func goroutines(label string) string {
	var b bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&b, 1)
	for stack := range strings.SplitSeq(b.String(), "\n\n") {
		if strings.Contains(stack, fmt.Sprintf("%q:%q", "cell", label)) {
			return functions(stack)
		}
	}
	return ""
}

// functions are those of a stack, without their places.
func functions(stack string) string {
	var names []string
	for line := range strings.Lines(stack) {
		if fields := strings.Fields(line); len(fields) > 2 && fields[0] == "#" {
			names = append(names, path.Base(fields[2]))
		}
	}
	return strings.Join(names, " < ")
}

// sequel makes sure that what was changed is known, and can be taken back.
func (c *cell) sequel(ctx context.Context, vc *sim.VCenter, o preflight.Options, out *outcome) (wrong []string) {
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if !c.command.changes {
		if changed := out.before.changed(out.after); len(changed) > 0 {
			add("changed without being asked: %v", changed)
		}
		return wrong
	}
	dir := o.Change.StateDir
	direct := on(vc, dir)
	direct.Refresh, direct.Timeout = true, runTime
	run, err := preflight.Run(ctx, direct)
	if err != nil {
		add("the campaign itself: a check afterwards: %v", err)
		return wrong
	}
	out.truth = verdicts(run)
	known := journaled(journal(dir))
	for _, ch := range out.before.changed(out.after) {
		if !known[ch] {
			add("the journal does not know the change of %s", ch)
		}
	}
	if c.fault.total && !reflect.DeepEqual(out.before, out.after) {
		add("changed, though nothing could be found out: %v", out.before.changed(out.after))
	}
	if out.code == 0 && c.command.name == "undo" && len(out.before.changed(out.after)) != len(known) {
		add("exit code 0, and taken back were %v of %v", out.before.changed(out.after), slices.Sorted(maps.Keys(known)))
	}
	return append(wrong, c.takeBack(ctx, vc, dir, out)...)
}

// takeBack undoes the fix without a fault, and looks whether all is as it was at first.
func (c *cell) takeBack(ctx context.Context, vc *sim.VCenter, dir string, out *outcome) (wrong []string) {
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if known := journaled(journal(dir)); len(known) > 0 {
		undo := on(vc, dir)
		undo.Change.Do, undo.Change.UndoJournal, undo.Change.Journal = preflight.Undo, journal(dir), filepath.Join(dir, "again.jsonl")
		undo.AllowUnknown = c.fault.removed
		run, err := preflight.Run(ctx, undo)
		if code := codeOf(run, err, false); code != 0 && !c.fault.removed {
			add("the undo afterwards: exit code %d, %v", code, err)
		}
	}
	for _, ch := range out.first.changed(look(vc)) {
		if host, _, _ := strings.Cut(ch, " "); !c.fault.removed || !c.about(subject{name: host}) {
			add("not as before after an undo: %s", ch)
		}
	}
	return wrong
}
