package nearest_test

import (
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/nearest"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestNearest(t *testing.T) { testsuite.Run(t, "nearest") }

var known = []string{"port", "host", "target", "password-file", "vch-ip", "only", "wait", "outbound-port", "ruleset-disabled", "ruleset-locked", "maintenance"}

var _ = DescribeTable("the nearest known word",
	func(word, want string) { Expect(nearest.Of(word, known)).To(Equal(want)) },
	Entry("itself", "port", "port"),
	Entry("a letter left out", "prt", "port"),
	Entry("a letter too many", "targets", "target"),
	Entry("a wrong letter", "pory", "port"),
	Entry("neighbours that changed places", "prot", "port"),
	Entry("two mistakes in a long word", "rulset-dissabled", "ruleset-disabled"),
	Entry("another case", "VCH-IP", "vch-ip"),
	Entry("an underscore", "password_file", "password-file"),
	Entry("camel case", "passwordFile", "password-file"),
	Entry("its start", "maint", "maintenance"),
	Entry("the start of two", "ruleset", ""),
	Entry("half of it wrong", "fail", ""),
	Entry("nothing alike", "frobnicate", ""),
	Entry("two letters of nothing alike", "xy", ""),
	Entry("one letter", "x", ""),
	Entry("nothing", "", ""),
	Entry("the first of two that are as near", "xost", "host"),
	Entry("what is no word", strings.Repeat("port", 20), ""),
	Entry("letters of more than a byte", "pört", "port"),
)

var _ = It("finds nothing among nothing", func() { Expect(nearest.Of("port", nil)).To(BeEmpty()) })
