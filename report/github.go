package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
)

const (
	// annotations is how many of a kind GitHub shows for a step.
	annotations = 10
	// annotationLength bounds the words of one, in bytes; GitHub cuts at 64 KiB.
	annotationLength = 4 << 10
	annotationNames  = 20
)

// annotation is what GitHub shows of one reason.
type annotation struct {
	kind, reason string
	class        checks.Class
	status       checks.Status
	subjects     []string
	// hints are what to do, in the words of each requirement.
	hints []string
	// details are sentences, each once, with the subjects they are about.
	details []string
	about   map[string][]string
}

// GitHub writes workflow commands for GitHub Actions: an error or a warning for each
// reason and class, the worst first, and a closing notice. GitHub shows ten of each kind; where
// there are more the last one sums the others up.
func GitHub(w io.Writer, r *Report) error {
	list := r.annotations()
	var b strings.Builder
	for _, kind := range []string{"error", "warning"} {
		var of []*annotation
		for _, a := range list {
			if a.kind == kind {
				of = append(of, a)
			}
		}
		for i, a := range of {
			if i == annotations-1 && len(of) > annotations {
				b.WriteString(annotate(kind, fmt.Sprintf("vic-preflight: %d more reasons", len(of)-i), manyReasons(of[i:])))
				break
			}
			b.WriteString(annotate(kind, a.title(), a.text()))
		}
	}
	for _, a := range list {
		if a.kind == "notice" { // there is one at most
			b.WriteString(annotate(a.kind, "vic-preflight: waived", a.text()))
		}
	}
	b.WriteString(annotate("notice", "vic-preflight", r.total()))
	_, err := io.WriteString(w, b.String())
	return err
}

// annotations are one for each reason of all targets, the worst first, and one for all
// that is waived.
func (r *Report) annotations() []*annotation {
	var list []*annotation
	index := map[string]*annotation{}
	for _, s := range r.sections() {
		for _, it := range s.items {
			if it.status.Fine() {
				continue
			}
			kind, detail := "error", it.of()+it.detail
			switch {
			case it.waiver != nil:
				kind, detail = "notice", fmt.Sprintf("%s%s, %s", it.of(), it.reason, accepted(it.waiver))
			case it.status == checks.Warn:
				kind = "warning"
			}
			key := kind + it.reason + string(it.class)
			if kind == "notice" {
				key = kind
			}
			if index[key] == nil {
				index[key] = &annotation{kind: kind, reason: it.reason, class: it.class, status: it.status, about: map[string][]string{}}
				list = append(list, index[key])
			}
			index[key].add(r.among(s, it), detail, it)
		}
	}
	slices.SortStableFunc(list, func(a, b *annotation) int {
		return cmp.Or(checks.CompareStatus(a.status, b.status), compareClass(a.class, b.class), len(b.subjects)-len(a.subjects))
	})
	return list
}

func (a *annotation) add(subject, detail string, it item) {
	if it.status.Worse(a.status) {
		a.status = it.status
	}
	if a.kind != "notice" && it.hint != "" && !slices.Contains(a.hints, it.hint) {
		a.hints = append(a.hints, it.hint)
	}
	if len(a.subjects) == 0 || a.subjects[len(a.subjects)-1] != subject {
		a.subjects = append(a.subjects, subject)
	}
	if a.about[detail] == nil {
		a.details = append(a.details, detail)
	}
	a.about[detail] = append(a.about[detail], subject)
}

func (a *annotation) title() string {
	title := fmt.Sprintf("vic-preflight: %s (%d)", a.reason, len(a.subjects))
	if a.class != "" {
		title += ", " + classWords(a.class)
	}
	return title
}

func (a *annotation) text() string {
	lines := slices.Clone(a.hints)
	for _, d := range a.details {
		lines = append(lines, fmt.Sprintf("%s (%s)", d, upTo(annotationNames, slices.Compact(a.about[d]))))
	}
	return shortened(strings.Join(lines, "\n"), annotationLength)
}

func manyReasons(list []*annotation) string {
	var lines []string
	for _, a := range list {
		lines = append(lines, fmt.Sprintf("%s: %s", a.reason, few(a.subjects)))
	}
	return shortened(strings.Join(lines, "\n"), annotationLength)
}

// shortened cuts a text at a whole character, and says so.
func shortened(text string, length int) string {
	const more = " … (the whole is in the report: vic-preflight check -o table)"
	if len(text) <= length {
		return text
	}
	return cut(text, length-len(more)) + more
}

// cut returns at most length bytes of a text, cut at a whole character.
func cut(text string, length int) string {
	if len(text) <= length {
		return text
	}
	return strings.ToValidUTF8(text[:length], "")
}

// upTo lists the first n names and counts the others.
func upTo(n int, names []string) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}

// The characters that end a command, or a part of it, as GitHub's own toolkit escapes
// them.
var (
	githubData       = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperties = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func annotate(kind, title, text string) string {
	return fmt.Sprintf("::%s title=%s::%s\n", kind, githubProperties.Replace(title), githubData.Replace(text))
}
