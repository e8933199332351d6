package vsphere_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/vmware/govmomi/vim25/xml"

	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// FuzzTargetSecret holds that a password is in no error, and in nothing that is shown of
// a target, wherever it stands before the host's name.
func FuzzTargetSecret(f *testing.F) {
	const canary = "c4naRy"
	for _, around := range [][2]string{
		{"root:", "@vc"},
		{"https://root:", "@vc:443/dc"},
		{"root:12/", "@vc"},
		{"root:12?", "@vc/dc"},
		{"root:", ":443"},
		{"ftp://root:", "@vc"},
		{"http://root:", "@10.0.0.1"},
		{"root:", "＠vc"},
		{"u:[", ":1"},
		{"u:", "@[::1"},
		{"u:", "@vc:0"},
	} {
		f.Add(around[0], around[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		text := before + canary + after
		target, err := vsphere.ParseTarget(text)
		switch {
		case err != nil:
			if strings.Contains(err.Error(), canary) {
				t.Errorf("the error of %q: %v", text, err)
			}
		case strings.Contains(before, ":") && strings.Contains(after, "@") && strings.Contains(target.String(), canary):
			t.Errorf("%q is shown as %s", text, target)
		}
	})
}

// FuzzParseThumbprint holds that what is taken reads back from its own spelling, and that
// an error repeats nothing of what may be a password.
func FuzzParseThumbprint(f *testing.F) {
	for _, text := range []string{
		"DC:9D:4D:1C:7E:3C:7C:59:54:4B:85:DC:BD:86:7B:2B:51:67:7E:7B", strings.Repeat("ab", 32), "sha256 Fingerprint=" + strings.Repeat("AB ", 32),
		"", " ", "=", "secret", "ab-cd",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		thumbprint, err := vsphere.ParseThumbprint(text)
		if err != nil {
			if len(text) > 30 && strings.Contains(err.Error(), text) {
				t.Errorf("the error of %q: %v", text, err)
			}
			return
		}
		if n := len(thumbprint); n != 0 && n != 20 && n != 32 || n == 0 && strings.TrimSpace(text) != "" {
			t.Errorf("%q pins %d bytes", text, n)
		}
		if again, err := vsphere.ParseThumbprint(thumbprint.String()); err != nil || !slices.Equal(again, thumbprint) {
			t.Errorf("%q is %s, and that is %s, %v", text, thumbprint, again, err)
		}
	})
}

// FuzzEsxcli holds that no answer makes a panic, that an object is read as a list of one,
// and that a switch is not on, and the firewall not passing, unless the host says so.
func FuzzEsxcli(f *testing.F) {
	const get = `<obj xsi:type="DataObject"><DefaultAction>DROP</DefaultAction><Enabled>true</Enabled><Loaded>false</Loaded></obj>`
	for _, text := range []string{
		get, `<reflect:response xmlns:reflect="urn:reflect">` + get + `</reflect:response>`, "<a><DataObject><b>1</b></DataObject><DataObject><b>2</b></DataObject></a>",
		"<a>x<!-- -->y<b/>z</a>", "<a/>", "", "<a>&lt;</a>", "<Enabled>TRUE</Enabled>", "<a><Enabled>false</Enabled><Enabled>true</Enabled></a>", "x",
		"<EsxCLI.CLIFault><errMsg>no</errMsg></EsxCLI.CLIFault>",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		object, err := vsphere.ParseObject(text)
		list, listErr := vsphere.ParseList(text)
		if (err != nil) != (listErr != nil) || err != nil && (len(object) > 0 || len(list) > 0) {
			t.Errorf("%v as an object, %v as a list", err, listErr)
		}
		sw := vsphere.ParseSwitch(object, err)
		upper := strings.ToUpper(plain(text))
		for _, said := range []struct {
			is    bool
			words string
		}{
			{sw.Enabled == inventory.Yes || sw.Loaded == inventory.Yes, "TRUE"},
			{sw.Enabled == inventory.No || sw.Loaded == inventory.No, "FALSE"},
			{sw.DefaultPass == inventory.Yes, "PASS"},
			{sw.DefaultPass == inventory.No, "DROP"},
		} {
			if said.is && !strings.Contains(upper, said.words) {
				t.Errorf("%+v of %q", sw, text)
			}
		}
		if sw.Unreadable != "" && (sw.Enabled != inventory.Unknown || sw.Loaded != inventory.Unknown || sw.DefaultPass != inventory.Unknown) {
			t.Errorf("%+v of %q", sw, text)
		}
	})
}

// plain is the character data of a text, one after the other.
func plain(text string) string {
	var b strings.Builder
	for dec := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := dec.Token()
		if err != nil {
			return b.String()
		}
		if data, ok := token.(xml.CharData); ok {
			b.Write(data)
		}
	}
}

// FuzzEsxcliFields holds that fields are read as they were written.
func FuzzEsxcliFields(f *testing.F) {
	f.Add("Enabled", "true", "Name", "a & b < c")
	f.Add("a", "", "b", " x ")
	f.Fuzz(func(t *testing.T, key, value, otherKey, otherValue string) {
		name := func(s string) string {
			return strings.Map(func(r rune) rune {
				if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
					return r
				}
				return -1
			}, "k"+s)
		}
		var inner strings.Builder
		want := map[string]string{}
		for _, f := range [][2]string{{name(key), value}, {name(otherKey), otherValue}} {
			var escaped strings.Builder
			if err := xml.EscapeText(&escaped, []byte(f[1])); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&inner, "<%s>%s</%s>", f[0], &escaped, f[0])
			if _, seen := want[f[0]]; !seen {
				want[f[0]] = strings.TrimSpace(strings.ToValidUTF8(f[1], "\ufffd"))
			}
		}
		object, err := vsphere.ParseObject("<o>" + inner.String() + "</o>")
		list, listErr := vsphere.ParseList("<a><o>" + inner.String() + "</o><o>" + inner.String() + "</o></a>")
		if err != nil || listErr != nil || len(list) != 2 || !maps.Equal(list[0], list[1]) || !maps.Equal(object, list[0]) {
			t.Fatalf("%v, %v; %v, %v", object, err, list, listErr)
		}
		for key, value := range want {
			if got, ok := object[key]; !ok || xmlChars(got) != xmlChars(value) {
				t.Errorf("%s is %q, and was %q", key, got, value)
			}
		}
	})
}

// xmlChars leaves out what XML has no way to write.
func xmlChars(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0xfffd || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, s))
}

// FuzzAssigned holds that no answer about licenses makes a panic, and that no license key
// is in what is read, or in the error.
func FuzzAssigned(f *testing.F) {
	for _, text := range []string{
		assignedAnswer(""), assignedAnswer(assigned("host-1", "u", "", "dvs", "serialuri:2") + assigned("host-2", "", endOfLicense, "dvs")),
		string(faultAnswer("NoPermission", "")), assignedAnswer("<returnval><entityId>host-1</entityId></returnval>"), emptyBody,
		strings.NewReplacer("<returnval>", "<v:returnval>", "</returnval>", "</v:returnval>", `xmlns="urn:vim25"`,
			`xmlns="urn:vim25" xmlns:v="urn:vim25"`).Replace(assignedAnswer(assigned("host-1", "u", "", "dvs"))),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := vsphere.ReadAssigned(strings.NewReader(text))
		if err != nil && (len(list) > 0 || strings.Contains(err.Error(), "SECRE-T0000-KEY00")) {
			t.Errorf("%d assignments, and %v", len(list), err)
		}
		if strings.Count(text, "SECRE-T0000-KEY00") > strings.Count(text, "<licenseKey>SECRE-T0000-KEY00") {
			return // the fuzzer put it where a name stands
		}
		for _, a := range list {
			if strings.Contains(fmt.Sprintf("%+v %+v", a.Entity(), *a.License()), "SECRE-T0000-KEY00") {
				t.Errorf("%+v", *a.License())
			}
		}
	})
}
