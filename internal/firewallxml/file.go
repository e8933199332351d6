// Package firewallxml reads and edits the firewall configuration files of ESXi,
// /etc/vmware/firewall/*.xml. Each holds one ConfigRoot with services, and each
// service becomes a ruleset whose key is the service's id.
//
// It is strict about what a ruleset would mean and easy about the rest: a
// direction, port or number that is not understood is an error that names line
// and element; comments, unknown elements and either kind of quote or line
// ending are let through. An edit changes not one byte of what was there.
//
// Three dialects are read. Files of ESXi 5.0 and later have porttype, enabled
// and required. Files of 4.x lack the last two, which then read as false, and
// write the port's type as an attribute, <port type='dst'>; both occur in the
// field on later hosts. Malformed variants from old installation guides, such as
// one closed by </port type>, are refused. What is written is always the form of
// 5.0 and later.
//
// The format is taken from VMware's documentation of vSphere 5.0 and from files
// that others published; no ESXi host was at hand. The package knows nothing of
// how a file reaches a host, or whether it survives a reboot there.
package firewallxml

import (
	"fmt"
	"io"
	"slices"
	"strconv"
)

// MaxSize bounds a file, in bytes. The service.xml of a host has some tens of
// thousands.
const MaxSize = 1 << 20

// File is a parsed configuration file. It is not changed by anything that is
// done with it.
type File struct {
	data     []byte
	services []Service
	ids      map[string]bool
	numbers  map[string]string // id of the first service by its number's key
	doubts   []string

	root *node
	last *node // the last service's element; nil when there is none
}

// Read is Parse of all that the reader holds, and of no more than MaxSize.
func Read(in io.Reader) (*File, error) {
	data, err := io.ReadAll(io.LimitReader(in, MaxSize+1))
	if err != nil {
		return nil, err
	}
	return Parse(data)
}

// Parse reads a file. It keeps a copy of data. What is wrong with the file is a
// *SyntaxError.
func Parse(data []byte) (*File, error) {
	if len(data) > MaxSize {
		return nil, &SyntaxError{Line: 1, Problem: fmt.Sprintf("it has %d bytes, and a firewall configuration file at most %d", len(data), MaxSize)}
	}
	root, err := parseTree(data)
	if err != nil {
		return nil, err
	}
	f := &File{data: slices.Clone(data), ids: map[string]bool{}, numbers: map[string]string{}, root: root}
	if err := f.read(); err != nil {
		return nil, err
	}
	return f, nil
}

// read turns the elements into services.
func (f *File) read() error {
	if err := f.root.noText(); err != nil {
		return err
	}
	for _, n := range f.root.children {
		if n.name != "service" {
			continue
		}
		s, err := readService(n)
		if err != nil {
			return err
		}
		if f.Has(s.ID) {
			return n.errorf("the id %.40q is there twice", s.ID)
		}
		if other := f.numbered(s.Number); other != "" {
			f.doubts = append(f.doubts, fmt.Sprintf("the services %.40s and %.40s have the same number, %.40q: what ESXi makes of that is not documented", other, s.ID, s.Number))
		} else if s.Number != "" {
			f.numbers[numberKey(s.Number)] = s.ID
		}
		f.services = append(f.services, s)
		f.ids[s.ID] = true
		f.last = n
	}
	return nil
}

// Doubts say what is odd about a file that is read and edited all the same: hosts run
// with services of the same number, since guides gave one that was taken.
func (f *File) Doubts() []string { return slices.Clone(f.doubts) }

// Services returns the services in the order of the file. The caller may change
// them.
func (f *File) Services() []Service {
	services := slices.Clone(f.services)
	for i := range services {
		services[i].Rules = slices.Clone(services[i].Rules)
	}
	return services
}

// Has reports whether the file has a service with the given id. ESXi's ids are
// case-sensitive.
func (f *File) Has(id string) bool { return f.ids[id] }

// numbered returns the id of the service that has the number, however padded;
// empty when there is none.
func (f *File) numbered(number string) string { return f.numbers[numberKey(number)] }

// NextNumber returns the number for a further service: the highest one in the
// file and one more, padded with zeros to the width of the highest. It is "0000"
// where no service has a number. Attributes that are no numbers ("vendor-a")
// occur and count for nothing.
func (f *File) NextNumber() string {
	next, width := 0, 4
	for _, s := range f.services {
		if n, ok := numeric(s.Number); ok && n >= next {
			next, width = n+1, len(s.Number)
		}
	}
	return fmt.Sprintf("%0*d", width, next)
}

// maxDigits bounds the numbers that are counted on from: nine digits fit any int.
const maxDigits = 9

// numeric returns the value of a service's number, and whether it is one.
func numeric(number string) (int, bool) {
	if number == "" || len(number) > maxDigits || !digits(number) {
		return 0, false
	}
	n, err := strconv.Atoi(number)
	return n, err == nil
}

func digits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}

// numberKey is the same for numbers that differ in padding alone.
func numberKey(number string) string {
	if n, ok := numeric(number); ok {
		return strconv.Itoa(n)
	}
	return number
}
