package probe_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/probe"
)

var _ = It("a machine that could be removed is no leftover of a run that ended", func(ctx SpecContext) {
	key := newKey()
	l := listen(ctx, key, probe.ListenOptions{})
	m := &fakeMachines{target: targetOf(l.Addr()), blocked: map[string]bool{"esx1": true}, alive: map[string]bool{}}
	h := &probe.Attempt{Host: &inventory.Host{ID: "1", Name: "esx1"}, To: targetOf(l.Addr()), Key: &key, Witness: l}
	run, end := context.WithCancel(ctx)
	time.AfterFunc(100*time.Millisecond, end)
	probe.Serial(run, []*probe.Attempt{h}, m, probe.SerialOptions{Workers: 1, Timeout: 5 * time.Second, Simulated: true})
	Expect(m.made).To(Equal(1))
	Expect(h.Found.Leftover).To(BeEmpty(), h.Found.Cause)
	Expect(h.Found.Cause).To(Equal("interrupted"))
}, SpecTimeout(20*time.Second))

var _ = It("a listener keeps no more of what peers tell of themselves than a name takes", func(ctx SpecContext) {
	var mu sync.Mutex
	var peers []probe.Peer
	key := newKey()
	l := listen(ctx, key, probe.ListenOptions{OnPeer: func(p probe.Peer) {
		mu.Lock()
		defer mu.Unlock()
		peers = append(peers, p)
	}})
	long := strings.Repeat("4", 5000)
	vmxDial(ctx, targetOf(l.Addr()), long, "tcp://"+long)
	Eventually(func() []probe.Peer { mu.Lock(); defer mu.Unlock(); return peers }).WithTimeout(5 * time.Second).Should(HaveLen(1))
	Expect(peers[0].VMUUID).To(HaveLen(128))
	Expect(peers[0].URI).To(HaveLen(128))
}, SpecTimeout(20*time.Second))

var _ = Describe("the file of a key", func() {
	It("is read by nobody else, and holds what serves the next time", func() {
		path := filepath.Join(GinkgoT().TempDir(), "key")
		key, err := probe.KeyFile(path)
		Expect(err).NotTo(HaveOccurred())
		info, err := os.Stat(path)
		Expect(err).NotTo(HaveOccurred())
		Expect(info.Mode().Perm()).To(Equal(os.FileMode(0o600)))
		Expect(probe.KeyFile(path)).To(Equal(key))
	})
	It("that holds something else is not written over", func() {
		path := filepath.Join(GinkgoT().TempDir(), "notes")
		Expect(os.WriteFile(path, []byte("my notes"), 0o600)).To(Succeed())
		_, err := probe.KeyFile(path)
		Expect(err).To(MatchError(ContainSubstring("it is not a key of vic-preflight listen")))
		Expect(os.ReadFile(path)).To(BeEquivalentTo("my notes"))
	})
})

var _ = DescribeTable("telnet's escaped 255", func(name string) {
	var n probe.Negotiation
	escaped := strings.ReplaceAll(name, "\xff", "\xff\xff")
	n.Feed([]byte("\xff\xfa\xe8\x50" + "42" + "\xff\xf0" + "\xff\xfa\xe8\x52" + escaped + "\xff\xf0" + "\xff\xfa\xe8\x46C" + "uri" + "\xff\xf0"))
	uuid, uri, got := n.VM()
	Expect([]string{uuid, got, uri}).To(Equal([]string{"42", name, "uri"}))
	Expect(n.Pending()).To(BeZero())
},
	Entry("in a name", "a\xffb"),
	Entry("at the end of a name, before the end of what is told", "a\xff"),
	Entry("twice at the end", "a\xff\xff"),
	Entry("before what looks like an end", "a\xff\xf0b"),
	Entry("alone", "\xff"),
)
