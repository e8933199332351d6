//go:build linux

package dist_test

import (
	"context"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// database is one of vulnerabilities, in the form of vuln.go.dev. It knows one of a module.
func database(module, symbol string) string {
	GinkgoHelper()
	dir := GinkgoT().TempDir()
	for name, text := range map[string]string{
		"index/db.json":      `{"modified":"2026-01-01T00:00:00Z"}`,
		"index/modules.json": `[{"path":"` + module + `","vulns":[{"id":"GO-2026-9999","modified":"2026-01-01T00:00:00Z"}]}]`,
		"index/vulns.json":   `[{"id":"GO-2026-9999","modified":"2026-01-01T00:00:00Z"}]`,
		"ID/GO-2026-9999.json": `{"schema_version":"1.3.1","id":"GO-2026-9999","modified":"2026-01-01T00:00:00Z","published":"2026-01-01T00:00:00Z",
			"summary":"made up","details":"made up","database_specific":{"url":"https://pkg.go.dev/vuln/GO-2026-9999"},"affected":[{"package":{"name":"` + module + `","ecosystem":"Go"},
			"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],
			"ecosystem_specific":{"imports":[{"path":"` + module + `","symbols":["` + symbol + `"]}]}}]}`,
	} {
		path := filepath.Join(dir, name)
		Expect(os.MkdirAll(filepath.Dir(path), 0o755)).To(Succeed())
		Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())
	}
	return "file://" + dir
}

var _ = Describe("the search for known vulnerabilities", func() {
	const edlib = "github.com/hbollon/go-edlib"
	search := func(ctx context.Context, database string) (string, error) {
		return try(ctx, root, "env", "SYSTEMS=linux", "VULNDB="+database, "packaging/vuln.sh", "./internal/nearest")
	}

	It("fails where the code calls one", func(ctx SpecContext) {
		out, err := search(ctx, database(edlib, "OSADamerauLevenshteinDistance"))
		Expect(err).To(MatchError("exit status 1"), out)
		Expect(out).To(And(ContainSubstring("GO-2026-9999"), ContainSubstring("2026-01-01"), ContainSubstring("internal/nearest")))
	})
	It("passes where the code calls none", func(ctx SpecContext) {
		out, err := search(ctx, database(edlib, "JaroSimilarity"))
		Expect(err).NotTo(HaveOccurred(), out)
		Expect(out).To(ContainSubstring("2026-01-01"), "how old the database is")
	})
	It("is not green where the database cannot be read, and says so", func(ctx SpecContext) {
		for _, there := range []string{"http://127.0.0.1:9", "file://" + GinkgoT().TempDir()} {
			out, err := search(ctx, there)
			Expect(err).To(MatchError("exit status 3"), out)
			Expect(out).To(And(ContainSubstring("could not be found out"), ContainSubstring(there), ContainSubstring("make vuln VULNDB=")))
		}
	})
})
