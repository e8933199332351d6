// Package testsuite runs a package's Ginkgo specs the way this project wants
// them run: in random order, with pending and missing specs as failures, so
// that a suite that checks nothing cannot be green.
package testsuite

import (
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"
)

// Run runs all specs of the calling package.
func Run(t *testing.T, name string) {
	t.Helper()
	gomega.RegisterFailHandler(ginkgo.Fail)
	suite, reporter := ginkgo.GinkgoConfiguration()
	suite.RandomizeAllSpecs = true
	suite.FailOnPending = true
	suite.FailOnEmpty = true
	ginkgo.RunSpecs(t, name, suite, reporter)
}
