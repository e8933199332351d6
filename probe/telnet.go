package probe

import (
	"bytes"
	"strings"
)

// The telnet options by which ESXi's vmx speaks to a virtual serial port
// concentrator: VMware's "Using a Proxy with Virtual Serial Ports", and
// lib/vspc/vspc.go of vmware/vic. The virtual machine offers the VMWARE
// extension, names the service it wants, and tells its UUID when asked.
const (
	iac  = 255
	dont = 254
	do   = 253
	wont = 252
	will = 251
	sb   = 250
	se   = 240

	optBinary = 0
	optSGA    = 3
	optVMware = 232

	subKnown1    = 0
	subKnown2    = 1
	subUnknown1  = 2
	subUnknown2  = 3
	subDoProxy   = 70
	subWillProxy = 71
	subVMUUID    = 80
	subGetVMUUID = 81
	subVMName    = 82
	subGetVMName = 83
)

// vmx is what a telnet peer has told of itself.
type vmx struct {
	// seen is set once the peer offered the VMWARE extension.
	seen bool
	// UUID is the virtual machine's instance UUID in lower case without
	// blanks, URI the service it asked the proxy for, Name its name.
	UUID, URI, Name string
}

// negotiation is the proxy's side of the telnet options of one connection.
type negotiation struct {
	vmx
	in  []byte // what is not understood yet
	out bytes.Buffer
}

// feed takes bytes from the peer. What to send back is in n.out.
func (n *negotiation) feed(p []byte) {
	n.in = append(n.in, p...)
	for {
		used := n.step()
		if used == 0 {
			return
		}
		n.in = n.in[used:]
	}
}

// step handles what stands first and returns how many bytes that was, 0 when
// more are needed.
func (n *negotiation) step() int {
	if len(n.in) == 0 {
		return 0
	}
	if n.in[0] != iac {
		return 1 // the serial port's own data
	}
	if len(n.in) < 2 {
		return 0
	}
	switch n.in[1] {
	case will, wont, do, dont:
		if len(n.in) < 3 {
			return 0
		}
		n.option(n.in[1], n.in[2])
		return 3
	case sb:
		return n.subnegotiation()
	}
	return 2
}

func (n *negotiation) option(verb, opt byte) {
	known := opt == optVMware || opt == optBinary || opt == optSGA
	switch {
	case verb == will && opt == optVMware:
		n.seen = true
		n.out.Write([]byte{iac, do, opt})
	case verb == will && known:
		n.out.Write([]byte{iac, do, opt})
	case verb == will:
		n.out.Write([]byte{iac, dont, opt})
	case verb == do && known:
		n.out.Write([]byte{iac, will, opt})
	case verb == do:
		n.out.Write([]byte{iac, wont, opt})
	}
}

func (n *negotiation) subnegotiation() int {
	end := bytes.Index(n.in, []byte{iac, se})
	// IAC IAC inside is an escaped 255, whose second half may look like one.
	for end > 0 && escaped(n.in[:end]) {
		next := bytes.Index(n.in[end+1:], []byte{iac, se})
		if next < 0 {
			return 0
		}
		end += 1 + next
	}
	if end < 0 {
		return 0
	}
	body := bytes.ReplaceAll(n.in[2:end], []byte{iac, iac}, []byte{iac})
	if len(body) >= 2 && body[0] == optVMware {
		n.vmware(body[1], body[2:])
	}
	return end + 2
}

// escaped reports whether the bytes end in an odd number of IACs: then the IAC
// that follows belongs to the last of them.
func escaped(p []byte) bool {
	count := 0
	for i := len(p) - 1; i >= 2 && p[i] == iac; i-- {
		count++
	}
	return count%2 == 1
}

func (n *negotiation) vmware(sub byte, data []byte) {
	n.seen = true
	switch sub {
	case subKnown1:
		n.send(subKnown2, subKnown1, subKnown2, subUnknown1, subUnknown2, subDoProxy, subWillProxy,
			subVMUUID, subGetVMUUID, subVMName, subGetVMName)
	case subDoProxy:
		if len(data) > 0 { // direction, then the URI
			n.URI = string(data[1:])
		}
		n.send(subWillProxy)
		n.send(subGetVMUUID)
		n.send(subGetVMName)
	case subVMUUID:
		n.UUID = normalUUID(string(data))
	case subVMName:
		n.Name = string(data)
	case subUnknown1, subUnknown2, subKnown2:
	default:
		n.send(subUnknown1, sub)
	}
}

func (n *negotiation) send(sub byte, data ...byte) {
	n.out.Write([]byte{iac, sb, optVMware, sub})
	n.out.Write(bytes.ReplaceAll(data, []byte{iac}, []byte{iac, iac}))
	n.out.Write([]byte{iac, se})
}

// normalUUID brings vmx's spelling ("56 4d 3e ... -...") and the API's together.
func normalUUID(s string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "", "{", "", "}", "", "\x00", "").Replace(s))
}
