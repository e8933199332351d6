package vicmachine

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/nearest"
)

// given are the values of the options that a command line gives, by long name: the last
// one alone, but for lists.
type given map[string][]string

// read takes the options apart as Go's flag package does, which is below urfave/cli v1.
// before is the number of the words that stand in front of them.
func read(args []string, before int) (given, error) {
	values, spelled := given{}, map[string]string{}
	after := ""
	for i := 0; i < len(args); i++ {
		word := args[i]
		if word == "--" {
			if i+1 < len(args) {
				return nil, stray(before+i+2, after)
			}
			break
		}
		if len(word) < 2 || word[0] != '-' {
			return nil, stray(before+i+1, after)
		}
		name, value, has := strings.Cut(strings.TrimPrefix(word[1:], "-"), "=")
		o := spellings()[name]
		if o == nil {
			return nil, unknown(name, before+i+1, after)
		}
		if !has && o.kind == boolean {
			value = "true"
		} else if !has {
			if i++; i == len(args) {
				return nil, misused(o.name, "needs a value")
			}
			value = args[i]
		}
		if first, ok := spelled[o.name]; ok && first != name {
			return nil, misused(o.name, "is given in two forms, --"+o.name+" and -"+o.alias+": vic-machine takes one of them", "keep one form")
		}
		spelled[o.name], after = name, o.name
		if err := values.add(o, value); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func (g given) add(o *option, value string) error {
	value, err := o.kind.normal(value)
	if err != nil {
		return misused(o.name, "takes "+err.Error())
	}
	if o.kind == list {
		g[o.name] = append(g[o.name], value)
	} else {
		g[o.name] = []string{value}
	}
	return nil
}

// normal returns a value in one spelling where the kind has several. The error says what an option of
// this kind takes, and nothing of the value.
func (k kind) normal(value string) (string, error) {
	switch k {
	case boolean:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return "", errors.New("true or false behind its =")
		}
		return strconv.FormatBool(b), nil
	case integer:
		n, err := strconv.Atoi(value)
		if err != nil {
			return "", errors.New("a whole number without a unit")
		}
		return strconv.Itoa(n), nil
	case anyBase:
		n, err := strconv.ParseInt(value, 0, 64)
		if err != nil {
			return "", errors.New("a whole number without a unit")
		}
		return strconv.FormatInt(n, 10), nil
	case shares:
		return normalShares(value)
	case duration:
		d, err := time.ParseDuration(value)
		if err != nil {
			return "", errors.New("a time with its unit, such as 3m0s")
		}
		return d.String(), nil
	case address:
		full := value
		if !hasScheme().MatchString(value) {
			full = "https://" + value
		}
		if _, err := url.Parse(full); err != nil {
			return "", errors.New("a URL or an address; in a user name or a password in front of it, write % / ? # [ ] and blanks as %25 %2F %3F %23 %5B %5D %20")
		}
	}
	return value, nil
}

// hasScheme is what vic-machine takes for a URL with a scheme: pkg/flags/url_flag.go.
var hasScheme = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\w+://`) })

func normalShares(value string) (string, error) {
	switch level := strings.ToLower(value); level {
	case "low", "normal", "high":
		return level, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		return "", errors.New("low, normal, high or a whole number")
	}
	return strconv.Itoa(n), nil
}

// place says where a word stands, which itself is not shown: it may be a password.
func place(number int, after string) string {
	if after == "" {
		return fmt.Sprintf("word %d", number)
	}
	return fmt.Sprintf("word %d, behind --%s,", number, after)
}

func stray(number int, after string) error {
	return unusable("a value with blanks stands in quotation marks; a boolean option takes its value behind =",
		"%s belongs to no option of vic-machine create", place(number, after))
}

func unknown(name string, number int, after string) error {
	hint := "vic-machine create --extended-help lists its options"
	if near := nearest.Of(name, Names()); near != "" {
		hint = "did you mean --" + near + "?"
	}
	return unusable(hint, "%s is no option of vic-machine create", place(number, after))
}

// verbs are vic-machine's, but for create: cmd/vic-machine/main.go. Each has what is said
// of it.
var verbs = map[string]string{
	"configure": notJudged, "delete": notJudged, "ls": notJudged, "inspect": notJudged, "upgrade": notJudged,
	"version": notJudged, "debug": notJudged, "help": notJudged, "h": notJudged,
	"update": "vic-preflight check judges the hosts' firewalls by themselves, and vic-preflight fix opens them",
}

const notJudged = "it judges vic-machine create alone: give that command's line"

// afterVerb drops the program and the verb in front of the options, where they stand.
func afterVerb(args []string) ([]string, error) {
	if len(args) > 1 && args[0] == "sudo" && isProgram(args[1]) {
		args = args[1:]
	}
	program := len(args) > 0 && isProgram(args[0])
	if program {
		args = args[1:]
	}
	if len(args) > 0 {
		if args[0] == "create" {
			return args[1:], nil
		}
		if hint, ok := verbs[args[0]]; ok {
			return nil, unusable(hint, "this is the command line of vic-machine %s, not of vic-machine create", args[0])
		}
	}
	if !program {
		return args, nil
	}
	hint := "the line starts like this: vic-machine-linux create --target ..."
	if len(args) > 0 && nearest.Of(args[0], []string{"create"}) != "" {
		hint = "did you mean create?"
	}
	return nil, unusable(hint, "the word behind the program is not create")
}

// isProgram reports whether a word is one of vic-machine's programs, by whatever path.
func isProgram(word string) bool {
	base := strings.ToLower(word[strings.LastIndexAny(word, `/\`)+1:])
	base = strings.TrimSuffix(base, ".exe")
	return base == "vic-machine" || strings.HasPrefix(base, "vic-machine-")
}
