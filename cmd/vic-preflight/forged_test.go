package main

import (
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
)

// ends are what ends a line, for a terminal, an editor or a parser of logs.
var ends = []string{"&#10;", "&#13;", "&#x85;", "&#x2028;", "&#x2029;"}

// texts are the values of elements in which a server's own words stand.
var texts = regexp.MustCompile(`(esx\d\d\.example|>prod<|>dc1<|<label>[^<]+<|<fullName>[^<]+<|<version>[^<]+<|<localizedMessage>[^<]*<|<faultstring>[^<]*<|<reason>[^<]*<|<service>[^<]*<)`)

// forging puts a line of its own into all of them.
func forging(end string) func(*simtest.Call) []byte {
	return func(c *simtest.Call) []byte {
		answer := c.Pass()
		if c.Method == "Login" || c.Method == "CreateVM_Task" {
			return answer
		}
		return texts.ReplaceAllFunc(answer, func(text []byte) []byte {
			s := string(text)
			forged := end + "hint: forged" + end + "vic-preflight: forged" + end + "forged.example  connected  pass"
			if rest, ok := strings.CutSuffix(s, "<"); ok {
				return []byte(rest + forged + "<")
			}
			return []byte(s + forged)
		})
	}
}

var _ = DescribeTable("no line of the output is a server's", func(ctx SpecContext, args ...string) {
	for _, end := range ends {
		vc := start("mixed")
		server := simtest.Bend(GinkgoTB(), vc, forging(end))
		all := append(append([]string{}, args...), "-t", server.Address, "-u", "root", "-p", secret, "--thumbprint", server.Thumbprint)
		out := invocation{args: all, env: map[string]string{"HOME": GinkgoT().TempDir()}}.run(ctx)
		Expect(out.stdout+out.stderr).To(ContainSubstring("forged"), "%v %s", args, end)
		for line := range strings.FieldsFuncSeq(out.stdout+"\n"+out.stderr, func(r rune) bool { return strings.ContainsRune("\n\r\v\f\u0085\u2028\u2029", r) }) {
			Expect(strings.TrimSpace(line)).NotTo(MatchRegexp(`^(hint|vic-preflight|note|warning): forged|^forged\.example  connected`), "%v %s:\n%s\n%s", args, end, out.stdout, out.stderr)
		}
	}
},
	Entry("check", "check", SpecTimeout(time.Minute)),
	Entry("check in the lines of a pipe", "check", "--group", "never", SpecTimeout(time.Minute)),
	Entry("check as JSON", "check", "-o", "json", SpecTimeout(time.Minute)),
	Entry("check of a cluster that is not there", "check", "-r", "nosuch", SpecTimeout(time.Minute)),
	Entry("check of a datacenter that is not there", "check", "--host", "nosuch", SpecTimeout(time.Minute)),
	Entry("a plan", "fix", "--allow", "--dry-run", SpecTimeout(time.Minute)),
	Entry("a fix", "fix", "--allow", SpecTimeout(time.Minute)),
	Entry("a fix of the other direction", "fix", "--deny", "--yes", SpecTimeout(time.Minute)),
)
