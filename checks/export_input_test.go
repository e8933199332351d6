package checks

// The checks of options, and what is said of their reasons.
var (
	InputChecks       = inputChecks
	InputExplanations = inputExplanations
)
