package testsuite

import (
	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
)

// Program builds a command of this module by its folder, and returns the path of the program,
// which is there until the suite ends, or the spec that it is called in.
func Program(folder string) string {
	ginkgo.GinkgoHelper()
	path, err := gexec.Build("github.com/vic-preflight/vic-preflight/" + folder)
	gomega.Expect(err).NotTo(gomega.HaveOccurred())
	ginkgo.DeferCleanup(gexec.CleanupBuildArtifacts)
	return path
}
