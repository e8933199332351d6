package vsphere

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// Private functions, for the tests.
var (
	ParseObject    = parseObject
	ParseList      = parseList
	LicenseOf      = licenseOf
	MadeAt         = madeAt
	Together       = together
	WithoutSecrets = withoutSecrets
)

// ProbeTag is probeTag, for the tests.
const ProbeTag = probeTag

// Oracle reads an answer by govmomi's decoder alone.
func Oracle(body io.Reader) (Answer, error) {
	text, err := io.ReadAll(body)
	if err != nil {
		return Answer{}, err
	}
	if strings.Contains(string(text), "<Continue") {
		var next methods.ContinueRetrievePropertiesExBody
		return decodeAnswer(bytes.NewReader(text), &next, func() *types.RetrieveResult { return &next.Res.Returnval })
	}
	var first methods.RetrievePropertiesExBody
	return decodeAnswer(bytes.NewReader(text), &first, func() *types.RetrieveResult { return first.Res.Returnval })
}

// ReadAnswer reads an answer as a session does, and tells whether it was left to
// govmomi from some part on.
func ReadAnswer(body io.Reader, kept *Keeper) (a Answer, left bool, err error) {
	a, err = readAnswer(body, kept, func(rest io.Reader) (Answer, error) {
		left = true
		return Oracle(rest)
	})
	return a, left, err
}

// Answer is what was read.
type Answer = answer

// Objects are those of the page.
func (a answer) Objects() []types.ObjectContent { return a.objects }

// Token asks for the next page.
func (a answer) Token() string { return a.token }

// Keeper keeps what answers share.
type Keeper = keeper

// NewKeeper keeps nothing yet.
var NewKeeper = newKeeper

// WindowSize is what is read ahead.
const WindowSize = windowSize

// RulesetsIn are those of a value that is a firewall's.
func RulesetsIn(v types.AnyType) []*inventory.Ruleset { return v.(firewallFacts).rulesets }

// Limiting is a transport under a limiter that does not grow, and its present
// bound.
func Limiting(next http.RoundTripper, usual int) (http.RoundTripper, func() int) {
	return GrowingLimiting(next, usual, 0)
}

// GrowingLimiting is one under a limiter that may grow.
func GrowingLimiting(next http.RoundTripper, usual, most int) (http.RoundTripper, func() int) {
	l := newLimiter(usual, most)
	return limitedTransport{next, l}, l.Bound
}

// Limiter is limiter, for the tests.
type Limiter = limiter

// NewLimiter is newLimiter, for the tests.
var NewLimiter = newLimiter

// Bound is bound, for the tests.
func (l *limiter) Bound() int { return l.bound() }

// Answered is answered, for the tests.
func (l *limiter) Answered(method string, took time.Duration) { l.answered(method, took) }

// Round makes as many calls at a time as the bound lets while more are waiting,
// each of which takes so long, or is pushed back.
func (l *limiter) Round(ctx context.Context, method string, took time.Duration, pushedBack bool) error {
	epochs := make([]int, l.Bound())
	for i := range epochs {
		var err error
		if epochs[i], err = l.acquire(ctx); err != nil {
			return err
		}
	}
	if !pushedBack {
		l.wait(1)
		for range epochs {
			l.answered(method, took)
		}
		l.wait(-1)
	}
	for _, epoch := range epochs {
		l.release(epoch, pushedBack)
	}
	return nil
}

// Grow raises a session's bound as far as it may.
func Grow(s *Session) {
	l := s.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	l.set(l.most)
	l.tell()
}

// What is waited before a call is sent again.
var (
	Pauses   = pauses
	ComeBack = comeBack
)

// WithCallBound is withCallBound, for the tests.
var WithCallBound = withCallBound

// Assignment is assignment, for the tests.
type Assignment = assignment

// Entity is what the license is assigned to.
func (a assignment) Entity() string { return a.entity }

// License is what is assigned.
func (a assignment) License() *inventory.License { return a.license }

// ReadAssigned reads an answer to QueryAssignedLicenses.
func ReadAssigned(body io.Reader) ([]Assignment, error) {
	return readAssigned(body, new(methods.QueryAssignedLicensesBody))
}
