package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/vic-preflight/vic-preflight/profile"
)

// Profiles lists profiles with what each asks for.
func Profiles(w io.Writer, list []profile.Profile) error {
	var b strings.Builder
	for _, p := range list {
		fmt.Fprintf(&b, "%-14s%s\n", p.Name, strings.Join(Wrap(p.Title, proseWidth-14), "\n"+strings.Repeat(" ", 14)))
		for _, n := range p.Needs {
			text := n.String()
			if n.OneOf != "" {
				text += " (one of these)"
			}
			b.WriteString(strings.Repeat(" ", 14) + strings.Join(Wrap(text, proseWidth-16), "\n"+strings.Repeat(" ", 16)) + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Profile shows one profile: what must be open, by which rulesets, what breaks where it
// is shut, and where that is known from.
func Profile(w io.Writer, p profile.Profile) error {
	const margin = 18 // of values
	var b strings.Builder
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "  %-*s%s\n", margin-2, name, strings.Join(Wrap(text, proseWidth-margin), "\n"+strings.Repeat(" ", margin)))
		}
	}
	b.WriteString(strings.Join(Wrap(p.Name+": "+p.Title, proseWidth), "\n") + "\n\n")
	line("peer", p.Peer.Kind+", by "+p.Peer.Flag)
	line("set on hosts in", profile.Settings(p.Peer.From))
	line("address", p.Peer.Form())
	for _, n := range p.Needs {
		fmt.Fprintf(&b, "\n%s\n", n.Name)
		line("opens", n.String())
		line("rulesets", strings.Join(n.Prefer, ", "))
		line("also taken", strings.Join(n.Accept, ", "))
		line("switched by", n.Switcher())
		line("where shut", n.Breaks)
		line("proof", string(n.Proof()))
		if n.OneOf != "" {
			line("one of", strings.Join(p.Alternatives(n.OneOf), ", "))
		}
		if n.NeverNarrowWithout {
			line("never narrow", n.Say("without {the peer}"))
		}
	}
	b.WriteString("\nSources\n")
	for _, s := range p.Sources {
		b.WriteString(indent(s, "  ", proseWidth) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
