package preflight

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
)

// RuleOptions say what <service> element is rendered, and for which file.
type RuleOptions struct {
	// Key is that of the new ruleset, empty for the one by which it is known what it is for;
	// Wanted is what it opens.
	Key    string
	Wanted Wanted
	// File is a host's service.xml, which FileName names in errors; Host is the host to take
	// it from by SSH. At most one is set.
	File     io.Reader
	FileName string
	Host     string
	SSH      SSHOptions
	// Whole renders the file with the element in it, Document a file of this service alone.
	Whole, Document bool
}

// RenderRule renders the element that opens what is wanted, with an id that is free in the
// file. Doubts say what to know of it, and what is odd about the file. The errors are *UsageError, and of a host
// those of ReadHostFile.
func RenderRule(ctx context.Context, o RuleOptions) (text []byte, doubts []string, err error) {
	from := o.File != nil || o.Host != ""
	switch {
	case o.Document && (o.Whole || from):
		return nil, nil, usage("", "--document prints a file of its own: it takes neither --file nor --from-host nor --whole")
	case o.Whole && !from:
		return nil, nil, usage("", "--whole prints all of a file: which? --file names it, or --from-host its host")
	}
	reqs, err := o.Wanted.until(ctx)
	if err != nil {
		return nil, nil, err
	}
	s, err := NewService("service", o.Key, checks.ByHand, reqs)
	if o.Wanted.OfProfiles() {
		doubts = remarks(reqs)
	}
	switch {
	case err != nil:
		return nil, nil, err
	case o.Document:
		return firewallxml.Document(s), doubts, nil
	case !from:
		return firewallxml.Render(s), doubts, nil
	}
	if o.Host != "" {
		o.FileName = o.Host + ":" + fix.ServiceXML
		data, err := ReadHostFile(ctx, o.SSH, o.Host, fix.ServiceXML)
		if err != nil {
			return nil, nil, err
		}
		o.File = bytes.NewReader(data)
	}
	original, err := firewallxml.Read(o.File)
	if err != nil {
		return nil, nil, Ended(&UsageError{Err: fmt.Errorf("%s: %w", o.FileName, err), Hints: []string{
			"is it a copy of the host's /etc/vmware/firewall/service.xml? as it is, ESXi could not be relied on to understand it",
		}})
	}
	edited, s, err := original.Add(s)
	if err != nil {
		return nil, nil, &UsageError{Err: fmt.Errorf("%s: %w", o.FileName, err)}
	}
	for _, doubt := range original.Doubts() {
		doubts = append(doubts, o.FileName+": "+doubt)
	}
	if o.Whole {
		return edited, doubts, nil
	}
	return firewallxml.Render(s), doubts, nil
}
