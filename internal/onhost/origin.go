package onhost

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
	"github.com/vic-preflight/vic-preflight/inventory"
)

const (
	// firewallFolder holds the files that ESXi makes rulesets of: all that end in
	// .xml (virtuallyghetto 2011/07).
	firewallFolder = "/etc/vmware/firewall"
	// packageFolder holds the descriptors of the installed VIBs, with their lists
	// of files. No manual of VMware's names it; forensic tools read it.
	packageFolder = "/var/db/esximg/vibs"
)

// Origins finds the files on the host that the rulesets stand in, and the VIBs
// that own these. Rulesets that no file has are left out. Files that cannot be
// understood are errors beside what the others hold. It changes nothing.
func (c *Client) Origins(ctx context.Context, h *inventory.Host, keys []string) (map[string]inventory.Origin, error) {
	s, err := c.dial(ctx, h)
	if err != nil {
		return nil, err
	}
	defer s.login.Close()
	list, err := s.say("ls " + firewallFolder)
	if err != nil {
		return nil, err
	}
	origins := map[string]inventory.Origin{}
	var odd []error
	for _, name := range names(list) {
		if !strings.HasSuffix(name, ".xml") {
			continue
		}
		path := firewallFolder + "/" + name
		text, err := s.read(path)
		if err != nil {
			return nil, err
		}
		file, err := firewallxml.Parse(text)
		if err != nil {
			odd = append(odd, fmt.Errorf("%s: %w", path, err))
			continue
		}
		for _, key := range keys {
			if !file.Has(key) || origins[key].File != "" {
				continue
			}
			o := inventory.Origin{File: path}
			if o.VIB, err = s.owner(path); err != nil {
				return nil, err
			}
			origins[key] = o
		}
	}
	return origins, errors.Join(odd...)
}

// names are those of files, one a line, which may have blanks.
func names(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == '\n' })
}

// owner names the VIB that has the file; empty when none has. service.xml itself
// is ESXi's, whatever stands in it.
func (s *shell) owner(path string) (string, error) {
	if path == firewallFolder+"/service.xml" {
		return "", nil
	}
	inside := strings.TrimPrefix(path, "/")
	r, err := s.login.Run(fmt.Sprintf("grep -l -F %s %s/*.xml", shellescape.Quote(inside), packageFolder), nil, commandTime)
	if err != nil {
		return "", fmt.Errorf("run grep: %w", err)
	}
	if r.Exit > 1 {
		return "", explained("grep", r)
	}
	for _, descriptor := range names(r.Stdout) {
		text, err := s.read(descriptor)
		if err != nil {
			return "", err
		}
		var vib struct {
			Name  string   `xml:"name"`
			Files []string `xml:"file-list>file"`
		}
		if xml.Unmarshal(text, &vib) == nil && slices.Contains(vib.Files, inside) {
			return vib.Name, nil
		}
	}
	return "", nil
}
