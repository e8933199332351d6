package fix

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// JournalVersion is the version of the journal's format. A journal of a later
// version is refused.
const JournalVersion = 4

// firstVersion is the oldest one that is read: it knows no changes on the hosts
// themselves. The setting of a vCenter came with the third, several requirements with the
// fourth.
const firstVersion = 1

// The journal is a file of JSON lines: a Header, then one Entry for each change of a host
// and a SettingEntry for that of the vCenter, written and synced before the change is made. Each line carries the digest of
// itself and the line before, so that an edit shows. A last line without its
// end was being written when the run was killed: its change was never made. The
// last record of a run that was not killed says that it is the end.

// Header is the journal's first line.
type Header struct {
	Journal   string    `json:"journal"`
	Version   int       `json:"version"`
	Tool      string    `json:"tool"`
	StartedAt time.Time `json:"startedAt"`
	// InstanceUUID and Address say which endpoint the changes were made on.
	InstanceUUID string `json:"instanceUuid"`
	Address      string `json:"address"`
	FullName     string `json:"fullName,omitempty"`
	// Datacenter is the path of the datacenter that the hosts are in.
	Datacenter string `json:"datacenter,omitempty"`
	// Requirements are what the changes are about; none in journals that do not say. Before
	// version 4 there was one alone, Requirement, without its rulesets and words.
	Requirements []JournalRequirement `json:"requirements,omitempty"`
	Requirement  *JournalRequirement  `json:"requirement,omitempty"`
}

// JournalRequirement is what a journal keeps of a checks.Requirement: all but the peers.
type JournalRequirement struct {
	Name      string       `json:"name"`
	Direction string       `json:"direction"`
	Protocol  string       `json:"protocol"`
	Ports     []int        `json:"ports"`
	Prefer    []string     `json:"prefer,omitempty"`
	Accept    []string     `json:"accept,omitempty"`
	Fallback  []string     `json:"fallback,omitempty"`
	Owner     checks.Owner `json:"owner,omitempty"`
	Daemon    string       `json:"daemon,omitempty"`
	Switched  string       `json:"switched,omitempty"`
	Momentary bool         `json:"momentary,omitempty"`
	// Since and Some are of a requirement that not all hosts have; Some have it by their
	// own settings, and the entries name it.
	Since      string `json:"since,omitempty"`
	Some       bool   `json:"some,omitempty"`
	Peer       string `json:"peer,omitempty"`
	PeerOption string `json:"peerOption,omitempty"`
	Breaks     string `json:"breaks,omitempty"`
}

// RequirementOf is what a journal keeps of the requirement.
func RequirementOf(r checks.Requirement) *JournalRequirement {
	return &JournalRequirement{
		Name: r.Name, Direction: r.Direction, Protocol: r.Protocol, Ports: r.Ports,
		Prefer: r.Prefer, Accept: r.Accept, Fallback: r.Fallback, Owner: r.Owner, Daemon: r.Daemon, Switched: r.Switched, Momentary: r.Momentary,
		Since: r.Since, Some: r.Of != nil, Peer: r.Peer, PeerOption: r.PeerOption, Breaks: r.Breaks,
	}
}

// requirement is what RequirementOf was made of, without peers and hosts.
func (r *JournalRequirement) requirement() checks.Requirement {
	if vic := checks.VIC(); r.Name == vic.Name && len(r.Prefer) == 0 {
		vic.Direction, vic.Protocol, vic.Ports = r.Direction, r.Protocol, r.Ports
		return vic
	}
	return checks.Requirement{
		Name: r.Name, Direction: r.Direction, Protocol: r.Protocol, Ports: r.Ports,
		Prefer: r.Prefer, Accept: r.Accept, Fallback: r.Fallback, Owner: r.Owner, Daemon: r.Daemon, Switched: r.Switched, Momentary: r.Momentary,
		Since: r.Since, Words: checks.Words{Peer: r.Peer, PeerOption: r.PeerOption, Breaks: r.Breaks},
	}
}

// required are the requirements of the run. A journal that does not say is of vic.
func (h *Header) required() []JournalRequirement {
	switch {
	case len(h.Requirements) > 0:
		return h.Requirements
	case h.Requirement != nil:
		return []JournalRequirement{*h.Requirement}
	}
	return []JournalRequirement{*RequirementOf(checks.VIC())}
}

// Required are the requirements of the run. Those that some hosts have are of the hosts
// whose entries name them.
func (r *Recorded) Required() []checks.Requirement {
	list := make([]checks.Requirement, 0, 1)
	for _, kept := range r.Header.required() {
		req := kept.requirement()
		if kept.Some {
			req.Of = map[string]*checks.Demand{}
			for _, e := range r.Entries {
				if slices.Contains(e.Requirements, req.Name) {
					req.Of[e.Host.ID] = &checks.Demand{}
				}
			}
		}
		list = append(list, req)
	}
	return list
}

const journalName = "vic-preflight"

// Entry is one change of a host.
type Entry struct {
	At      time.Time `json:"at"`
	Host    EntryHost `json:"host"`
	Ruleset string    `json:"ruleset"`
	// Requirements are the names of those that the change is for; none before version 4.
	Requirements []string     `json:"requirements,omitempty"`
	Before       journalState `json:"before"`
	After        journalState `json:"after"`
	// Method, and what it takes to undo it. There is none of an undo.
	Method Method       `json:"method,omitempty"`
	VIB    *journalVIB  `json:"vib,omitempty"`
	File   *journalFile `json:"file,omitempty"`
}

// SettingEntry is the change of the vCenter's setting.
type SettingEntry struct {
	// Name is inventory.SettingName.
	Name string `json:"name"`
	// Before is empty where it was not set.
	Before []string `json:"before,omitempty"`
	After  []string `json:"after"`
}

// settingRecord is a SettingEntry as it stands in the file.
type settingRecord struct {
	At      time.Time     `json:"at"`
	Setting *SettingEntry `json:"setting"`
}

// check refuses what Record does not write: a forged journal must not name another
// option of the vCenter.
func (e *SettingEntry) check() error {
	switch {
	case e.Name != inventory.SettingName:
		return fmt.Errorf("it is of the setting %q, and this program changes %s alone", e.Name, inventory.SettingName)
	case len(e.Before) > 1 || len(e.After) != 1:
		return errors.New("it is damaged")
	}
	return nil
}

type journalVIB struct {
	Name             string `json:"name"`
	ID               string `json:"id"`
	AcceptanceBefore string `json:"acceptanceBefore,omitempty"`
}

type journalFile struct {
	Path   string `json:"path"`
	Before []byte `json:"before"`
	After  []byte `json:"after"`
}

// EntryHost names the host of an entry.
type EntryHost struct {
	ID   string `json:"id"`
	UUID string `json:"uuid,omitempty"`
	Name string `json:"name"`
	Path string `json:"path"`
}

// journalState is a State with everything that is needed to restore it exactly.
type journalState struct {
	Absent  bool            `json:"absent,omitempty"`
	Enabled bool            `json:"enabled"`
	Allowed *journalAllowed `json:"allowed,omitempty"`
}

type journalAllowed struct {
	All      bool             `json:"all"`
	Addrs    []string         `json:"addresses,omitempty"`
	Networks []journalNetwork `json:"networks,omitempty"`
}

type journalNetwork struct {
	Address string `json:"address"`
	Bits    int    `json:"bits"`
}

func toJournal(s State) journalState {
	js := journalState{Absent: s.Absent, Enabled: s.Enabled}
	if s.Allowed != nil {
		js.Allowed = &journalAllowed{All: s.Allowed.All, Addrs: s.Allowed.Addrs}
		for _, n := range s.Allowed.Networks {
			js.Allowed.Networks = append(js.Allowed.Networks, journalNetwork(n))
		}
	}
	return js
}

func (js journalState) state() State {
	s := State{Absent: js.Absent, Enabled: js.Enabled}
	if js.Allowed != nil {
		s.Allowed = &inventory.AllowedHosts{All: js.Allowed.All, Addrs: js.Allowed.Addrs}
		for _, n := range js.Allowed.Networks {
			s.Allowed.Networks = append(s.Allowed.Networks, inventory.Network(n))
		}
	}
	return s
}

// Journal is an open journal. Record may be called concurrently; lines that
// come together share one sync.
type Journal struct {
	Path string

	mu      sync.Mutex
	file    syncWriter
	sum     string // digest of the last line
	next    *group // what the next sync will carry
	syncing bool
	failed  error
}

// syncWriter is the part of *os.File that a journal needs.
type syncWriter interface {
	io.Writer
	Sync() error
	Close() error
}

// group is a set of lines that go to disk together.
type group struct {
	lines bytes.Buffer
	done  chan struct{}
	err   error
}

// CreateJournal makes a new journal. It never overwrites a file, makes the
// folders above it, and returns when the header is on disk.
func CreateJournal(path string, h Header) (*Journal, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("create the journal: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create the journal: %w", err)
	}
	j, err := newJournal(f, h)
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write the journal %s: %w", path, err), f.Close(), os.Remove(path))
	}
	j.Path = path
	return j, nil
}

func newJournal(w syncWriter, h Header) (*Journal, error) {
	h.Journal, h.Version = journalName, JournalVersion
	j := &Journal{file: w, next: newGroup()}
	return j, j.append(h)
}

func newGroup() *group { return &group{done: make(chan struct{})} }

// syncDir makes the new name itself durable. Windows has no such call for a
// directory, and keeps names in a journal of its own.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Record writes the change and returns when it is on disk.
func (j *Journal) Record(c *Change) error {
	e := Entry{
		At: time.Now().UTC(), Ruleset: c.Ruleset, Requirements: c.For, Method: c.Method,
		Host:   EntryHost{ID: c.Host.ID, UUID: c.Host.UUID, Name: c.Host.Name, Path: c.Host.Path},
		Before: toJournal(c.Before), After: toJournal(c.After),
	}
	if c.VIB != nil {
		vib := journalVIB(*c.VIB)
		e.VIB = &vib
	}
	if c.File != nil {
		file := journalFile(*c.File)
		e.File = &file
	}
	return j.append(e)
}

// RecordSetting writes the change of the setting and returns when it is on disk.
func (j *Journal) RecordSetting(c *SettingChange) error {
	return j.append(settingRecord{time.Now().UTC(), &SettingEntry{inventory.SettingName, c.Before, c.After}})
}

// line is what stands in the file: the record and the digest of it and of the
// digest before.
type line struct {
	Record json.RawMessage `json:"record"`
	Sum    string          `json:"sum"`
}

func digest(previous string, record []byte) string {
	h := sha256.New()
	h.Write([]byte(previous))
	h.Write(record)
	return hex.EncodeToString(h.Sum(nil))
}

// append puts a record into the next group and waits until that is on disk.
// Whoever finds no sync under way makes the next one, for all that wait.
func (j *Journal) append(record any) error {
	text, err := json.Marshal(record)
	if err != nil {
		return err
	}
	j.mu.Lock()
	if j.failed != nil {
		defer j.mu.Unlock()
		return j.failed
	}
	sum := digest(j.sum, text)
	full, err := json.Marshal(line{Record: text, Sum: sum})
	if err == nil && len(full) > maxLine {
		err = fmt.Errorf("its record takes %d bytes, and undo reads up to %d", len(full), maxLine)
	}
	if err != nil {
		defer j.mu.Unlock()
		return err
	}
	j.sum = sum
	g := j.next
	g.lines.Write(full)
	g.lines.WriteByte('\n')
	if j.syncing {
		j.mu.Unlock()
		<-g.done
		return g.err
	}
	j.syncing = true
	for j.next.lines.Len() > 0 {
		j.flush()
	}
	j.syncing = false
	j.mu.Unlock()
	<-g.done
	return g.err
}

// flush writes and syncs the next group. It is called with the lock held, and
// gives it up meanwhile. After a failure the file's end is uncertain, so nothing
// more is written.
func (j *Journal) flush() {
	g := j.next
	j.next = newGroup()
	if j.failed == nil {
		j.mu.Unlock()
		_, err := j.file.Write(g.lines.Bytes())
		if err == nil {
			err = j.file.Sync()
		}
		j.mu.Lock()
		if err != nil && j.failed == nil {
			j.failed = err
		}
		g.err = err
	} else {
		g.err = j.failed
	}
	close(g.done)
}

// end is the last record of a run that came to its end.
type end struct {
	End bool `json:"end"`
}

// Close writes that the run came to its end, and closes the file. What Record
// returned well is on disk already.
func (j *Journal) Close() error { return errors.Join(j.append(end{true}), j.file.Close()) }

// JournalError means that a journal cannot be used.
type JournalError struct {
	Path string
	// Line counts from 1; 0 means the file as a whole.
	Line    int
	Problem string
}

func (e *JournalError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Path, e.Problem)
	}
	return fmt.Sprintf("%s line %d: %s", e.Path, e.Line, e.Problem)
}

// maxLine bounds a line of a journal, far beyond any allowed list.
const maxLine = 16 << 20

// Recorded is what a journal holds.
type Recorded struct {
	Header  Header
	Entries []Entry
	// Setting is nil where the vCenter's was not changed.
	Setting *SettingEntry
	// Complete journals come from a run that came to its end. Others are usable
	// all the same: the run was killed, or the file was cut.
	Complete bool
	// Torn journals end in the middle of a line, whose change was never made.
	Torn bool
}

// ReadJournal reads a journal. Damage is a *JournalError.
func ReadJournal(path string) (*Recorded, error) {
	f, err := infile.Open(path, infile.Huge)
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	defer f.Close()

	r := &Recorded{}
	sum := ""
	in := bufio.NewReaderSize(f, 1<<16)
	for n := 1; ; n++ {
		text, more, err := readLine(in)
		switch {
		case err != nil:
			return nil, &JournalError{path, n, err.Error()}
		case !more && n == 1:
			return nil, &JournalError{path, 0, "it is empty, or no journal of vic-preflight"}
		case !more:
			r.Torn = len(text) > 0
			return r, nil
		}
		if sum, err = r.take(n, text, sum); err != nil {
			return nil, &JournalError{path, n, err.Error()}
		}
	}
}

// take reads line n into r, and returns its digest.
func (r *Recorded) take(n int, text []byte, previous string) (sum string, err error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil || len(l.Record) == 0 {
		if n == 1 {
			return "", errors.New("it is no journal of vic-preflight")
		}
		return "", errors.New("it is damaged")
	}
	if n == 1 {
		if err := readHeader(l.Record, &r.Header); err != nil {
			return "", err
		}
	}
	if sum = digest(previous, l.Record); sum != l.Sum {
		return "", errors.New("it was changed after it was written")
	}
	if n == 1 {
		return sum, nil
	}
	return sum, r.takeChange(l.Record)
}

// takeChange reads the record of a change, or the end, into r.
func (r *Recorded) takeChange(text []byte) error {
	var record struct {
		Entry
		Setting *SettingEntry `json:"setting"`
		end
	}
	err := json.Unmarshal(text, &record)
	switch {
	case err != nil, r.Complete, record.Setting != nil && r.Setting != nil: // a run changes it once
		return errors.New("it is damaged")
	case record.End:
		r.Complete = true
	case record.Setting != nil:
		r.Setting = record.Setting
		return r.Setting.check()
	default:
		r.Entries = append(r.Entries, record.Entry)
		return r.Header.names(record.Requirements)
	}
	return nil
}

// names refuses names of requirements that the header has not.
func (h *Header) names(list []string) error {
	for _, name := range list {
		if !slices.ContainsFunc(h.required(), func(r JournalRequirement) bool { return r.Name == name }) {
			return fmt.Errorf("it is damaged: it is of the requirement %q, and the journal of others", name)
		}
	}
	return nil
}

// readLine returns a line without its end; more is false for what stands after
// the last one.
func readLine(in *bufio.Reader) (text []byte, more bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		text = append(text, part...)
		switch {
		case err == nil:
			return text[:len(text)-1], true, nil
		case errors.Is(err, io.EOF):
			return text, false, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, false, err
		case len(text) > maxLine:
			return nil, false, errors.New("it is too long for a journal")
		}
	}
}

func readHeader(record []byte, h *Header) error {
	if err := json.Unmarshal(record, h); err != nil || h.Journal != journalName {
		return errors.New("it is no journal of vic-preflight")
	}
	if h.Version < firstVersion || h.Version > JournalVersion {
		return fmt.Errorf("it is a journal of version %d, and this program reads versions %d to %d", h.Version, firstVersion, JournalVersion)
	}
	seen := map[string]bool{}
	for _, kept := range h.required() {
		req := kept.requirement()
		switch err := req.Validate(); {
		case err != nil:
			return fmt.Errorf("it is damaged: %w", err)
		case seen[req.Name]:
			return fmt.Errorf("it is damaged: it has the requirement %s twice", req.Name)
		case !slices.Contains([]checks.Owner{"", checks.ByUser, checks.ByService, checks.ByHost}, req.Owner):
			return fmt.Errorf("it is damaged: nobody known switches the rulesets of %s: %q", req.Name, req.Owner)
		}
		seen[req.Name] = true
	}
	return nil
}
