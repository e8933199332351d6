package slowlink_test

import (
	"io"
	"net"
	"os"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/slowlink"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestSlowlink(t *testing.T) { testsuite.Run(t, "internal/slowlink") }

// echo answers what it is sent, on loopback.
func echo() net.Listener {
	GinkgoHelper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(l.Close)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	return l
}

func openFiles() int {
	GinkgoHelper()
	list, err := os.ReadDir("/proc/self/fd")
	Expect(err).NotTo(HaveOccurred())
	return len(list)
}

var _ = Describe("a slow link", func() {
	say := func(link *slowlink.Link, text string) time.Duration {
		GinkgoHelper()
		start := time.Now()
		c, err := net.Dial("tcp", link.Addr())
		Expect(err).NotTo(HaveOccurred())
		defer c.Close()
		_, err = io.WriteString(c, text)
		Expect(err).NotTo(HaveOccurred())
		Expect(c.(*net.TCPConn).CloseWrite()).To(Succeed())
		answer, err := io.ReadAll(c)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(answer)).To(Equal(text))
		return time.Since(start)
	}

	It("carries both ways, later by the round-trip time and one for the handshake", func() {
		link, err := slowlink.Listen(echo().Addr().String(), 40*time.Millisecond)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(link.Close)
		Expect(say(link, "hello")).To(BeNumerically(">=", 60*time.Millisecond))
		Expect(link.Connections()).To(Equal(1))
	})

	It("keeps no connection that is over", func() {
		link, err := slowlink.Listen(echo().Addr().String(), 0)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(link.Close)
		say(link, "first")
		before := openFiles()
		for range 100 {
			say(link, "again")
		}
		Eventually(openFiles).Should(BeNumerically("<", before+20))
	})
})
