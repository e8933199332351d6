package probe

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/vic-preflight/vic-preflight/internal/infile"
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

// ReadKey reads a file that holds what Key.Hex printed.
func ReadKey(path string) (Key, error) {
	text, err := infile.Read(path, infile.Short)
	if err != nil {
		return Key{}, err
	}
	key, err := ParseKey(string(text))
	if err != nil {
		return Key{}, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// KeyFile reads the key in a file, and makes one where there is no such file. Without
// a name the key is new, and serves nobody else.
func KeyFile(path string) (Key, error) {
	if path != "" {
		if _, err := os.Stat(path); err == nil {
			return ReadKey(path)
		}
	}
	key, err := NewKey()
	if err != nil || path == "" {
		return key, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return key, err
	}
	_, err = fmt.Fprintln(f, key.Hex())
	if err = errors.Join(err, f.Close()); err != nil {
		err = errors.Join(err, os.Remove(path)) // half a key is none
	}
	return key, err
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

// service is a name that a probe's machine asks a listener for. Nobody without the key
// can make one, so that strangers can neither be taken for a host nor fill the table of
// those that came.
func (k Key) service(id string) string {
	return ServiceScheme + id + "." + k.mac("service", id)[:serviceMAC]
}

// serviceMAC is how many hexadecimal digits of the MAC a name has: 128 bits.
const serviceMAC = 32

// names reports whether a URI is a name of the key's.
func (k Key) names(uri string) bool {
	id, _, ok := strings.Cut(strings.TrimPrefix(uri, ServiceScheme), ".")
	return ok && hmac.Equal([]byte(uri), []byte(k.service(id)))
}
