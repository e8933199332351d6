package hostssh

import (
	"errors"
	"sync"
)

var (
	errRefused = errors.New("the host refused the login")
	// errAgain spares the host a password that it has refused.
	errAgain = errors.New("the host refused the login before, and the same password is not sent again: hosts lock accounts out")
)

// Refusals are the passwords that hosts have refused. Who logs in again and again has one of
// them for all its logins. The zero value has none, and nil remembers none.
type Refusals struct{ of sync.Map }

// refusal is a login that was refused: by a host, which two may have one address of behind
// different machines.
type refusal struct{ name, address, user, password string }

func (r *Refusals) has(login refusal) bool {
	if r == nil || login.password == "" {
		return false
	}
	_, refused := r.of.Load(login)
	return refused
}

func (r *Refusals) add(login refusal) {
	if r != nil {
		r.of.Store(login, true)
	}
}
