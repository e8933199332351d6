package probe

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Key is a secret that a run shares with its listener. It never travels: a
// prober sends a challenge, and only who has the key can answer it, so that
// neither an interception nor another server can fake success.
type Key [32]byte

// NewKey makes a key.
func NewKey() (Key, error) {
	var k Key
	_, err := rand.Read(k[:])
	return k, err
}

// ParseKey reads what Key.Hex printed.
func ParseKey(s string) (Key, error) {
	var k Key
	raw, err := hex.DecodeString(strings.TrimSpace(s))
	if err != nil || len(raw) != len(k) {
		return Key{}, errors.New("it is not a key of vic-preflight listen: 64 hexadecimal digits")
	}
	copy(k[:], raw)
	return k, nil
}

// Hex spells the key for a file. A key has no String: it must not be printed
// by accident.
func (k Key) Hex() string { return hex.EncodeToString(k[:]) }

// GoString and Format keep a key out of logs.
func (k Key) GoString() string { return "probe.Key(secret)" }

// Format keeps a key out of logs.
func (k Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("secret")) }

const (
	challengeWord = "VIC-PREFLIGHT/1 PROBE "
	replyWord     = "VIC-PREFLIGHT/1 OPEN "
	// maxLine is longer than any line of the protocol.
	maxLine = 256
)

// challenge is a fresh line for one attempt, and the line that answers it.
func (k Key) challenge() (ask, want string, err error) {
	var nonce [16]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return "", "", err
	}
	text := hex.EncodeToString(nonce[:])
	return challengeWord + text + "\n", k.reply(text), nil
}

func (k Key) reply(nonce string) string {
	return replyWord + k.mac("open", nonce) + "\n"
}
