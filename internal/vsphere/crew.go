package vsphere

import (
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/vic-preflight/vic-preflight/internal/guard"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// crew makes calls about hosts: as many at a time as the limiter lets, and
// waitingHands more. Those show the limiter that a greater bound would be of use;
// more of them would only hold memory.
type crew struct {
	limiter *limiter
	do      func(*inventory.Host)
	queue   chan *inventory.Host
	hands   errgroup.Group

	mu   sync.Mutex
	size int
}

const waitingHands = 2

// newCrew gets ready for so many hosts.
func (s *Session) newCrew(hosts int, do func(*inventory.Host)) *crew {
	c := &crew{limiter: s.limiter, do: do, queue: make(chan *inventory.Host, hosts)}
	for range min(s.limiter.bound()+waitingHands, hosts) {
		c.join()
	}
	return c
}

// join adds a pair of hands when the limiter has room for it.
func (c *crew) join() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size < c.limiter.bound()+waitingHands {
		c.size++
		c.hands.Go(func() error {
			for h := range c.queue {
				c.join()
				if err := guard.Do(func() error { c.do(h); return nil }); err != nil {
					h.Firewall.Unreadable = err.Error()
				}
			}
			return nil
		})
	}
}

// finish waits for the hosts in the queue; there come no more.
func (c *crew) finish() {
	close(c.queue)
	_ = c.hands.Wait() // do reports by host
}
