// Package privileges finds out, by the built binary and a simulated role, which privileges
// each command takes, and what it says where one is missing. It knows nothing of what is
// inside.
package privileges_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestPrivileges(t *testing.T) { testsuite.Run(t, "e2e/privileges") }

// The programs under test and beside it, built once.
var preflight, govc string

var _ = BeforeSuite(func() {
	preflight = testsuite.Program("cmd/vic-preflight")
	govc = testsuite.Program("e2e/tools/govc")
})
