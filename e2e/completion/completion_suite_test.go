// Package completion tests what the shells offer at a Tab: real shells at a terminal,
// which have read the scripts that the built binary prints.
package completion_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestCompletion(t *testing.T) { testsuite.Run(t, "e2e/completion") }

// preflight is the program under test, built once, and scripts its scripts by shell.
var (
	preflight string
	scripts   = map[string]string{}
)

var _ = BeforeSuite(func() {
	preflight = testsuite.Program("cmd/vic-preflight")
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		script, err := exec.Command(preflight, "completion", shell).Output()
		Expect(err).NotTo(HaveOccurred())
		scripts[shell] = string(script)
	}
})

// a is what people type, and what they are offered then.
type a struct {
	line string
	// offers are some of what is offered, or only all of it.
	offers, only []string
	// never is what must not be among it.
	never []string
	// tab is the line after one Tab; empty where that is not of interest.
	tab string
}

// files stand in the folder that the shells are in.
var files = []string{"journal.json", "notes with blanks.txt", "secret.txt", "reports/old.json"}

var scenarios = []string{"sim://mixed", "sim://closed", "sim://open", "sim://esxi", "sim://esxi80", "sim://esxi60", "sim://large", "sim://vic", "sim://vic-broken", "sim://estate"}

// what every shell is tried with.
var what = []a{
	{line: "", offers: []string{"check", "watch", "fix", "undo", "probe", "vib", "sim", "explain", "completion"}, never: files},
	{line: "che", only: []string{"check"}, tab: "check "},
	{line: "version ", only: []string{}},
	{line: "check --pro", only: []string{"--probe", "--probe-target", "--probe-timeout", "--probe-retries", "--profile"}, tab: "check --pro"},
	{line: "check -o ", offers: []string{"table", "wide", "json"}, never: files},
	{line: "check --output w", only: []string{"wide"}, tab: "check --output wide "},
	{line: "check -o json=j", only: []string{"json=journal.json"}, tab: "check -o json=journal.json "},
	{line: "check -o json=rep", only: []string{"json=reports/"}, tab: "check -o json=reports/"},
	{line: "check -o json=reports/", only: []string{"json=reports/old.json"}, tab: "check -o json=reports/old.json "},
	{line: "check --probe ", only: []string{"none", "local", "ssh", "serial"}},
	{line: "check --only ", offers: []string{"outbound-port", "cluster-drift", "rule-persistence"}, never: files},
	{line: "check --skip ", offers: []string{"outbound-port", "cluster-drift", "rule-persistence"}, never: files},
	{line: "check --only outbound-port,cl", only: []string{"outbound-port,cluster-drift"}, tab: "check --only outbound-port,cluster-drift "},
	{line: "check --color ", only: []string{"auto", "always", "never"}},
	{line: "check --group ", only: []string{"auto", "always", "never"}},
	{line: "check --target sim://", only: scenarios},
	{line: "check --target sim://mi", only: []string{"sim://mixed"}, tab: "check --target sim://mixed "},
	{line: "check --target=sim://mi", only: []string{"--target=sim://mixed"}, tab: "check --target=sim://mixed "},
	{line: "check sim://", only: scenarios},
	{line: "check sim://mi", only: []string{"sim://mixed"}, tab: "check sim://mixed "},
	{line: "check --fix --journal jo", only: []string{"journal.json"}, tab: "check --fix --journal journal.json "},
	{line: "check --password-file se", only: []string{"secret.txt"}, tab: "check --password-file secret.txt "},
	{line: "create --target sim://vic -n vch1 --image-s", only: []string{"--image-store"}, tab: "create --target sim://vic -n vch1 --image-store "},
	{line: "create --tls-ca se", only: []string{"secret.txt"}, tab: "create --tls-ca secret.txt "},
	{line: "create --fix-", only: []string{"--fix-setting"}},
	{line: "check --image-s", only: []string{}},
	{line: "undo jo", only: []string{"journal.json"}, tab: "undo journal.json "},
	{line: "explain ruleset-d", only: []string{"ruleset-disabled"}, tab: "explain ruleset-disabled "},
	{line: "sim c", only: []string{"closed"}, tab: "sim closed "},
	{line: "vib build --esxi ", only: []string{"8", "6-7"}},
}

// more hangs on no shell: the tool alone is asked.
var more = []a{
	{line: "check --probe ser", only: []string{"serial"}, tab: "check --probe serial "},
	{line: "check --target ", only: scenarios},
	{line: "check ", only: scenarios},
	{line: "check sim://mixed sim://cl", only: []string{"sim://closed"}, tab: "check sim://mixed sim://closed "},
	{line: "fix --allow sim://mi", only: []string{"sim://mixed"}, tab: "fix --allow sim://mixed "},
	{line: "completion ", only: []string{"bash", "zsh", "fish", "powershell"}},
	{line: "check --password", only: []string{"--password", "--password-file"}, tab: "check --password"},
	{line: "check --output ", offers: []string{"table", "wide", "json"}, never: files},
	{line: "check --output=w", only: []string{"--output=wide"}, tab: "check --output=wide "},
	{line: "check -o json -o w", only: []string{"wide"}, tab: "check -o json -o wide "},
	{line: "check -probe ", only: []string{"none", "local", "ssh", "serial"}}, // as vic-machine's users type
	{line: "check --user ", only: []string{}},
	{line: "check --target s", only: scenarios, tab: "check --target sim://"},
	{line: "probe sim://mi", only: []string{"sim://mixed"}, tab: "probe sim://mixed "},
	{line: "update firewall --deny sim://mi", only: []string{"sim://mixed"}, tab: "update firewall --deny sim://mixed "},
	{line: "fix --method ", only: []string{"auto", "ruleset", "vib", "service-xml"}},
	{line: "undo --target sim://mi", only: []string{"sim://mixed"}, tab: "undo --target sim://mixed "},
	{line: "explain ruleset-disabled ", only: []string{}},
	{line: "sim closed ", only: []string{}},
	{line: "vib inspect -o ", only: []string{"table", "json"}},
	{line: "vib inspect jo", only: []string{"journal.json"}, tab: "vib inspect journal.json "},
	{line: "config check jo", only: []string{"journal.json"}, tab: "config check journal.json "},
	{line: "check --config jo", only: []string{"journal.json"}, tab: "check --config journal.json "},
	{line: "listen -o ", only: []string{"text", "json"}},
	{line: "watch sim://mi", only: []string{"sim://mixed"}, tab: "watch sim://mixed "},
	{line: "watch --jo", only: []string{}}, // it is refused
	{line: "watch --e", only: []string{"--every"}, tab: "watch --every "},
}

// some tells that a script was found at all.
var some = []a{
	{line: "che", tab: "check "},
	{line: "check sim://mi", tab: "check sim://mixed "},
	{line: "check --probe ", only: []string{"none", "local", "ssh", "serial"}},
	{line: "undo jo", tab: "undo journal.json "},
}

// satisfied compares what a shell offers with what it is to offer.
func (w a) satisfied(got []string) {
	GinkgoHelper()
	if w.only != nil {
		Expect(got).To(ConsistOf(w.only), "vic-preflight %s", w.line)
	}
	Expect(got).To(ContainElements(w.offers), "vic-preflight %s", w.line)
	for _, not := range w.never {
		Expect(got).NotTo(ContainElement(not), "vic-preflight %s", w.line)
	}
}

// place makes a folder with the files, and the environment of a shell in it: nothing of
// the machine's own settings, but the tool in the PATH.
func place() (folder string, environment []string) {
	GinkgoHelper()
	folder = GinkgoT().TempDir()
	for _, name := range files {
		path := filepath.Join(folder, name)
		Expect(os.MkdirAll(filepath.Dir(path), 0o700)).To(Succeed())
		Expect(os.WriteFile(path, nil, 0o600)).To(Succeed())
	}
	home := GinkgoT().TempDir()
	return folder, []string{
		"PATH=" + filepath.Dir(preflight) + ":" + os.Getenv("PATH"), "HOME=" + home, "ZDOTDIR=" + home,
		"XDG_DATA_HOME=" + filepath.Join(home, "share"), "XDG_CONFIG_HOME=" + filepath.Join(home, "config"),
		"TERM=vt100", "LANG=C.UTF-8", "LC_ALL=C.UTF-8",
	}
}

// home is the folder that the environment names.
func home(environment []string) string {
	for _, e := range environment {
		if value, ok := strings.CutPrefix(e, "HOME="); ok {
			return value
		}
	}
	return ""
}

// write writes a file and the folders above it.
func write(text string, path ...string) {
	GinkgoHelper()
	name := filepath.Join(path...)
	Expect(os.MkdirAll(filepath.Dir(name), 0o700)).To(Succeed())
	Expect(os.WriteFile(name, []byte(text), 0o600)).To(Succeed())
}
