package campaign_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	crand "crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/crypto/ssh"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// way is one in which a password is given.
type way struct {
	name string
	// shown means that it stands on the command line, which is warned about.
	shown bool
	give  func(r *invocation)
}

// invocation is a run of the binary. Its folder has what is given to it in "in", and what
// it writes in "out".
type invocation struct {
	dir, target, password string
	args, env             []string
	stdin                 string
}

func (r *invocation) in(name string) string { return filepath.Join(r.dir, "in", name) }

func (r *invocation) out(name string) string { return filepath.Join(r.dir, "out", name) }

func (r *invocation) write(name, text string) string {
	GinkgoHelper()
	Expect(os.WriteFile(r.in(name), []byte(text), 0o600)).To(Succeed())
	return r.in(name)
}

var ways = []way{
	{"a flag", true, func(r *invocation) { r.args = append(r.args, "--target", r.target, "--password", r.password) }},
	{"the target", true, func(r *invocation) {
		r.args = append(r.args, "--target", user+":"+r.password+"@"+r.target)
	}},
	{"a file", false, func(r *invocation) {
		r.args = append(r.args, "--target", r.target, "--password-file", r.write("password", r.password+"\n"))
	}},
	{"the environment", false, func(r *invocation) {
		r.args, r.env = append(r.args, "--target", r.target), append(r.env, "VIC_MACHINE_PASSWORD="+r.password)
	}},
	{"govc's environment", false, func(r *invocation) {
		r.env = append(r.env, "GOVC_URL=https://"+url.UserPassword(user, r.password).String()+"@"+r.target)
	}},
	{"standard input", false, func(r *invocation) {
		r.args, r.stdin = append(r.args, "--target", r.target, "--password", "-"), r.password+"\n"
	}},
}

// secretive is a command line with secrets of its own.
type secretive struct {
	name, scenario string
	args           func(r *invocation, s *secrets) []string
	noReport       bool
	// refused ones are wrong before the server comes into it.
	refused bool
}

// secrets are what is planted besides the password.
type secrets struct {
	key, lockedKey, hostPassword, listenerKey, ops string
}

var secretives = []secretive{
	{name: "check", scenario: "mixed", args: func(*invocation, *secrets) []string {
		return []string{"check", "--hints", "--refresh", "--firewall-state"}
	}},
	{name: "check, auto", scenario: "estate", args: func(*invocation, *secrets) []string {
		return []string{"check", "--hints", "--profile", "auto"}
	}},
	{name: "check by SSH with a key", scenario: "closed", args: func(r *invocation, s *secrets) []string {
		return []string{"check", "--hints", "--probe", "ssh", "--vch-ip", "127.0.0.1", "--probe-timeout", "1s", "--ssh-key", r.write("key", s.key), "--ssh-known-hosts", r.write("known", "")}
	}},
	{name: "check by SSH with a locked key", scenario: "closed", args: func(r *invocation, s *secrets) []string {
		return []string{"check", "--hints", "--ssh", "--ssh-key", r.write("key", s.lockedKey), "--ssh-known-hosts", r.write("known", "")}
	}, noReport: true, refused: true},
	{name: "fix on the hosts", scenario: "closed", args: func(r *invocation, s *secrets) []string {
		return []string{"fix", "--hints", "--allow", "--yes", "--method", "service-xml", "--ssh-start-service", "--host-timeout", "2s", "--host", "esx01*", "--journal", r.out("journal"), "--ssh-password-file", r.write("host", s.hostPassword+"\n"), "--ssh-known-hosts", r.write("known", "")}
	}},
	{name: "fix", scenario: "closed", args: func(r *invocation, _ *secrets) []string {
		return []string{"fix", "--hints", "--allow", "--yes", "--journal", r.out("journal")}
	}},
	{name: "check --fix", scenario: "closed", args: func(*invocation, *secrets) []string { return []string{"check", "--hints", "--fix", "--yes"} }},
	{name: "probe", scenario: "closed", args: func(r *invocation, s *secrets) []string {
		return []string{"probe", "--hints", "--probe", "serial", "--vch-ip", "127.0.0.1", "--probe-timeout", "1s", "--host", "esx01*", "--listener-key", r.write("listener", s.listenerKey)}
	}},
	{name: "create", scenario: "vic", args: func(r *invocation, s *secrets) []string {
		line := strings.Join(append(vch, "--ops-user", "ops", "--ops-password", s.ops), " ")
		return []string{"create", "--hints", "--ops-login", "--from-file", r.write("create.txt", "vic-machine-linux "+line+"\n")}
	}},
	{name: "collect", scenario: "mixed", noReport: true, args: func(r *invocation, _ *secrets) []string {
		return []string{"collect", "--output", r.out("facts.json")}
	}},
}

var reportFormats = []string{"table", "json", "yaml", "junit", "tap", "markdown", "github", "prometheus", "nagios", "html"}

// plant makes secrets that stand nowhere else.
func plant() *secrets {
	GinkgoHelper()
	_, key, err := ed25519.GenerateKey(crand.Reader)
	Expect(err).NotTo(HaveOccurred())
	open, err := ssh.MarshalPrivateKey(key, "")
	Expect(err).NotTo(HaveOccurred())
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("canaryPassphrase4Tz"))
	Expect(err).NotTo(HaveOccurred())
	listener := make([]byte, 32)
	_, _ = crand.Read(listener)
	return &secrets{
		key: string(pem.EncodeToMemory(open)), lockedKey: string(pem.EncodeToMemory(locked)), hostPassword: "canaryHost9Lk3",
		listenerKey: hex.EncodeToString(listener), ops: "canaryOps5Rn8",
	}
}

// needles are what must be found nowhere.
func (s *secrets) needles(password string) []string {
	list := []string{password, s.hostPassword, s.ops, s.listenerKey, "canaryPassphrase4Tz"}
	for _, key := range []string{s.key, s.lockedKey} {
		lines := strings.Split(strings.TrimSpace(key), "\n")
		list = append(list, lines[2:len(lines)-1]...) // the first says what kind it is
	}
	for _, n := range slices.Clone(list) {
		list = append(list, base64.StdEncoding.EncodeToString([]byte(n)))
	}
	return list
}

// lying is a fault of the server that may make the tool tell more than it should.
type lying struct {
	name  string
	wrong bool // the password is not the server's
	serve func(http.ResponseWriter, *call) bool
	end   bool // the run's time ends it
}

// echo repeats what the client has sent.
func echo(w http.ResponseWriter, c *call) bool {
	said := fmt.Sprintf("%s %s", c.request.Header.Get("Cookie"), strings.NewReplacer("<", " ", ">", " ", "&", " ").Replace(string(c.body)))
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = fmt.Fprintf(w, `%s<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>%s</faultstring><detail><HostConfigFaultFault xmlns="urn:vim25" xsi:type="HostConfigFault"></HostConfigFaultFault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>`, envelope, said)
	return true
}

var lies = []lying{
	{name: "none"},
	{name: "a refused login", wrong: true},
	{name: "the login is echoed", serve: func(w http.ResponseWriter, c *call) bool { return c.method == "Login" && echo(w, c) }},
	{name: "each call is echoed after the login", serve: func(w http.ResponseWriter, c *call) bool { return c.n > 2 && echo(w, c) }},
	{name: "changes and refreshes are echoed", serve: func(w http.ResponseWriter, c *call) bool {
		return (strings.HasSuffix(c.method, "Firewall") || strings.HasSuffix(c.method, "Ruleset") || c.method == "ExecuteSoap") && echo(w, c)
	}},
	{name: "HTTP 500 from call 5 on", serve: from(5, status(500))},
	{name: "HTML from call 3 on", serve: from(3, text("text/html", "<html>Sign in</html>"))},
	{name: "reset from call 6 on", serve: from(6, abort)},
	{name: "black hole from call 4 on", serve: from(4, hang), end: true},
}

const shownWarning = "a password is on the command line"

var _ = It("no secret is found anywhere", func(ctx SpecContext) {
	type trial struct {
		of  secretive
		way way
		lie lying
	}
	var trials []trial
	for _, of := range secretives {
		for _, w := range ways {
			for _, lie := range lies {
				trials = append(trials, trial{of, w, lie})
			}
		}
	}
	draw(2).Shuffle(len(trials), func(i, j int) { trials[i], trials[j] = trials[j], trials[i] })
	if !all { // each command, each way and each lie, and no more than it takes for that
		seen := map[string]bool{}
		trials = slices.DeleteFunc(trials, func(t trial) bool {
			names := []string{"of " + t.of.name + fmt.Sprint(t.lie.name == "none"), "by " + t.way.name, "under " + t.lie.name}
			old := !slices.ContainsFunc(names, func(n string) bool { return !seen[n] })
			for _, n := range names {
				seen[n] = true
			}
			return old
		})
	}
	By(fmt.Sprintf("%d runs, CAMPAIGN_SEED=%d", len(trials), seed))
	var wrong []string
	for _, t := range trials {
		if !until.IsZero() && time.Now().After(until) {
			break
		}
		for _, w := range tell(ctx, t.of, t.way, t.lie) {
			wrong = append(wrong, fmt.Sprintf("%s, the password from %s, fault: %s: %s", t.of.name, t.way.name, t.lie.name, w))
		}
	}
	Expect(wrong).To(BeEmpty(), "CAMPAIGN_SEED=%d\n%s", seed, strings.Join(wrong, "\n"))
})

// tell runs a command and returns which secrets it tells, and where.
func tell(ctx context.Context, of secretive, by way, lie lying) (wrong []string) {
	GinkgoHelper()
	planted, password := plant(), "canaryPassword7Qx2"
	servers := password
	if lie.wrong {
		servers = "another"
	}
	scenario, err := sim.ParseScenario(of.scenario)
	Expect(err).NotTo(HaveOccurred())
	vc, err := sim.Start(scenario, sim.Options{User: user, Password: servers})
	Expect(err).NotTo(HaveOccurred())
	defer vc.Close()
	r := &invocation{dir: GinkgoT().TempDir(), password: password}
	for _, dir := range []string{"in", "out", "home"} {
		Expect(os.Mkdir(filepath.Join(r.dir, dir), 0o700)).To(Succeed())
	}
	needles := planted.needles(password)
	var pid atomic.Int64
	var processes atomic.Pointer[[]string]
	p, err := startProxy(vc, &fault{serve: func(w http.ResponseWriter, c *call) bool {
		if c.n%16 == 2 {
			if shown := inProcesses(int(pid.Load()), by.shown, needles); len(shown) > 0 {
				processes.Store(&shown)
			}
		}
		return lie.serve != nil && lie.serve(w, c)
	}})
	Expect(err).NotTo(HaveOccurred())
	defer p.close()
	r.target = p.address()
	out := r.run(ctx, of.args(r, planted), of, by, lie, p, &pid)

	for _, n := range append(needles, p.sessionIDs()...) {
		for place, text := range out {
			if strings.Contains(text, n) {
				wrong = append(wrong, fmt.Sprintf("%q is told in %s", n, place))
			}
		}
	}
	if shown := processes.Load(); shown != nil {
		wrong = append(wrong, *shown...)
	}
	if warned := strings.Contains(out["standard error"], shownWarning); warned != (by.shown && !of.refused) {
		wrong = append(wrong, fmt.Sprintf("warned of a password on the command line: %t, standard error: %s", warned, out["standard error"]))
	}
	return wrong
}

// run runs the binary, and returns what it told by place.
func (r *invocation) run(ctx context.Context, args []string, of secretive, by way, lie lying, p *proxy, pid *atomic.Int64) map[string]string {
	GinkgoHelper()
	r.args = append(args, "--user", user, "--thumbprint", p.thumbprint())
	by.give(r)
	if lie.end {
		r.args = append(r.args, "--timeout", "3s")
	}
	if !of.noReport {
		r.args = append(r.args, "--output", "wide")
		for _, format := range reportFormats {
			r.args = append(r.args, "--output", format+"="+r.out("report."+format))
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, r.args...)
	cmd.Env = append(r.env, "HOME="+filepath.Join(r.dir, "home"), "XDG_STATE_HOME="+r.out("state"), "TMPDIR="+r.out(""))
	cmd.Stdin = strings.NewReader(r.stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	Expect(cmd.Start()).To(Succeed())
	pid.Store(int64(cmd.Process.Pid))
	_ = cmd.Wait()
	Expect(ctx.Err()).NotTo(HaveOccurred(), "%v does not end", r.args)
	Expect(stderr.String()+stdout.String()).NotTo(BeEmpty(), "%v", args)
	told := map[string]string{"standard output": stdout.String(), "standard error": stderr.String()}
	for _, dir := range []string{"out", "home"} {
		Expect(filepath.WalkDir(filepath.Join(r.dir, dir), func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(file)
			told[strings.TrimPrefix(file, r.dir+"/")] = string(data)
			return err
		})).To(Succeed())
	}
	return told
}

// inProcesses are the processes that have a secret on their command lines, besides the
// one to which it was given there.
func inProcesses(own int, shown bool, needles []string) (found []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		if shown && file == fmt.Sprintf("/proc/%d/cmdline", own) || own == 0 {
			continue
		}
		line, _ := os.ReadFile(file) // it may have ended
		for _, n := range needles {
			if bytes.Contains(line, []byte(n)) {
				found = append(found, fmt.Sprintf("%q is in %s", n, file))
			}
		}
	}
	return found
}

// sessionIDs are what the server has called its sessions.
func (p *proxy) sessionIDs() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.sessions))
}
