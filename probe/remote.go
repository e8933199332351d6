package probe

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// A prober asks a listener on another machine, over the listened port itself,
// whether a vmx peer with a URI was there: "SEEN nonce URI" is answered by
// "YES|NO address mac". Both the question and the answer are bound to the key.

const (
	seenWord   = "VIC-PREFLIGHT/1 SEEN "
	seenReply  = "VIC-PREFLIGHT/1 WAS "
	remotePoll = 500 * time.Millisecond
)

func (k Key) mac(parts ...string) string {
	h := hmac.New(sha256.New, k[:])
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// answerSeen answers a question about a URI; ok is false when it was not asked
// by somebody with the key.
func (ln *Listener) answerSeen(question string) (reply string, ok bool) {
	f := strings.Fields(question)
	if len(f) != 3 || !hmac.Equal([]byte(f[2]), []byte(ln.key.mac("ask", f[0], f[1]))) {
		return "", false
	}
	ln.mu.Lock()
	peer, seen := ln.vmx[f[1]]
	ln.mu.Unlock()
	from := "-"
	if seen {
		from = peer.From
	}
	return seenReply + from + " " + ln.key.mac("was", f[0], f[1], from) + "\n", true
}

// Remote is a listener on another machine that has the same key. It is a
// Witness.
type Remote struct {
	Target Target
	Key    Key
	Dialer Dialer
}

// WaitVMX asks the listener again and again until it has seen the URI.
//
// A listener that never answered well is an error of its own, not silence: it
// is then not the context's error that comes back, though the time is up.
func (r *Remote) WaitVMX(ctx context.Context, uri string) (Peer, error) {
	answered, last := false, error(nil)
	for {
		from, err := r.ask(ctx, uri)
		switch {
		case err == nil && from != "":
			return Peer{At: time.Now(), From: from, Kind: PeerVMX, URI: uri}, nil
		case err == nil:
			answered = true
		case last == nil || ctx.Err() == nil:
			last = err // what the end of the context cut off says less than what came before
		}
		select {
		case <-ctx.Done():
			if !answered {
				return Peer{}, fmt.Errorf("no answer from the listener at %s: %v", r.Target, last)
			}
			return Peer{}, ctx.Err()
		case <-time.After(remotePoll):
		}
	}
}

// Check asks the listener once, to know beforehand that it is there and has the
// same key.
func (r *Remote) Check(ctx context.Context) error {
	_, err := r.ask(ctx, ServiceScheme+rand.Text())
	return err
}

func (r *Remote) ask(ctx context.Context, uri string) (from string, err error) {
	ctx, cancel := context.WithTimeout(ctx, defaultPatience)
	defer cancel()
	conn, err := r.Dialer.DialContext(ctx, "tcp", r.Target.String())
	if err != nil {
		return "", err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	nonce := rand.Text()
	if _, err := io.WriteString(conn, seenWord+nonce+" "+uri+" "+r.Key.mac("ask", nonce, uri)+"\n"); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(io.LimitReader(conn, 2*maxLine)).ReadString('\n')
	if err != nil {
		return "", err
	}
	f := strings.Fields(strings.TrimPrefix(line, seenReply))
	if !strings.HasPrefix(line, seenReply) || len(f) != 2 || !hmac.Equal([]byte(f[1]), []byte(r.Key.mac("was", nonce, uri, f[0]))) {
		return "", errors.New("what answers at the target is not the listener with this key")
	}
	if f[0] == "-" {
		return "", nil
	}
	return f[0], nil
}
