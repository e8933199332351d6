package simtest

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync/atomic"
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// Call is one call of the API on its way through a Bent server.
type Call struct {
	// N counts the calls, from 1.
	N int
	// Method is the API's name for it.
	Method string
	// Body is what the caller sent.
	Body []byte
	// Pass passes the call on, and returns the body of the answer.
	Pass func() []byte
	// GivenUp is closed when the caller does not wait any longer.
	GivenUp <-chan struct{}
}

// Hang answers nothing until the caller gives up.
func (c *Call) Hang() []byte {
	<-c.GivenUp
	return nil
}

// Bent is a server whose answers a test bends.
type Bent struct{ Address, Thumbprint string }

// Bend puts a server before the simulator until the test ends. What bend returns for a
// call is what the caller is answered, with the status of the simulator's own answer.
func Bend(tb testing.TB, vc *sim.VCenter, bend func(*Call) []byte) Bent {
	tb.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // the simulator's, on loopback
	var n atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the caller is gone
		}
		status := http.StatusOK
		call := &Call{N: int(n.Add(1)), Method: methodOf(body), Body: body, GivenUp: r.Context().Done()}
		call.Pass = func() []byte {
			url := *r.URL
			url.Scheme, url.Host = "https", vc.URL.Host
			on, err := http.NewRequest(r.Method, url.String(), bytes.NewReader(body))
			if err != nil {
				return nil
			}
			on.Header = r.Header.Clone()
			res, err := client.Do(on)
			if err != nil {
				return nil // the simulator has ended
			}
			defer res.Body.Close()
			for _, cookie := range res.Cookies() {
				http.SetCookie(w, cookie)
			}
			status = res.StatusCode
			answer, _ := io.ReadAll(res.Body)
			return answer
		}
		answer := bend(call)
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		_, _ = w.Write(answer)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	tb.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		client.CloseIdleConnections()
	})
	return Bent{server.Listener.Addr().String(), fmt.Sprintf("%x", sha256.Sum256(server.Certificate().Raw))}
}

var method = regexp.MustCompile(`<(?:\w+:)?Body[^>]*>\s*<(?:\w+:)?(\w+)`)

func methodOf(body []byte) string {
	if m := method.FindSubmatch(body); m != nil {
		return string(m[1])
	}
	return ""
}
