package hostssh_test

import (
	"crypto/ed25519"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/vic-preflight/vic-preflight/internal/hostssh"
)

// seededKey is the same key each time.
func seededKey(tb testing.TB, seed byte) ssh.PublicKey {
	tb.Helper()
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(seed), ed25519.SeedSize)))
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		tb.Fatal(err)
	}
	return public
}

// FuzzKnownHosts holds that no file makes a panic, that a key which stands in none is
// never taken, that damage is told by its line, and that no file is left over.
func FuzzKnownHosts(f *testing.F) {
	theirs := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(seededKey(f, 'a'))))
	for _, text := range []string{
		"esx1 " + theirs + "\n", "[esx1]:2222,10.0.0.1 " + theirs, "*.example,!esx1 " + theirs + " comment\nesx1 damaged\n",
		"@revoked esx1 " + theirs, "@cert-authority * " + theirs, "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= " + theirs,
		"# nothing\n\n", "esx1 ssh-ed25519 AAAA\n",
	} {
		f.Add(text)
	}
	stranger := seededKey(f, 'b')
	f.Fuzz(func(t *testing.T, text string) {
		folder := t.TempDir()
		t.Setenv("TMPDIR", folder)
		file := filepath.Join(folder, "known_hosts")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		known, err := hostssh.KnownHosts(file)
		if left, _ := os.ReadDir(folder); len(left) != 1 {
			t.Fatalf("left: %v", left)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range known.Damaged {
			if !strings.HasPrefix(line, file+":") {
				t.Errorf("damaged: %q", line)
			}
		}
		for _, h := range []hostssh.Host{{Name: "esx1", Address: "10.0.0.1"}, {Name: "a.example"}, {Name: "esx1", Alias: "b"}} {
			for _, port := range []int{22, 2222} {
				if err := known.Verify(h, port)("", &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: port}, stranger); err == nil {
					t.Errorf("a key that is not in the file is taken for %+v", h)
				}
				known.Algorithms(h, port)
			}
		}
	})
}
