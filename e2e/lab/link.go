//go:build linux

package lab

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// link is the wire between a host and the switch, when it is a slow one.
type link struct {
	mu   sync.Mutex
	undo func() error // nil when the host is plugged in directly
}

// Latency makes the host's link to the switch add a round-trip time to all
// packets, and lose some percent of them in each direction. Zero and zero
// plugs the host in directly again.
//
// It does in user space what tc's netem would do, which many kernels lack.
func (l *Lab) Latency(name string, rtt time.Duration, loss int) error {
	h, err := l.host(name)
	if err != nil {
		return err
	}
	h.link.mu.Lock()
	defer h.link.mu.Unlock()
	if err := h.link.restore(); err != nil {
		return fmt.Errorf("plug %s in again: %w", name, err)
	}
	if rtt == 0 && loss == 0 {
		return nil
	}
	if h.link.undo, err = l.sw.slow(h.ns.port, rtt/2, loss); err != nil {
		return fmt.Errorf("slow the link of %s down: %w", name, err)
	}
	return nil
}

func (k *link) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	_ = k.restore()
}

func (k *link) restore() error {
	if k.undo == nil {
		return nil
	}
	undo := k.undo
	k.undo = nil
	return undo()
}

// slow unplugs a port from the bridge, plugs one end of a new cable in instead,
// and carries frames between the port and the cable's other end.
func (n *NS) slow(port string, delay time.Duration, loss int) (undo func() error, err error) {
	cable := "w" + port
	unplug := fmt.Sprintf("link set %[1]s nomaster\nlink add %[2]s type veth peer name x%[1]s\n"+
		"link set %[2]s addrgenmode none up\nlink set x%[1]s addrgenmode none master br0 up\n", port, cable)
	plug := fmt.Sprintf("link del %s\nlink set %s master br0\n", cable, port)
	if err := n.ip(unplug); err != nil {
		return nil, err
	}
	var ends [2]*os.File
	for i, name := range []string{port, cable} {
		err := n.Do(func() (err error) {
			ends[i], err = tap(name)
			return err
		})
		if err != nil {
			_ = ends[0].Close()
			_ = n.ip(plug)
			return nil, err
		}
	}
	var carriers sync.WaitGroup
	carriers.Go(func() { carry(ends[0], ends[1], delay, loss) })
	carriers.Go(func() { carry(ends[1], ends[0], delay, loss) })
	return func() error {
		_, _ = ends[0].Close(), ends[1].Close()
		carriers.Wait()
		return n.ip(plug)
	}, nil
}

// tap opens an interface for raw frames, each with the header that says what
// the kernel has yet to do to it, such as checksums: on a veth that is a lot.
func tap(name string) (*os.File, error) {
	iface, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	protocol := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open a packet socket: %w", err)
	}
	everything := &unix.PacketMreq{Ifindex: int32(iface.Index), Type: unix.PACKET_MR_PROMISC}
	for _, set := range []func() error{
		func() error { return unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1) },
		func() error { return unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1) },
		func() error {
			return unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, everything)
		},
		func() error {
			return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: iface.Index})
		},
	} {
		if err := set(); err != nil {
			_ = unix.Close(fd)
			return nil, fmt.Errorf("set up a packet socket on %s: %w", name, err)
		}
	}
	return os.NewFile(uintptr(fd), name), nil
}

// longestFrame is what segmentation offload can make, with both headers.
const longestFrame = 1<<16 + 64

// carry takes frames from one end to the other, in order, until an end is
// closed. What the far end does not take is lost, as on any wire.
func carry(from, to *os.File, delay time.Duration, loss int) {
	type frame struct {
		due  time.Time
		data []byte
	}
	wire := make(chan frame, 4096)
	var far sync.WaitGroup
	far.Go(func() {
		for f := range wire {
			time.Sleep(time.Until(f.due))
			_, _ = to.Write(f.data)
		}
	})
	defer far.Wait()
	defer close(wire)
	buffer := make([]byte, longestFrame)
	for {
		size, err := from.Read(buffer)
		if err != nil {
			return
		}
		if rand.IntN(100) < loss {
			continue
		}
		select {
		case wire <- frame{time.Now().Add(delay), append([]byte(nil), buffer[:size]...)}:
		default: // full
		}
	}
}
