package probe_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/probe"
)

// Each side of a proof is put to the test alone: where both are the tool's own, one that
// believed anything would be covered for by the other.

// say sends one line to the listener, and returns what comes back until it hangs up.
func say(ctx context.Context, t probe.Target, line string) string {
	GinkgoHelper()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", t.String())
	Expect(err).NotTo(HaveOccurred())
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	_, err = io.WriteString(c, line)
	Expect(err).NotTo(HaveOccurred())
	answer, err := io.ReadAll(c)
	Expect(err).NotTo(HaveOccurred())
	return string(answer)
}

// between stands between an asker and the listener, and bends what either says.
func between(ctx context.Context, l *probe.Listener, ask, answer func(string) string) probe.Target {
	GinkgoHelper()
	return serve(func(c net.Conn) {
		question, err := bufio.NewReader(c).ReadString('\n')
		if err != nil {
			return
		}
		var d net.Dialer
		on, err := d.DialContext(ctx, "tcp", l.Addr().String())
		if err != nil {
			return
		}
		defer on.Close()
		_, _ = io.WriteString(on, ask(question))
		said, _ := io.ReadAll(on)
		_, _ = io.WriteString(c, answer(string(said)))
	})
}

func as(text string) string { return text }

var _ = Describe("what a listener has seen", func() {
	var key probe.Key
	var l *probe.Listener
	var uri string
	BeforeEach(func(ctx SpecContext) {
		key = newKey()
		l = listen(ctx, key, probe.ListenOptions{})
		uri = key.Service("SEEN")
		vmxDial(ctx, targetOf(l.Addr()), "42", uri)
		_, err := l.WaitVMX(ctx, uri)
		Expect(err).NotTo(HaveOccurred())
	})

	It("is told to nobody without the key, though the name is the right one", func(ctx SpecContext) {
		t := targetOf(l.Addr())
		question := func(k probe.Key, nonce, uri, asked string) string {
			return "VIC-PREFLIGHT/1 SEEN " + nonce + " " + asked + " " + k.MAC("ask", nonce, uri) + "\n"
		}
		Expect(say(ctx, t, question(key, "N", uri, uri))).To(HavePrefix("VIC-PREFLIGHT/1 WAS 127.0.0.1 "))
		Expect(say(ctx, t, question(newKey(), "N", uri, uri))).To(BeEmpty(), "by another key")
		Expect(say(ctx, t, question(key, "N", key.Service("OTHER"), uri))).To(BeEmpty(), "by a question for another name")
		Expect(say(ctx, t, "VIC-PREFLIGHT/1 SEEN N "+uri+" \n")).To(BeEmpty(), "by none")
		Expect(say(ctx, t, "VIC-PREFLIGHT/1 SEEN N "+uri+" "+strings.Repeat("0", 64)+"\n")).To(BeEmpty())
	}, SpecTimeout(20*time.Second))

	DescribeTable("is believed of nobody without the key", func(ctx SpecContext, ask, answer func(string) string) {
		remote := &probe.Remote{Target: between(ctx, l, as, as), Key: key, Dialer: &net.Dialer{}}
		Expect(remote.Check(ctx)).To(Succeed(), "what passes on faithfully is the listener")
		remote.Target = between(ctx, l, ask, answer)
		Expect(remote.Check(ctx)).To(MatchError("what answers at the target is not the listener with this key"))
		short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		_, err := remote.WaitVMX(short, uri)
		Expect(err).To(MatchError(ContainSubstring("not the listener with this key")))
	},
		Entry("that says yes of itself", SpecTimeout(20*time.Second), as, func(string) string {
			return "VIC-PREFLIGHT/1 WAS 10.0.0.1 " + strings.Repeat("0", 64) + "\n"
		}),
		Entry("that changes the address", SpecTimeout(20*time.Second), as, func(text string) string {
			f := strings.Fields(text)
			f[2] = "10.0.0.1"
			return strings.Join(f, " ") + "\n"
		}),
		Entry("that leaves out the proof", SpecTimeout(20*time.Second), as, func(text string) string {
			return strings.Join(strings.Fields(text)[:3], " ") + "\n"
		}),
	)

	It("is believed of no answer to an earlier question, nor to one for another name", func(ctx SpecContext) {
		earlier := say(ctx, targetOf(l.Addr()), "VIC-PREFLIGHT/1 SEEN N "+uri+" "+key.MAC("ask", "N", uri)+"\n")
		Expect(earlier).To(HavePrefix("VIC-PREFLIGHT/1 WAS 127.0.0.1 "))
		replay := &probe.Remote{Target: serve(func(c net.Conn) {
			_, _ = bufio.NewReader(c).ReadString('\n')
			_, _ = io.WriteString(c, earlier)
		}), Key: key, Dialer: &net.Dialer{}}
		short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		_, err := replay.WaitVMX(short, uri)
		Expect(err).To(MatchError(ContainSubstring("not the listener with this key")), "its nonce was another")

		never := key.Service("NEVER")
		other := &probe.Remote{Target: serve(func(c net.Conn) {
			question, _ := bufio.NewReader(c).ReadString('\n')
			nonce := strings.Fields(question)[2]
			_, _ = io.WriteString(c, say(ctx, targetOf(l.Addr()), "VIC-PREFLIGHT/1 SEEN "+nonce+" "+uri+" "+key.MAC("ask", nonce, uri)+"\n"))
		}), Key: key, Dialer: &net.Dialer{}}
		short2, cancel2 := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel2()
		_, err = other.WaitVMX(short2, never)
		Expect(err).To(MatchError(ContainSubstring("not the listener with this key")), "it was about another name")
	}, SpecTimeout(20*time.Second))
})

var _ = It("an answer to an earlier challenge proves nothing of a connection", func(ctx SpecContext) {
	key := newKey()
	l := listen(ctx, key, probe.ListenOptions{})
	earlier := say(ctx, targetOf(l.Addr()), "VIC-PREFLIGHT/1 PROBE 00\n")
	Expect(earlier).To(HavePrefix("VIC-PREFLIGHT/1 OPEN "))
	replay := serve(func(c net.Conn) {
		_, _ = bufio.NewReader(c).ReadString('\n')
		_, _ = io.WriteString(c, earlier)
	})
	Expect(probe.Local(ctx, &net.Dialer{}, probe.Attempt{To: replay, Key: &key}, time.Second).Outcome).To(Equal(inventory.Intercepted))
}, SpecTimeout(20*time.Second))

var _ = It("each attempt has a challenge of its own: what answered one answers no other", func(ctx SpecContext) {
	key := newKey()
	l := listen(ctx, key, probe.ListenOptions{})
	var earlier string
	recording := between(ctx, l, as, func(answer string) string { earlier = answer; return answer })
	Expect(probe.Local(ctx, &net.Dialer{}, probe.Attempt{To: recording, Key: &key}, time.Second).Outcome).To(Equal(inventory.Open))
	Expect(earlier).To(HavePrefix("VIC-PREFLIGHT/1 OPEN "))
	replay := serve(func(c net.Conn) {
		_, _ = bufio.NewReader(c).ReadString('\n')
		_, _ = io.WriteString(c, earlier)
	})
	Expect(probe.Local(ctx, &net.Dialer{}, probe.Attempt{To: replay, Key: &key}, time.Second).Outcome).To(Equal(inventory.Intercepted), "the challenge was the same")
}, SpecTimeout(20*time.Second))
