package vib

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"hash"
)

// The names of what a checksum is made by, and of what it is made over: gunzip
// means the unpacked payload, nothing the packed one.
const (
	sha1Name   = "sha-1"
	sha256Name = "sha-256"
	gunzip     = "gunzip"
)

// digests computes both checksums of what is written to it, and its length.
type digests struct {
	sha1, sha256 hash.Hash
	size         int64
}

func newDigests() *digests { return &digests{sha1: sha1.New(), sha256: sha256.New()} }

func (d *digests) Write(p []byte) (int, error) {
	d.sha1.Write(p)
	d.sha256.Write(p)
	d.size += int64(len(p))
	return len(p), nil
}

// sum returns a checksum in lower-case hexadecimal digits; empty when the
// algorithm is not known.
func (d *digests) sum(algorithm string) string {
	switch algorithm {
	case sha1Name:
		return hex.EncodeToString(d.sha1.Sum(nil))
	case sha256Name:
		return hex.EncodeToString(d.sha256.Sum(nil))
	}
	return ""
}

// sum returns the checksum element of data.
func sum(algorithm, process string, data []byte) checksum {
	d := newDigests()
	_, _ = d.Write(data) // which takes everything
	return checksum{Algorithm: algorithm, Process: process, Sum: d.sum(algorithm)}
}
