package facts

// SetMaxRows sets how long a list may be, until the function is called that it returns.
func SetMaxRows(n int) (restore func()) {
	old := maxRows
	maxRows = n
	return func() { maxRows = old }
}
