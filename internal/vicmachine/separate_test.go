package vicmachine_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/vicmachine"
)

var _ = DescribeTable("a command line of this tool's own options and vic-machine's",
	func(given, want string) {
		own := func(name string) (known, value bool) {
			switch name {
			case "fix", "strict", "help", "h":
				return true, false
			case "output", "o", "target", "t", "timeout":
				return true, true
			}
			return false, false
		}
		Expect(strings.Join(vicmachine.Separate(strings.Fields(given), own), " ")).To(Equal(want))
	},
	Entry("own alone", "--fix -o json", "--fix -o json"),
	Entry("vic-machine's alone", "--image-store shared -n vch1 -k", "-- --image-store shared -n vch1 -k"),
	Entry("mixed", "--fix --image-store shared -o json -k --strict", "--fix -o json --strict -- --image-store shared -k"),
	Entry("with =", "--image-store=shared -o=json --force=true", "-o=json -- --image-store=shared --force=true"),
	Entry("what both have is this tool's", "--target sim://vic --timeout 3m --name vch1", "--target sim://vic --timeout 3m -- --name vch1"),
	Entry("behind dashes all is vic-machine's", "--fix -- --target a --timeout 3m", "--fix -- --target a --timeout 3m"),
	Entry("a program starts its line", "--fix ./vic-machine-linux create --target a", "--fix -- ./vic-machine-linux create --target a"),
	Entry("options before a program", "--name vch1 -- vic-machine-linux create --target a", "-- vic-machine-linux create --target a --name vch1"),
	Entry("a value that looks like an option", "--name --fix -o -k", "-o -k -- --name --fix"),
	Entry("a target as an argument", "sim://vic --name vch1", "sim://vic -- --name vch1"),
	Entry("what nobody has is this tool's to refuse", "--nosuch --name vch1 -ojson", "--nosuch -ojson -- --name vch1"),
	Entry("an option without its value", "--fix --name", "--fix -- --name"),
	Entry("one dash alone", "- --name vch1", "- -- --name vch1"),
	Entry("nothing behind the dashes", "--fix --", "--fix"),
)

var _ = DescribeTable("an option that is empty", func(line, want string) {
	c, err := vicmachine.Parse(strings.Split(line, "|"))
	if err == nil {
		err = c.Filled()
	}
	if want == "" {
		Expect(err).NotTo(HaveOccurred())
		return
	}
	Expect(err).To(MatchError(want))
},
	Entry(nil, "--name|x|-r|", "--compute-resource is given and empty"),
	Entry(nil, "--cn=a|--cn=", "--container-network is given and empty"),
	Entry(nil, "vic-machine-linux|create|--password=", "--password is given and empty"),
	Entry(nil, "--name|x|--no-tls", ""),
	Entry(nil, "--nosuch|", "word 1 is no option of vic-machine create"))
