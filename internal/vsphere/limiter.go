package vsphere

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"
)

const (
	// pushBacks is how often a call that the server has no room for is sent
	// again before its error counts.
	pushBacks = 8
	// firstPushBacks is that before any call went well.
	firstPushBacks = 2
	// firstPause and longestPause bound the waiting before that, which doubles
	// each time, unless the server names a time itself.
	firstPause   = 200 * time.Millisecond
	longestPause = 10 * time.Second
)

// limiter bounds the calls in flight, and lets the server have a say: an answer
// of 429 or 503 (vCenter's proxy gives it when there are too many) halves the
// bound, and a full round of calls that went well raises it by one.
type limiter struct {
	most int

	mu      sync.Mutex
	limit   int
	busy    int
	calm    int           // calls that went well since limit changed
	epoch   int           // how often limit was halved
	waiting chan struct{} // closed when there may be room
	served  bool          // some call went well
}

// patience is how often a call is sent again: a server that never answered well
// is not busy, but down.
func (l *limiter) patience() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.served {
		return pushBacks
	}
	return firstPushBacks
}

func newLimiter(most int) *limiter {
	return &limiter{most: most, limit: most, waiting: make(chan struct{})}
}

func (l *limiter) wentWell() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.served = true
}

// acquire waits for room and returns the epoch to release with.
func (l *limiter) acquire(ctx context.Context) (epoch int, err error) {
	for {
		l.mu.Lock()
		if l.busy < l.limit {
			l.busy++
			defer l.mu.Unlock()
			return l.epoch, nil
		}
		wait := l.waiting
		l.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// release ends a call. Calls that were under way together count as one push
// back.
func (l *limiter) release(epoch int, pushedBack bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy--
	switch {
	case pushedBack && epoch == l.epoch:
		l.limit, l.calm = max(1, l.limit/2), 0
		l.epoch++
	case !pushedBack:
		if l.calm++; l.calm >= l.limit && l.limit < l.most {
			l.limit, l.calm = l.limit+1, 0
		}
	}
	close(l.waiting)
	l.waiting = make(chan struct{})
}

// callBound is the key of the time that one call may take, as a context's value.
type callBound struct{}

// withCallBound bounds each call that is made with the context. It is not a
// deadline: what a call waits for its turn, when the server pushes back, is not
// the host's fault that it is about.
func withCallBound(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, callBound{}, d)
}

// limiting is the transport under a limiter. It sends a call again that was
// pushed back.
type limiting struct {
	next http.RoundTripper
	*limiter
}

func (t limiting) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		epoch, err := t.acquire(r.Context())
		if err != nil {
			return nil, err
		}
		res, err := t.send(r, body, epoch)
		if err != nil {
			t.release(epoch, false)
			return nil, err
		}
		if !pushesBack(res) {
			t.wentWell()
			return res, nil
		}
		if try >= t.patience() || !repeatable(res.StatusCode, body) {
			return res, nil
		}
		_ = res.Body.Close()
		if err := sleep(r.Context(), pause(try, res.Header.Get("Retry-After"))); err != nil {
			return nil, err
		}
	}
}

// send makes the call once. The call lasts until its answer was read: closing
// that releases the limiter.
func (t limiting) send(r *http.Request, body []byte, epoch int) (*http.Response, error) {
	ctx, cancel := r.Context(), context.CancelFunc(func() {})
	if bound, ok := ctx.Value(callBound{}).(time.Duration); ok {
		ctx, cancel = context.WithTimeout(ctx, bound)
	}
	again := r.Clone(ctx)
	again.Body = io.NopCloser(bytes.NewReader(body))
	again.ContentLength = int64(len(body))
	res, err := t.next.RoundTrip(again)
	if err != nil {
		cancel()
		return nil, err
	}
	pushedBack := pushesBack(res)
	res.Body = &releasing{res.Body, sync.OnceFunc(func() {
		t.release(epoch, pushedBack)
		cancel()
	})}
	return res, nil
}

func pushesBack(res *http.Response) bool {
	return res.StatusCode == http.StatusServiceUnavailable || res.StatusCode == http.StatusTooManyRequests
}

var methodName = regexp.MustCompile(`<(?:\w+:)?Body[^>]*>\s*<(?:\w+:)?(\w+)`)

// repeatable reports whether a call may be sent again that was pushed back. 429
// says that it was not begun. A proxy also answers 503 when the connection to
// the server broke after that had the call: then what makes something new each
// time is not sent twice.
func repeatable(status int, body []byte) bool {
	if status == http.StatusTooManyRequests {
		return true
	}
	m := methodName.FindSubmatch(body)
	return m != nil && !bytes.HasSuffix(m[1], []byte("_Task")) && string(m[1]) != "Login"
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	defer r.Body.Close()
	return io.ReadAll(r.Body)
}

// pause is how long to wait before a call is sent again. Waiting calls spread
// out, or they would all come back at once.
func pause(try int, retryAfter string) time.Duration {
	if s, err := strconv.Atoi(retryAfter); err == nil && s >= 0 {
		return max(firstPause, min(time.Duration(s)*time.Second, longestPause))
	}
	longest := min(firstPause<<try, longestPause)
	return longest/2 + rand.N(longest/2)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// releasing releases the limiter when the answer is closed.
type releasing struct {
	io.ReadCloser
	release func()
}

func (b *releasing) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}
