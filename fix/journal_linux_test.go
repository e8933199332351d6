package fix_test

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/fix"
)

// nobody is an account that is not root's.
const nobody = 65534

var _ = It("a journal is none whose folder cannot be synced: its name could be lost with the power", func() {
	dir := filepath.Join(GinkgoT().TempDir(), "folder")
	Expect(os.Mkdir(dir, 0o700)).To(Succeed())
	path := filepath.Join(dir, "j.jsonl")
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer GinkgoRecover()
		if os.Getuid() == 0 { // who may read everything; its thread is one of nobody's for the rest of its life
			Expect(os.Chmod(filepath.Dir(dir), 0o711)).To(Succeed())
			Expect(os.Chown(dir, nobody, nobody)).To(Succeed())
			runtime.LockOSThread()
			_, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, nobody, 0, 0)
		}
		// A new file may be made in it, and the folder itself not be opened.
		Expect(os.Chmod(dir, 0o300)).To(Succeed())
		_, err = fix.CreateJournal(path, fix.Header{})
	}()
	<-done
	Expect(err).To(MatchError(And(ContainSubstring("write the journal "+path), ContainSubstring("permission denied"))))
	Expect(os.Chmod(dir, 0o700)).To(Succeed())
	Expect(path).NotTo(BeAnExistingFile(), "a journal that is not used is not left")
})
