package vsphere_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// start runs a scenario until the spec ends.
func start(name string) *sim.VCenter {
	GinkgoHelper()
	return simtest.Start(GinkgoTB(), name, sim.Options{})
}

func thumbprint(s string) vsphere.Thumbprint {
	GinkgoHelper()
	t, err := vsphere.ParseThumbprint(s)
	Expect(err).NotTo(HaveOccurred())
	return t
}

func config(vc *sim.VCenter) vsphere.Config {
	return vsphere.Config{
		Target: vsphere.Target{Address: vc.URL.Host}, User: sim.DefaultUser, Password: sim.DefaultPassword,
		Thumbprints: []vsphere.Thumbprint{thumbprint(vc.Thumbprint)},
	}
}

func login(ctx context.Context, vc *sim.VCenter) *vsphere.Session {
	GinkgoHelper()
	s, err := vsphere.Connect(ctx, config(vc))
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(s.Close)
	return s
}

// deaf is an address where nobody listens: a port that was free a moment ago may
// have been taken since, this one takes root and nobody wants it.
const deaf = "127.0.0.1:1"

// as returns err as a T.
func as[T error](err error) T {
	GinkgoHelper()
	var target T
	Expect(errors.As(err, &target)).To(BeTrue(), "%T: %v", err, err)
	return target
}

// sessions counts the logins that are still open, besides the one that asks.
func sessions(vc *sim.VCenter) int {
	return vc.OpenSessions()
}

var _ = Describe("Connect", func() {
	It("that is interrupted while it signs in leaves no session", func(ctx SpecContext) {
		vc := start("esxi")
		release := vc.Hold("Login", types.ManagedObjectReference{Type: "SessionManager", Value: "ha-sessionmgr"}, nil)
		run, interrupt := context.WithCancel(ctx)
		go func() {
			defer GinkgoRecover()
			Eventually(func() int { return vc.RequestsOf("Login") }).WithContext(ctx).WithTimeout(time.Minute).WithPolling(time.Millisecond).Should(Equal(1))
			interrupt()
			release()
		}()
		_, err := vsphere.Connect(run, config(vc))
		Expect(err).To(MatchError(context.Canceled))
		Expect(sessions(vc)).To(BeZero())
	}, SpecTimeout(2*time.Minute))

	It("logs in, names the endpoint, and logs out", func(ctx SpecContext) {
		vc := start("open")
		s, err := vsphere.Connect(ctx, config(vc))
		Expect(err).NotTo(HaveOccurred())
		Expect(s.Endpoint().Kind).To(Equal(inventory.VCenter))
		Expect(s.Endpoint().FullName).To(ContainSubstring("vCenter Server"))
		Expect(s.Endpoint().Simulated).To(BeTrue())
		Expect(s.Endpoint().InstanceUUID).NotTo(BeEmpty())
		Expect(sessions(vc)).To(Equal(1))
		s.Close()
		Expect(sessions(vc)).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("knows a bare ESXi host", func(ctx SpecContext) {
		s := login(ctx, start("esxi"))
		Expect(s.Endpoint().Kind).To(Equal(inventory.ESXi))
	}, SpecTimeout(time.Minute))

	It("reports a wrong password as such", func(ctx SpecContext) {
		cfg := config(start("open"))
		cfg.Password = "wrong"
		_, err := vsphere.Connect(ctx, cfg)
		e := as[*vsphere.LoginError](err)
		Expect(e.Error()).To(ContainSubstring("wrong user name or password"))
		Expect(e.Error()).NotTo(ContainSubstring(`"wrong"`))
	}, SpecTimeout(time.Minute))

	Describe("the certificate", func() {
		It("is untrusted without a thumbprint, and presented", func(ctx SpecContext) {
			vc := start("open")
			cfg := config(vc)
			cfg.Thumbprints = nil
			_, err := vsphere.Connect(ctx, cfg)
			e := as[*vsphere.UntrustedError](err)
			Expect(e.Thumbprint).To(Equal(thumbprint(vc.Thumbprint)))
			Expect(vc.Requests()).To(BeZero())
		}, SpecTimeout(time.Minute))

		It("must fit the thumbprint, whatever insecure says", func(ctx SpecContext) {
			vc := start("open")
			for _, insecure := range []bool{false, true} {
				cfg := config(vc)
				cfg.Thumbprints, cfg.Insecure = []vsphere.Thumbprint{thumbprint(strings.Repeat("00", 32))}, insecure
				_, err := vsphere.Connect(ctx, cfg)
				e := as[*vsphere.ThumbprintMismatchError](err)
				Expect(e.Presented).To(Equal(thumbprint(vc.Thumbprint)))
			}
			Expect(vc.Requests()).To(BeZero())
		}, SpecTimeout(time.Minute))

		It("may be pinned by SHA-1", func(ctx SpecContext) {
			vc := start("open")
			cfg := config(vc)
			cfg.Thumbprints = []vsphere.Thumbprint{thumbprint(strings.Repeat("00", 20))}
			_, err := vsphere.Connect(ctx, cfg)
			e := as[*vsphere.ThumbprintMismatchError](err)
			cfg.Thumbprints = []vsphere.Thumbprint{e.PresentedLegacy}
			s, err := vsphere.Connect(ctx, cfg)
			Expect(err).NotTo(HaveOccurred())
			s.Close()
		}, SpecTimeout(time.Minute))

		It("must fit one of several thumbprints", func(ctx SpecContext) {
			vc := start("open")
			others := []vsphere.Thumbprint{thumbprint(strings.Repeat("00", 32)), thumbprint(strings.Repeat("11", 20))}
			for i := range 3 {
				cfg := config(vc)
				cfg.Thumbprints = slices.Insert(slices.Clone(others), i, cfg.Thumbprints...)
				s, err := vsphere.Connect(ctx, cfg)
				Expect(err).NotTo(HaveOccurred())
				s.Close()
			}

			before := vc.Requests()
			cfg := config(vc)
			cfg.Thumbprints = others
			_, err := vsphere.Connect(ctx, cfg)
			e := as[*vsphere.ThumbprintMismatchError](err)
			Expect(e.Want).To(Equal(others))
			Expect(e.Error()).To(And(ContainSubstring(thumbprint(vc.Thumbprint).String()), HaveSuffix(", none of the 2 given")))
			Expect(vc.Requests()).To(Equal(before), "nothing is sent")

			By("showing the digest that was given")
			cfg.Thumbprints = others[1:]
			_, err = vsphere.Connect(ctx, cfg)
			e = as[*vsphere.ThumbprintMismatchError](err)
			Expect(e.Error()).To(And(ContainSubstring(e.PresentedLegacy.String()), HaveSuffix(", not the given "+others[1].String())))
		}, SpecTimeout(time.Minute))

		It("is not asked for with insecure", func(ctx SpecContext) {
			cfg := config(start("open"))
			cfg.Thumbprints, cfg.Insecure = nil, true
			s, err := vsphere.Connect(ctx, cfg)
			Expect(err).NotTo(HaveOccurred())
			s.Close()
		}, SpecTimeout(time.Minute))

		It("must fit the thumbprint even where the system trusts it", func(ctx SpecContext) {
			vc := start("open")
			file := filepath.Join(GinkgoT().TempDir(), "ca.pem")
			Expect(os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: vc.Certificate()}), 0o600)).To(Succeed())
			cfg := config(vc)
			cfg.CACerts = file

			cfg.Thumbprints = nil
			s, err := vsphere.Connect(ctx, cfg)
			Expect(err).NotTo(HaveOccurred(), "trusted by its CA")
			s.Close()

			cfg.Thumbprints = []vsphere.Thumbprint{thumbprint(strings.Repeat("00", 32))}
			_, err = vsphere.Connect(ctx, cfg)
			as[*vsphere.ThumbprintMismatchError](err)
		}, SpecTimeout(time.Minute))

		It("is refused when the CA file holds none", func(ctx SpecContext) {
			cfg := config(start("open"))
			cfg.CACerts = os.DevNull
			_, err := vsphere.Connect(ctx, cfg)
			Expect(err).To(MatchError(ContainSubstring("holds no PEM certificate")))
		}, SpecTimeout(time.Minute))
	})

	It("tells what is neither vCenter nor ESXi, and keeps no connection to it", func(ctx SpecContext) {
		var open atomic.Int64
		for _, handler := range []http.Handler{http.NotFoundHandler(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "<html><body>Welcome</body></html>")
		})} {
			server := httptest.NewUnstartedServer(handler)
			server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				switch state {
				case http.StateNew:
					open.Add(1)
				case http.StateClosed:
					open.Add(-1)
				}
			}
			server.StartTLS()
			DeferCleanup(server.Close)
			_, err := vsphere.Connect(ctx, vsphere.Config{Target: vsphere.Target{Address: server.Listener.Addr().String()}, Insecure: true})
			Expect(as[*vsphere.NotVSphereError](err).Error()).To(ContainSubstring("neither a vCenter nor an ESXi host"))
		}
		Eventually(open.Load).WithTimeout(30 * time.Second).Should(BeZero())
	}, SpecTimeout(time.Minute))

	It("tells a proxy behind which nothing is ready yet from what is no vCenter", func(ctx SpecContext) {
		for _, status := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests} {
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
			DeferCleanup(server.Close)
			_, err := vsphere.Connect(ctx, vsphere.Config{Target: vsphere.Target{Address: server.Listener.Addr().String()}, Insecure: true})
			Expect(as[*vsphere.UnreachableError](err).Error()).To(ContainSubstring("the service behind it is not ready"), "HTTP %d", status)
		}
	}, SpecTimeout(time.Minute))

	It("tells a server that does not speak TLS", func(ctx SpecContext) {
		web := httptest.NewServer(http.NotFoundHandler())
		DeferCleanup(web.Close)
		_, err := vsphere.Connect(ctx, vsphere.Config{Target: vsphere.Target{Address: web.Listener.Addr().String()}})
		Expect(as[*vsphere.NotVSphereError](err).Error()).To(ContainSubstring("HTTP response to HTTPS client"))
	}, SpecTimeout(time.Minute))

	It("tells an API of another type", func(ctx SpecContext) {
		m := simulator.VPX()
		Expect(m.Create()).To(Succeed())
		DeferCleanup(m.Remove)
		m.Map().Get(types.ManagedObjectReference{Type: "ServiceInstance", Value: "ServiceInstance"}).(*simulator.ServiceInstance).Content.About.ApiType = "Fusion"
		m.Service.TLS = new(tls.Config)
		server := m.Service.NewServer()
		DeferCleanup(server.Close)
		_, err := vsphere.Connect(ctx, vsphere.Config{Target: vsphere.Target{Address: server.URL.Host}, Insecure: true, User: "u", Password: "p"})
		Expect(as[*vsphere.NotVSphereError](err).Error()).To(ContainSubstring(`"Fusion"`))
	}, SpecTimeout(time.Minute))

	It("tells where nobody listens", func(ctx SpecContext) {
		_, err := vsphere.Connect(ctx, vsphere.Config{Target: vsphere.Target{Address: deaf}})
		Expect(as[*vsphere.UnreachableError](err).Error()).To(ContainSubstring("the connection was refused"))
	}, SpecTimeout(time.Minute))

	It("obeys its context while a server says nothing", func(ctx SpecContext) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(l.Close)
		short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		_, err = vsphere.Connect(short, vsphere.Config{Target: vsphere.Target{Address: l.Addr().String()}})
		Expect(err).To(MatchError(context.DeadlineExceeded))
	}, SpecTimeout(time.Minute))
})

var _ = Describe("a session that expires", func() {
	It("is renewed once", func(ctx SpecContext) {
		vc := start("open")
		s := login(ctx, vc)
		Expect(vc.ExpireSessions()).To(Succeed())
		inv, err := s.Collect(ctx, vsphere.Selection{}, vsphere.CollectOptions{Refresh: true})
		Expect(err).NotTo(HaveOccurred())
		for _, h := range inv.Hosts {
			Expect(h.Firewall.Unreadable).To(BeEmpty())
			Expect(h.Firewall.Stale).To(BeEmpty())
			Expect(h.Firewall.Switch.Enabled).To(Equal(inventory.Yes))
		}

		By("expiring again")
		Expect(vc.ExpireSessions()).To(Succeed())
		_, err = s.Collect(ctx, vsphere.Selection{}, vsphere.CollectOptions{})
		Expect(err).To(HaveOccurred())
	}, SpecTimeout(time.Minute))

	It("is renewed by one of many calls that find out", func(ctx SpecContext) {
		vc := start("large?hosts=200")
		s := login(ctx, vc)
		release := vc.Hold("ExecuteSoap", types.ManagedObjectReference{}, nil)
		DeferCleanup(release)
		inv, err := s.Collect(ctx, vsphere.Selection{}, vsphere.CollectOptions{
			Progress: func(stage string, done, total int) {
				if stage == "read" && done == total { // many calls are waiting
					defer GinkgoRecover()
					Expect(vc.ExpireSessions()).To(Succeed())
					release()
				}
			},
		})
		Expect(err).NotTo(HaveOccurred())
		for _, h := range inv.Hosts {
			Expect(h.Firewall.Switch.Unreadable).To(BeEmpty(), h.Name)
		}
	}, SpecTimeout(time.Minute))
})
