package sim

import (
	"bytes"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// since are the properties that clients of earlier versions of the API do not know, with
// the version that brought each (the vSphere API reference). vCenter leaves out what is
// newer than the version in the SOAPAction; a client that reads strictly, such as
// pyvmomi, fails on it.
var since = map[string]string{
	"tenantManager": "6.9.1", "siteInfoManager": "7.0", "storageQueryManager": "6.7.2",
	"bootedFromStatelessCache": "6.8.7",
	"userControllable":         "8.0.2.0", "ipListUserConfigurable": "8.0.2.0",
}

// elements are those of since, compiled for the first client of an earlier version.
var elements = sync.OnceValue(func() map[string]*regexp.Regexp {
	m := map[string]*regexp.Regexp{}
	for name := range since {
		m[name] = regexp.MustCompile(`(?s)<` + name + `(?:\s[^>]*)?(?:/>|>.*?</` + name + `>)`)
	}
	return m
})

// versioned answers each client in the version of the API that it speaks.
func versioned(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, version, named := strings.Cut(strings.Trim(r.Header.Get("SOAPAction"), `"`), "urn:vim25/")
		var newer []*regexp.Regexp
		for name, from := range since {
			if named && version != "" && !atLeast(version, from) {
				newer = append(newer, elements()[name])
			}
		}
		if len(newer) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		held := &heldAnswer{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(held, r)
		text := held.body.Bytes()
		for _, element := range newer {
			text = element.ReplaceAll(text, nil)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		w.WriteHeader(held.status)
		_, _ = w.Write(text)
	})
}

// heldAnswer keeps an answer until it is whole.
type heldAnswer struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (h *heldAnswer) WriteHeader(status int) { h.status = status }

func (h *heldAnswer) Write(p []byte) (int, error) { return h.body.Write(p) }
