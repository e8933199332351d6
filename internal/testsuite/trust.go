package testsuite

import (
	"bytes"
	"fmt"
	"os"
)

// WriteTrust puts a campaign's figures between its two markers in the page, which is
// docs/trust.md as the test sees it.
func WriteTrust(page, begin, end, figures string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(text, []byte(begin))
	_, after, closed := bytes.Cut(rest, []byte(end))
	if !found || !closed {
		return fmt.Errorf("%s has no place for the figures, between %s and %s", page, begin, end)
	}
	return os.WriteFile(page, append(append(before[:len(before):len(before)], begin+"\n"+figures+end...), after...), 0o644)
}
