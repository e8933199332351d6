package config

// Parse is for tests of files that are nowhere.
var Parse = parse

// Keys are those that the decoder knows, by the part of the schema that has them.
func Keys() map[string][]string {
	return map[string][]string{
		"":       sorted(top.keys),
		"target": sorted(ofTarget.keys),
		"waiver": sorted(ofWaiver.keys),
	}
}

// SeverityKeys are the reasons that a severity may be given to.
func SeverityKeys() []string { return sorted(severities.keys) }
