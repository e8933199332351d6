package vsphere

import (
	"sync"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// keeper keeps what was decoded for all answers of a session, so that hosts
// share what they have in common. Its methods may be called concurrently.
type keeper struct {
	mu       sync.Mutex
	words    map[string]string
	rulesets map[string]*keptRuleset // by raw
	lists    map[string][]*inventory.Ruleset
	values   map[keptValue]types.AnyType
}

// keptValue is a value's type and its bytes.
type keptValue struct{ kind, raw string }

// keptRuleset is a ruleset element and what came of it.
type keptRuleset struct {
	raw     string
	number  int
	ruleset *inventory.Ruleset
}

// begins reports whether text begins with the ruleset's bytes.
func (k *keptRuleset) begins(text []byte) bool {
	return len(text) >= len(k.raw) && string(text[:len(k.raw)]) == k.raw
}

func newKeeper() *keeper {
	return &keeper{
		words: map[string]string{}, rulesets: map[string]*keptRuleset{}, lists: map[string][]*inventory.Ruleset{},
		values: map[keptValue]types.AnyType{},
	}
}

// word returns one copy of a name that comes again and again.
func (k *keeper) word(text []byte) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	w, ok := k.words[string(text)]
	if !ok {
		w = string(text)
		k.words[w] = w
	}
	return w
}

// keep returns what is kept for the bytes, or keeps what decode makes of them.
func (k *keeper) keep(raw []byte, decode func() (*inventory.Ruleset, bool)) (*keptRuleset, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if kept := k.rulesets[string(raw)]; kept != nil {
		return kept, true
	}
	rs, ok := decode()
	if !ok {
		return nil, false
	}
	kept := &keptRuleset{string(raw), len(k.rulesets), rs}
	k.rulesets[kept.raw] = kept
	return kept, true
}

// same returns what is kept for the bytes of a value of the kind, or keeps what decode
// makes of them.
func (k *keeper) same(kind string, raw []byte, decode func() (types.AnyType, bool)) (types.AnyType, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if v, ok := k.values[keptValue{kind, string(raw)}]; ok {
		return v, true
	}
	v, ok := decode()
	if ok {
		k.values[keptValue{kind, string(raw)}] = v
	}
	return v, ok
}

// list returns one slice for all hosts that have the same rulesets.
func (k *keeper) list(found []*keptRuleset) []*inventory.Ruleset {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := make([]byte, 0, 4*len(found))
	for _, f := range found {
		key = append(key, byte(f.number), byte(f.number>>8), byte(f.number>>16), byte(f.number>>24))
	}
	list, ok := k.lists[string(key)]
	if !ok {
		list = make([]*inventory.Ruleset, len(found))
		for i, f := range found {
			list[i] = f.ruleset
		}
		k.lists[string(key)] = list
	}
	return list
}
