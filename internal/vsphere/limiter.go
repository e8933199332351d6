package vsphere

import (
	"context"
	"sync"
	"time"
)

// limiter bounds the calls in flight, and lets the server have a say. An answer
// of 429 or 503 (vCenter's proxy gives it when there are too many) halves the
// bound, and a full round of calls that went well raises it by one, up to the
// usual bound. From there on it goes by the time that answers take, as TCP Vegas
// does: two rounds that are as quick as they were raise the bound by one, a slower
// one lowers it by one. A greater step would be past the mark before that is
// seen, and each call more at a time is a connection more to make.
type limiter struct {
	usual, most int

	mu      sync.Mutex
	limit   int
	busy    int
	waiting int
	calm    int              // calls since limit changed that speak for raising it
	slow    int              // calls since then that speak against it
	epoch   int              // how often limit was halved
	served  bool             // some call went well
	paces   map[string]*pace // by the name of the method

	// room holds a token when there may be room. One waiter takes it and hands
	// it on: to wake all of them for one call's room would cost more than calls.
	room chan struct{}
}

// newLimiter begins at the usual bound. It never grows when most is not more.
func newLimiter(usual, most int) *limiter {
	return &limiter{
		usual: usual, most: max(usual, most), limit: usual,
		paces: map[string]*pace{}, room: make(chan struct{}, 1),
	}
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

func (l *limiter) wentWell() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.served = true
}

// acquire waits for room and returns the epoch to release with.
func (l *limiter) acquire(ctx context.Context) (epoch int, err error) {
	epoch, ok := l.take()
	if ok {
		return epoch, nil
	}
	l.wait(1)
	defer l.wait(-1)
	for !ok {
		select {
		case <-l.room:
			epoch, ok = l.take()
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return epoch, nil
}

func (l *limiter) wait(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting += n
}

func (l *limiter) take() (epoch int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy >= l.limit {
		return 0, false
	}
	l.busy++
	l.tell()
	return l.epoch, true
}

// tell lets one waiter look for room.
func (l *limiter) tell() {
	if l.busy < l.limit {
		select {
		case l.room <- struct{}{}:
		default: // there is a token
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
		l.set(max(1, l.limit/2))
		l.epoch++
	case !pushedBack && l.limit < l.usual:
		if l.calm++; l.calm >= l.limit {
			l.set(l.limit + 1)
		}
	}
	l.tell()
}

// answered tells how long an answer to the method took to begin. It counts
// only while calls wait for room, so that the bound is what was tried.
func (l *limiter) answered(method string, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.paces[method]
	if p == nil {
		p = &pace{}
		l.paces[method] = p
	}
	p.add(took)
	switch {
	case l.limit < l.usual, l.waiting == 0, p.best < worthMore:
		return
	case p.slower():
		l.slow++
	default:
		l.calm++
	}
	switch {
	case l.slow >= l.limit:
		l.set(max(l.usual, l.limit-1))
	case l.calm >= worthRounds*l.limit:
		l.set(min(l.most, l.limit+1))
		l.tell()
	}
}

// bound is how many calls may be in flight now.
func (l *limiter) bound() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limit
}

func (l *limiter) set(limit int) { l.limit, l.calm, l.slow = limit, 0, 0 }

const (
	// paceCalls is over how many calls a pace is smoothed: a round at the
	// usual bound, so that hosts that differ from each other do not count as a
	// change.
	paceCalls = DefaultWorkers
	// slowdown is how much slower than at best answers may be. Before a server
	// that is busy already calls take longer by as much as there are more of them,
	// so that they grow by this much at most.
	slowdown = 4. / 3
	// worthMore is how long an answer must take for one call more at a time to be
	// worth a connection more, which costs 1 ms of work and 0.1 MB. Answers that
	// come sooner are bounded by what both sides do, not by the way between them.
	worthMore = 5 * time.Millisecond
	// worthRounds is how many rounds in which answers stay as quick as they were
	// raise the bound by one: a check that ends within some rounds gains nothing.
	worthRounds = 2
)

// pace is how long answers to one method take.
type pace struct {
	calls  int
	recent time.Duration // smoothed
	best   time.Duration // the least that recent was, 0 until that means something
}

func (p *pace) add(took time.Duration) {
	if p.calls++; p.calls == 1 {
		p.recent = took
	}
	p.recent += (took - p.recent) / paceCalls
	if p.calls >= paceCalls && (p.best == 0 || p.recent < p.best) {
		p.best = p.recent
	}
}

func (p *pace) slower() bool { return float64(p.recent) > slowdown*float64(p.best) }
