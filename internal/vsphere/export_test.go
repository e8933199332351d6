package vsphere

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// Private functions, for the tests.
var (
	ParseObject      = parseObject
	ParseList        = parseList
	HasSerialFeature = hasSerialFeature
	MadeAt           = madeAt
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

// Limiting is a transport under a limiter, and its present bound.
func Limiting(next http.RoundTripper, most int) (http.RoundTripper, func() int) {
	l := newLimiter(most)
	return limiting{next, l}, func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.limit
	}
}

// WithCallBound is withCallBound, for the tests.
var WithCallBound = withCallBound
