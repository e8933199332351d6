// Command simserver serves a simulated vCenter to the benchmarks, in a process of
// its own, and counts what reaches it. With -replay it keeps every answer and
// gives it again from memory to the same request, so that what is left of a
// run's cost is the client's.
//
// It prints one line of JSON, a Serving, and serves until its standard input
// ends. GET on Stats returns a Stats, and on Recorded the requests that were
// kept, in order.
package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// Serving says where the simulator is.
type Serving struct{ URL, Thumbprint, Stats, Recorded string }

// Stats are counts since the start.
type Stats struct{ Requests, Connections int }

func main() {
	hosts := flag.Int("hosts", 100, "how many hosts there are")
	replay := flag.Bool("replay", false, "give answers again from memory")
	flag.Parse()
	if err := run(*hosts, *replay); err != nil {
		fmt.Fprintln(os.Stderr, "simserver:", err)
		os.Exit(1)
	}
}

func run(hosts int, replay bool) error {
	scenario, err := sim.ParseScenario(fmt.Sprintf("large?hosts=%d", hosts))
	if err != nil {
		return err
	}
	vc, err := sim.Start(scenario, sim.Options{})
	if err != nil {
		return err
	}
	defer vc.Close()

	serving := Serving{URL: vc.URL.String(), Thumbprint: vc.Thumbprint}
	count := func() Stats { return Stats{vc.Requests(), vc.Connections()} }
	mux := http.NewServeMux()
	if replay {
		r := &recorder{to: vc.URL.String(), kept: map[[32]byte]*kept{}, client: &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the simulator in this process
		}}}
		server := httptest.NewTLSServer(r)
		defer server.Close()
		serving.URL = server.URL + "/sdk"
		serving.Thumbprint = fmt.Sprintf("%x", sha256.Sum256(server.Certificate().Raw))
		mux.HandleFunc("/recorded", r.list)
	}
	mux.HandleFunc("/stats", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(count()) })
	stats := httptest.NewServer(mux)
	defer stats.Close()
	serving.Stats, serving.Recorded = stats.URL+"/stats", stats.URL+"/recorded"
	if err := json.NewEncoder(os.Stdout).Encode(serving); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// recorder stands before the simulator.
type recorder struct {
	to     string
	client *http.Client

	mu    sync.Mutex
	kept  map[[32]byte]*kept
	order []string
}

type kept struct {
	header http.Header
	status int
	body   []byte
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	key := sha256.Sum256(body)
	r.mu.Lock()
	k := r.kept[key]
	r.mu.Unlock()
	if k == nil {
		if k, err = r.ask(req, body); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		r.mu.Lock()
		r.kept[key] = k
		r.order = append(r.order, string(body))
		r.mu.Unlock()
	}
	for name, values := range k.header {
		w.Header()[name] = values
	}
	w.WriteHeader(k.status)
	_, _ = w.Write(k.body)
}

func (r *recorder) ask(req *http.Request, body []byte) (*kept, error) {
	out, err := http.NewRequest(req.Method, r.to, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	out.Header = req.Header.Clone()
	res, err := r.client.Do(out)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	header := res.Header.Clone()
	header.Del("Content-Length")
	return &kept{header, res.StatusCode, answer}, nil
}

func (r *recorder) list(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = json.NewEncoder(w).Encode(r.order)
}
