package preflight_test

import (
	"path/filepath"
	"slices"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/preflight"
)

var _ = Describe("a file that cannot be read to its end", func() {
	for _, f := range []struct{ name, path, says string }{
		{"a pipe that nobody writes to", "", "it could not be read in time"},
		{"one without an end", "/dev/zero", "it is larger than 4 MiB, and was not read"},
	} {
		It("does not hold create up, and is not known: "+f.name, func(ctx SpecContext) {
			if f.path == "" {
				f.path = filepath.Join(GinkgoT().TempDir(), "pipe")
				Expect(syscall.Mkfifo(f.path, 0o600)).To(Succeed())
			}
			o := on(start("vic"))
			o.ComputeResource = "prod"
			o.Create = &preflight.CreateOptions{VCH: checks.VCH{Name: "vch1", ComputeResource: "prod", NoTLS: true, RegistryCAs: []string{f.path}}}
			out, err := preflight.Run(ctx, o)
			Expect(err).NotTo(HaveOccurred())
			i := slices.IndexFunc(out.Results, func(r checks.Result) bool { return r.Subject == "--registry-ca "+f.path })
			Expect(i).To(BeNumerically(">=", 0))
			Expect(out.Results[i].Status).To(Equal(checks.Unknown))
			Expect(out.Results[i].Detail).To(Equal(f.says))
		}, SpecTimeout(time.Minute))
	}
})
