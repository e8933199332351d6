//go:build linux

package dist_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// descriptor is what OCI's index and manifest say of a blob, as far as it is read here.
type descriptor struct {
	Digest    string
	MediaType string
	Manifests []descriptor
	Config    *descriptor
	Layers    []descriptor
}

// configuration is how an image runs, as far as it is read here.
type configuration struct {
	User            string
	Entrypoint, Env []string
}

func (c configuration) isRight() {
	GinkgoHelper()
	Expect(c.User).To(Equal("65532:65532"))
	Expect(c.Entrypoint).To(Equal([]string{"/usr/bin/vic-preflight"}))
	Expect(c.Env).To(ContainElement("SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"))
}

var _ = Describe("make image", func() {
	It("is configured to run as a user that is not root", func() {
		data, err := os.ReadFile(filepath.Join(root, "packaging", "image", "config.json"))
		Expect(err).NotTo(HaveOccurred())
		var config configuration
		Expect(json.Unmarshal(data, &config)).To(Succeed())
		config.isRight()
	})

	if !whole {
		return // go-containerregistry takes a minute to compile
	}
	It("writes an OCI archive with the program, certificates and a user that is not root", func(ctx SpecContext) {
		out, dir := GinkgoT().TempDir(), GinkgoT().TempDir()
		certificates := filepath.Join(out, "certificates.pem")
		Expect(os.WriteFile(certificates, []byte("certificates\n"), 0o600)).To(Succeed())
		run(ctx, root, "make", "image", "DIST="+out, "VERSION=v"+version, "SOURCE_DATE_EPOCH="+epoch, "IMAGE_ARCHS="+runtime.GOARCH, "CA_CERTIFICATES="+certificates)
		run(ctx, dir, "tar", "-xf", filepath.Join(out, "vic-preflight.oci.tar"))
		blob := func(digest string) string {
			algorithm, sum, _ := strings.Cut(digest, ":")
			return filepath.Join(dir, "blobs", algorithm, sum)
		}
		read := func(path string, into any) {
			GinkgoHelper()
			data, err := os.ReadFile(path)
			Expect(err).NotTo(HaveOccurred())
			Expect(json.Unmarshal(data, into)).To(Succeed())
		}
		var top, index, manifest descriptor
		read(filepath.Join(dir, "index.json"), &top)
		read(blob(top.Manifests[0].Digest), &index)
		read(blob(index.Manifests[0].Digest), &manifest)
		Expect(manifest.Layers).To(HaveLen(1))
		var image struct {
			OS, Architecture string
			Config           configuration
		}
		read(blob(manifest.Config.Digest), &image)
		Expect(image.OS + "/" + image.Architecture).To(Equal("linux/" + runtime.GOARCH))
		image.Config.isRight()

		machine := GinkgoT().TempDir()
		run(ctx, machine, "tar", "-xf", blob(manifest.Layers[0].Digest), "--no-same-owner")
		Expect(os.ReadFile(filepath.Join(machine, "etc/ssl/certs/ca-certificates.crt"))).To(BeEquivalentTo("certificates\n"))
		for _, name := range []string{"LICENSE", "THIRD-PARTY-NOTICES"} {
			Expect(filepath.Join(machine, "usr/share/doc/vic-preflight", name)).To(BeARegularFile())
		}
		if os.Getuid() != 0 {
			AddReportEntry("image", "its configuration was checked; it was run outside of a root of its own, for want of rights")
			Expect(run(ctx, machine, filepath.Join(machine, image.Config.Entrypoint[0]), "version")).To(ContainSubstring(version))
			return
		}
		AddReportEntry("image", "run in a root of its own, as its user")
		Expect(os.Chmod(machine, 0o755)).To(Succeed())
		Expect(run(ctx, machine, "chroot", "--userspec="+image.Config.User, machine, image.Config.Entrypoint[0], "version")).To(Equal("vic-preflight " + version + "\n"))
		checked, err := try(ctx, machine, "chroot", "--userspec="+image.Config.User, machine, image.Config.Entrypoint[0], "check", "--target", "sim://mixed")
		Expect(err).To(MatchError("exit status 1"), checked)
	})
})
