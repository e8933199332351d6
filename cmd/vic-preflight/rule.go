package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
	"github.com/vic-preflight/vic-preflight/internal/onhost"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// opening holds the flags that say which ruleset is to be made.
type opening struct {
	key  string
	port int
	// flag is the one that the key comes from.
	flag string
}

func (s *opening) register(f *pflag.FlagSet, key string) {
	s.flag = "--service"
	f.StringVar(&s.key, "service", key, "`key` of the new ruleset")
	f.IntVar(&s.port, "port", checks.DefaultPort, "destination `port` that it opens")
}

// service lets the port out by TCP, to any address, as soon as ESXi has read it.
func (s *opening) service() (firewallxml.Service, error) {
	service := firewallxml.Service{ID: s.key, Enabled: true, Rules: []inventory.Rule{
		{Port: s.port, Direction: inventory.Outbound, PortType: inventory.Dst, Protocol: inventory.TCP},
	}}
	if s.port < 1 || s.port > 65535 {
		return service, usageError(fmt.Errorf("--port %d is not a port: it takes 1 to 65535", s.port))
	}
	if err := service.Validate(); err != nil {
		return service, usageError(fmt.Errorf("%s: %w", s.flag, err))
	}
	if checks.BuiltIn(s.key) {
		return service, usageError(fmt.Errorf("%s %s is a ruleset that ESXi brings itself: a second one would be in its way", s.flag, s.key),
			"enable what is there: vic-preflight fix --allow",
			"or give the new one another key")
	}
	return service, nil
}

// byHand is a service for a file that is written by hand.
func (s *opening) byHand() (firewallxml.Service, error) {
	service, err := s.service()
	if err == nil && service.ID == checks.VMwareVIC {
		err = usageError(fmt.Errorf("%s %s is the key of a VIB's ruleset: a rule written by hand could be taken for one that lasts", s.flag, service.ID),
			"leave it away for "+checks.VICOutgoing+", the key that is known to be written by hand")
	}
	return service, err
}

func newRule(a *app) *cobra.Command {
	rule := &cobra.Command{
		Use:   "rule",
		Short: "Write a firewall rule for a host's own files",
		Args:  noCommand,
		RunE: func(*cobra.Command, []string) error {
			return usageError(errors.New("rule what?"), "vic-preflight rule render")
		},
	}
	rule.AddCommand(newRuleRender(a))
	return rule
}

// renderOptions are the flags of rule render.
type renderOptions struct {
	opening
	sshing
	file, host      string
	document, whole bool
}

func newRuleRender(a *app) *cobra.Command {
	o := &renderOptions{}
	cmd := &cobra.Command{
		Use:   "render",
		Short: "Print the <service> element for a host's service.xml",
		Long: `render prints the <service> element that lets the port out, as
/etc/vmware/firewall/service.xml of an ESXi host wants it. With --file, a copy
of that file, the element has the file's next number, and --whole prints the
file with the element in it and no other byte changed. --from-host takes the
file from a host, over SSH. Nothing is written but the output.

A rule that is written by hand is gone after a reboot of the host. What lasts is
a ruleset that ESXi brings itself (fix --allow), or one from a VIB (vib build).`,
		Example: joinLines(
			"  vic-preflight rule render",
			"",
			"  # with the right number, and in its place",
			"  scp root@esx01.example:/etc/vmware/firewall/service.xml .",
			"  vic-preflight rule render --file service.xml",
			"  vic-preflight rule render --file service.xml --whole > edited.xml",
			"",
			"  # the same for a host, over SSH",
			"  vic-preflight rule render --from-host esx01.example --ssh-key ~/.ssh/id_ed25519",
			"",
			"  # a file of its own, beside service.xml",
			"  vic-preflight rule render --document > vicoutgoing.xml",
		),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.execute(cmd.Context(), a) },
	}
	f := cmd.Flags()
	o.opening.register(f, checks.VICOutgoing)
	f.StringVar(&o.file, "file", "", "the host's service.xml, a `file` or - for standard input")
	f.StringVar(&o.host, "from-host", "", "take service.xml from this `host`, by name or address, over SSH")
	f.BoolVar(&o.whole, "whole", false, "print all of the file with the element in it")
	o.sshing.registerLogin(f)
	f.BoolVar(&o.document, "document", false, "print a whole file with this service alone")
	return cmd
}

// lostAtReboot is said on each run.
const lostAtReboot = `note: a rule written by hand does not survive a reboot of the host, whichever file it stands in
note: what does: vic-engine, or vSPC, where the host has it (vic-preflight fix --allow); elsewhere a VIB (vic-preflight vib build)
`

func (o *renderOptions) execute(ctx context.Context, a *app) error {
	text, err := o.render(ctx, a)
	if err != nil {
		return err
	}
	if _, err := a.stdout.Write(text); err != nil {
		return usageError(fmt.Errorf("write to standard output: %w", err))
	}
	fmt.Fprint(a.stderr, lostAtReboot)
	return nil
}

func (o *renderOptions) render(ctx context.Context, a *app) ([]byte, error) {
	switch {
	case o.document && (o.whole || o.file != "" || o.host != ""):
		return nil, usageError(errors.New("--document prints a file of its own: it takes neither --file nor --from-host nor --whole"))
	case o.file != "" && o.host != "":
		return nil, usageError(errors.New("--file and --from-host exclude each other"))
	case o.whole && o.file == "" && o.host == "":
		return nil, usageError(errors.New("--whole prints all of a file: which? --file names it, or --from-host its host"))
	}
	s, err := o.byHand()
	if err != nil {
		return nil, err
	}
	if o.document {
		return firewallxml.Document(s), nil
	}
	original, from, err := o.original(ctx, a)
	if err != nil {
		return nil, err
	}
	if original == nil {
		return firewallxml.Render(s), nil
	}
	edited, s, err := insert(original, s)
	if err != nil {
		return nil, usageError(fmt.Errorf("%s: %w", from, err))
	}
	if o.whole {
		return edited, nil
	}
	return firewallxml.Render(s), nil
}

// original reads the file that the rule is to go into, and says where it is from.
// There is none when none was named.
func (o *renderOptions) original(ctx context.Context, a *app) (*firewallxml.File, string, error) {
	if o.host != "" {
		return o.fromHost(ctx, a)
	}
	switch o.file {
	case "":
		return nil, "", nil
	case "-":
		return parseFirewall("standard input", a.stdin)
	}
	in, err := os.Open(o.file)
	if err != nil {
		return nil, "", usageError(fmt.Errorf("--file: %w", err))
	}
	defer in.Close()
	return parseFirewall(o.file, in)
}

func (o *renderOptions) fromHost(ctx context.Context, a *app) (*firewallxml.File, string, error) {
	from := o.host + ":" + fix.ServiceXML
	login, err := o.login(a)
	if err != nil {
		return nil, from, err
	}
	data, err := onhost.ReadFile(ctx, login, o.host, fix.ServiceXML)
	if err != nil {
		return nil, from, &exitError{code: exitUnknown, err: fmt.Errorf("read %s: %w", from, err)}
	}
	return parseFirewall(from, bytes.NewReader(data))
}

func parseFirewall(from string, in io.Reader) (*firewallxml.File, string, error) {
	data, err := io.ReadAll(io.LimitReader(in, firewallxml.MaxSize+1))
	if err != nil {
		return nil, from, usageError(fmt.Errorf("read %s: %w", from, err))
	}
	f, err := firewallxml.Parse(data)
	if err != nil {
		return nil, from, usageError(fmt.Errorf("%s: %w", from, err),
			"is it a copy of the host's /etc/vmware/firewall/service.xml? as it is, ESXi could not be relied on to understand it")
	}
	return f, from, nil
}

// insert returns the edited file, and the service as it stands in there. Nothing
// is handed out that does not read as what was meant.
func insert(original *firewallxml.File, s firewallxml.Service) ([]byte, firewallxml.Service, error) {
	edited, err := original.Insert(s)
	if err != nil {
		return nil, s, err
	}
	again, err := firewallxml.Parse(edited)
	if err != nil {
		return nil, s, fmt.Errorf("with %s in it: %w", s.ID, err)
	}
	services := again.Services()
	s.Number = services[len(services)-1].Number
	if !bytes.Equal(firewallxml.Render(services[len(services)-1]), firewallxml.Render(s)) {
		return nil, s, fmt.Errorf("with %s in it, it does not read as was meant", s.ID)
	}
	return edited, s, nil
}
