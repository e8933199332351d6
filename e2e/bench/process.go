//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/slowlink"
)

// programs to build, by name.
var programs = map[string]string{
	"vic-preflight": "./cmd/vic-preflight", "govc": "./e2e/tools/govc", "vicmachine": "./e2e/tools/vicmachine",
	"simserver": "./e2e/tools/simserver", "reader": "./e2e/tools/reader",
}

func build(dir string) error {
	if _, err := exec.LookPath("jq"); err != nil {
		return errors.New("jq is missing: apt-get install jq")
	}
	for name, pkg := range programs {
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, name), pkg)
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("build %s (run this from the top of the checkout): %w", pkg, err)
		}
	}
	return nil
}

// server is a simulator in a process of its own.
type server struct {
	URL, Thumbprint, Stats, Recorded string

	cmd   *exec.Cmd
	stdin io.Closer
}

func startServer(dir string, hosts int, replay bool) (*server, error) {
	cmd := exec.Command(filepath.Join(dir, "simserver"), fmt.Sprintf("-hosts=%d", hosts), fmt.Sprintf("-replay=%t", replay))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{cmd: cmd, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, s)
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("start a simulator: %w", err)
	}
	return s, nil
}

func (s *server) stop() {
	_ = s.stdin.Close()
	_ = s.cmd.Wait()
}

func (s *server) address() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		panic(err) // it is the simulator's own
	}
	return u.Host
}

func (s *server) behind(rtt time.Duration) (*slowlink.Link, error) {
	return slowlink.Listen(s.address(), rtt)
}

// counts are what reached the simulator.
type counts struct{ Requests, Connections int }

func (s *server) stats() (c counts, err error) {
	text, err := get(s.Stats)
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(text, &c)
}

func (s *server) saveRecorded(dir string) (file string, err error) {
	text, err := get(s.Recorded)
	if err != nil {
		return "", err
	}
	file = filepath.Join(dir, "requests.json")
	return file, os.WriteFile(file, text, 0o600)
}

func get(url string) ([]byte, error) {
	res, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

// run is what one run of a way took.
type run struct {
	wall, cpu time.Duration
	// peak is the largest resident set of one of its processes, in bytes.
	peak                  int64
	requests, connections int
}

// runFlag makes this program a small one that runs another. The kernel counts a
// parent's memory as a child's until the child starts its own program, so that
// the parent must be smaller than what it measures.
const runFlag = "-run-child"

type usage struct {
	Wall, CPU time.Duration
	Peak      int64
	Exit      int
}

// runChild runs a program, and writes its usage to file descriptor 3.
func runChild(args []string) int {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	start := time.Now()
	err := cmd.Run()
	u := usage{Wall: time.Since(start)}
	if cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	u.Exit = cmd.ProcessState.ExitCode()
	u.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	u.Peak = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	if err := json.NewEncoder(os.NewFile(3, "usage")).Encode(u); err != nil {
		return 1
	}
	return 0
}

// execute runs a way. That hosts fail is what the scenario wants: exit code 1
// is well.
func execute(cmd *exec.Cmd) (r run, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return r, err
	}
	defer reader.Close()
	var stderr bytes.Buffer
	outer := exec.Command(self, append([]string{runFlag}, cmd.Args...)...)
	outer.Args[2] = cmd.Path
	outer.Env, outer.Stderr, outer.ExtraFiles = cmd.Env, &stderr, []*os.File{writer}
	err = outer.Run()
	_ = writer.Close()
	var u usage
	if err == nil {
		err = json.NewDecoder(reader).Decode(&u)
	}
	if err == nil && u.Exit > 1 {
		err = fmt.Errorf("exit code %d", u.Exit)
	}
	if err != nil {
		return r, fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return run{wall: u.Wall, cpu: u.CPU, peak: u.Peak}, nil
}
