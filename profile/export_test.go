package profile

import (
	"maps"
	"slices"
)

// Keys are those that the reader knows, by the part of the schema that has them.
func Keys() map[string][]string {
	return map[string][]string{
		"":            slices.Sorted(maps.Keys(top.Keys)),
		"peer":        slices.Sorted(maps.Keys(ofPeer.Keys)),
		"requirement": slices.Sorted(maps.Keys(ofNeed.Keys)),
	}
}
