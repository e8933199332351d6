package linger

import (
	"context"
	"sync"
	"time"
)

// pausable ends after a time that can stand still.
type pausable struct {
	context.Context // the parent, for its values and its deadline
	done            chan struct{}

	mu    sync.Mutex
	err   error
	timer *time.Timer
	ends  time.Time
}

type pausableKey struct{}

// Pausable is context.WithTimeout, but for the time between a Pause and its end. The
// caller must call cancel.
func Pausable(ctx context.Context, bound time.Duration) (context.Context, context.CancelFunc) {
	p := &pausable{Context: ctx, done: make(chan struct{}), ends: time.Now().Add(bound)}
	p.mu.Lock() // a short bound may pass before there is a timer to stop
	p.timer = time.AfterFunc(bound, func() { p.end(context.DeadlineExceeded) })
	p.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { p.end(ctx.Err()) })
	return p, func() {
		stop()
		p.end(context.Canceled)
	}
}

// Pause lets the time of a Pausable context, or of one that was made of it, stand still
// until resume is called: a person is asked, for one. For other contexts it does nothing.
func Pause(ctx context.Context) (resume func()) {
	p, ok := ctx.Value(pausableKey{}).(*pausable)
	if !ok {
		return func() {}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	left := time.Until(p.ends)
	if !p.timer.Stop() {
		return func() {}
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.ends = time.Now().Add(left)
		p.timer.Reset(left)
	}
}

func (p *pausable) end(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.timer.Stop()
		p.err = why
		close(p.done)
	}
}

// Done implements context.Context.
func (p *pausable) Done() <-chan struct{} { return p.done }

// Err implements context.Context.
func (p *pausable) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Value implements context.Context.
func (p *pausable) Value(key any) any {
	if key == (pausableKey{}) {
		return p
	}
	return p.Context.Value(key)
}
