//go:build linux

package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// target is what a way is run against.
type target struct {
	dir                 string // of the programs
	preflightFile       string // instead of the one in dir
	address, thumbprint string
	hosts               int
	requests            string // file, for the null reader
}

// way is a way to find out about every host.
type way struct {
	name    string
	what    string
	command func(target) *exec.Cmd
}

// before is what the names of ways by another binary begin with.
const before = "before: "

// by is the way by another vic-preflight.
func (w way) by(file string) way {
	return way{before + w.name, "the same by another binary (`-beside`)", func(t target) *exec.Cmd {
		t.preflightFile = file
		return w.command(t)
	}}
}

// The names of the ways that ratios are about.
const (
	ours        = "vic-preflight"
	oursState   = "vic-preflight --firewall-state"
	vicMachine  = "vic-machine"
	govcCollect = "govc collect"
	govcFind    = "govc find"
	replayOurs  = "collect"
	replayNull  = "null"
)

var ways = []way{
	{ours, "`vic-preflight check -o json`, the master switch asked for where it matters", func(t target) *exec.Cmd { return t.preflight() }},
	{oursState, "the same with `--firewall-state`: the master switch of every host", func(t target) *exec.Cmd { return t.preflight("--firewall-state") }},
	{vicMachine, "vic-machine's sequence of calls, one host after another (e2e/tools/vicmachine)", func(t target) *exec.Cmd {
		return t.govmomi(exec.Command(filepath.Join(t.dir, "vicmachine")))
	}},
	{govcCollect, "`govc object.collect -json -type h / name config.firewall | jq`: one bulk call", func(t target) *exec.Cmd {
		return t.govmomi(t.shell(`"$GOVC" object.collect -json -type h / name config.firewall | jq -c '.changeSet[] | select(.name == "config.firewall") | [.val.ruleset[] | select(.enabled) | select(any(.rule[]; .direction == "outbound" and .protocol == "tcp" and .port <= 2377 and ([.endPort, .port] | max) >= 2377)) | .key]'`))
	}},
	{govcFind, "`govc firewall.ruleset.find` once for each host", func(t target) *exec.Cmd {
		return t.govmomi(t.shell(fmt.Sprintf(`for i in $(seq %d); do "$GOVC" firewall.ruleset.find -c=false -host "$(printf '/dc1/host/cluster%%03d/esx%%05d.example' $(((i - 1) / 64 + 1)) $i)" -direction outbound -proto tcp -port 2377 >/dev/null || true; done`, t.hosts)))
	}},
}

var replayWays = []way{
	{replayOurs, "vic-preflight's collection, without verdicts and a report", func(t target) *exec.Cmd {
		return exec.Command(filepath.Join(t.dir, "reader"), "collect", t.address, sim.DefaultUser, sim.DefaultPassword, t.thumbprint)
	}},
	{replayNull, "the same requests, on one connection, with every answer read and dropped", func(t target) *exec.Cmd {
		return exec.Command(filepath.Join(t.dir, "reader"), "null", "https://"+t.address+"/sdk", t.requests)
	}},
}

func (t target) preflight(args ...string) *exec.Cmd {
	file := cmp.Or(t.preflightFile, filepath.Join(t.dir, "vic-preflight"))
	cmd := exec.Command(file, append([]string{"check", "-o", "json", "--timeout", "0"}, args...)...)
	cmd.Env = []string{
		"HOME=" + t.dir, "VIC_MACHINE_TARGET=" + t.address, "VIC_MACHINE_USER=" + sim.DefaultUser,
		"VIC_MACHINE_PASSWORD=" + sim.DefaultPassword, "VIC_MACHINE_THUMBPRINT=" + t.thumbprint,
	}
	return cmd
}

// govmomi lets a program log in by govc's variables. The folder of sessions is
// the benchmark's own, so that govc's login is made once, as its users have it.
func (t target) govmomi(cmd *exec.Cmd) *exec.Cmd {
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.dir, "GOVMOMI_HOME=" + t.dir, "GOVC=" + filepath.Join(t.dir, "govc"),
		"GOVC_URL=https://" + sim.DefaultUser + ":" + sim.DefaultPassword + "@" + t.address + "/sdk", "GOVC_INSECURE=true",
	}
	return cmd
}

func (t target) shell(script string) *exec.Cmd { return exec.Command("sh", "-c", script) }
