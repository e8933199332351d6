package vicmachine

import "strings"

// Separate parts the arguments of a command that takes vic-machine's options beside its
// own. What is vic-machine's stands behind "--" in what it returns, where a user may have
// put it himself; a program's name starts it, too. An option that both have is the
// command's own. takes says of an option's name, without dashes, whether it is one of those,
// and whether it has a value.
func Separate(args []string, takes func(name string) (known, value bool)) []string {
	var own, line, rest []string
	for i := 0; i < len(args) && rest == nil; i++ {
		arg := args[i]
		if arg == "--" || isProgram(arg) {
			rest = args[i:]
			break
		}
		name, _, valued := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		to, value := &own, false
		if strings.HasPrefix(arg, "-") && name != "" {
			known, has := takes(name)
			if theirs, takesOne := Takes(name); !known && theirs {
				to, has = &line, takesOne
			}
			value = has && !valued
		}
		*to = append(*to, arg)
		if value && i+1 < len(args) {
			i++
			*to = append(*to, args[i])
		}
	}
	if len(rest) > 0 && rest[0] == "--" {
		rest = rest[1:]
	}
	if len(line)+len(rest) == 0 {
		return own
	}
	// The line begins with the program, if it names one.
	return append(append(append(own, "--"), rest...), line...)
}
