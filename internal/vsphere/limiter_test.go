package vsphere_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v5"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"

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

	It("is left alone for twice as long each time, up to ten seconds", func() {
		for range 100 { // they are drawn
			pauses := vsphere.Pauses()
			for _, longest := range []time.Duration{200, 400, 800, 1600, 3200, 6400, 10000, 10000} {
				longest *= time.Millisecond
				Expect(pauses.NextBackOff()).To(And(BeNumerically(">=", longest/2-1), BeNumerically("<=", longest+1)))
			}
		}
	})

	DescribeTable("names when to come back", func(retryAfter string, want time.Duration) {
		err := vsphere.ComeBack(retryAfter)
		if want == 0 {
			Expect(err).NotTo(BeAssignableToTypeOf(&backoff.RetryAfterError{}))
			return
		}
		Expect(err).To(Equal(&backoff.RetryAfterError{Duration: want}))
	},
		Entry("in seconds", "3", 3*time.Second),
		Entry("at once", "0", 200*time.Millisecond),
		Entry("too late", "3600", 10*time.Second),
		Entry("in eternity", "9223372036854775807", 10*time.Second),
		Entry("not", "", time.Duration(0)),
		Entry("by a date", "Wed, 21 Oct 2015 07:28:00 GMT", time.Duration(0)),
		Entry("in the past", "-1", time.Duration(0)),
	)

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

var _ = Describe("the bound of calls in flight", func() {
	const quick, slow = 10 * time.Millisecond, 25 * time.Millisecond
	rounds := func(ctx context.Context, l *vsphere.Limiter, n int, took time.Duration) {
		GinkgoHelper()
		for range n {
			Expect(l.Round(ctx, "ExecuteSoap", took, false)).To(Succeed())
		}
	}

	It("grows to the most while answers are as quick as before", func(ctx SpecContext) {
		l := vsphere.NewLimiter(16, 64)
		rounds(ctx, l, 2, quick)
		Expect(l.Bound()).To(Equal(16), "how quick answers are was not known in the first")
		rounds(ctx, l, 1, quick)
		Expect(l.Bound()).To(Equal(17))
		rounds(ctx, l, 120, quick*13/10) // calls take a little longer when there are more
		Expect(l.Bound()).To(Equal(64))
	})

	It("does not grow for answers that come sooner than a connection is made", func(ctx SpecContext) {
		l := vsphere.NewLimiter(16, 64)
		rounds(ctx, l, 50, 4*time.Millisecond)
		Expect(l.Bound()).To(Equal(16))
	})

	It("stays where it is without another most", func(ctx SpecContext) {
		for _, most := range []int{0, 4, 16} {
			l := vsphere.NewLimiter(16, most)
			rounds(ctx, l, 20, quick)
			Expect(l.Bound()).To(Equal(16))
		}
	})

	It("steps back by one when answers get slower, and not below the usual", func(ctx SpecContext) {
		l := vsphere.NewLimiter(16, 64)
		rounds(ctx, l, 120, quick)
		rounds(ctx, l, 1, slow)
		high := l.Bound()
		Expect(high).To(BeNumerically("~", 64, 1), "a round is mixed while the pace is smoothed")
		rounds(ctx, l, 3, slow)
		Expect(l.Bound()).To(BeNumerically("~", high-3, 1))
		rounds(ctx, l, 60, slow)
		Expect(l.Bound()).To(Equal(16))
	})

	It("does not grow against a server that is busy already", func(ctx SpecContext) {
		l := vsphere.NewLimiter(16, 64)
		for range 50 { // as much longer as there are more calls
			Expect(l.Round(ctx, "ExecuteSoap", time.Duration(l.Bound())*time.Millisecond, false)).To(Succeed())
		}
		Expect(l.Bound()).To(BeNumerically("<=", 16*4/3+1))
	})

	It("compares a method's answers with that method's", func(ctx SpecContext) {
		l := vsphere.NewLimiter(16, 64)
		for range 120 {
			rounds(ctx, l, 1, quick)
			Expect(l.Round(ctx, "RefreshFirewall", 20*slow, false)).To(Succeed())
		}
		Expect(l.Bound()).To(Equal(64))
	})

	It("does not grow while it keeps nothing waiting", func(ctx SpecContext) {
		l := vsphere.NewLimiter(16, 64)
		for range 500 {
			l.Answered("ExecuteSoap", quick)
		}
		Expect(l.Bound()).To(Equal(16))
	})

	It("is halved by a push back, however far it grew", func(ctx SpecContext) {
		l := vsphere.NewLimiter(16, 64)
		rounds(ctx, l, 120, quick)
		Expect(l.Round(ctx, "ExecuteSoap", 0, true)).To(Succeed())
		Expect(l.Bound()).To(Equal(32))
		rounds(ctx, l, 4, quick)
		Expect(l.Bound()).To(Equal(34))
		for range 10 {
			Expect(l.Round(ctx, "ExecuteSoap", 0, true)).To(Succeed())
		}
		Expect(l.Bound()).To(Equal(1))
		rounds(ctx, l, 15, quick)
		Expect(l.Bound()).To(Equal(16))
	})
})

// loadedServer answers within a time that depends on how many calls it has.
type loadedServer struct {
	takes func(busy int) time.Duration

	mu         sync.Mutex
	busy, most int
}

func (s *loadedServer) begin(calls int) (busy int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy += calls
	s.most = max(s.most, s.busy)
	return s.busy
}

func (s *loadedServer) RoundTrip(r *http.Request) (*http.Response, error) {
	n := s.begin(1)
	defer s.begin(-1)
	time.Sleep(time.Second) // for a connection, which is not counted
	trace := httptrace.ContextClientTrace(r.Context())
	trace.GotConn(httptrace.GotConnInfo{})
	time.Sleep(s.takes(n))
	trace.GotFirstResponseByte()
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(""))}, nil
}

// TestGrowth makes 4,000 calls by 64 goroutines, on a clock of its own, which
// Ginkgo's trees cannot have.
func TestGrowth(t *testing.T) {
	for name, row := range map[string]struct {
		bounded     bool
		takes       func(busy int) time.Duration
		least, most int
	}{
		"a distant server":                  {true, func(int) time.Duration { return 10 * time.Millisecond }, 64, 64},
		"a server that works one at a time": {true, func(n int) time.Duration { return time.Duration(n) * time.Millisecond }, 16, 23},
		"calls that are not alike":          {false, func(int) time.Duration { return 10 * time.Millisecond }, 16, 16},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &loadedServer{takes: row.takes}
				transport, _ := vsphere.GrowingLimiting(server, 16, 64)
				ctx := t.Context()
				if row.bounded {
					ctx = vsphere.WithCallBound(ctx, time.Minute)
				}
				var g errgroup.Group
				g.SetLimit(66)
				for range 8000 {
					g.Go(func() error {
						r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://vc.example", strings.NewReader("<Body><ExecuteSoap/></Body>"))
						if err != nil {
							return err
						}
						res, err := transport.RoundTrip(r)
						if err != nil {
							return err
						}
						return res.Body.Close()
					})
				}
				if err := g.Wait(); err != nil {
					t.Fatal(err)
				}
				if most := server.most; most < row.least || most > row.most {
					t.Errorf("%d calls in flight, not %d to %d", most, row.least, row.most)
				}
			})
		})
	}
}
