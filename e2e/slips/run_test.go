package slips_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/onsi/ginkgo/v2/types"
)

// mostTime is what one package's tests take at most, on a busy machine.
const mostTime = 10 * time.Minute

// verdict is what became of a slip.
type verdict string

const (
	caught  verdict = "caught"
	passed  verdict = "passed"
	crashed verdict = "crashed"
	astray  verdict = "noticed by other tests, or for another reason"
	stale   verdict = "stale"
)

// result is a slip's verdict, and what there is to say about it.
type result struct {
	slip    *slip
	verdict verdict
	detail  string
}

func (r result) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s: %s: %s\n%s", r.slip.area, r.slip.Name, r.verdict, r.detail))
}

// run makes the mistake for one go test of each package, and leaves the tree alone.
func (s *slip) run(ctx context.Context, dir string) result {
	text, err := s.applied()
	if err != nil {
		return result{s, stale, err.Error()}
	}
	overlay, err := writeOverlay(dir, s.File, text)
	if err != nil {
		return result{s, stale, err.Error()}
	}
	var details []string
	for _, pkg := range s.Tests {
		of := test(ctx, dir, pkg, s.Focus, overlay)
		verdict, detail := of.judge(s.Says)
		if verdict != caught {
			return result{s, verdict, pkg + ": " + detail}
		}
		details = append(details, detail)
	}
	return result{s, caught, strings.Join(details, "\n")}
}

// writeOverlay writes what go's -overlay takes: the file, and what is read in its place.
func writeOverlay(dir, file, text string) (overlay string, err error) {
	at, err := filepath.Abs(filepath.Join(root, file))
	if err != nil {
		return "", err
	}
	instead := filepath.Join(dir, filepath.Base(file))
	if err := os.WriteFile(instead, []byte(text), 0o600); err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {at: instead}})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, list, 0o600)
}

// tested is what a run of a package's tests came to.
type tested struct {
	// specs are those that ran; none where the suite did not come to its end.
	specs []types.SpecReport
	// plain are failed tests that are no specs, each with what it said. A package may have
	// no others.
	plain     []string
	plainOnly bool
	// output is the end of what was printed.
	output string
	// err is nil where all passed.
	err error
}

// test runs a package's specs. Programs that they build have the overlay too.
func test(ctx context.Context, dir, pkg, focus, overlay string) tested {
	ctx, cancel := context.WithTimeout(ctx, mostTime)
	defer cancel()
	report := filepath.Join(dir, "report.json")
	_ = os.Remove(report)
	args := []string{"test", "-count=1", "-vet=off", "-run", "^Test", "-timeout", mostTime.String(), pkg}
	args = append(args, "-args")
	if uses(pkg, "pgregory.net/rapid") {
		args = append(args, "-rapid.nofailfile") // it would be left in the tree
	}
	suite := uses(pkg, "testsuite.Run(")
	if suite {
		args = append(args, "-ginkgo.json-report", report)
	}
	if suite && focus != "" {
		args = append(args, "-ginkgo.focus", focus)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "CAMPAIGN") || strings.HasPrefix(v, "SLIPS_") || strings.HasPrefix(v, "GOFLAGS=")
	}), "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -overlay="+overlay))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // go test's own children end with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	of := tested{plain: plainFailures(string(out)), plainOnly: !suite, output: string(out[max(0, len(out)-1500):]), err: cmp.Or(ctx.Err(), err)}
	var suites []types.Report
	text, err := os.ReadFile(report)
	if err == nil {
		err = json.Unmarshal(text, &suites)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		of.err = errors.Join(of.err, err)
	}
	for _, suite := range suites {
		of.specs = append(of.specs, suite.SpecReports...)
	}
	return of
}

// uses reports whether a package's tests hold a text, such as that of what starts a suite.
func uses(pkg, text string) bool {
	files, _ := filepath.Glob(filepath.Join(root, pkg, "*_test.go")) // the pattern is well formed
	return slices.ContainsFunc(files, func(file string) bool {
		found, err := os.ReadFile(file)
		return err == nil && strings.Contains(string(found), text)
	})
}

// plainFailures are the tests of which go test says that they failed, with the lines behind.
func plainFailures(out string) (failed []string) {
	for _, part := range strings.Split(out, "--- FAIL: ")[1:] {
		text, _, _ := strings.Cut(part, "\nFAIL")
		if !strings.Contains(text, "panic: ") {
			failed = append(failed, strings.TrimSpace(text))
		}
	}
	return failed
}

// holds reports whether a text has all of the words.
func holds(text string, words []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

// judge says whether one failed spec, or test, holds all of the words. A panic is none.
func (t tested) judge(words []string) (verdict, string) {
	var ran int
	var failed, panicked []string
	for _, spec := range t.specs {
		if spec.LeafNodeType != types.NodeTypeIt && !spec.Failed() || spec.State.Is(types.SpecStateSkipped|types.SpecStatePending) {
			continue
		}
		ran++
		name := cmp.Or(spec.FullText(), spec.LeafNodeType.String())
		switch {
		case spec.State == types.SpecStatePassed:
		case spec.State != types.SpecStateFailed:
			panicked = append(panicked, name+": "+spec.State.String()+": "+spec.Failure.ForwardedPanic)
		default:
			text := name + ": " + spec.Failure.Message
			if holds(text, words) {
				return caught, "by: " + name
			}
			failed = append(failed, text)
		}
	}
	if i := slices.IndexFunc(t.plain, func(text string) bool { return holds(text, words) }); i >= 0 && (ran > 0 || t.plainOnly) {
		return caught, "by: " + t.plain[i]
	}
	switch {
	case t.plainOnly && len(t.plain) > 0:
		return astray, strings.Join(t.plain, "\n")
	case ran == 0 && t.err == nil && !t.plainOnly:
		return crashed, "no spec ran: the focus fits none"
	case ran == 0 && t.err != nil:
		return crashed, fmt.Sprintf("%v\n%s", t.err, t.output)
	case len(failed) > 0:
		return astray, strings.Join(failed, "\n")
	case len(panicked) > 0:
		return crashed, strings.Join(panicked, "\n")
	case t.err != nil:
		return crashed, fmt.Sprintf("%v\n%s", t.err, t.output)
	}
	return passed, ""
}
