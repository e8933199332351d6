package preflight_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vic-preflight/vic-preflight/preflight"
)

// FuzzSSHConfig holds that no configuration of OpenSSH makes a panic, and that a host has
// an address whatever it says.
func FuzzSSHConfig(f *testing.F) {
	for _, text := range []string{
		"Host esx*\n  HostName %h.example\n  Port 2222\n  User me\n  HostKeyAlias a\n  ProxyJump jump@gate:22\n",
		"Host *\nPort x\nProxyJump none", "Match host a\n  User b\n", "Host !a *\n\tIdentityFile \"id\"\n", "HostName\n", "Host gate\nProxyJump gate\n",
		"Host esx1\nProxyJump a,b\n", "# \n\nHost=esx1\nPort=1", "Host [\nHostName a", "ProxyJump :\n", "ProxyJump @\n",
	} {
		f.Add(text, "esx1")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		lower := strings.ToLower(text)
		if strings.Contains(lower, "include") || strings.Contains(lower, "identityfile") && strings.Contains(text, "/") {
			return // other files of the machine
		}
		t.Chdir(t.TempDir())
		file := filepath.Join(".", "config")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		h, err := preflight.SSHHost(preflight.SSHOptions{Config: file}, name, "10.0.0.1")
		switch {
		case err != nil && !strings.HasPrefix(err.Error(), file+": "):
			t.Errorf("the error %q names no file", err)
		case err == nil && h.Address == "":
			t.Errorf("%+v", h)
		case h.Jump != nil && h.Jump.Port == 0:
			t.Errorf("%+v", h.Jump)
		}
	})
}

// FuzzReadSecret holds that a password is the first line as it is, and in no error.
func FuzzReadSecret(f *testing.F) {
	for _, text := range []string{"pw", "pw\r\nmore", "\n", "\ufeffpw", "\xff\xfep\x00w\x00", "a b\t\n", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		secret, err := preflight.ReadSecretFrom(strings.NewReader(text), "FILE")
		if err != nil {
			if secret != "" || len(text) > 12 && strings.Contains(err.Error(), text) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		line, _, _ := strings.Cut(text, "\n")
		if secret == "" || !strings.Contains(line, secret) || len(line)-len(secret) > len("\ufeff")+len(line)-len(strings.TrimRight(line, "\r")) {
			t.Errorf("%q holds the password %q", text, secret)
		}
	})
}
