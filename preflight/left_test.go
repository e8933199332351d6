package preflight_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"
	"golang.org/x/crypto/ssh"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/hostssh/sshtest"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

// loopbackHosts are options for a simulator all of whose hosts have their SSH server on the
// loopback, at a port where one takes the login or refuses it.
func loopbackHosts(vc *sim.VCenter, takes bool, run sshtest.Run) (preflight.Options, *sshtest.Server) {
	GinkgoHelper()
	key := sshtest.NewKey(GinkgoTB())
	config := &ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) {
		if takes {
			return nil, nil
		}
		return nil, errors.New("no")
	}}
	config.AddHostKey(key)
	server := sshtest.Start(GinkgoTB(), config, run)
	dir := GinkgoT().TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())
		return path
	}
	line := string(ssh.MarshalAuthorizedKey(key.PublicKey()))
	o := on(vc)
	o.Probe.Vantage, o.Probe.Timeout = inventory.VantageSSH, time.Second
	o.SSH.PasswordFile = write("password", secret)
	o.SSH.KnownHosts = write("known_hosts", fmt.Sprintf("lab %s[lab]:%d %s", line, server.Port(), line))
	o.SSH.Config = write("config", fmt.Sprintf("Host *\n  HostName 127.0.0.1\n  Port %d\n  HostKeyAlias lab\n", server.Port()))
	return o, server
}

var _ = Describe("retries of a probe", func() {
	It("never repeat a login that was refused: hosts lock accounts out", func(ctx SpecContext) {
		o, server := loopbackHosts(start("open"), false, func(*sshtest.Command) int { return 0 })
		o.Probe.Target, o.Probe.Retries = "127.141.0.1", 3
		run, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		for _, h := range run.Inventory.Hosts {
			Expect(h.Probes).To(HaveLen(1))
			Expect(h.Probes[0].Outcome).To(Equal(inventory.ProbeError))
			Expect(h.Probes[0].Cause).To(ContainSubstring("the host refused the login"))
		}
		passwords := slices.DeleteFunc(server.Attempts(), func(method string) bool { return method != "password" })
		Expect(passwords).To(HaveLen(len(run.Inventory.Hosts)), "one for each host")
	}, SpecTimeout(time.Minute))

	It("are no rounds either, in which a refused login would be made again", func(ctx SpecContext) {
		for name, rounds := range map[string]func(o preflight.Options) *report.Report{
			"--wait": func(o preflight.Options) *report.Report {
				n := 0
				rep, _ := preflight.RunUntil(ctx, []preflight.Options{o}, time.Minute, func(*report.Report, []error) bool { n++; return n == 3 }, func(*report.Report, time.Duration, time.Duration) {})
				return rep
			},
			"watch": func(o preflight.Options) *report.Report {
				last, err := preflight.Watch(ctx, []preflight.Options{o}, preflight.WatchOptions{Every: 10 * time.Second, Rounds: 2, Begin: func() {}, Told: func(preflight.Round) {}})
				Expect(err).NotTo(HaveOccurred())
				return last.Report
			},
		} {
			o, server := loopbackHosts(start("open"), false, func(*sshtest.Command) int { return 0 })
			o.Probe.Target = "127.141.0.1"
			hosts := rounds(o).Runs[0].Inventory.Hosts
			Expect(hosts[0].Probes[0].Cause).To(ContainSubstring("the same password is not sent again"), name)
			passwords := slices.DeleteFunc(server.Attempts(), func(method string) bool { return method != "password" })
			Expect(passwords).To(HaveLen(len(hosts)), "%s: one for each host", name)
		}
	}, SpecTimeout(2*time.Minute))

	It("repeat a connection that did not get through", func(ctx SpecContext) {
		var connections atomic.Int64
		o, _ := loopbackHosts(start("open"), true, func(c *sshtest.Command) int {
			if !strings.HasPrefix(c.Line, "nc ") {
				return 0
			}
			connections.Add(1)
			fmt.Fprintln(c.Stderr, "nc: connect to 127.141.0.2 port 2377 (tcp) failed: Connection refused")
			return 1
		})
		o.Probe.Target, o.Probe.Retries = "127.141.0.2", 2
		run, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		Expect(connections.Load()).To(BeEquivalentTo(3 * len(run.Inventory.Hosts)))
	}, SpecTimeout(time.Minute))

	It("do not repeat a connection that got through", func(ctx SpecContext) {
		var connections atomic.Int64
		o, _ := loopbackHosts(start("open"), true, func(c *sshtest.Command) int {
			if !strings.HasPrefix(c.Line, "nc ") {
				return 0
			}
			connections.Add(1)
			var d net.Dialer
			listener, err := d.DialContext(ctx, "tcp", "127.141.0.6:2377")
			if err != nil {
				fmt.Fprintln(c.Stderr, err)
				return 1
			}
			defer listener.Close()
			_, _ = io.Copy(listener, c.Stdin)
			_, _ = io.Copy(c.Stdout, listener)
			return 0
		})
		o.Probe.Target, o.Probe.Retries = "127.141.0.6", 2
		run, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		for _, h := range run.Inventory.Hosts {
			Expect(h.Probes[0].Outcome).To(Equal(inventory.Open), h.Probes[0].Cause)
		}
		Expect(connections.Load()).To(BeEquivalentTo(len(run.Inventory.Hosts)), "each host got through the first time")
	}, SpecTimeout(time.Minute))
})

var _ = Describe("what a probe leaves", func() {
	unfinished := func(err error) *preflight.UnfinishedError {
		GinkgoHelper()
		var e *preflight.UnfinishedError
		Expect(errors.As(err, &e)).To(BeTrue(), "%v", err)
		return e
	}

	It("is an *UnfinishedError where it is a virtual machine, though every host passes", func(ctx SpecContext) {
		vc := start("open")
		vc.Fault("Destroy_Task", types.ManagedObjectReference{}, &types.NoPermission{PrivilegeId: "VirtualMachine.Inventory.Delete"})
		o := on(vc)
		o.Probe.Vantage, o.Probe.Target = inventory.VantageSerial, "127.141.0.3"
		run, err := preflight.Run(ctx, o)
		Expect(unfinished(err)).To(MatchError(ContainSubstring("are left, or may be: 5")))
		Expect(run.Status()).To(Equal(checks.Pass))
		Expect(run.Leftovers).To(HaveLen(5))
		Expect(run.Unfinished).To(BeTrue())
	}, SpecTimeout(time.Minute))

	It("is an *UnfinishedError also where the time ran out: what is left counts for more", func(ctx SpecContext) {
		vc := start("closed") // no host dials, and each is waited for
		vc.Fault("Destroy_Task", types.ManagedObjectReference{}, &types.NoPermission{PrivilegeId: "VirtualMachine.Inventory.Delete"})
		o := on(vc)
		o.Timeout, o.Probe.Timeout = 4*time.Second, time.Minute // in which a slow machine has made them too
		o.Probe.Vantage, o.Probe.Target = inventory.VantageSerial, "127.141.0.5"
		run, err := preflight.Run(ctx, o)
		Expect(unfinished(err)).To(MatchError(ContainSubstring("are left, or may be: 5")))
		Expect(run.Interrupted).To(BeTrue())
	}, SpecTimeout(time.Minute))

	It("is an *UnfinishedError where it is an SSH service that was started, and none where that ran already", func(ctx SpecContext) {
		const service = "TSM-SSH"
		vc := start("open")
		for _, name := range vc.HostNames() {
			vc.Host(name).SetServiceRunning(service, name == "esx02.example")
		}
		vc.Fault("StopService", vc.Host("esx01.example").Object().ConfigManager.ServiceSystem.Reference(), &types.HostConfigFault{})
		o, _ := loopbackHosts(vc, true, func(*sshtest.Command) int { return 1 })
		o.Probe.Target, o.SSH.StartService = "127.141.0.4", true
		_, err := preflight.Run(ctx, o)
		Expect(unfinished(err)).To(MatchError(HaveSuffix("is left running on esx01.example")))
		for _, name := range vc.HostNames() {
			left := name == "esx01.example" || name == "esx02.example"
			Expect(vc.Host(name).ServiceRunning(service)).To(Equal(left), name)
		}
	}, SpecTimeout(time.Minute))
})

var _ = It("the options of printed commands name every address of the virtual container host", func(ctx SpecContext) {
	o := on(start("closed"))
	vic := checks.VIC()
	for _, text := range []string{"10.0.0.5", "10.20.0.0/16", "2001:db8::1"} {
		peer, err := inventory.ParsePrefix(text)
		Expect(err).NotTo(HaveOccurred())
		vic.Peers = append(vic.Peers, peer)
	}
	o.Requirements = []checks.Requirement{vic}
	run, err := preflight.Run(ctx, o)
	Expect(err).NotTo(HaveOccurred())
	Expect(run.Options).To(ContainElements("--vch-ip=10.0.0.5", "--vch-ip=10.20.0.0/16", "--vch-ip=2001:db8::1"))
}, SpecTimeout(time.Minute))
