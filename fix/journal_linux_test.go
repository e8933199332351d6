package fix_test

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"unsafe"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

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

var _ = It("a journal is none whose folder's sync fails, though the folder can be opened", func() {
	path := filepath.Join(GinkgoT().TempDir(), "j.jsonl")
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer GinkgoRecover()
		runtime.LockOSThread() // its thread ends with it
		next, opened := os.Open(os.DevNull)
		Expect(opened).NotTo(HaveOccurred())
		journal := next.Fd()
		Expect(next.Close()).To(Succeed())
		onlySyncing(uint32(journal))
		_, err = fix.CreateJournal(path, fix.Header{})
	}()
	<-done
	Expect(err).To(MatchError(And(ContainSubstring("write the journal "+path), ContainSubstring(syscall.EIO.Error()))), "the folder was not synced")
	Expect(path).NotTo(BeAnExistingFile(), "a journal that is not used is not left")
})

// onlySyncing lets no file but one be synced by the calling thread, for the rest of its life.
func onlySyncing(file uint32) {
	GinkgoHelper()
	const number, firstArgument = 0, 16 // in struct seccomp_data, of little-endian machines
	load, equal, answer := uint16(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS), uint16(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K), uint16(unix.BPF_RET|unix.BPF_K)
	filter := []unix.SockFilter{
		{Code: load, K: number},
		{Code: equal, K: unix.SYS_FSYNC, Jf: 3},
		{Code: load, K: firstArgument},
		{Code: equal, K: file, Jt: 1},
		{Code: answer, K: unix.SECCOMP_RET_ERRNO | uint32(syscall.EIO)},
		{Code: answer, K: unix.SECCOMP_RET_ALLOW},
	}
	Expect(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)).To(Succeed())
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, failed := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program)))
	Expect(failed).To(BeZero())
}
