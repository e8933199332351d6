package vsphere_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/vsphere"
)

// busyServer has room for so many calls at a time, and pushes the others back.
type busyServer struct {
	room            int64
	busy            atomic.Int64
	most            atomic.Int64
	pushed, served  atomic.Int64
	bodies          sync.Map
	status          int
	retryAfter      string
	serve           time.Duration
	alwaysPushBacks bool
}

func (s *busyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := s.busy.Add(1)
	defer s.busy.Add(-1)
	for {
		most := s.most.Load()
		if n <= most || s.most.CompareAndSwap(most, n) {
			break
		}
	}
	body, _ := io.ReadAll(r.Body)
	if n > s.room || s.alwaysPushBacks {
		s.pushed.Add(1)
		if s.retryAfter != "" {
			w.Header().Set("Retry-After", s.retryAfter)
		}
		w.WriteHeader(s.status)
		return
	}
	time.Sleep(s.serve)
	s.served.Add(1)
	s.bodies.Store(string(body), true)
}

var _ = Describe("a server that pushes back", func() {
	call := func(ctx context.Context, t http.RoundTripper, url, body string) (int, error) {
		if !strings.Contains(body, "<") {
			body = "<soapenv:Body><RefreshFirewall>" + body + "</RefreshFirewall></soapenv:Body>"
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
		Expect(err).NotTo(HaveOccurred())
		res, err := t.RoundTrip(req)
		if err != nil {
			return 0, err
		}
		defer res.Body.Close()
		_, err = io.Copy(io.Discard, res.Body)
		return res.StatusCode, err
	}

	It("gets fewer calls at a time, and every one in the end", func(ctx SpecContext) {
		s := &busyServer{room: 4, status: http.StatusServiceUnavailable, serve: 5 * time.Millisecond}
		server := httptest.NewServer(s)
		defer server.Close()
		transport, bound := vsphere.Limiting(http.DefaultTransport, 16)

		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				defer GinkgoRecover()
				status, err := call(ctx, transport, server.URL, strings.Repeat("x", i+1))
				Expect(err).NotTo(HaveOccurred())
				Expect(status).To(Equal(http.StatusOK))
			})
		}
		all.Wait()
		Expect(s.served.Load()).To(BeEquivalentTo(100))
		Expect(s.pushed.Load()).To(And(BeNumerically(">", 0), BeNumerically("<", 100)))
		for i := range 100 {
			_, ok := s.bodies.Load("<soapenv:Body><RefreshFirewall>" + strings.Repeat("x", i+1) + "</RefreshFirewall></soapenv:Body>")
			Expect(ok).To(BeTrue(), "the body of call %d came whole", i)
		}
		Expect(bound()).To(BeNumerically("<", 16))
	}, SpecTimeout(time.Minute))

	It("counts calls that were pushed back together once, and comes back up", func(ctx SpecContext) {
		s := &busyServer{room: 100, status: http.StatusTooManyRequests, retryAfter: "0"}
		server := httptest.NewServer(s)
		defer server.Close()
		transport, bound := vsphere.Limiting(http.DefaultTransport, 16)
		_, err := call(ctx, transport, server.URL, "x")
		Expect(err).NotTo(HaveOccurred())
		s.alwaysPushBacks = true
		status, err := call(ctx, transport, server.URL, "x")
		Expect(err).NotTo(HaveOccurred())
		Expect(status).To(Equal(http.StatusTooManyRequests), "in the end the caller learns of it")
		Expect(bound()).To(Equal(1))

		s.alwaysPushBacks = false
		for range 40 {
			_, err := call(ctx, transport, server.URL, "x")
			Expect(err).NotTo(HaveOccurred())
		}
		Expect(bound()).To(BeNumerically(">", 6))
	}, SpecTimeout(time.Minute))

	It("is soon believed when it never answered well", func(ctx SpecContext) {
		s := &busyServer{status: http.StatusServiceUnavailable, retryAfter: "0", alwaysPushBacks: true}
		server := httptest.NewServer(s)
		defer server.Close()
		transport, _ := vsphere.Limiting(http.DefaultTransport, 16)
		status, err := call(ctx, transport, server.URL, "x")
		Expect(err).NotTo(HaveOccurred())
		Expect(status).To(Equal(http.StatusServiceUnavailable))
		Expect(s.pushed.Load()).To(BeEquivalentTo(3))
	}, SpecTimeout(10*time.Second))

	DescribeTable("is asked again only for what may be done twice", func(ctx SpecContext, status int, method string, times int) {
		s := &busyServer{status: status, alwaysPushBacks: true}
		server := httptest.NewServer(s)
		defer server.Close()
		transport, _ := vsphere.Limiting(http.DefaultTransport, 1)
		_, err := call(ctx, transport, server.URL, `<Envelope xmlns="e"><Body xmlns="e"><`+method+` xmlns="urn:vim25"></`+method+`></Body></Envelope>`)
		Expect(err).NotTo(HaveOccurred())
		Expect(s.pushed.Load()).To(BeEquivalentTo(times))
	},
		Entry(nil, SpecTimeout(10*time.Second), 503, "RetrievePropertiesEx", 3),
		Entry(nil, SpecTimeout(10*time.Second), 503, "EnableRuleset", 3),
		Entry(nil, SpecTimeout(10*time.Second), 503, "CreateVM_Task", 1),
		Entry(nil, SpecTimeout(10*time.Second), 503, "Login", 1),
		Entry(nil, SpecTimeout(10*time.Second), 429, "CreateVM_Task", 3),
	)

	It("does not use up a call's time while that waits for its turn", func(ctx SpecContext) {
		s := &busyServer{room: 1, status: http.StatusServiceUnavailable, serve: 100 * time.Millisecond}
		server := httptest.NewServer(s)
		defer server.Close()
		transport, _ := vsphere.Limiting(http.DefaultTransport, 1)
		bounded := vsphere.WithCallBound(ctx, 400*time.Millisecond)
		var all sync.WaitGroup
		for range 10 { // a second, one after another
			all.Go(func() {
				defer GinkgoRecover()
				_, err := call(bounded, transport, server.URL, "x")
				Expect(err).NotTo(HaveOccurred())
			})
		}
		all.Wait()
		s.serve = time.Second
		_, err := call(bounded, transport, server.URL, "x")
		Expect(err).To(MatchError(context.DeadlineExceeded))
	}, SpecTimeout(20*time.Second))

	It("is not waited for longer than the run lasts", func(ctx SpecContext) {
		s := &busyServer{status: http.StatusServiceUnavailable, retryAfter: "3600", alwaysPushBacks: true}
		server := httptest.NewServer(s)
		defer server.Close()
		transport, _ := vsphere.Limiting(http.DefaultTransport, 2)
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		_, err := call(short, transport, server.URL, "x")
		Expect(err).To(MatchError(context.DeadlineExceeded))
	}, SpecTimeout(5*time.Second))

	It("has room again when an answer was not read to its end", func(ctx SpecContext) {
		s := &busyServer{room: 1}
		server := httptest.NewServer(s)
		defer server.Close()
		transport, _ := vsphere.Limiting(http.DefaultTransport, 1)
		for range 3 {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
			Expect(err).NotTo(HaveOccurred())
			res, err := transport.RoundTrip(req)
			Expect(err).NotTo(HaveOccurred())
			Expect(res.Body.Close()).To(Succeed())
			Expect(res.Body.Close()).To(Succeed(), "twice is no harm")
		}
	}, SpecTimeout(5*time.Second))
})
