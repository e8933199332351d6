// Package nearest finds the known word that somebody meant with a mistyped one.
package nearest

import (
	"strings"
	"unicode/utf8"

	"github.com/hbollon/go-edlib"
)

const (
	// longest is the length, in bytes, from which on a text is no mistyped word. It
	// bounds the time, which grows with the square.
	longest = 64
	// shortest is the length from which on the start of a word stands for the whole.
	shortest = 3
)

// Of returns the known word that is nearest to a word, and "" when none is near: one
// in three letters may be wrong, left out or too many, or changed places with its
// neighbour. Case does not count, nor does whether words are joined by - or _. The
// start of a word is near when no other known word starts so. Of words that are
// equally near it returns the first.
func Of(word string, known []string) string {
	if len(word) > longest {
		return ""
	}
	word = plain(word)
	letters := utf8.RuneCountInString(word)
	best, distance := "", max(1, letters/3)+1
	for _, k := range known {
		if d := edlib.OSADamerauLevenshteinDistance(word, plain(k)); d < distance && d < letters {
			best, distance = k, d
		}
	}
	if best == "" {
		best = beginning(word, known)
	}
	return best
}

// beginning returns the one known word that starts with the word.
func beginning(word string, known []string) (found string) {
	for _, k := range known {
		switch {
		case len(word) < shortest, !strings.HasPrefix(plain(k), word):
		case found != "":
			return ""
		default:
			found = k
		}
	}
	return found
}

func plain(word string) string { return strings.ReplaceAll(strings.ToLower(word), "_", "-") }
