package probe_test

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/probe"
)

var _ = Describe("a registry", func() {
	// answer is a registry that wants a login, as all do, or something else.
	answer := func(registry bool) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if registry {
				Expect(r.Method + r.URL.Path).To(Equal("HEAD/v2/"))
				w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
			}
			w.WriteHeader(http.StatusUnauthorized)
		})
	}
	address := func(s *httptest.Server) string {
		DeferCleanup(s.Close)
		_, host, _ := strings.Cut(s.URL, "://")
		return host
	}
	serveTLS := func(registry bool) (string, *x509.CertPool) {
		s := httptest.NewUnstartedServer(answer(registry))
		s.Config.ErrorLog = nil
		s.StartTLS()
		roots := x509.NewCertPool()
		roots.AddCert(s.Certificate())
		return address(s), roots
	}

	It("answers over TLS that is trusted", func(ctx SpecContext) {
		at, roots := serveTLS(true)
		Expect(probe.Registry(ctx, at, probe.RegistryOptions{Roots: roots})).To(Succeed())
		Expect(probe.Registry(ctx, at, probe.RegistryOptions{})).To(MatchError(ContainSubstring("certificate")))
		Expect(probe.Registry(ctx, at, probe.RegistryOptions{Insecure: true})).To(Succeed())
	})

	It("answers over plain HTTP where it may be insecure", func(ctx SpecContext) {
		at := address(httptest.NewServer(answer(true)))
		Expect(probe.Registry(ctx, at, probe.RegistryOptions{Insecure: true})).To(Succeed())
		Expect(probe.Registry(ctx, at, probe.RegistryOptions{})).NotTo(Succeed())
	})

	It("is not just any server", func(ctx SpecContext) {
		at, roots := serveTLS(false)
		Expect(probe.Registry(ctx, at, probe.RegistryOptions{Roots: roots})).To(MatchError(ContainSubstring("no registry: HTTP 401")))
	})

	It("is told apart from nobody, and from no address", func(ctx SpecContext) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		at := l.Addr().String()
		Expect(l.Close()).To(Succeed())
		Expect(probe.Registry(ctx, at, probe.RegistryOptions{})).To(MatchError(ContainSubstring("refused")))
		Expect(probe.Registry(ctx, "a b\x00", probe.RegistryOptions{})).To(MatchError(ContainSubstring("is no host[:port]")))
	})

	It("that is silent ends with the context", func(ctx SpecContext) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		defer l.Close()
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		Expect(probe.Registry(short, l.Addr().String(), probe.RegistryOptions{Insecure: true})).To(MatchError(context.DeadlineExceeded))
	}, SpecTimeout(5*time.Second))
})
