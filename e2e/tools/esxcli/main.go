// Command esxcli stands in for the programs of an ESXi host that the test lab
// plays: it hands its name and arguments to the host's socket, and does what the
// answer says. It knows nothing itself.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// socket is where package esxi puts it on every host.
const socket = "/usr/lib/vmware/hostd.sock"

func main() {
	code, err := ask(append([]string{filepath.Base(os.Args[0])}, os.Args[1:]...))
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: the host does not answer: %v\n", os.Args[0], err)
		code = 1
	}
	os.Exit(code)
}

func ask(args []string) (int, error) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	if err := json.NewEncoder(conn).Encode(args); err != nil {
		return 0, err
	}
	var answer struct {
		Stdout, Stderr string
		Code           int
	}
	if err := json.NewDecoder(conn).Decode(&answer); err != nil {
		return 0, err
	}
	fmt.Print(answer.Stdout)
	fmt.Fprint(os.Stderr, answer.Stderr)
	return answer.Code, nil
}
