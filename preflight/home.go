package preflight

import (
	"path/filepath"
	"runtime"

	"github.com/adrg/xdg"
)

// Home is the user's home directory as OpenSSH sees it on the operating system goos (a
// GOOS of Go), or empty when the environment does not tell. On Windows it is
// USERPROFILE: HOME, which Git's shell sets there, may be a path of another kind.
func Home(goos string, getenv func(string) string) string {
	if goos == "windows" {
		return getenv("USERPROFILE")
	}
	return getenv("HOME")
}

// StateHome is where programs keep what lasts, or empty when the environment does not tell: a
// folder in the root directory is nobody's.
func StateHome(getenv func(string) string) string {
	if runtime.GOOS != "windows" && Home(runtime.GOOS, getenv) == "" && !filepath.IsAbs(getenv("XDG_STATE_HOME")) {
		return ""
	}
	return xdg.StateHome
}
