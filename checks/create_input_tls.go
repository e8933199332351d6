package checks

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"path/filepath"
	"slices"
)

// The reasons of tls.
const (
	NoTLS                       Reason = "no-tls"
	TLSNotVerified              Reason = "tls-not-verified"
	CertificateAndKeyApart      Reason = "certificate-and-key-apart"
	CertificateUnreadable       Reason = "certificate-unreadable"
	CertificateAndKeyUnfit      Reason = "certificate-and-key-unfit"
	CertificateNameDiffers      Reason = "certificate-name-differs"
	CertificateWithoutName      Reason = "certificate-without-name"
	CertificatePathNotEmpty     Reason = "certificate-path-not-empty"
	CertificateAuthorityInvalid Reason = "certificate-authority-invalid"
	FileNotRead                 Reason = "file-not-read"
)

// The files that vic-machine looks for, and writes, in the folder of --tls-cert-path:
// pkg/certificate.
const (
	serverCertFile = "server-cert.pem"
	serverKeyFile  = "server-key.pem"
	authorityFile  = "ca.pem"
)

func writtenFiles() []string {
	return []string{serverCertFile, serverKeyFile, authorityFile, "ca-key.pem", "cert.pem", "key.pem"}
}

// certificateFile is a file in the folder of certificates, which has the name of the
// virtual container host unless it is given.
func (v *VCH) certificateFile(name string) string {
	if v.CertPath != "" {
		return filepath.Join(v.CertPath, name)
	}
	return filepath.Join(v.Name, name)
}

// Files are those of this machine that the options name, and those that vic-machine looks
// for without being told: the keys of inventory.Workstation.Files. One of them may be a
// private key.
func (v *VCH) Files() []string {
	files := slices.Clone(v.RegistryCAs)
	if !v.NoTLS {
		files = append(files, v.ClientCAs...)
		for _, f := range []string{v.ServerCert, v.ServerKey} {
			if f != "" {
				files = append(files, f)
			}
		}
		for _, f := range writtenFiles() {
			files = append(files, v.certificateFile(f))
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// commonName is the name that a new certificate gets, or that a given one must have:
// ProcessCertificates of cmd/vic-machine/common/certificate.go. It is empty where there
// is none.
func (v *VCH) commonName() string {
	name := v.TLSName
	switch {
	case name != "":
	case v.Client.IP != "":
		name = v.Client.IP
	case v.Public.IP != "" && (!v.Client.Given || v.Public.Network == v.Client.Network):
		name = v.Public.IP
	case v.Management.IP != "" && v.Management.Given == v.Client.Given && v.Management.Network == v.Client.Network:
		name = v.Management.IP
	case v.Management.IP != "" && !v.Client.Given && v.Management.Given && v.Management.Network == v.Public.Network:
		name = v.Management.IP
	}
	if ip, _, err := net.ParseCIDR(name); err == nil {
		return ip.String()
	}
	return name
}

func tlsOptions() Check {
	return optionCheck(Check{
		ID:    "tls",
		Title: "The certificates can be loaded or made",
		Why:   "The virtual container host's API is as safe as its certificates.",
		Reasons: []Reason{
			NoTLS, TLSNotVerified, CertificateAndKeyApart, CertificateUnreadable, CertificateAndKeyUnfit, CertificateNameDiffers,
			CertificateWithoutName, CertificatePathNotEmpty, CertificateAuthorityInvalid, FileNotRead,
		},
	}, "--tls-cname", always, (*optionJudge).tls)
}

func (o *optionJudge) tls() {
	v := o.vch
	switch {
	case v.NoTLS:
		o.warn("--no-tls", NoTLS, "whoever reaches its API controls the virtual container host, and nothing is encrypted")
		return
	case (v.ServerCert == "") != (v.ServerKey == ""):
		o.refuse("--tls-server-cert", CertificateAndKeyApart, "--tls-server-cert and --tls-server-key are given together or not at all")
		return
	}
	if v.NoTLSVerify {
		o.warn("--no-tlsverify", TLSNotVerified, "whoever reaches its API controls the virtual container host")
	}
	before := len(o.results)
	authority, ok := o.read("--tls-ca", v.ClientCAs, CertificateUnreadable, o.gravity())
	loaded := false
	if ok {
		if loaded, ok = o.serverPair(); ok && loaded && !v.NoTLSVerify && len(authority) == 0 {
			authority, ok = o.defaultAuthority()
		}
	}
	switch {
	case ok:
	case v.Force && !o.unknown(before): // all that was loaded is dropped
		authority, loaded = nil, false
	default:
		return
	}
	client := !v.NoTLSVerify && len(authority) == 0
	if !loaded || client {
		o.generated(client)
	}
	if len(authority) > 0 && !v.NoTLSVerify && !x509.NewCertPool().AppendCertsFromPEM(authority) {
		o.refuse("--tls-ca", CertificateAuthorityInvalid, "there is no certificate in it")
	}
}

// gravity is what a file that cannot be loaded is: create goes on without it under
// --force.
func (o *optionJudge) gravity() Status {
	if o.vch.Force {
		return Warn
	}
	return Fail
}

func (o *optionJudge) unknown(from int) bool {
	return slices.ContainsFunc(o.results[from:], func(r Result) bool { return r.Status == Unknown })
}

// broken reports what create refuses, or only warns of under --force.
func (o *optionJudge) broken(option string, status Status, reason Reason, format string, args ...any) {
	if status == Warn {
		o.warn(option, reason, format+"; under --force create goes on without", args...)
		return
	}
	o.refuse(option, reason, format, args...)
}

// read joins the files of an option. ok is false where one could not be read, or was not.
func (o *optionJudge) read(option string, files []string, reason Reason, status Status) (content []byte, ok bool) {
	ok = true
	for _, name := range files {
		switch f, known := o.Files[name]; {
		case !known:
			o.say(option+" "+name, Unknown, "", FileNotRead, "the file was not read")
			ok = false
		case f.Unread != "":
			o.say(option+" "+name, Unknown, "", FileNotRead, "%s", f.Unread)
			ok = false
		case f.Err != "":
			o.broken(option+" "+name, status, reason, "%s", f.Err)
			ok = false
		default:
			content = append(content, f.Content...)
		}
	}
	return content, ok
}

// serverPair is loadCertificates of certificate.go as far as the server's pair. loaded is
// false where create makes one; ok is false where there is one and it does not serve.
func (o *optionJudge) serverPair() (loaded, ok bool) {
	v := o.vch
	cert, key, given := v.ServerCert, v.ServerKey, v.ServerCert != ""
	if !given {
		cert, key = v.certificateFile(serverCertFile), v.certificateFile(serverKeyFile)
		if o.Files[cert].Missing || o.Files[key].Missing {
			return false, true
		}
	}
	pem, ok := o.read("--tls-server-cert", []string{cert}, CertificateUnreadable, o.gravity())
	if !ok {
		return false, false
	}
	keyPEM, ok := o.read("--tls-server-key", []string{key}, CertificateUnreadable, o.gravity())
	if !ok {
		return false, false
	}
	pair, err := tls.X509KeyPair(pem, keyPEM)
	if err != nil { // its text can tell of the key, and is not shown
		o.broken("--tls-server-cert "+cert, o.gravity(), CertificateAndKeyUnfit, "it and %s are no pair of a certificate and its key, in PEM and without a passphrase", key)
		return false, false
	}
	name := v.commonName()
	if leaf, err := x509.ParseCertificate(pair.Certificate[0]); err == nil && name != "" && leaf.Subject.CommonName != name {
		o.broken("--tls-server-cert "+cert, o.gravity(), CertificateNameDiffers, "its common name is %q, and that of the options is %q", leaf.Subject.CommonName, name)
		return false, false
	}
	return true, true
}

// defaultAuthority is the one beside the server's pair, where there is one.
func (o *optionJudge) defaultAuthority() (content []byte, ok bool) {
	name := o.vch.certificateFile(authorityFile)
	if o.Files[name].Missing {
		return nil, true
	}
	return o.read("--tls-cert-path", []string{name}, CertificateUnreadable, o.gravity())
}

// generated is generateCertificates of certificate.go.
func (o *optionJudge) generated(client bool) {
	for _, name := range writtenFiles() {
		name = o.vch.certificateFile(name)
		if f, known := o.Files[name]; known && !f.Missing {
			o.refuse("--tls-cert-path", CertificatePathNotEmpty, "new certificates have to be made, and the folder for them is not empty: it has %s", name)
			break
		}
	}
	if client && o.vch.commonName() == "" {
		o.refuse("--tls-cname", CertificateWithoutName, "no name is given for the certificates that create has to make")
	}
}
