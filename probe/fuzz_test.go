package probe_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/probe"
)

// FuzzNegotiation feeds what a peer could send: never a panic, never more kept than was
// sent, and the same understood and answered whatever pieces it comes in.
func FuzzNegotiation(f *testing.F) {
	f.Add([]byte{255, 251, 232}, []byte{255, 250, 232, 70, 'C', 'x', 255, 240})
	f.Add([]byte{255, 250, 232, 80, 255}, []byte{255, 255, 240})
	f.Add([]byte{255, 250, 232, 82, 'a', 255, 255, 240, 255}, []byte{240, 255, 253, 0, 'l'})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var n, whole probe.Negotiation
		said := append(n.Feed(a), n.Feed(b)...)
		if n.Pending() > len(a)+len(b) {
			t.Errorf("%d bytes pending of %d", n.Pending(), len(a)+len(b))
		}
		together := whole.Feed(slices.Concat(a, b))
		if !bytes.Equal(said, together) || n.Pending() != whole.Pending() {
			t.Errorf("%q in pieces, %q at once", said, together)
		}
		uuid, uri, name := n.VM()
		if u, v, w := whole.VM(); u != uuid || v != uri || w != name {
			t.Errorf("%q %q %q in pieces, %q %q %q at once", uuid, uri, name, u, v, w)
		}
	})
}

// FuzzListener sends a listener what strangers could: it remembers none of them, and
// answers who has the key all the same.
func FuzzListener(f *testing.F) {
	key, err := probe.NewKey()
	if err != nil {
		f.Fatal(err)
	}
	l, err := probe.Listen(context.Background(), "127.0.0.1:0", key, probe.ListenOptions{Patience: 30 * time.Second})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = l.Close() })
	to := probe.Target{Host: "127.0.0.1", Port: l.Addr().Port}
	for _, text := range []string{
		"\n", "GET / HTTP/1.0\r\n\r\n", "\xff", "\xff\xfa\xe8\x46", "VIC-PREFLIGHT/1 SEEN a b c\n", "VIC-PREFLIGHT/1 PROBE 00\n",
		"\xff\xfb\xe8\xff\xfa\xe8\x46Cvic-preflight:A.00\xff\xf0\xff\xfa\xe8\x5042\xff\xf0",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, junk []byte) {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		_, _ = c.Write(junk)
		_ = c.(*net.TCPConn).CloseWrite()
		answer, err := io.ReadAll(io.LimitReader(c, 1<<20))
		_ = c.Close()
		if len(answer) > 256+10*len(junk) {
			t.Errorf("%d bytes for %d (%v)", len(answer), len(junk), err)
		}
		if l.Remembered() != 0 {
			t.Errorf("%q is remembered", junk)
		}
		if found := probe.Local(t.Context(), &net.Dialer{}, probe.Attempt{To: to, Key: &key}, time.Minute); found.Outcome != inventory.Open {
			t.Errorf("after %q: %+v", junk, found)
		}
	})
}

// FuzzNC holds that whatever nc says, a port is open when the listener's token came back
// and never else, and that each other outcome has its cause.
func FuzzNC(f *testing.F) {
	const want = "VIC-PREFLIGHT/1 OPEN 0123456789abcdef\n"
	for _, said := range [][2]string{
		{want, "Connection to 10.0.0.9 2377 port [tcp/*] succeeded!\n"},
		{"Connection to 10.0.0.9 2377 port [tcp/*] succeeded!\n" + want, ""},
		{"HTTP/1.0 400 Bad Request\n", ""},
		{"", "nc: connect to 10.0.0.9 port 2377 (tcp) failed: Connection refused\n"},
		{"", "nc: bad address 'vch'\n"},
		{"", "nc: timed out"},
		{"", ""},
		{"\xff\xfd\xe8", ""},
		{"", "sh: nc: not found"},
		{"Connection to " + want, ""},
		{"", "nc: invalid option -- 'z'\nusage: nc"},
	} {
		for _, exit := range []int{0, 1, 126, 127} {
			f.Add(said[0], said[1], exit, int64(time.Second), true)
			f.Add(said[0], said[1], exit, int64(5*time.Second), false)
		}
	}
	known := []inventory.Outcome{
		inventory.Open, inventory.OpenUnverified, inventory.Intercepted, inventory.Refused, inventory.Timeout,
		inventory.Unreachable, inventory.NoRoute, inventory.DNS, inventory.ProbeError,
	}
	f.Fuzz(func(t *testing.T, stdout, stderr string, exit int, elapsed int64, asked bool) {
		token := ""
		if asked {
			token = want
		}
		outcome, cause := probe.NCOutcome(stdout, stderr, exit, time.Duration(elapsed), token, 5*time.Second)
		if !slices.Contains(known, outcome) || cause == "" && outcome != inventory.Open || len(cause) > 10<<10 {
			t.Errorf("%s: %q", outcome, cause)
		}
		proven := strings.Contains(stdout, want)
		if !asked {
			proven = strings.Contains(stdout, "\xff\xfd\xe8") || strings.Contains(stdout, "\xff\xfb\xe8")
		}
		if outcome == inventory.Open && !proven {
			t.Errorf("open, and nothing shows it: %q", stdout)
		}
	})
}

// FuzzParseKey holds that a key reads back from its own spelling, and that the error does
// not repeat what may be one.
func FuzzParseKey(f *testing.F) {
	for _, text := range []string{strings.Repeat("ab", 32), strings.Repeat("AB", 32) + "\n", strings.Repeat("ab", 31), ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := probe.ParseKey(text)
		if err != nil {
			if len(text) > 16 && strings.Contains(err.Error(), text) {
				t.Errorf("%v", err)
			}
			return
		}
		if again, err := probe.ParseKey(key.Hex()); err != nil || again != key || !strings.EqualFold(key.Hex(), strings.TrimSpace(text)) {
			t.Errorf("%q is %s, %v", text, key.Hex(), err)
		}
	})
}
