package profile_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/profile"
)

var update = flag.Bool("update", false, "rewrite docs/profiles.md")

var _ = It("docs/profiles.md is what the profiles say; make golden writes it", func() {
	file := filepath.Join("..", "docs", "profiles.md")
	if *update {
		Expect(os.WriteFile(file, []byte(page()), 0o644)).To(Succeed())
	}
	text, err := os.ReadFile(file)
	Expect(err).NotTo(HaveOccurred())
	Expect(string(text)).To(Equal(page()))
})

func page() string {
	var b strings.Builder
	b.WriteString("# Profiles: the required ports of ESXi hosts\n\nWhat the ESXi firewall of every host must let through, for what, and by which rulesets. The vSphere Client lists rulesets, " +
		"with their allowed IP addresses, under Configure, System, Firewall; PowerCLI calls each a firewall exception. Made of the files in `profile/builtin` by `make golden`. " +
		"[profile.schema.json](profile.schema.json) describes the files.\n")
	for _, p := range profile.All() {
		fmt.Fprintf(&b, "\n## `%s`\n\n%s. Peer: %s, by `%s`", p.Name, p.Title, p.Peer.Kind, p.Peer.Flag)
		if from := profile.Settings(p.Peer.From); from != "" {
			fmt.Fprintf(&b, "; set on hosts in %s", from)
		}
		b.WriteString(".\n")
		if form := p.Peer.Form(); form != "" {
			fmt.Fprintf(&b, "\nThe address may be given as %s.\n", form)
		}
		b.WriteString("\n| requirement | what | rulesets | also taken | switched by | where shut | proof |\n|---|---|---|---|---|---|---|\n")
		for _, n := range p.Needs {
			name := "`" + n.Name + "`"
			if n.OneOf != "" {
				name += ", one of these"
			}
			cells := []string{name, n.Direction + " " + n.Service(), code(n.Prefer), code(n.Accept), n.Switcher(), n.Breaks, string(n.Proof())}
			b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
		}
		for _, n := range p.Needs {
			if n.NeverNarrowWithout {
				fmt.Fprintf(&b, "\n%s\n", n.Say("`"+n.Name+"` is never narrowed without {the peer}."))
			}
		}
		b.WriteString("\nSources:\n\n")
		for _, s := range p.Sources {
			b.WriteString("- " + s + "\n")
		}
	}
	return b.String()
}

func code(keys []string) string {
	if len(keys) == 0 {
		return ""
	}
	return "`" + strings.Join(keys, "`, `") + "`"
}
