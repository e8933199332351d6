package vsphere

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
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

const (
	// longestCall bounds every call, whatever its context: none that is made here is
	// held open by the server.
	longestCall = 2 * time.Minute
	// maxAnswer bounds an answer, in bytes: that of the largest inventory has some 30
	// million.
	maxAnswer = 256 << 20
)

// callBound is the key of the time that one call may take, as a context's value.
type callBound struct{}

// withCallBound bounds each call that is made with the context. It is not a
// deadline: what a call waits for its turn, when the server pushes back, is not
// the host's fault that it is about.
func withCallBound(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, callBound{}, d)
}

// limitedTransport is the transport under a limiter. It sends a call again that was
// pushed back.
type limitedTransport struct {
	next http.RoundTripper
	*limiter
}

func (t limitedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	tries := 0
	return backoff.Retry(r.Context(), func() (*http.Response, error) {
		epoch, err := t.acquire(r.Context())
		if err != nil {
			return nil, backoff.Permanent(err)
		}
		res, err := t.send(r, body, epoch)
		if err != nil {
			t.release(epoch, false)
			return nil, backoff.Permanent(err)
		}
		if !pushesBack(res) {
			t.wentWell()
			return res, nil
		}
		// Not backoff.WithMaxTries: what is patience changes with the first call
		// that goes well, and the last answer is the caller's, not an error.
		if tries++; tries > t.patience() || !repeatable(res.StatusCode, body) {
			return res, nil
		}
		_ = res.Body.Close()
		return nil, comeBack(res.Header.Get("Retry-After"))
	}, backoff.WithBackOff(pauses()), backoff.WithMaxElapsedTime(0))
}

// send makes the call once. The call lasts until its answer was read: closing
// that releases the limiter. How quick the server is shows in the calls that have
// a bound: each is about one host, so that those of a method are alike.
func (t limitedTransport) send(r *http.Request, body []byte, epoch int) (*http.Response, error) {
	bound, bounded := r.Context().Value(callBound{}).(time.Duration)
	if !bounded {
		bound = longestCall
	}
	ctx, cancel := context.WithTimeout(r.Context(), bound)
	ctx, took := timed(ctx)
	again := r.Clone(ctx)
	again.Body = io.NopCloser(bytes.NewReader(body))
	again.ContentLength = int64(len(body))
	res, err := t.next.RoundTrip(again)
	if err != nil {
		cancel()
		return nil, err
	}
	pushedBack := pushesBack(res)
	if bounded && !pushedBack && took() > 0 {
		t.answered(methodOf(body), took())
	}
	res.Body = &countedBody{&limitedBody{res.Body, maxAnswer}, sync.OnceFunc(func() {
		t.release(epoch, pushedBack)
		cancel()
	})}
	return res, nil
}

// timed lets took return how long an answer took to begin. A new connection is
// not counted: it is made once, and says nothing of how busy the server is.
func timed(ctx context.Context) (traced context.Context, took func() time.Duration) {
	var sent time.Time
	var waited time.Duration
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:              func(httptrace.GotConnInfo) { sent = time.Now() },
		GotFirstResponseByte: func() { waited = time.Since(sent) },
	}), func() time.Duration { return waited }
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
	method := methodOf(body)
	return method != "" && !strings.HasSuffix(method, "_Task") && method != "Login"
}

// methodOf is the method that a request calls, empty when it is none.
func methodOf(body []byte) string {
	if m := methodName.FindSubmatch(body); m != nil {
		return string(m[1])
	}
	return ""
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	defer r.Body.Close()
	return io.ReadAll(r.Body)
}

// pauses are how long to wait before a call is sent again: from half of the pause
// to all of it. Waiting calls spread out, or they would all come back at once.
func pauses() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: firstPause * 3 / 4, MaxInterval: longestPause * 3 / 4,
		Multiplier: 2, RandomizationFactor: 1. / 3,
	}
}

var errPushedBack = errors.New("the server has no room for the call")

// comeBack asks for another try, at the time that the server names if it does:
// within bounds, which backoff.RetryAfter does not have.
func comeBack(retryAfter string) error {
	if s, err := strconv.Atoi(retryAfter); err == nil && s >= 0 {
		named := time.Duration(min(s, int(longestPause/time.Second))) * time.Second
		return &backoff.RetryAfterError{Duration: max(firstPause, named)}
	}
	return errPushedBack
}

// limitedBody is an answer up to a limit.
type limitedBody struct {
	io.ReadCloser
	left int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("the answer has more than %d MiB", maxAnswer>>20)
	}
	return n, err
}

// countedBody releases the limiter when the answer is closed.
type countedBody struct {
	io.ReadCloser
	release func()
}

func (b *countedBody) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}
