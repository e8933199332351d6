package preflight

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/vic-preflight/vic-preflight/internal/infile"
)

// GovcCredentials reads GOVC_USERNAME and GOVC_PASSWORD as govc does: a value that is
// the path of a file is what that holds, without the blanks around it. Both are empty
// where they are not set. Errors do not repeat the value.
func GovcCredentials(getenv func(string) string) (user, password string, err error) {
	if user, err = govcValue(getenv, "GOVC_USERNAME"); err == nil {
		password, err = govcValue(getenv, "GOVC_PASSWORD")
	}
	return user, password, err
}

func govcValue(getenv func(string) string, key string) (string, error) {
	value := getenv(key)
	text, err := infile.Read(value, infile.Short)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "", fmt.Errorf("%s names a file that may not be read", key)
	case errors.Is(err, infile.ErrSilent):
		return "", fmt.Errorf("%s names a pipe that nobody writes to", key)
	case errors.Is(err, infile.ErrLarge):
		return "", fmt.Errorf("%s names a file of more than 1 MiB", key)
	case err != nil:
		return value, nil // it names none
	}
	return strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff")), nil
}
