package html_test

import (
	"bytes"
	"flag"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/report"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

var screenshot = flag.String("screenshot", "", "write the README's picture to this file")

// violation is what axe found.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// violations are those of the page as it is now, colour contrast among them.
func (t *tab) violations() []string {
	GinkgoHelper()
	eval[bool](t, axe+"; true")
	found := eval[[]violation](t, `axe.run(document, {resultTypes: ['violations']}).then(r => r.violations)`)
	var texts []string
	for _, v := range found {
		texts = append(texts, fmt.Sprintf("%s: %s: %d times, as %s: %s", v.ID, v.Help, len(v.Nodes), v.Nodes[0].HTML, v.Nodes[0].Summary))
	}
	return texts
}

const focused = `document.activeElement.getAttribute('aria-label') || document.activeElement.textContent`

// click presses the button of a status.
func click(status string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(chromedp.CSS(fmt.Sprintf("[data-status=%s]", status)))
}

var _ = Describe("the page in a browser", func() {
	for _, v := range []view{desktop, {width: 1280, height: 900, dark: true}, {width: 390, height: 844}, {width: 390, height: 844, dark: true}} {
		It(fmt.Sprintf("keeps nobody out: %d wide, dark: %t", v.width, v.dark), func() {
			for _, r := range []*report.Report{everything(), created()} {
				t := show(file(r), v)
				t.script(`for (const d of document.querySelectorAll('details')) d.open = true`)
				Expect(t.violations()).To(BeEmpty())
				Expect(eval[int64](t, `document.documentElement.scrollWidth`)).To(BeNumerically("<=", v.width), "nothing is cut off at the side")
			}
		})
	}

	It("would notice what keeps people out", func() {
		t := show(file(everything()), desktop)
		t.script(`document.querySelector('label').remove(); document.querySelector('.meta').className = 'st'; document.styleSheets[0].insertRule('.st { color: #fff; background: #eee }', 99)`)
		Expect(t.violations()).To(ContainElements(HavePrefix("label"), HavePrefix("color-contrast:")))
	})

	It("filters by what create does, hosts and what was found of the virtual container host alike", func() {
		press := func(class string) chromedp.Action[chromedp.Void] {
			return chromedp.Click(chromedp.CSS(fmt.Sprintf("button[data-create=%s]", class)))
		}
		t := show(file(created()), desktop)
		Expect(t.shown()).To(HaveLen(9))
		t.do(press("create-refuses"))
		Expect(t.shown()).To(ConsistOf("/dc1/datastore/a-volume-store-with-a-long-name-on-the-edge", "/dc1/datastore/shared", "esx2.example"))
		Expect(eval[string](t, `shown.textContent`)).To(Equal("1 of 3 hosts, 2 of 6 results about the virtual container host"))
		t.do(press("create-warns"))
		Expect(t.shown()).To(HaveLen(4))
		t.do(press("create-refuses"))
		Expect(t.shown()).To(ConsistOf("--dns-server"))
		Expect(eval[bool](t, `document.querySelector('#none').hidden`)).To(BeTrue())
		t.do(click("fail"))
		Expect(t.shown()).To(BeEmpty())
		Expect(eval[bool](t, `document.querySelector('#none').hidden`)).To(BeFalse())
	})

	It("filters by status", func() {
		t := show(file(everything()), desktop)
		Expect(t.shown()).To(HaveLen(6))
		t.do(click("fail"))
		Expect(t.shown()).To(ConsistOf("esx2.example", "esx6.example"))
		Expect(eval[string](t, `shown.textContent`)).To(Equal("2 of 6 hosts"))
		Expect(eval[string](t, `document.querySelector('[data-status=fail]').getAttribute('aria-pressed')`)).To(Equal("true"))
		t.do(click("unknown"))
		Expect(t.shown()).To(ConsistOf("esx2.example", "esx6.example", "esx3.example"))
		t.do(click("fail"), click("unknown"), click("waived"))
		Expect(t.shown()).To(ConsistOf("esx5.example"))
	})

	DescribeTable("filters by text", func(text string, names ...string) {
		t := show(file(everything()), desktop)
		t.do(chromedp.SendKeys(chromedp.CSS("#text"), text))
		Eventually(t.shown).Should(ConsistOf(names))
		Expect(eval[int](t, `document.querySelectorAll('.strip a:not(.off)').length`)).To(Equal(len(names)))
		Expect(eval[bool](t, `document.querySelector('#none').checkVisibility()`)).To(Equal(len(names) == 0))
	},
		Entry("of a host", "ESX4", "esx4.example"),
		Entry("of a cluster", "edge", "esx4.example", "esx5.example", "esx6.example"),
		Entry("of a ruleset", "vicoutgoing", "esx4.example"),
		Entry("of a reason", "ruleset-disabled", "esx2.example", "esx5.example", "esx6.example"),
		Entry("of both", "edge  disabled", "esx5.example", "esx6.example"),
		Entry("of nothing there is", "nonesuch"),
	)

	It("is used with the keyboard alone", func() {
		t := show(file(everything()), desktop)
		By("focusing the filter")
		t.write("/esx4")
		Expect(eval[string](t, `document.activeElement.value`)).To(Equal("esx4"))
		Eventually(t.shown).Should(ConsistOf("esx4.example"))
		By("clearing it")
		t.press(kb.Escape)
		Expect(t.shown()).To(HaveLen(6))
		By("reaching the heat map, which is one stop of the Tab key")
		t.do(chromedp.Focus(chromedp.CSS(`.strip a[tabindex="0"], .strip a:not([tabindex])`)))
		Expect(eval[int](t, `[...document.querySelectorAll('.strip a')].filter(a => a.tabIndex === 0).length`)).To(Equal(1))
		first := eval[string](t, focused)
		t.press(kb.ArrowRight)
		second := eval[string](t, focused)
		Expect(second).NotTo(Equal(first))
		t.press(kb.ArrowLeft)
		Expect(eval[string](t, focused)).To(Equal(first))
		t.press(kb.ArrowLeft) // stays where the row begins
		Expect(eval[string](t, focused)).To(Equal(first))
		t.press(kb.End, kb.ArrowDown, kb.Home)
		Expect(eval[string](t, focused)).To(HavePrefix("esx6.example"), "of the next cluster the worst host")
		Expect(eval[string](t, `readout.textContent`)).To(ContainSubstring("esx6.example · fail"))
		t.press(kb.ArrowUp)
		Expect(eval[string](t, focused)).To(Equal(first))
		By("opening the host")
		t.stroke("Enter", "\r")
		Expect(eval[bool](t, `document.activeElement.parentElement.open`)).To(BeTrue())
		Expect(eval[string](t, `document.activeElement.querySelector('.name').textContent`)).To(Equal("esx2.example"))
		Expect(eval[bool](t, `(r => r.top >= 0 && r.bottom <= innerHeight)(document.activeElement.getBoundingClientRect())`)).To(BeTrue())
	})

	It("opens a host that the filter has hidden", func() {
		t := show(file(everything()), desktop)
		t.do(click("pass"))
		t.script(`document.querySelector('.strip a[aria-label="esx6.example, fail"]').click()`)
		Expect(t.shown()).To(HaveLen(6))
		Expect(eval[bool](t, `document.activeElement.parentElement.open`)).To(BeTrue())
	})

	It("shows of hosts that are alike what is written once", func() {
		t := show(file(estate(10)), desktop)
		const like = `[...document.querySelectorAll('details.host')].filter(d => d.querySelector('.like'))`
		Expect(eval[int](t, like+`.length`)).To(BeNumerically(">", 5))
		t.script(`window.alike = ` + like + `[0]; alike.firstElementChild.click()`)
		Eventually(func() int { return eval[int](t, `alike.querySelectorAll('table.checks tbody tr').length`) }).Should(Equal(5))
		Expect(eval[int](t, `document.querySelectorAll('[id]').length - new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size`)).To(BeZero(), "no ID twice")
	})

	It("runs nothing that a name brings along, and shows it whole", func() {
		r := hostile()
		t := show(file(r), desktop)
		t.script(`for (const d of document.querySelectorAll('details')) d.open = true;
			for (const e of document.querySelectorAll('*')) e.dispatchEvent(new MouseEvent('mouseover', {bubbles: true}))`)
		Expect(eval[int](t, `document.querySelectorAll('script').length`)).To(Equal(1))
		Expect(eval[int](t, `document.querySelectorAll('style').length`)).To(Equal(1))
		Expect(eval[int](t, `document.querySelectorAll('img, svg, iframe, object, base, embed').length`)).To(BeZero())
		Expect(eval[[]string](t, `[...document.querySelectorAll('a')].map(a => a.getAttribute('href')).filter(h => !/^#[a-z0-9-]+$/.test(h))`)).To(BeEmpty())
		Expect(eval[[]string](t, `[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames()).filter(n => n.startsWith('on') || n === 'style')`)).To(BeEmpty())
		names := t.shown()
		for _, name := range evil() {
			Expect(names).To(ContainElement(report.Clean(name)))
		}
		Expect(eval[int64](t, `document.documentElement.scrollWidth`)).To(BeNumerically("<=", 1280))
		Expect(t.violations()).To(BeEmpty())
	})

	It("has all in it without its script", func() {
		r := everything()
		t := show(file(r), view{width: 1280, height: 900, noJS: true})
		Expect(t.shown()).To(HaveLen(6))
		Expect(eval[bool](t, `document.querySelector('#filter').checkVisibility()`)).To(BeFalse(), "what does nothing is not there")
		text := eval[string](t, `document.body.textContent`)
		for _, words := range []string{
			"cannot reach vc2.example", "is replaced in May", "OPS-42", "/dc1/host/dark", "vic-preflight undo /var/lib/j.jsonl", "vic-preflight-probe-1",
			"timeout, from the host (serial)", "the host refused the change", "enabled for all",
		} {
			Expect(text).To(ContainSubstring(words))
		}
		By("following a link to what is written once")
		t.do(chromedp.Navigate(eval[string](t, `location.href`) + "#c0-0"))
		Eventually(func() bool { return eval[bool](t, `document.querySelector('#h0-0').open`) }).Should(BeTrue())
	})

	It("stays usable with 3,000 hosts", func() {
		path := file(estate(3000))
		info, err := os.Stat(path)
		Expect(err).NotTo(HaveOccurred())
		Expect(info.Size()).To(BeNumerically("<", 4<<20))
		t := show(path, desktop)
		Expect(eval[int](t, `document.querySelectorAll('details.host').length`)).To(Equal(3000))
		Expect(eval[int](t, `document.querySelectorAll('*').length`)).To(BeNumerically("<", 3000*25))
		for _, search := range []struct {
			text  string
			hosts int
		}{{"esx02999", 1}, {"cluster007", 50}, {"ruleset-disabled", 600}, {"facts-unavailable", 60}} {
			t.script(fmt.Sprintf(`text.value = %q; text.dispatchEvent(new Event('input'))`, search.text))
			Eventually(func() string { return eval[string](t, `shown.textContent`) }).Should(Equal(fmt.Sprintf("%d of 3000 hosts", search.hosts)))
			Expect(t.shown()).To(HaveLen(search.hosts))
		}
	})

	It("prints what did not pass in full, on paper's own colours", func() {
		t := show(file(everything()), view{width: 1280, height: 900, dark: true})
		t.script(`dispatchEvent(new Event('beforeprint'))`)
		Expect(eval[int](t, `document.querySelectorAll('details.host[open]').length`)).To(Equal(5))
		t.script(`dispatchEvent(new Event('afterprint'))`)
		Expect(eval[int](t, `document.querySelectorAll('details.host[open]').length`)).To(BeZero())
		pdf, err := chromedp.Run(t.ctx, chromedp.PrintToPDF())
		Expect(err).NotTo(HaveOccurred())
		Expect(len(pdf)).To(BeNumerically(">", 10_000))
	})
})

// The picture in the README comes from here: make screenshot.
var _ = It("makes the README's picture of the program's own report", func(ctx SpecContext) {
	program := testsuite.Program("cmd/vic-preflight")
	cmd := exec.CommandContext(ctx, program, "check", "--target", "sim://mixed", "--probe", "serial", "-o", "html")
	cmd.Env = []string{"HOME=" + GinkgoT().TempDir()}
	var out bytes.Buffer
	cmd.Stdout = &out
	Expect(cmd.Run()).To(MatchError("exit status 1"), "hosts fail there")
	path := filepath.Join(GinkgoT().TempDir(), "report.html")
	Expect(os.WriteFile(path, out.Bytes(), 0o600)).To(Succeed())

	t := show(path, view{width: 1280, height: 868})
	Expect(t.shown()).To(HaveLen(20))
	Expect(t.violations()).To(BeEmpty())
	picture, err := chromedp.Run(t.ctx, chromedp.CaptureScreenshot())
	Expect(err).NotTo(HaveOccurred())
	decoded, err := png.DecodeConfig(bytes.NewReader(picture))
	Expect(err).NotTo(HaveOccurred())
	Expect(decoded.Width).To(Equal(1280))
	Expect(len(picture)).To(BeNumerically("<", 150_000))
	if *screenshot != "" {
		Expect(os.WriteFile(*screenshot, picture, 0o644)).To(Succeed()) //nolint:gosec // a picture for all
	}
})
