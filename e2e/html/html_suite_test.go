// Package html_test looks at the HTML report in a real browser.
package html_test

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
	"github.com/vic-preflight/vic-preflight/report"
)

func TestHTML(t *testing.T) { testsuite.Run(t, "e2e/html") }

// axe is axe-core 4.14.1 from npm, under the Mozilla Public License 2.0, which stands
// beside it. It finds what keeps people out who cannot see, or not well.
//
//go:embed testdata/axe.min.js
var axe string

// browser is one Chromium for all specs, each of which has a tab of its own.
var browser context.Context

var _ = BeforeSuite(func() {
	// Chromium refuses its sandbox to root, and the pages are ours.
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.Flag("hide-scrollbars", true))
	if program := os.Getenv("CHROMIUM"); program != "" {
		options = append(options, chromedp.ExecPath(program))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	DeferCleanup(func() { stop() })
	ctx, closeBrowser := chromedp.NewContext(allocator)
	DeferCleanup(func() { closeBrowser() })
	browser = ctx
	Expect(chromedp.Do(browser)).To(Succeed(), "Debian's package chromium has the browser")
})

// view is how somebody looks at the page.
type view struct {
	width, height int64
	dark, noJS    bool
}

var desktop = view{width: 1280, height: 900}

// tab is a page in the browser, and what it did that it should not have done.
type tab struct {
	ctx  context.Context
	mu   sync.Mutex
	sins []string
}

// file writes the report, as a browser opens it.
func file(r *report.Report) string {
	GinkgoHelper()
	var b bytes.Buffer
	Expect(report.HTML(&b, r)).To(Succeed())
	path := filepath.Join(GinkgoT().TempDir(), "report.html")
	Expect(os.WriteFile(path, b.Bytes(), 0o600)).To(Succeed())
	return path
}

// show opens the file. At the end of the spec it has done nothing that it must not: no
// error on the console, no dialogue, no request but for itself.
func show(path string, v view) *tab {
	GinkgoHelper()
	ctx, cancel := chromedp.NewContext(browser)
	DeferCleanup(func() { cancel() })
	ctx, cancelTimeout := context.WithTimeout(ctx, time.Minute)
	DeferCleanup(func() { cancelTimeout() })
	t := &tab{ctx: ctx}
	url := "file://" + path
	Expect(chromedp.Listen(ctx, func(event any) { t.watch(url, event) })).To(Succeed())
	scheme := "light"
	if v.dark {
		scheme = "dark"
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media)
	Expect(err).NotTo(HaveOccurred())
	_, err = chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v.noJS})
	Expect(err).NotTo(HaveOccurred())
	t.do(chromedp.EmulateViewport(v.width, v.height), chromedp.Navigate(url))
	DeferCleanup(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		Expect(t.sins).To(BeEmpty())
	})
	return t
}

func (t *tab) watch(url string, event any) {
	sin := ""
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		sin = fmt.Sprintf("console.%s", e.Type)
	case *runtime.EventExceptionThrown:
		sin = fmt.Sprint(e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
	case *log.EventEntryAdded:
		sin = fmt.Sprintf("%s: %s", e.Entry.Level, e.Entry.Text)
	case *page.EventJavascriptDialogOpening:
		sin = "a dialogue: " + e.Message
	case *network.EventRequestWillBeSent:
		if u, _, _ := strings.Cut(e.Request.URL, "#"); u != url && !strings.HasPrefix(u, "data:") {
			sin = "a request: " + e.Request.URL
		}
	}
	if sin != "" {
		t.mu.Lock()
		t.sins = append(t.sins, sin)
		t.mu.Unlock()
	}
}

func (t *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	GinkgoHelper()
	Expect(chromedp.Do(t.ctx, actions...)).To(Succeed())
}

// eval is what an expression is in the page, or comes to.
func eval[T any](t *tab, expression string) T {
	GinkgoHelper()
	value, err := chromedp.Run(t.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	Expect(err).NotTo(HaveOccurred(), "%.200s", expression)
	return value
}

// script runs in the page.
func (t *tab) script(text string) {
	GinkgoHelper()
	eval[bool](t, "{"+text+"}; true")
}

// press presses keys one after the other.
func (t *tab) press(keys ...string) {
	GinkgoHelper()
	for _, key := range keys {
		t.do(chromedp.KeyEvent(key))
	}
}

// write presses the keys of a text.
func (t *tab) write(text string) {
	GinkgoHelper()
	for _, key := range strings.Split(text, "") {
		t.stroke(key, key)
	}
}

// stroke presses a key that writes something, as a keyboard does: where the page takes
// the key for itself nothing is written. chromedp's KeyEvent sends the text all the same.
func (t *tab) stroke(key, text string) {
	GinkgoHelper()
	down := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Text: text}
	for _, event := range []input.DispatchKeyEventParams{down, {Type: input.DispatchKeyEventTypeKeyUp, Key: key}} {
		_, err := chromedp.Call(t.ctx, input.DispatchKeyEvent, event)
		Expect(err).NotTo(HaveOccurred())
	}
}

// shown are the names of the hosts that can be seen in the list.
func (t *tab) shown() []string {
	GinkgoHelper()
	return eval[[]string](t, `[...document.querySelectorAll('details.host')].filter(d => d.checkVisibility()).map(d => d.querySelector('.name').textContent)`)
}
