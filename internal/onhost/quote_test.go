package onhost_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/internal/onhost"
)

// odd are names that a shell would make something else of.
var odd = []string{"it's", "a b", `"q"`, "$HOME", "`x`", "$(x)", "a;b", "a&b|c", "*", "~", "-rf", "#", "\\", "!", "{a,b}", "'", "''", "a=b"}

var _ = Describe("what is sent to the host's shell", func() {
	It("means the file that was meant, whatever bytes its name has", func(ctx SpecContext) {
		h := newFakeHost()
		random := rand.New(rand.NewPCG(uint64(GinkgoRandomSeed()), 0))
		names := append([]string{"\n", "a\nb", "\xff\xfe", "\u00e9\u2019"}, odd...)
		for range 40 {
			name := make([]byte, 1+random.IntN(40))
			for i := range name {
				name[i] = byte(1 + random.IntN(255))
			}
			names = append(names, string(bytes.ReplaceAll(name, []byte("/"), []byte("'"))))
		}
		// The number keeps apart two random names that are alike, and a name that is a dot from "..".
		file := func(i int) string { return fmt.Sprintf("/tmp/.%d%s", i, names[i]) }
		for i := range names {
			Expect(os.WriteFile(h.dir+file(i), []byte{byte(i)}, 0o600)).To(Succeed())
		}
		for i, name := range names {
			got, err := onhost.ReadFile(ctx, h.login, hostssh.Host{Address: "127.0.0.1"}, file(i))
			Expect(err).NotTo(HaveOccurred(), "%q", name)
			Expect(got).To(Equal([]byte{byte(i)}), "%q", name)
		}
	}, SpecTimeout(time.Minute))

	It("installs and removes VIBs of all names", func(ctx SpecContext) {
		for _, name := range odd {
			By(name)
			h := newFakeHost()
			before := h.state()
			for _, change := range []*fix.Change{install(), remove()} {
				change.VIB.Name, change.VIB.ID = name, "us_bootbank_"+name+"_1.0"
				Expect(h.carry(ctx, change)).To(Succeed())
				Expect(h.state().stray()).To(BeEmpty())
			}
			Expect(h.state()).To(Equal(before))
			Expect(h.said()).To(ContainElement(HavePrefix("esxcli software vib remove")))
		}
	}, SpecTimeout(time.Minute))

	It("edits files of all names", func(ctx SpecContext) {
		for i, name := range odd {
			By(name)
			h := newFakeHost()
			change := insert()
			change.File.Path = firewall + "/" + name + ".xml"
			h.write(change.File.Path, string(change.File.Before), 0o640)
			if i%2 == 0 {
				h.refused = " mv -f "
			}
			Expect(h.carry(ctx, change)).To(Succeed())
			Expect(h.state().Files[change.File.Path]).To(Equal("-rw-r----- " + string(change.File.After)))
			Expect(h.state().stray()).To(BeEmpty())
		}
	}, SpecTimeout(time.Minute))
})
