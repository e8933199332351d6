// Package clients holds what the built binary says that it changed against what three
// programs read that share no code with it: pyvmomi, Ansible's community.vmware, and govc. It
// knows nothing of what is inside.
package clients_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestClients(t *testing.T) { testsuite.Run(t, "e2e/clients") }

// The programs under test and beside it, built once.
var preflight, govc string

var _ = BeforeSuite(func() {
	preflight = testsuite.Program("cmd/vic-preflight")
	govc = testsuite.Program("e2e/tools/govc")
})
