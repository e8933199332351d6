package onhost_test

import (
	"strings"
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/onhost"
)

// FuzzOutput holds that nothing that a host's commands may say makes a panic, that every
// ruleset and VIB that is read stands in the text, and that errors stay short.
func FuzzOutput(f *testing.F) {
	for _, text := range []string{
		"Name       Version  Vendor  Acceptance Level  Install Date\n---------  -------  ------  ----------------  ------------\nesx-base   8.0.2    VMware  VMwareCertified   2023-01-01\n",
		"Name                  Enabled  Enable/Disable configurable\n--------------------  -------  ---------------------------\nsshServer                true                        true\n",
		"Installation Result\n   Message: Operation finished successfully.\n   VIBs Installed: vic_bootbank_vicpre_1.0\n   Reboot Required: false\n",
		"[InstallationError]\n ('/tmp/a.vib', \"Could not find a trusted signer\")\n vibs = a\n", "-\n-\n", "",
		"Name\n----\n" + strings.Repeat("\u00e9", 200),
	} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, text, stderr string) {
		for _, key := range onhost.ReadRulesets(text) {
			if key == "" || !strings.Contains(text, key) || len(strings.Fields(key)) != 1 {
				t.Errorf("%q is no ruleset of %q", key, text)
			}
		}
		vibs, err := onhost.ReadVIBs(text)
		if err != nil && len(vibs) > 0 {
			t.Errorf("%v with the error %v", vibs, err)
		}
		for _, v := range vibs {
			if v.Name == "" || !strings.Contains(text, v.Name) || !strings.Contains(v.ID, "_bootbank_"+v.Name+"_") {
				t.Errorf("%+v is no VIB of %q", v, text)
			}
		}
		if result, err := onhost.ReadResult("esxcli software vib install", text); err == nil && (result["Message"] == "" || strings.EqualFold(result["Reboot Required"], "true")) {
			t.Errorf("%q is taken for an installation: %v", text, result)
		}
		if said := onhost.Explained("esxcli software vib install", text, stderr); len(said) > 1000 {
			t.Errorf("%d bytes of an error of %q", len(said), text)
		}
	})
}
