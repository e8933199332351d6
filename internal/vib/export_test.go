package vib

import "io"

// ReadSmall is Read with limits that a test can go beyond.
func ReadSmall(r io.Reader) (*Package, error) {
	return read(r, limits{members: 6, payloads: 5, packed: 1 << 20, unpacked: 1 << 20, files: 20, names: 1 << 10, descriptor: 1 << 14, firewall: 1 << 14})
}
