//go:build unix

package infile_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestInfile(t *testing.T) { testsuite.Run(t, "internal/infile") }

func TestUntilBeginsNothingWhenItsContextHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		begun := false
		_, err := infile.Until(ended, "look", func() (any, error) { begun = true; return nil, nil })
		synctest.Wait()
		if begun || err == nil || err.Error() != "look: context canceled" {
			t.Errorf("begun: %t, %v", begun, err)
		}
	})
}

const moment = 50 * time.Millisecond

var _ = Describe("a file to read", func() {
	var path string
	BeforeEach(func() { path = filepath.Join(GinkgoT().TempDir(), "file") })
	fifo := func() {
		GinkgoHelper()
		Expect(syscall.Mkfifo(path, 0o600)).To(Succeed())
	}

	It("is a regular one, a pipe with a writer, or standard input", func(ctx SpecContext) {
		Expect(os.WriteFile(path, []byte("text"), 0o600)).To(Succeed())
		Expect(infile.Read(path, infile.Short)).To(BeEquivalentTo("text"))
		in, name, err := infile.Argument(ctx, "-", infile.Short, strings.NewReader("typed"))
		Expect(err).NotTo(HaveOccurred())
		Expect(name).To(Equal("standard input"))
		Expect(io.ReadAll(in)).To(BeEquivalentTo("typed"))

		Expect(os.Remove(path)).To(Succeed())
		fifo()
		go func() {
			defer GinkgoRecover()
			Expect(os.WriteFile(path, []byte(strings.Repeat("x", 200_000)), 0o600)).To(Succeed())
		}()
		Expect(infile.Read(path, infile.Short)).To(HaveLen(200_000))
	})

	It("is a pipe of a process, as <(command) is", func() {
		r, w, err := os.Pipe()
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(r.Close)
		_, err = w.WriteString("text")
		Expect(errors.Join(err, w.Close())).To(Succeed())
		Expect(infile.Read("/dev/fd/"+strconv.Itoa(int(r.Fd())), infile.Short)).To(BeEquivalentTo("text"))
	})

	It("is read up to a bound, and no further", func(ctx SpecContext) {
		Expect(os.WriteFile(path, []byte("four"), 0o600)).To(Succeed())
		Expect(infile.Read(path, 4)).To(BeEquivalentTo("four"))
		text, err := infile.Read(path, 3)
		Expect(string(text)).To(Equal("fou"))
		Expect(err).To(MatchError(infile.ErrLarge))
		Expect(err).To(MatchError("read " + path + ": it is larger than what is read: more than 3 bytes"))
		in := infile.Limit(strings.NewReader("four"), "it", 3)
		for range 3 { // however often it is asked
			_, err = io.ReadAll(in)
			Expect(err).To(MatchError(infile.ErrLarge))
		}
		in, _, err = infile.Argument(ctx, "-", 3, strings.NewReader("four"))
		Expect(err).NotTo(HaveOccurred())
		_, err = io.ReadAll(in)
		Expect(err).To(MatchError("read standard input: it is larger than what is read: more than 3 bytes"))
		in, _, err = infile.Argument(ctx, "/dev/zero", infile.Short, nil)
		Expect(err).NotTo(HaveOccurred())
		_, err = io.ReadAll(in)
		Expect(err).To(MatchError("read /dev/zero: it is larger than what is read: more than 1 MiB"))
	})

	It("is not waited for when the context has ended", func(ctx SpecContext) {
		fifo()
		reading, cancel := context.WithCancel(ctx)
		defer cancel()
		r, w, err := os.Pipe()
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(r.Close)
		DeferCleanup(w.Close)
		in, _, err := infile.Argument(reading, "-", infile.Short, r)
		Expect(err).NotTo(HaveOccurred())
		_, err = w.WriteString("half")
		Expect(err).NotTo(HaveOccurred())
		go func() { cancel() }()
		text, err := io.ReadAll(in)
		Expect(string(text)).To(BeElementOf("", "half"))
		Expect(err).To(MatchError(context.Canceled))
		Expect(err).To(MatchError("read standard input: context canceled"))
		_, _, err = infile.Argument(reading, path, infile.Short, nil)
		Expect(err).To(MatchError(context.Canceled))
	}, SpecTimeout(5*time.Second))

	It("leaves alone what its reader has, where it comes after it was given up", func(ctx SpecContext) {
		reading, cancel := context.WithCancel(ctx)
		late := &lateReader{begun: make(chan bool), end: make(chan bool), ended: make(chan bool)}
		in, _, err := infile.Argument(reading, "-", infile.Short, late)
		Expect(err).NotTo(HaveOccurred())
		go func() {
			<-late.begun
			cancel()
		}()
		text := []byte("mine")
		_, err = in.Read(text)
		Expect(err).To(MatchError(context.Canceled))
		close(late.end)
		<-late.ended
		Expect(string(text)).To(Equal("mine"))
	}, SpecTimeout(5*time.Second))

	It("makes no panic that nobody catches", func(ctx SpecContext) {
		_, err := infile.Until(ctx, "look", func() (any, error) { panic("a fault") })
		Expect(err).To(MatchError(ContainSubstring("a fault")))
	})

	It("is named where it is not there", func() {
		_, err := infile.Read(path, infile.Short)
		Expect(err).To(MatchError(fs.ErrNotExist))
	})

	It("is no pipe that nobody opens to write", func() {
		fifo()
		begun := time.Now()
		_, err := infile.OpenPipe(path, moment, time.Hour)
		Expect(err).To(MatchError(infile.ErrSilent))
		Expect(err).To(MatchError("open " + path + ": it is a pipe that nobody writes to: given up after 50ms"))
		Expect(time.Since(begun)).To(BeNumerically("<", 5*time.Second))
	})

	It("is no pipe whose writer says nothing more", func() {
		fifo()
		opened := make(chan *os.File)
		go func() {
			w, _ := os.OpenFile(path, os.O_WRONLY, 0)
			_, _ = w.WriteString("half")
			opened <- w
		}()
		in, err := infile.OpenPipe(path, time.Hour, moment)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(in.Close)
		w := <-opened
		DeferCleanup(w.Close)
		text, err := io.ReadAll(in)
		Expect(string(text)).To(Equal("half"))
		Expect(err).To(MatchError(infile.ErrSilent))
	})
})

// lateReader reads when it is let.
type lateReader struct{ begun, end, ended chan bool }

func (r *lateReader) Read(p []byte) (int, error) {
	close(r.begun)
	<-r.end
	defer close(r.ended)
	return copy(p, "late"), nil
}
