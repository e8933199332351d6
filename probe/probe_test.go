package probe_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/probe"
)

func newKey() probe.Key {
	GinkgoHelper()
	k, err := probe.NewKey()
	Expect(err).NotTo(HaveOccurred())
	return k
}

func listen(ctx context.Context, key probe.Key, opts probe.ListenOptions) *probe.Listener {
	GinkgoHelper()
	l, err := probe.Listen(ctx, "127.0.0.1:0", key, opts)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(l.Close)
	return l
}

func targetOf(addr net.Addr) probe.Target {
	tcp := addr.(*net.TCPAddr)
	return probe.Target{Host: tcp.IP.String(), Port: tcp.Port}
}

// serve runs a plain server that treats each connection by f.
func serve(f func(net.Conn)) probe.Target {
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
			go func() { defer c.Close(); f(c) }()
		}
	}()
	return targetOf(l.Addr())
}

func opError(err error) error {
	return &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", err)}
}

var _ = DescribeTable("a failed dial is classed",
	func(err error, elapsed time.Duration, want inventory.Outcome) {
		outcome, cause := probe.Classify(err, elapsed)
		Expect(outcome).To(Equal(want))
		Expect(cause).NotTo(BeEmpty())
	},
	Entry("refused", opError(syscall.ECONNREFUSED), time.Duration(0), inventory.Refused),
	Entry("reset at once", opError(syscall.ECONNRESET), time.Duration(0), inventory.Refused),
	Entry("rejected by ICMP", opError(syscall.EHOSTUNREACH), time.Duration(0), inventory.Unreachable),
	Entry("no neighbour", opError(syscall.EHOSTUNREACH), 3*time.Second, inventory.Unreachable),
	Entry("prohibited", opError(syscall.EACCES), time.Second, inventory.Unreachable),
	Entry("no route", opError(syscall.ENETUNREACH), time.Duration(0), inventory.NoRoute),
	Entry("a deadline of the context", context.DeadlineExceeded, 4*time.Second, inventory.Timeout),
	Entry("a deadline of the system", opError(os.ErrDeadlineExceeded), 4*time.Second, inventory.Timeout),
	Entry("a name that is not there", &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "vch", IsNotFound: true}}, time.Millisecond, inventory.DNS),
	Entry("a name server that says nothing", &net.OpError{Op: "dial", Err: &net.DNSError{Err: "i/o timeout", Name: "vch", IsTimeout: true}}, time.Second, inventory.DNS),
	Entry("anything else", errors.New("out of files"), time.Duration(0), inventory.ProbeError),
)

var _ = Describe("Local", func() {
	dial := func(ctx context.Context, t probe.Target, key *probe.Key) inventory.Probe {
		return probe.Local(ctx, &net.Dialer{}, probe.Attempt{To: t, Key: key}, 500*time.Millisecond)
	}
	It("is open when the listener proves itself", func(ctx SpecContext) {
		key := newKey()
		l := listen(ctx, key, probe.ListenOptions{})
		p := dial(ctx, targetOf(l.Addr()), &key)
		Expect(p.Outcome).To(Equal(inventory.Open))
		Expect(p.Vantage).To(Equal(inventory.VantageLocal))
	}, SpecTimeout(10*time.Second))
	It("is intercepted when somebody with another key answers", func(ctx SpecContext) {
		key := newKey()
		l := listen(ctx, newKey(), probe.ListenOptions{})
		Expect(dial(ctx, targetOf(l.Addr()), &key).Outcome).To(Equal(inventory.Intercepted))
	}, SpecTimeout(10*time.Second))
	It("is intercepted when the challenge is echoed", func(ctx SpecContext) {
		key := newKey()
		Expect(dial(ctx, serve(func(c net.Conn) { _, _ = io.Copy(c, c) }), &key).Outcome).To(Equal(inventory.Intercepted))
	}, SpecTimeout(10*time.Second))
	It("is intercepted when a web server answers", func(ctx SpecContext) {
		key := newKey()
		t := serve(func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 400 Bad Request\r\n\r\n") })
		Expect(dial(ctx, t, &key).Outcome).To(Equal(inventory.Intercepted))
	}, SpecTimeout(10*time.Second))
	It("is unverified when something accepts and says nothing", func(ctx SpecContext) {
		key := newKey()
		t := serve(func(c net.Conn) { time.Sleep(time.Second) })
		Expect(dial(ctx, t, &key).Outcome).To(Equal(inventory.OpenUnverified))
		Expect(dial(ctx, t, nil).Outcome).To(Equal(inventory.OpenUnverified))
	}, SpecTimeout(10*time.Second))
	It("is open when a virtual container host greets", func(ctx SpecContext) {
		t := serve(func(c net.Conn) { _, _ = c.Write([]byte{255, 253, 232}); time.Sleep(time.Second) })
		Expect(dial(ctx, t, nil).Outcome).To(Equal(inventory.Open))
	}, SpecTimeout(10*time.Second))
	It("is refused where nobody listens", func(ctx SpecContext) {
		Expect(dial(ctx, probe.Target{Host: "127.0.0.1", Port: 1}, nil).Outcome).To(Equal(inventory.Refused))
	}, SpecTimeout(10*time.Second))
})

var _ = Describe("Inbound", func() {
	reach := func(ctx context.Context, simulated bool, to probe.Target) inventory.Probe {
		a := &probe.Attempt{Host: &inventory.Host{Name: "esx1"}, To: to, Service: true}
		probe.Inbound(ctx, &net.Dialer{}, []*probe.Attempt{a}, probe.InboundOptions{Workers: 2, Timeout: time.Second, Simulated: simulated})
		return a.Found
	}
	quiet := func(c net.Conn) { time.Sleep(time.Second) }

	It("takes a service that accepts and stays for unverified, and says whose connection it was", func(ctx SpecContext) {
		p := reach(ctx, true, serve(quiet))
		Expect(p.Outcome).To(Equal(inventory.OpenUnverified))
		Expect(p.Doubt).To(BeEmpty())
		Expect(p.Vantage).To(Equal(inventory.VantageLocal))
		Expect(p.Peer).To(Equal("127.0.0.1"))
	}, SpecTimeout(10*time.Second))
	It("knows ESXi's port 902 by what it says", func(ctx SpecContext) {
		t := serve(func(c net.Conn) {
			fmt.Fprint(c, "220 VMware Authentication Daemon Version 1.10: SSL Required\r\n")
			quiet(c)
		})
		Expect(reach(ctx, true, t).Outcome).To(Equal(inventory.Open))
	}, SpecTimeout(10*time.Second))
	It("doubts what accepts and resets", func(ctx SpecContext) {
		p := reach(ctx, true, serve(func(c net.Conn) { time.Sleep(50 * time.Millisecond); _ = c.(*net.TCPConn).SetLinger(0) }))
		Expect(p.Outcome).To(Equal(inventory.OpenUnverified))
		Expect(p.Doubt).To(ContainSubstring("reset"))
	}, SpecTimeout(10*time.Second))
	It("is refused where nobody listens, and still says whose connection it was", func(ctx SpecContext) {
		p := reach(ctx, true, probe.Target{Host: "127.0.0.1", Port: 1})
		Expect(p.Outcome).To(Equal(inventory.Refused))
		Expect(p.Peer).To(Equal("127.0.0.1"))
	}, SpecTimeout(10*time.Second))
	It("never takes this machine for a host whose name stands for it", func(ctx SpecContext) {
		t := serve(quiet)
		for _, name := range []string{"127.0.0.1", "localhost", "127.0.1.1"} {
			t.Host = name
			p := reach(ctx, false, t)
			Expect(p.Outcome).To(Equal(inventory.ProbeError), name)
			Expect(p.Cause).To(ContainSubstring("this machine itself"), name)
		}
	}, SpecTimeout(10*time.Second))
	It("does not take the end of the run for a host's silence", func(ctx SpecContext) {
		ended, cancel := context.WithCancel(ctx)
		cancel()
		Expect(reach(ended, true, serve(quiet)).Outcome).To(Equal(inventory.ProbeError))
	}, SpecTimeout(10*time.Second))
})

var _ = Describe("a key", func() {
	It("does not get printed", func() {
		k := newKey()
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			Expect(fmt.Sprintf(format, k)).NotTo(ContainSubstring(k.Hex()[:8]), format)
		}
	})
	It("reads back", func() {
		k := newKey()
		Expect(probe.ParseKey(k.Hex() + "\n")).To(Equal(k))
		for _, bad := range []string{"", "ab", strings.Repeat("zz", 32)} {
			_, err := probe.ParseKey(bad)
			Expect(err).To(MatchError(ContainSubstring("not a key")))
		}
	})
})

// vmxDial behaves as an ESXi host's vmx does for a machine with the URI.
func vmxDial(ctx context.Context, t probe.Target, uuid, uri string) net.Conn {
	GinkgoHelper()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", t.String())
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(c.Close)
	var all []byte
	for _, part := range []string{
		"\xff\xfb\xe8",                         // WILL VMWARE
		"\xff\xfa\xe8\x00\x00\x01FG\xff\xf0",   // KNOWN-SUBOPTIONS-1
		"\xff\xfa\xe8\x46C" + uri + "\xff\xf0", // DO-PROXY
		"\xff\xfa\xe8\x50" + uuid + "\xff\xf0", // VM-VC-UUID
		"\xff\xfa\xe8\x52container-1\xff\xf0",  // VM-NAME
	} {
		all = append(all, part...)
	}
	_, err = c.Write(all)
	Expect(err).NotTo(HaveOccurred())
	return c
}

var _ = Describe("the listener", func() {
	It("identifies a vmx by what it asks for", func(ctx SpecContext) {
		var mu sync.Mutex
		var peers []probe.Peer
		key := newKey()
		l := listen(ctx, key, probe.ListenOptions{OnPeer: func(p probe.Peer) {
			mu.Lock()
			defer mu.Unlock()
			peers = append(peers, p)
		}})
		vmxDial(ctx, targetOf(l.Addr()), "42 0A 1b 2c 00 00 00 00-11 11 11 11 11 11 11 11", key.Service("ABC"))
		p, err := l.WaitVMX(ctx, key.Service("ABC"))
		Expect(err).NotTo(HaveOccurred())
		Expect(p.VMUUID).To(Equal("420a1b2c000000001111111111111111"))
		Expect(p.From).To(Equal("127.0.0.1"))
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		_, err = l.WaitVMX(short, key.Service("OTHER"))
		Expect(err).To(MatchError(context.DeadlineExceeded))
		Eventually(func() []probe.Peer { mu.Lock(); defer mu.Unlock(); return peers }).Should(HaveLen(1))
		Expect(peers[0].Kind).To(Equal(probe.PeerVMX))
	}, SpecTimeout(10*time.Second))

	It("waits for a vmx that comes later", func(ctx SpecContext) {
		key := newKey()
		l := listen(ctx, key, probe.ListenOptions{})
		go func() {
			defer GinkgoRecover()
			time.Sleep(50 * time.Millisecond)
			vmxDial(ctx, targetOf(l.Addr()), "42", key.Service("LATER"))
		}()
		_, err := l.WaitVMX(ctx, key.Service("LATER"))
		Expect(err).NotTo(HaveOccurred())
	}, SpecTimeout(10*time.Second))

	It("tells another machine what it has seen, when that has the key", func(ctx SpecContext) {
		key := newKey()
		l := listen(ctx, key, probe.ListenOptions{})
		vmxDial(ctx, targetOf(l.Addr()), "42", key.Service("FAR"))
		remote := &probe.Remote{Target: targetOf(l.Addr()), Key: key, Dialer: &net.Dialer{}}
		p, err := remote.WaitVMX(ctx, key.Service("FAR"))
		Expect(err).NotTo(HaveOccurred())
		Expect(p.From).To(Equal("127.0.0.1"))

		short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		_, err = remote.WaitVMX(short, key.Service("NEVER"))
		Expect(err).To(HaveOccurred())
		stranger := &probe.Remote{Target: targetOf(l.Addr()), Key: newKey(), Dialer: &net.Dialer{}}
		short2, cancel2 := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel2()
		_, err = stranger.WaitVMX(short2, key.Service("FAR"))
		Expect(err).To(HaveOccurred(), "another key learns nothing")
	}, SpecTimeout(10*time.Second))

	It("is bounded in connections and patience, and whoever holds some keeps nobody out", func(ctx SpecContext) {
		key := newKey()
		l := listen(ctx, key, probe.ListenOptions{MaxConns: 20, Patience: 500 * time.Millisecond})
		t := targetOf(l.Addr())
		var silent []net.Conn
		for range 100 {
			c, err := net.Dial("tcp", t.String())
			Expect(err).NotTo(HaveOccurred())
			silent = append(silent, c)
			DeferCleanup(c.Close)
		}
		Expect(probe.Local(ctx, &net.Dialer{}, probe.Attempt{To: t, Key: &key}, time.Second).Outcome).To(Equal(inventory.Open))
		vmxDial(ctx, t, "42", key.Service("A"))
		_, err := l.WaitVMX(ctx, key.Service("A"))
		Expect(err).NotTo(HaveOccurred())
		for _, c := range silent {
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			_, err := c.Read(make([]byte, 1))
			Expect(err).To(Or(MatchError(io.EOF), MatchError(syscall.ECONNRESET)), "a silent one is closed in the end")
		}
	}, SpecTimeout(10*time.Second))

	It("remembers and holds those alone that a probe with its key has named", func(ctx SpecContext) {
		key := newKey()
		l := listen(ctx, key, probe.ListenOptions{Patience: 300 * time.Millisecond})
		for _, uri := range []string{
			"tcp://127.0.0.1:2377", probe.ServiceScheme + "ABCDEFGHIJKLMNOPQRSTUVWXYZ", newKey().Service("A"),
			key.Service("A")[:40], key.Service("A") + "0", strings.Replace(key.Service("A"), "A", "B", 1),
		} {
			c := vmxDial(ctx, targetOf(l.Addr()), "42", uri)
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			_, err := io.ReadAll(c)
			Expect(err).NotTo(HaveOccurred(), "it is hung up on")
		}
		Expect(l.Remembered()).To(BeZero())
		c := vmxDial(ctx, targetOf(l.Addr()), "42", key.Service("A"))
		_, err := l.WaitVMX(ctx, key.Service("A"))
		Expect(err).NotTo(HaveOccurred())
		_ = c.SetReadDeadline(time.Now().Add(600 * time.Millisecond))
		_, err = io.ReadAll(c)
		Expect(err).To(MatchError(os.ErrDeadlineExceeded), "it is held beyond the patience")
	}, SpecTimeout(10*time.Second))

	It("holds a probe's own machine whoever comes after it", func(ctx SpecContext) {
		key := newKey()
		l := listen(ctx, key, probe.ListenOptions{MaxConns: 1})
		own := vmxDial(ctx, targetOf(l.Addr()), "42", key.Service("A"))
		_, err := l.WaitVMX(ctx, key.Service("A"))
		Expect(err).NotTo(HaveOccurred())
		var d net.Dialer
		var strangers []net.Conn
		for range 3 {
			c, err := d.DialContext(ctx, "tcp", l.Addr().String())
			Expect(err).NotTo(HaveOccurred())
			DeferCleanup(c.Close)
			strangers = append(strangers, c)
		}
		for _, c := range strangers[:2] { // each of which the next one costs its place
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			_, err := io.ReadAll(c)
			Expect(errors.Is(err, os.ErrDeadlineExceeded)).To(BeFalse(), "a stranger keeps its place")
		}
		_ = own.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		_, err = io.ReadAll(own)
		Expect(err).To(MatchError(os.ErrDeadlineExceeded), "the machine's connection was closed for a stranger's")
	}, SpecTimeout(20*time.Second))

	It("remembers the latest where there are too many", func(ctx SpecContext) {
		key := newKey()
		l := listen(ctx, key, probe.ListenOptions{})
		for i := range probe.MaxVMX + 5 {
			l.Identified(probe.Peer{URI: fmt.Sprint(i)})
		}
		Expect(l.Remembered()).To(Equal(probe.MaxVMX))
		_, err := l.WaitVMX(ctx, fmt.Sprint(probe.MaxVMX+4))
		Expect(err).NotTo(HaveOccurred())
	}, SpecTimeout(10*time.Second))

	It("survives peers that talk nonsense", func(ctx SpecContext) {
		key := newKey()
		l := listen(ctx, key, probe.ListenOptions{})
		t := targetOf(l.Addr())
		for _, junk := range []string{"\n", "GET / HTTP/1.0\r\n\r\n", strings.Repeat("x", 100000), "\xff", "\xff\xfa\xe8", "\xff\xfa\xe8\x46", "VIC-PREFLIGHT/1 SEEN a b c\n", "VIC-PREFLIGHT/1 SEEN\n"} {
			c, err := net.Dial("tcp", t.String())
			Expect(err).NotTo(HaveOccurred())
			_, _ = io.WriteString(c, junk)
			Expect(c.Close()).To(Succeed())
		}
		Expect(probe.Local(ctx, &net.Dialer{}, probe.Attempt{To: t, Key: &key}, 2*time.Second).Outcome).To(Equal(inventory.Open))
	}, SpecTimeout(10*time.Second))
})

var _ = Describe("the telnet negotiation", func() {
	whole := func() []byte {
		var b []byte
		b = append(b, 255, 251, 232, 255, 251, 0, 255, 253, 3, 255, 251, 24)
		b = append(b, 255, 250, 232, 0, 0, 1, 2, 3, 70, 255, 240)
		b = append(append(append(b, 255, 250, 232, 70, 'C'), "vic-preflight:X\xff\xffY"...), 255, 240)
		b = append(append(append(b, 255, 250, 232, 80), "42 0a-01"...), 255, 240)
		return append(b, "login: "...)
	}
	It("is the same in any pieces", func() {
		for size := 1; size <= len(whole()); size++ {
			var n probe.Negotiation
			rest := whole()
			for len(rest) > 0 {
				k := min(size, len(rest))
				n.Feed(rest[:k])
				rest = rest[k:]
			}
			uuid, uri, _ := n.VM()
			Expect(uuid).To(Equal("420a01"))
			Expect(uri).To(Equal("vic-preflight:X\xffY"), "an escaped 255")
			Expect(n.Pending()).To(BeZero())
		}
	})
	It("agrees to what it knows and refuses the rest", func() {
		var n probe.Negotiation
		Expect(n.Feed([]byte{255, 251, 232})).To(Equal([]byte{255, 253, 232}))
		Expect(n.Feed([]byte{255, 251, 24})).To(Equal([]byte{255, 254, 24}))
		Expect(n.Feed([]byte{255, 253, 3})).To(Equal([]byte{255, 251, 3}))
		Expect(n.Feed([]byte{255, 253, 44})).To(Equal([]byte{255, 252, 44}))
	})
})

// fakeMachines make machines that dial, or do not.
type fakeMachines struct {
	target  probe.Target
	blocked map[string]bool // by host name
	fail    map[string]string

	mu    sync.Mutex
	alive map[string]bool
	made  int
	uris  []string
}

type fakeMachine struct {
	m             *fakeMachines
	name, service string
	host          string
	cancel        context.CancelFunc
}

func (m *fakeMachines) Create(_ context.Context, h *inventory.Host, name, proxy, service string) (probe.Machine, error) {
	if m.fail[h.Name] == "create" {
		return nil, errors.New("no room")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.alive[name] = true
	m.made++
	m.uris = append(m.uris, strings.TrimSpace(proxy+" "+service))
	vm := &fakeMachine{m: m, name: name, service: service, host: h.Name}
	if m.fail[h.Name] == "create uncertain" {
		return vm, errors.New("no answer")
	}
	return vm, nil
}

func (vm *fakeMachine) Name() string { return vm.name }

func (vm *fakeMachine) PowerOn(ctx context.Context) error {
	if vm.m.fail[vm.host] == "panic" {
		panic("boom")
	}
	if vm.m.fail[vm.host] == "power on" {
		return errors.New("no licence")
	}
	if vm.m.blocked[vm.host] {
		return nil
	}
	dialling, cancel := context.WithCancel(context.WithoutCancel(ctx))
	vm.cancel = cancel
	go func() {
		defer GinkgoRecover()
		var d net.Dialer
		c, err := d.DialContext(dialling, "tcp", vm.m.target.String())
		if err != nil {
			return
		}
		defer c.Close()
		msg := append(append([]byte{255, 251, 232, 255, 250, 232, 70, 'C'}, vm.service...), 255, 240, 255, 250, 232, 80, '4', '2', 255, 240)
		_, _ = c.Write(msg)
		<-dialling.Done()
	}()
	return nil
}

func (vm *fakeMachine) PortStatus(context.Context) (bool, string) {
	return vm.m.fail[vm.host] == "intercepted", "the port says so"
}

func (vm *fakeMachine) Destroy(ctx context.Context) error {
	if vm.cancel != nil {
		vm.cancel()
	}
	if vm.m.fail[vm.host] == "destroy" {
		return errors.New("it is locked")
	}
	vm.m.mu.Lock()
	defer vm.m.mu.Unlock()
	delete(vm.m.alive, vm.name)
	return ctx.Err()
}

var _ = Describe("Serial", func() {
	var l *probe.Listener
	var key probe.Key
	var m *fakeMachines
	var hosts []*probe.Attempt
	BeforeEach(func(ctx SpecContext) {
		key = newKey()
		l = listen(ctx, key, probe.ListenOptions{})
		m = &fakeMachines{target: targetOf(l.Addr()), blocked: map[string]bool{}, fail: map[string]string{}, alive: map[string]bool{}}
		hosts = nil
		for i := range 6 {
			hosts = append(hosts, &probe.Attempt{Host: &inventory.Host{ID: fmt.Sprint(i), Name: fmt.Sprintf("esx%d", i)}, To: targetOf(l.Addr()), Key: &key})
		}
	})
	run := func(ctx context.Context, w probe.Witness) {
		for _, a := range hosts {
			a.Witness = w
		}
		probe.Serial(ctx, hosts, m, probe.SerialOptions{Workers: 4, Timeout: 500 * time.Millisecond, Simulated: true})
	}
	outcomes := func() (list []inventory.Outcome) {
		for _, h := range hosts {
			list = append(list, h.Found.Outcome)
		}
		return list
	}

	It("tells each host apart, and leaves no machine", func(ctx SpecContext) {
		m.blocked["esx1"], m.blocked["esx4"] = true, true
		run(ctx, l)
		Expect(outcomes()).To(Equal([]inventory.Outcome{"open", "timeout", "open", "open", "timeout", "open"}))
		Expect(hosts[0].Found.Peer).To(Equal("127.0.0.1"))
		Expect(m.made).To(Equal(6))
		Expect(m.alive).To(BeEmpty())
	}, SpecTimeout(10*time.Second))

	It("goes on past machines that cannot be made, started or removed", func(ctx SpecContext) {
		m.fail["esx1"], m.fail["esx2"], m.fail["esx3"] = "create", "power on", "destroy"
		run(ctx, l)
		Expect(outcomes()).To(Equal([]inventory.Outcome{"open", "error", "error", "open", "open", "open"}))
		Expect(hosts[1].Found.Cause).To(ContainSubstring("no room"))
		Expect(hosts[2].Found.Cause).To(ContainSubstring("no licence"))
		Expect(hosts[3].Found.Leftover).To(HavePrefix(probe.MachinePrefix))
		Expect(hosts[3].Found.Cause).To(ContainSubstring("--cleanup"))
		Expect(m.alive).To(HaveLen(1))
	}, SpecTimeout(10*time.Second))

	It("removes a machine of which nobody knows for sure that it was made, and one amid a fault of the program", func(ctx SpecContext) {
		m.fail["esx1"], m.fail["esx2"] = "create uncertain", "panic"
		run(ctx, l)
		Expect(outcomes()).To(Equal([]inventory.Outcome{"open", "error", "error", "open", "open", "open"}))
		Expect(hosts[1].Found.Cause).To(ContainSubstring("no answer"))
		Expect(hosts[2].Found.Cause).To(ContainSubstring("a fault of this program"))
		Expect(m.made).To(Equal(6))
		Expect(m.alive).To(BeEmpty())
	}, SpecTimeout(10*time.Second))

	It("removes the machines when it is interrupted", func(ctx SpecContext) {
		for _, h := range hosts {
			m.blocked[h.Host.Name] = true
		}
		interrupted, cancel := context.WithCancel(ctx)
		time.AfterFunc(100*time.Millisecond, cancel)
		run(interrupted, l)
		for _, h := range hosts {
			Expect(h.Found.Outcome).To(Equal(inventory.ProbeError))
			Expect(h.Found.Cause).To(Or(Equal("interrupted"), ContainSubstring("not begun")))
		}
		Expect(m.alive).To(BeEmpty())
	}, SpecTimeout(10*time.Second))

	It("does not take the end of the run's time for a host's silence", func(ctx SpecContext) {
		m.blocked["esx1"] = true
		short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		run(short, l)
		Expect(hosts[1].Found.Outcome).To(Equal(inventory.ProbeError))
		Expect(hosts[1].Found.Cause).To(ContainSubstring("time ran out"))
		Expect(m.alive).To(BeEmpty())
	}, SpecTimeout(10*time.Second))

	It("does not blame hosts for a listener that cannot be asked", func(ctx SpecContext) {
		remote := &probe.Remote{Target: targetOf(l.Addr()), Key: newKey(), Dialer: &net.Dialer{}}
		Expect(remote.Check(ctx)).NotTo(Succeed())
		run(ctx, remote)
		for _, o := range outcomes() {
			Expect(o).To(Equal(inventory.ProbeError))
		}
	}, SpecTimeout(10*time.Second))

	It("knows a connection that went somewhere else", func(ctx SpecContext) {
		m.blocked["esx1"], m.fail["esx1"] = true, "intercepted"
		run(ctx, l)
		Expect(hosts[1].Found.Outcome).To(Equal(inventory.Intercepted))
	}, SpecTimeout(10*time.Second))

	It("connects a plain port to a service, which is told nothing", func(ctx SpecContext) {
		m.fail["esx0"] = "intercepted" // the port is connected
		hosts = hosts[:1]
		hosts[0].Service, hosts[0].Key = true, nil
		run(ctx, nil)
		Expect(hosts[0].Found.Outcome).To(Equal(inventory.OpenUnverified))
		Expect(m.uris).To(Equal([]string{"tcp://" + targetOf(l.Addr()).String()}))
	}, SpecTimeout(10*time.Second))

	It("has only the port's word without a listener", func(ctx SpecContext) {
		m.fail["esx1"] = "intercepted" // the port is connected, to whomever
		run(ctx, nil)
		Expect(hosts[1].Found.Outcome).To(Equal(inventory.OpenUnverified))
		Expect(hosts[0].Found.Outcome).To(Equal(inventory.Timeout))
	}, SpecTimeout(10*time.Second))
})
