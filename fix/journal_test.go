package fix_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// disk is a file in memory that counts its syncs and fails on demand.
type disk struct {
	mu        sync.Mutex
	written   bytes.Buffer
	synced    int // bytes that are safe
	syncs     int
	failAfter int // bytes; 0 means never
	slow      time.Duration
}

func (d *disk) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failAfter > 0 && d.written.Len()+len(p) > d.failAfter {
		return 0, errors.New("no space left on device")
	}
	return d.written.Write(p)
}

func (d *disk) Sync() error {
	time.Sleep(d.slow)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.synced, d.syncs = d.written.Len(), d.syncs+1
	return nil
}

func (d *disk) Close() error { return nil }

func change(i int) *fix.Change {
	h := host(vSPC(false, addresses("10.0.0.1", "2001:DB8::1")))
	h.ID, h.Name = fmt.Sprintf("host-%d", i), fmt.Sprintf("esx%d", i)
	return &fix.Change{
		Host: &h, Ruleset: "vSPC",
		Before: fix.State{Allowed: &inventory.AllowedHosts{Addrs: []string{"10.0.0.1"}, Networks: []inventory.Network{{Address: "10.1.0.0", Bits: 16}}}},
		After:  fix.State{Enabled: true, Allowed: everyone()},
	}
}

func written(changes int) string {
	GinkgoHelper()
	path := filepath.Join(GinkgoT().TempDir(), "deep", "er", "j.jsonl")
	j, err := fix.CreateJournal(path, fix.Header{Tool: "test", Address: "vc.example", InstanceUUID: "u-1"})
	Expect(err).NotTo(HaveOccurred())
	for i := range changes {
		Expect(j.Record(change(i))).To(Succeed())
	}
	Expect(j.Close()).To(Succeed())
	return path
}

func edit(path string, f func(string) string) {
	GinkgoHelper()
	text, err := os.ReadFile(path)
	Expect(err).NotTo(HaveOccurred())
	Expect(os.WriteFile(path, []byte(f(string(text))), 0o600)).To(Succeed())
}

var _ = Describe("the journal", func() {
	It("reads back what was written, and is nobody else's to read", func() {
		path := written(2)
		r, err := fix.ReadJournal(path)
		Expect(err).NotTo(HaveOccurred())
		Expect(r.Torn).To(BeFalse())
		Expect(r.Complete).To(BeTrue())
		Expect(r.Header.InstanceUUID).To(Equal("u-1"))
		Expect(r.Header.Version).To(Equal(fix.JournalVersion))
		Expect(r.Entries).To(HaveLen(2))
		Expect(r.Entries[1].Host.Name).To(Equal("esx1"))
		info, err := os.Stat(path)
		Expect(err).NotTo(HaveOccurred())
		Expect(info.Mode().Perm()).To(Equal(os.FileMode(0o600)))
	})

	It("keeps what the changes are about", func() {
		path := filepath.Join(GinkgoT().TempDir(), "j.jsonl")
		req := checks.VIC()
		req.Ports = []int{2378}
		j, err := fix.CreateJournal(path, fix.Header{Requirement: fix.RequirementOf(req)})
		Expect(err).NotTo(HaveOccurred())
		Expect(j.Close()).To(Succeed())
		r, err := fix.ReadJournal(path)
		Expect(err).NotTo(HaveOccurred())
		Expect(r.Required()).To(Equal([]checks.Requirement{req}), "with the words and the rulesets of vic")

		By("of a requirement that this program has no words for")
		other := fix.Recorded{Header: fix.Header{Requirement: &fix.JournalRequirement{Name: "backup", Direction: "inbound", Protocol: "tcp", Ports: []int{902}}}}
		Expect(other.Required()).To(Equal([]checks.Requirement{{Name: "backup", Direction: "inbound", Protocol: "tcp", Ports: []int{902}}}))

		By("which a journal that does not say is not")
		silent := fix.Recorded{}
		Expect(silent.Required()).To(Equal([]checks.Requirement{checks.VIC()}))
	})

	It("is refused when what it is about makes no sense", func() {
		path := filepath.Join(GinkgoT().TempDir(), "j.jsonl")
		j, err := fix.CreateJournal(path, fix.Header{Requirement: &fix.JournalRequirement{Name: "x", Direction: "sideways"}})
		Expect(err).NotTo(HaveOccurred())
		Expect(j.Close()).To(Succeed())
		_, err = fix.ReadJournal(path)
		Expect(err).To(MatchError(ContainSubstring(`"sideways" is neither outbound nor inbound`)))
	})

	It("keeps all requirements, and whom each is of", func() {
		udp, ntp := need("udp", "outbound", "udp", 514, "syslog", "10.0.0.1"), need("ntp", "outbound", "udp", 123, "ntpClient")
		ntp.Owner, ntp.Daemon, ntp.Accept, ntp.Since = checks.ByService, "ntpd", []string{"site"}, "8.0.2"
		udp.Owner, udp.Switched, udp.Momentary, udp.Fallback = checks.ByHost, "by the first mount", true, []string{"vSPC"}
		udp.Of = map[string]*checks.Demand{"host-1": {Peers: udp.Peers}, "host-2": {Peers: udp.Peers}}
		d := &disk{}
		j, err := fix.NewJournalOn(d, fix.Header{Requirements: []fix.JournalRequirement{*fix.RequirementOf(udp), *fix.RequirementOf(ntp)}})
		Expect(err).NotTo(HaveOccurred())
		c := change(1)
		c.For = []string{"udp", "ntp"}
		Expect(j.Record(c)).To(Succeed())
		Expect(j.Record(change(2))).To(Succeed())
		other := change(3)
		other.For = []string{"ntp"}
		Expect(j.Record(other)).To(Succeed())
		r, err := fix.ReadJournal(kept(d.written.String()))
		Expect(err).NotTo(HaveOccurred())
		udp.Peers, udp.Of = nil, map[string]*checks.Demand{"host-1": {}}
		ntp.Peers = nil
		Expect(r.Required()).To(Equal([]checks.Requirement{udp, ntp}), "its peers may be others by now")
	})

	DescribeTable("is refused where it is of nothing that could be", func(header, entry, says string) {
		head := `{"journal":"vic-preflight","version":4,"tool":"t","startedAt":"2026-01-02T03:04:05Z","instanceUuid":"u-1","address":"vc.example",` + header + `}`
		_, err := fix.ReadJournal(kept(signed(head, `{"at":"2026-01-02T03:04:06Z","host":{"id":"host-1","name":"esx1","path":"/dc1"},"ruleset":"syslog","before":{"enabled":false},"after":{"enabled":true}`+entry+`}`)))
		if says == "" {
			Expect(err).NotTo(HaveOccurred())
			return
		}
		Expect(err).To(MatchError(ContainSubstring(says)))
	},
		Entry("well", `"requirements":[{"name":"a","direction":"outbound","protocol":"udp","ports":[514]}]`, `,"requirements":["a"]`, ""),
		Entry("of one as before", `"requirement":{"name":"a","direction":"outbound","protocol":"udp","ports":[514]}`, `,"requirements":["a"]`, ""),
		Entry("a change for another", `"requirements":[{"name":"a","direction":"outbound","protocol":"udp","ports":[514]}]`, `,"requirements":["b"]`, `line 2: it is damaged: it is of the requirement "b"`),
		Entry("no port", `"requirements":[{"name":"a","direction":"outbound","protocol":"udp","ports":[0]}]`, ``, "line 1: it is damaged: the requirement a: 0 is not a port"),
		Entry("one twice", `"requirements":[{"name":"a","direction":"outbound","protocol":"udp","ports":[514]},{"name":"a","direction":"inbound","protocol":"udp","ports":[514]}]`, ``, "it has the requirement a twice"),
		Entry("an owner that is none", `"requirements":[{"name":"a","direction":"outbound","protocol":"udp","ports":[514],"owner":"nobody"}]`, ``, `nobody known switches the rulesets of a: "nobody"`),
	)

	It("never overwrites a file", func() {
		path := written(1)
		_, err := fix.CreateJournal(path, fix.Header{})
		Expect(err).To(MatchError(ContainSubstring("file exists")))
		r, err := fix.ReadJournal(path)
		Expect(err).NotTo(HaveOccurred())
		Expect(r.Entries).To(HaveLen(1))
	})

	It("is refused where there can be no file", func() {
		_, err := fix.CreateJournal("/dev/null/x/j.jsonl", fix.Header{})
		Expect(err).To(MatchError(ContainSubstring("not a directory")))
	})

	It("is usable when its last line was cut off", func() {
		path := written(3)
		edit(path, func(s string) string { // without the end, and without a piece of the last change
			lines := strings.SplitAfter(s, "\n")
			return lines[0] + lines[1] + lines[2] + lines[3][:len(lines[3])-20]
		})
		r, err := fix.ReadJournal(path)
		Expect(err).NotTo(HaveOccurred())
		Expect(r.Torn).To(BeTrue())
		Expect(r.Complete).To(BeFalse())
		Expect(r.Entries).To(HaveLen(2))
	})

	It("is usable, and known to be cut, when whole lines are missing at its end", func() {
		path := written(3)
		edit(path, func(s string) string { return strings.Join(strings.SplitAfter(s, "\n")[:3], "") })
		r, err := fix.ReadJournal(path)
		Expect(err).NotTo(HaveOccurred())
		Expect(r.Torn).To(BeFalse())
		Expect(r.Complete).To(BeFalse())
		Expect(r.Entries).To(HaveLen(2))
	})

	DescribeTable("is refused",
		func(f func(string) string, message string) {
			path := written(3)
			edit(path, f)
			_, err := fix.ReadJournal(path)
			var damage *fix.JournalError
			Expect(errors.As(err, &damage)).To(BeTrue(), "%v", err)
			Expect(err).To(MatchError(ContainSubstring(message)))
		},
		Entry("edited", func(s string) string { return strings.Replace(s, "10.0.0.1", "10.0.0.2", 1) }, "line 2: it was changed after it was written"),
		Entry("a line taken out", func(s string) string {
			lines := strings.SplitAfter(s, "\n")
			return lines[0] + lines[2] + lines[3]
		}, "line 2: it was changed"),
		Entry("two lines swapped", func(s string) string {
			lines := strings.SplitAfter(s, "\n")
			return lines[0] + lines[2] + lines[1] + lines[3]
		}, "line 2: it was changed"),
		Entry("of another version", func(s string) string { return strings.Replace(s, `"version":4`, `"version":5`, 1) }, "a journal of version 5, and this program reads versions 1 to 4"),
		Entry("something else", func(string) string { return `{"a":1}` + "\n" }, "it is no journal"),
		Entry("text", func(string) string { return "hello\n" }, "it is no journal"),
		Entry("empty", func(string) string { return "" }, "it is empty"),
		Entry("cut in its header", func(s string) string { return s[:50] }, "it is empty, or no journal"),
		Entry("garbage in the middle", func(s string) string {
			lines := strings.SplitAfter(s, "\n")
			return lines[0] + "garbage\n" + lines[2]
		}, "line 2: it is damaged"),
	)

	It("says that a file is not there", func() {
		_, err := fix.ReadJournal("/nonexistent/j.jsonl")
		Expect(err).To(MatchError(os.ErrNotExist))
	})

	It("returns only when the line is safe, and syncs for many at once", func() {
		d := &disk{slow: 5 * time.Millisecond}
		j, err := fix.NewJournalOn(d, fix.Header{})
		Expect(err).NotTo(HaveOccurred())
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				defer GinkgoRecover()
				Expect(j.Record(change(i))).To(Succeed())
				d.mu.Lock()
				defer d.mu.Unlock()
				Expect(d.written.String()[:d.synced]).To(ContainSubstring(fmt.Sprintf(`"id":"host-%d"`, i)))
			})
		}
		wg.Wait()
		Expect(d.syncs).To(BeNumerically("<", 100), "200 lines one by one would take 200 syncs")
	})

	It("takes no record that it could not read again", func() {
		path := filepath.Join(GinkgoT().TempDir(), "j.jsonl")
		j, err := fix.CreateJournal(path, fix.Header{})
		Expect(err).NotTo(HaveOccurred())
		h := host(engine(false))
		change := &fix.Change{Host: &h, Ruleset: "vic-engine", Method: fix.MethodServiceXML, File: &fix.FileChange{Before: make([]byte, 16<<20)}}
		Expect(j.Record(change)).To(MatchError(ContainSubstring("and undo reads up to 16777216")))
		change.File = nil
		Expect(j.Record(change)).To(Succeed(), "others are recorded all the same")
		Expect(j.Close()).To(Succeed())
		recorded, err := fix.ReadJournal(path)
		Expect(err).NotTo(HaveOccurred())
		Expect(recorded.Entries).To(HaveLen(1))
	})

	It("is refused where it goes on after its end", func() {
		d := &disk{}
		j, err := fix.NewJournalOn(d, fix.Header{})
		Expect(err).NotTo(HaveOccurred())
		Expect(j.Close()).To(Succeed())
		_, err = fix.ReadJournal(kept(d.written.String()))
		Expect(err).NotTo(HaveOccurred())
		Expect(j.Record(change(0))).To(Succeed(), "a disk in memory takes it")
		_, err = fix.ReadJournal(kept(d.written.String()))
		Expect(err).To(MatchError(ContainSubstring("line 3: it is damaged")), "nothing comes after the end")
	})
	It("fails every change after a write that failed", func() {
		d := &disk{}
		j, err := fix.NewJournalOn(d, fix.Header{})
		Expect(err).NotTo(HaveOccurred())
		d.failAfter = d.written.Len() + 10
		Expect(j.Record(change(0))).To(MatchError("no space left on device"))
		d.failAfter = 0
		Expect(j.Record(change(1))).To(MatchError("no space left on device"), "the end of the file is uncertain")
	})
})

var _ = It("reads a journal of version 1, which knew no changes on the hosts themselves", func() {
	header := `{"journal":"vic-preflight","version":1,"tool":"v0.1.0","startedAt":"2026-01-02T03:04:05Z","instanceUuid":"u-1","address":"vc.example"}`
	entry := `{"at":"2026-01-02T03:04:06Z","host":{"id":"host-1","name":"esx1","path":"/dc/esx1"},"ruleset":"vSPC","before":{"enabled":false},"after":{"enabled":true}}`
	path := filepath.Join(GinkgoT().TempDir(), "old.jsonl")
	Expect(os.WriteFile(path, []byte(signed(header, entry)), 0o600)).To(Succeed())
	r, err := fix.ReadJournal(path)
	Expect(err).NotTo(HaveOccurred())
	Expect(r.Entries).To(HaveLen(1))
	Expect(r.Entries[0].OnHost()).To(BeFalse())
})

var _ = It("reads a journal of version 2, which knew no setting of a vCenter", func() {
	header := `{"journal":"vic-preflight","version":2,"tool":"v0.2.0","startedAt":"2026-01-02T03:04:05Z","instanceUuid":"u-1","address":"vc.example"}`
	entry := `{"at":"2026-01-02T03:04:06Z","host":{"id":"host-1","name":"esx1","path":"/dc/esx1"},"ruleset":"vic-engine","before":{"absent":true,"enabled":false},"after":{"enabled":true},"method":"vib","vib":{"name":"vic-engine","id":"x"}}`
	path := filepath.Join(GinkgoT().TempDir(), "old.jsonl")
	Expect(os.WriteFile(path, []byte(signed(header, entry, `{"end":true}`)), 0o600)).To(Succeed())
	r, err := fix.ReadJournal(path)
	Expect(err).NotTo(HaveOccurred())
	Expect(r.Complete).To(BeTrue())
	Expect(r.Setting).To(BeNil())
	Expect(r.Entries).To(HaveLen(1))
	Expect(r.Entries[0].VIB.Name).To(Equal("vic-engine"))
})

var _ = It("reads a journal of version 3, which knew one requirement alone", func() {
	header := `{"journal":"vic-preflight","version":3,"tool":"v0.3.0","startedAt":"2026-01-02T03:04:05Z","instanceUuid":"u-1","address":"vc.example","requirement":{"name":"vic","direction":"outbound","protocol":"tcp","ports":[2378]}}`
	entry := `{"at":"2026-01-02T03:04:06Z","host":{"id":"host-1","name":"esx1","path":"/dc/esx1"},"ruleset":"vSPC","before":{"enabled":false},"after":{"enabled":true}}`
	r, err := fix.ReadJournal(kept(signed(header, entry, `{"end":true}`)))
	Expect(err).NotTo(HaveOccurred())
	req := checks.VIC()
	req.Ports = []int{2378}
	Expect(r.Required()).To(Equal([]checks.Requirement{req}))
})

// kept is a file with a journal's text.
func kept(text string) string {
	GinkgoHelper()
	path := filepath.Join(GinkgoT().TempDir(), "kept.jsonl")
	Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())
	return path
}

// signed is a journal's text with these records.
func signed(records ...string) string {
	sum, text := "", ""
	for _, record := range records {
		sum = fmt.Sprintf("%x", sha256.Sum256([]byte(sum+record)))
		text += fmt.Sprintf(`{"record":%s,"sum":"%s"}`, record, sum) + "\n"
	}
	return text
}

// resigned is the text of an edited journal with digests that fit.
func resigned(text string) string {
	GinkgoHelper()
	var records []string
	for l := range strings.Lines(text) {
		var line struct{ Record json.RawMessage }
		Expect(json.Unmarshal([]byte(l), &line)).To(Succeed())
		records = append(records, string(line.Record))
	}
	return signed(records...)
}

// FuzzReadJournal feeds anything: it is refused, or it is the beginning of what was
// written, and never a panic.
func FuzzReadJournal(f *testing.F) {
	const path = "testdata/written.jsonl" // what CreateJournal, Record and RecordSetting wrote, the same in each of the fuzzer's processes
	text, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	written, err := fix.ReadJournal(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(text[:len(text)-3])
	f.Add([]byte("{}\n{}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "fuzz.jsonl")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := fix.ReadJournal(path)
		if err != nil {
			return
		}
		if !reflect.DeepEqual(r.Header, written.Header) || len(r.Entries) > len(written.Entries) ||
			!slices.EqualFunc(r.Entries, written.Entries[:len(r.Entries)], func(a, b fix.Entry) bool { return reflect.DeepEqual(a, b) }) ||
			r.Setting != nil && !reflect.DeepEqual(r.Setting, written.Setting) || r.Complete {
			t.Errorf("%+v was never written", r)
		}
	})
}
