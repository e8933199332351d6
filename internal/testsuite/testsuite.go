// Package testsuite runs a package's Ginkgo specs the way this project wants
// them run: in random order, with pending and missing specs as failures, so
// that a suite that checks nothing cannot be green.
package testsuite

import (
	"cmp"
	"os"
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"
)

// Long marks specs that CI does not run with the race detector, which would take minutes for
// them and sees nothing in them that it does not see in others: those of a thousand hosts, a
// table of which each row is a whole run, and what is held against the clock.
var Long = ginkgo.Label("long")

// Run runs all specs of the calling package, or those that the filter of Ginkgo labels in
// the environment's SPEC_LABELS leaves.
func Run(t *testing.T, name string) {
	t.Helper()
	gomega.RegisterFailHandler(ginkgo.Fail)
	suite, reporter := ginkgo.GinkgoConfiguration()
	suite.LabelFilter = cmp.Or(suite.LabelFilter, os.Getenv("SPEC_LABELS"))
	suite.RandomizeAllSpecs = true
	suite.FailOnPending = true
	suite.FailOnEmpty = true
	ginkgo.RunSpecs(t, name, suite, reporter)
}
