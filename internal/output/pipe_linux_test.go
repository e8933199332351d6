package output_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/output"
	"github.com/vic-preflight/vic-preflight/report"
)

var refused = &report.Report{Runs: []*report.Run{{Target: "vc", Err: errors.New("refused")}}}

func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPipes(t *testing.T) {
	path := fifo(t)
	got := make(chan string)
	go func() {
		text, _ := os.ReadFile(path)
		got <- string(text)
	}()
	if err := output.WriteFiles(t.Context(), outputs(t, "table="+path), refused); err != nil {
		t.Errorf("a pipe with a reader: %v", err)
	}
	if text := <-got; text != "vc: NOT CHECKED: refused\n" {
		t.Errorf("it gets %q", text)
	}

	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := output.WriteFiles(t.Context(), outputs(t, "table=/dev/fd/"+strconv.Itoa(int(w.Fd()))), refused); err != nil {
		t.Errorf("a pipe of a process, as >(command) is: %v", err)
	}
	_ = w.Close()
	if text, err := io.ReadAll(r); err != nil || string(text) != "vc: NOT CHECKED: refused\n" {
		t.Errorf("it gets %q, %v", text, err)
	}
}

func TestPipesThatNobodyReads(t *testing.T) {
	const moment = 50 * time.Millisecond
	path := fifo(t)
	if err := output.ExtendWithin(t.Context(), moment, path, []byte("text")); !errors.Is(err, output.ErrUnread) || err.Error() != "nobody reads from it: given up after 50ms" {
		t.Errorf("without a reader: %v", err)
	}
	before := runtime.NumGoroutine()
	for range 20 {
		_ = output.ExtendWithin(t.Context(), time.Millisecond, path, []byte("text"))
	}
	if left := runtime.NumGoroutine() - before; left > 5 {
		t.Errorf("%d opens still wait for a reader", left)
	}
	reader, err := os.OpenFile(path, os.O_RDWR, 0) // which opens, and reads nothing
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := output.ExtendWithin(t.Context(), moment, path, make([]byte, 1<<20)); !errors.Is(err, output.ErrUnread) {
		t.Errorf("with a reader that stands still: %v", err)
	}
}

func TestStandardOutputThatNobodyReads(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	begun := make(chan bool)
	go func() {
		<-begun
		cancel()
	}()
	if err := output.ToStream(ctx, func() error { close(begun); select {} }); !errors.Is(err, context.Canceled) {
		t.Errorf("it is waited for after a signal: %v", err)
	}
}

func TestLinksToNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	for from, to := range map[string]string{"one": "two", "two": "real.txt", "round": "round", "lost": "nowhere/real"} {
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	if err := output.WriteFiles(t.Context(), outputs(t, "table=one"), refused); err != nil {
		t.Error(err)
	}
	if info, err := os.Lstat("real.txt"); err != nil || !info.Mode().IsRegular() {
		t.Errorf("behind the links: %v, %v", info, err)
	}
	for _, path := range []string{"round", "lost"} {
		if _, err := output.Parse([]string{"json=" + path}); err == nil || !strings.HasPrefix(err.Error(), "json="+path+": ") {
			t.Errorf("%s is taken: %v", path, err)
		}
	}
}

func TestPlacesThatTakeNoFile(t *testing.T) {
	if _, err := output.Parse([]string{"json=/proc/report.json"}); err == nil || !strings.HasPrefix(err.Error(), "json=/proc/report.json: create /proc/report.json: ") {
		t.Errorf("it is found out after the run: %v", err)
	}
	if err := output.WriteFiles(t.Context(), outputs(t, "json=/dev/full"), refused); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "write json to /dev/full: ") {
		t.Errorf("a full disk: %v", err)
	}
	for _, name := range []string{"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"} {
		if list := outputs(t, "json="+name); len(list) != 1 || list[0].Path != "" {
			t.Errorf("%s is %v", name, list)
		}
	}
}

// A file that grows beyond what is allowed fails as one on a full disk does.
func TestSummaryOnAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "summary")
	if err := os.WriteFile(path, []byte("what was there\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limit := before
	limit.Cur = 20
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	err := output.AppendSummary(t.Context(), path, refused)
	if restored := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); restored != nil {
		t.Fatal(restored)
	}
	if !errors.Is(err, syscall.EFBIG) || read(t, path) != "what was there\n" {
		t.Errorf("%v, and the file holds %q", err, read(t, path))
	}
}
