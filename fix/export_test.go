package fix

// NewJournalOn is a journal over any writer, for the tests.
func NewJournalOn(w syncWriter, h Header) (*Journal, error) { return newJournal(w, h) }
