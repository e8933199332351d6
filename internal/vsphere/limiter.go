package vsphere

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	// pushBacks is how often a call that the server has no room for is sent
	// again before its error counts.
	pushBacks = 8
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
}

func newLimiter(most int) *limiter {
	return &limiter{most: most, limit: most, waiting: make(chan struct{})}
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

// limiting is the transport under a limiter. It sends a call again that was
// pushed back: such an answer means that it was not begun.
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
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(bytes.NewReader(body))
		again.ContentLength = int64(len(body))
		res, err := t.next.RoundTrip(again)
		if err != nil {
			t.release(epoch, false)
			return nil, err
		}
		pushedBack := res.StatusCode == http.StatusServiceUnavailable || res.StatusCode == http.StatusTooManyRequests
		if !pushedBack || try == pushBacks {
			// The call lasts until its answer was read.
			res.Body = &releasing{res.Body, sync.OnceFunc(func() { t.release(epoch, pushedBack) })}
			return res, nil
		}
		_ = res.Body.Close()
		t.release(epoch, true)
		if err := sleep(r.Context(), pause(try, res.Header.Get("Retry-After"))); err != nil {
			return nil, err
		}
	}
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
		return min(time.Duration(s)*time.Second, longestPause)
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
