package inventory

// Tristate is a fact that may not be known. The zero value is Unknown, so a
// fact that nobody set can read neither as yes nor as no.
type Tristate uint8

// The three states.
const (
	Unknown Tristate = iota
	Yes
	No
)

// Known converts a value that was read.
func Known(v bool) Tristate {
	if v {
		return Yes
	}
	return No
}

// FromPtr converts an optional value of the vSphere API: nil is Unknown.
func FromPtr(v *bool) Tristate {
	if v == nil {
		return Unknown
	}
	return Known(*v)
}

// String returns "yes", "no" or "not known".
func (t Tristate) String() string {
	switch t {
	case Yes:
		return "yes"
	case No:
		return "no"
	default:
		return "not known"
	}
}
