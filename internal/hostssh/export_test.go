package hostssh

import "golang.org/x/crypto/ssh"

// Verify is verify, for the tests.
func (k *Known) Verify(h Host, port int) ssh.HostKeyCallback { return k.verify(h, port) }

// Algorithms are algorithms, for the tests.
func (k *Known) Algorithms(h Host, port int) []string { return k.algorithms(h, port) }
