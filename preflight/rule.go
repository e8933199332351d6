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
	// Key is that of the new ruleset, Port what it opens.
	Key  string
	Port int
	// File is a host's service.xml, which FileName names in errors; Host is the host to take
	// it from by SSH. At most one is set.
	File     io.Reader
	FileName string
	Host     string
	SSH      SSHOptions
	// Whole renders the file with the element in it, Document a file of this service alone.
	Whole, Document bool
}

// RenderRule renders the element that opens the port, with an id that is free in the
// file. Doubts say what is odd about the file. The errors are *UsageError, and of a host
// those of ReadHostFile.
func RenderRule(ctx context.Context, o RuleOptions) (text []byte, doubts []string, err error) {
	from := o.File != nil || o.Host != ""
	switch {
	case o.Document && (o.Whole || from):
		return nil, nil, usage("", "--document prints a file of its own: it takes neither --file nor --from-host nor --whole")
	case o.Whole && !from:
		return nil, nil, usage("", "--whole prints all of a file: which? --file names it, or --from-host its host")
	case o.Port < 1 || o.Port > 65535:
		return nil, nil, usage("port", "%d is not a port: it takes 1 to 65535", o.Port)
	}
	s, err := NewService("service", o.Key, checks.VIC().At(o.Port), checks.ByHand)
	switch {
	case err != nil:
		return nil, nil, err
	case o.Document:
		return firewallxml.Document(s), nil, nil
	case !from:
		return firewallxml.Render(s), nil, nil
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
		return nil, nil, &UsageError{Err: fmt.Errorf("%s: %w", o.FileName, err), Hints: []string{
			"is it a copy of the host's /etc/vmware/firewall/service.xml? as it is, ESXi could not be relied on to understand it",
		}}
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
