package preflight_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/preflight"
)

var _ = DescribeTable("the home directory", func(goos string, env map[string]string, home string) {
	Expect(preflight.Home(goos, func(key string) string { return env[key] })).To(Equal(home))
},
	Entry("Linux", "linux", map[string]string{"HOME": "/home/ann"}, "/home/ann"),
	Entry("macOS", "darwin", map[string]string{"HOME": "/Users/ann", "USERPROFILE": `C:\x`}, "/Users/ann"),
	Entry("Windows", "windows", map[string]string{"USERPROFILE": `C:\Users\ann`}, `C:\Users\ann`),
	Entry("Windows, in Git's shell", "windows", map[string]string{"USERPROFILE": `C:\Users\ann`, "HOME": "/c/Users/ann"}, `C:\Users\ann`),
	Entry("nothing is set", "windows", map[string]string{"HOME": "/c/Users/ann"}, ""),
)
