// Command reader reads the facts of all hosts for the replay benchmark: collect
// does it as vic-preflight does, without verdicts and a report; null sends the
// same requests, from a file with a JSON array of them, and drops the answers.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "reader:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 5 && args[0] == "collect":
		return collect(args[1], args[2], args[3], args[4])
	case len(args) == 3 && args[0] == "null":
		return null(args[1], args[2])
	}
	return fmt.Errorf("usage: reader collect HOST:PORT USER PASSWORD THUMBPRINT | reader null URL FILE")
}

func collect(address, user, password, thumbprint string) error {
	print, err := vsphere.ParseThumbprint(thumbprint)
	if err != nil {
		return err
	}
	ctx := context.Background()
	s, err := vsphere.Connect(ctx, vsphere.Config{
		Target: vsphere.Target{Address: address}, User: user, Password: password, Thumbprints: []vsphere.Thumbprint{print},
	})
	if err != nil {
		return err
	}
	defer s.Close()
	inv, err := s.Collect(ctx, vsphere.Selection{}, vsphere.CollectOptions{
		Switch: func(*inventory.Host) bool { return false },
	})
	if err != nil {
		return err
	}
	for i := range inv.Hosts {
		if h := &inv.Hosts[i]; h.Firewall.Unreadable != "" {
			return fmt.Errorf("%s: %s", h.Name, h.Firewall.Unreadable)
		}
	}
	fmt.Printf("%d hosts\n", len(inv.Hosts))
	return nil
}

func null(url, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var requests []string
	if err := json.Unmarshal(text, &requests); err != nil {
		return err
	}
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	var n int64
	for _, r := range requests {
		res, err := c.Post(url, `text/xml; charset="utf-8"`, bytes.NewReader([]byte(r)))
		if err != nil {
			return err
		}
		m, err := io.Copy(io.Discard, res.Body)
		if err != nil {
			return err
		}
		n += m
		_ = res.Body.Close()
	}
	fmt.Printf("%d bytes\n", n)
	return nil
}
