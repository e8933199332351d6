package vicmachine_test

import (
	"errors"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/vicmachine"
)

var _ = Describe("a pasted command line", func() {
	DescribeTable("is split as a shell splits it", func(text string, want ...string) {
		words, err := vicmachine.ParseFile(strings.NewReader(text))
		Expect(err).NotTo(HaveOccurred())
		Expect(words).To(Equal(want))
	},
		Entry("one line", "vic-machine-linux create --name vch1\n", "vic-machine-linux", "create", "--name", "vch1"),
		Entry("the options alone", "--name vch1", "--name", "vch1"),
		Entry("on one line of Windows, where a backslash is a letter", `vic-machine-windows create --tls-ca C:\certs\ca.pem`, "vic-machine-windows", "create", "--tls-ca", `C:\certs\ca.pem`),
		Entry("single quotes", `-n 'a b\$x"'`, "-n", `a b\$x"`),
		Entry("double quotes", `-n "a b\$x\"\y"`, "-n", `a b$x"\y`),
		Entry("backslashes", `-n a\ b\\c\$`, "-n", `a b\c$`),
		Entry("quotes within a word", `--name=a' 'b"c"`, "--name=a bc"),
		Entry("an empty word", `-p ''`, "-p", ""),
		Entry("a # within a word", `-p a#b`, "-p", "a#b"),
		Entry("braces and globs stay", `--cnc {id}-x --wr *.example.com`, "--cnc", "{id}-x", "--wr", "*.example.com"),
		Entry("continued", "vic-machine-linux create \\\n  --name vch1 \\\n  -k\n", "vic-machine-linux", "create", "--name", "vch1", "-k"),
		Entry("continued within quotes", "-n \"a\\\nb\"", "-n", "ab"),
		Entry("continued, with Windows' line ends", "create \\\r\n -k\r\n", "create", "-k"),
		Entry("a byte order mark", "\uFEFFcreate -k", "create", "-k"),
		Entry("comments", "# ours\n\nvic-machine-linux create -k # no TLS\n# end\n", "vic-machine-linux", "create", "-k"),
		Entry("lines that no backslash joins", "vic-machine-linux create\n  --name vch1\n  # a comment\n  -k\n", "vic-machine-linux", "create", "--name", "vch1", "-k"),
		Entry("a prompt", "$ ./vic-machine-linux create -k", "./vic-machine-linux", "create", "-k"),
		Entry("root's prompt", "# ./vic-machine-linux create -k", "./vic-machine-linux", "create", "-k"),
		Entry("a tilde that no shell replaces", "-n '~x' --name=a~b", "-n", "~x", "--name=a~b"),
		Entry("cmd", ".\\vic-machine-windows.exe create ^\r\n --ca C:\\certs\\ca.pem ^\r\n -u CORP\\me", `.\vic-machine-windows.exe`, "create", "--ca", `C:\certs\ca.pem`, "-u", `CORP\me`),
		Entry("PowerShell", ".\\vic-machine-windows create `\n --name 'my vch' `\n -k", `.\vic-machine-windows`, "create", "--name", "my vch", "-k"))

	DescribeTable("is refused", func(text, problem string) {
		_, err := vicmachine.ParseFile(strings.NewReader(text))
		var usage *vicmachine.UsageError
		Expect(errors.As(err, &usage)).To(BeTrue(), "%v", err)
		Expect(usage.Error()).To(ContainSubstring(problem))
		Expect(usage.Hints).NotTo(BeEmpty())
	},
		Entry(nil, "", "holds no command line"),
		Entry(nil, " \n# only a comment\n", "holds no command line"),
		Entry(nil, "-p $PASSWORD", "--password has a $"),
		Entry(nil, "-k --password=$PASSWORD", "--password has a $"),
		Entry(nil, `--ops-password "x${P}"`, "--ops-password has a $"),
		Entry(nil, "-t $(cat target)", "--target has a $"),
		Entry(nil, "-t `cat target`", "--target has a $"),
		Entry(nil, "-n $((1+1))", "--name has a $"),
		Entry(nil, "$VIC create", "word 1 has a $"),
		Entry(nil, "create $ARGS", "word 2 has a $"),
		Entry(nil, "--ca ~/ca.pem", "--tls-ca starts with ~"),
		Entry(nil, "create -k | tee log", "more than one command"),
		Entry(nil, "create -k > log", "more than one command"),
		Entry(nil, "create -k && echo", "more than one command"),
		Entry(nil, "create -k &", "more than one command"),
		Entry(nil, "if true; then create; fi", "more than one command"),
		Entry(nil, "P=x create -k", "a variable is set in front of the command in line 1"),
		Entry(nil, "vic-machine-linux create -k\nvic-machine-linux ls", "a second command starts in line 2"),
		Entry(nil, "-p 'x\n", "ends within quotation marks"),
		Entry(nil, "-n (x)", "cannot be split into words (line 1, column"),
		Entry(nil, strings.Repeat("#", 65<<10), "longer than 64 KiB"))

	It("says why it could not be read", func() {
		broken := errors.New("broken")
		_, err := vicmachine.ParseFile(failing{broken})
		Expect(err).To(MatchError(broken))
	})
})

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
