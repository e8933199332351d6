package config

import "slices"

// notWith are flags of the command line with which a setting of a file makes no sense.
var notWith = map[string][]string{
	"refresh": {"facts"}, "ssh": {"facts"}, "probe": {"facts", "dry-run", "profile", "requirements"}, "wait": {"facts", "fix"},
	// Whoever says on the command line what must be open says all of it.
	"port": {"profile", "requirements"}, "vch-ip": {"profile", "requirements"},
	"profile": {"port", "vch-ip", "requirements"}, "requirements": {"port", "vch-ip", "profile"},
	"peer": {"port", "vch-ip", "profile", "requirements"},
}

// For are the settings that count for a command: without those that do not go with a flag
// that is given, and without what is made of a check's report where the command changes
// hosts, or goes on: its report must not take the place of the check's.
func (c *Config) For(command string, given func(flag string) bool) []Setting {
	return slices.DeleteFunc(slices.Clone(c.Settings), func(s Setting) bool {
		gate := s.Flag == "output" || s.Flag == "nagios-exit" || s.Flag == "wait"
		return slices.ContainsFunc(notWith[s.Flag], given) || gate && !slices.Contains([]string{"check", "create", "probe"}, command)
	})
}
