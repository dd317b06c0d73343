package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// The narrowest telephone that pages are held to, in CSS pixels.
const narrowest, low = 320, 568

// pleasant looks at a page as people see it: by day, by night, and on a narrow telephone, where it must not be wider than the window. Each time axe must
// find nothing that keeps somebody from using it. A picture of each is left.
func (b *browser) pleasant(name string) error {
	return errors.Join(
		b.accessible(), b.shot(name),
		b.dark(true), b.accessible(), b.shot(name+"-dark"), b.dark(false),
		b.run(chromedp.EmulateViewport(narrowest, low, chromedp.EmulateMobile)), b.fits(), b.accessible(), b.shot(name+"-narrow"),
		b.run(chromedp.EmulateViewport(wide, high)),
	)
}

// fits looks whether the page is as narrow as its window.
func (b *browser) fits() error {
	width, err := chromedp.Run(b, chromedp.Evaluate[int]("document.documentElement.scrollWidth"))
	if err == nil && width > narrowest {
		err = fmt.Errorf("the page is %d wide in a window of %d", width, narrowest)
	}
	return err
}

// accessible runs axe on the page.
func (b *browser) accessible() error {
	const rules = `axe.run(document).then(r => JSON.stringify(r.violations.map(v => v.id + ": " + v.help + "\n\t" + v.nodes.map(n => n.html).join("\n\t"))))`
	found, err := chromedp.Run(b, chromedp.Evaluate[string](b.axe+";"+rules, chromedp.EvalAwaitPromise))
	if err != nil {
		return fmt.Errorf("axe: %w", err)
	}
	var violations []string
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		return fmt.Errorf("axe: %w in %s", err, found)
	}
	if len(violations) > 0 {
		return fmt.Errorf("axe finds:\n%s", strings.Join(violations, "\n"))
	}
	return nil
}

// dark sets whether the person likes dark pages.
func (b *browser) dark(on bool) error {
	value := "light"
	if on {
		value = "dark"
	}
	_, err := chromedp.Call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}},
	})
	return err
}

// shot keeps a picture of the page.
func (b *browser) shot(name string) error {
	picture, err := chromedp.Run(b, chromedp.CaptureScreenshot())
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.shots, name+".png"), picture, 0o644)
}
