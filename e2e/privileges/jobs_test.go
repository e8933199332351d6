package privileges_test

import (
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// job is a command whose privileges are found out.
type job struct {
	// title is the command as a reader knows it, and on what.
	title string
	args  string // DIR is a directory of the run's own
	// scenario is what the command runs against, and bend makes it fit.
	scenario string
	bend     func(vc *sim.VCenter, dir string)
	// before is a command that an administrator ran, and ready mends what bend broke for it.
	before string
	ready  func(vc *sim.VCenter)
	// role is the one of docs/privileges.md that the command is for.
	role string
}

// The roles that docs/privileges.md makes.
const (
	roleCheck = "vic-preflight-check"
	roleFix   = "vic-preflight-fix"
	roleProbe = "vic-preflight-probe"
)

const (
	creation = " -o json -- --compute-resource prod --image-store shared --bridge-network vic-bridge --name vch1 --no-tls"
	setting  = "create --fix-setting --yes --journal DIR/j" + creation
	serial   = "probe --probe serial --probe-timeout 1s --probe-target 127.99.7.7"
	login    = "--ssh-port @DIR/port --ssh-known-hosts DIR/known_hosts --ssh-password-file DIR/password"
)

var jobs = []*job{
	{title: "`check`, where the port is open", role: roleCheck, args: "check", scenario: "open"},
	{title: "`check`, where it is shut", role: roleCheck, args: "check", scenario: "closed"},
	{title: "`check --firewall-state`", role: roleCheck, args: "check --firewall-state", scenario: "open"},
	{title: "`check`, where a ruleset comes from a VIB", role: roleCheck, args: "check", scenario: "mixed"},
	{title: "`check --profile auto`", role: roleCheck, args: "check --profile auto", scenario: "estate"},
	{title: "`collect`", role: roleCheck, args: "collect -o DIR/facts.json", scenario: "mixed"},
	{title: "`create`", role: roleCheck, args: "create" + creation, scenario: "vic"},
	{title: "`check --refresh`", role: roleFix, args: "check --refresh", scenario: "open"},
	{title: "`fix --allow`", role: roleFix, args: "fix --allow", scenario: "closed"},
	{title: "`fix --allow --allowed-ip`", role: roleFix, args: "fix --allow --compute-resource prod --allowed-ip 10.0.0.5 --vch-ip 10.0.0.5", scenario: "closed"},
	{title: "`fix --deny`", role: roleFix, args: "fix --deny --yes", scenario: "closed", before: "fix --allow"},
	{title: "`undo`", role: roleFix, args: "undo DIR/j", scenario: "closed", before: "fix --allow --journal DIR/j"},
	{title: "`create --fix-setting`", role: roleFix, args: setting, scenario: "vic-broken"},
	{title: "`undo` of `--fix-setting`", role: roleFix, args: "undo DIR/j", scenario: "vic-broken", before: setting},
	{title: "`probe --probe ssh --ssh-start-service`", role: roleFix, args: "probe --probe ssh --ssh-start-service --probe-target 127.99.7.7 " + login, scenario: "open", bend: withSSH},
	{title: "`probe --probe serial`", role: roleProbe, args: serial, scenario: "open"},
	{title: "`probe --cleanup`", role: roleProbe, args: "probe --cleanup --force", scenario: "open", bend: keepMachines, before: serial + " --host esx01.example", ready: letGo},
}

// machineEnds are the calls that end a probe's machine.
var machineEnds = []string{"PowerOffVM_Task", "Destroy_Task"}

// keepMachines makes machines stay as they are, and letGo lets them go again.
func keepMachines(vc *sim.VCenter, _ string) {
	for _, method := range machineEnds {
		vc.Fault(method, types.ManagedObjectReference{}, &types.HostConfigFault{})
	}
}

func letGo(vc *sim.VCenter) {
	for _, method := range machineEnds {
		vc.Fault(method, types.ManagedObjectReference{}, nil)
	}
}
