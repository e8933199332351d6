//go:build unix

package infile_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/infile"
)

func TestInfile(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Infile")
}

const moment = 50 * time.Millisecond

var _ = Describe("a file to read", func() {
	var path string
	BeforeEach(func() { path = filepath.Join(GinkgoT().TempDir(), "file") })
	fifo := func() {
		GinkgoHelper()
		Expect(syscall.Mkfifo(path, 0o600)).To(Succeed())
	}

	It("is a regular one, a pipe with a writer, or standard input", func() {
		Expect(os.WriteFile(path, []byte("text"), 0o600)).To(Succeed())
		Expect(infile.Read(path)).To(BeEquivalentTo("text"))
		in, name, err := infile.OpenArgument("-", strings.NewReader("typed"))
		Expect(err).NotTo(HaveOccurred())
		Expect(name).To(Equal("standard input"))
		Expect(io.ReadAll(in)).To(BeEquivalentTo("typed"))

		Expect(os.Remove(path)).To(Succeed())
		fifo()
		go func() {
			defer GinkgoRecover()
			Expect(os.WriteFile(path, []byte(strings.Repeat("x", 200_000)), 0o600)).To(Succeed())
		}()
		Expect(infile.Read(path)).To(HaveLen(200_000))
	})

	It("is a pipe of a process, as <(command) is", func() {
		r, w, err := os.Pipe()
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(r.Close)
		_, err = w.WriteString("text")
		Expect(errors.Join(err, w.Close())).To(Succeed())
		Expect(infile.Read("/dev/fd/" + strconv.Itoa(int(r.Fd())))).To(BeEquivalentTo("text"))
	})

	It("is named where it is not there", func() {
		_, err := infile.Read(path)
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
