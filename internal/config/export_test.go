package config

import (
	"maps"
	"slices"
)

// Parse is for tests of files that are nowhere.
var Parse = parse

// Keys are those that the decoder knows, by the part of the schema that has them.
func Keys() map[string][]string {
	return map[string][]string{
		"":       slices.Sorted(maps.Keys(top.Keys)),
		"target": slices.Sorted(maps.Keys(ofTarget.Keys)),
		"waiver": slices.Sorted(maps.Keys(ofWaiver.Keys)),
	}
}

// SeverityKeys are the reasons that a severity may be given to.
func SeverityKeys() []string { return slices.Sorted(maps.Keys(severities.Keys)) }
