package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"natster/cli/site"
	"natster/cli/term"
)

// An output is what a command says that runs beside the demo, and a channel that is closed when it says a certain text.
type output struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	text string
	said chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := strings.Contains(o.buf.String(), o.text)
	o.buf.Write(p)
	if !before && strings.Contains(o.buf.String(), o.text) {
		close(o.said)
	}
	return len(p), nil
}

// serve serves one of alice's catalogs until the demo ends, and returns when it is being served.
func (d *demo) serve(ctx context.Context, name string) error {
	ctx, cancel := context.WithCancel(ctx)
	out, done := output{text: "SERVING", said: make(chan struct{})}, make(chan struct{})
	errs := output{text: "\x00"} // which is never printed
	go func() {
		defer close(done)
		d.Natster(ctx, []string{"catalog", "serve", name}, &out, &errs, d.inside("alice"))
	}()
	d.stop = append(d.stop, func() {
		cancel()
		<-done
	})
	select {
	case <-out.said:
		return nil
	case <-done:
		if ctx.Err() != nil {
			return ctx.Err()
		}
		errs.mu.Lock()
		defer errs.mu.Unlock()
		return fmt.Errorf("%w: natster catalog serve %s: %s", errDemo, name, term.OneLine(errs.buf.String()))
	}
}

// stay leaves everything running until ctx is done.
func (d *demo) stay(ctx context.Context) error {
	if _, err := d.quiet(ctx, "alice", nil, "catalog", "share", "media", "bob"); err != nil {
		return err
	}
	if err := d.page.Start(ctx, d.worldDir(), site.Options{Logger: d.Logger}); err != nil {
		return err
	}
	claim, err := d.quiet(ctx, "bob", nil, "--json", "login")
	if err != nil {
		return err
	}
	var otc struct {
		URL string `json:"claim_url"`
	}
	if err := json.Unmarshal([]byte(claim), &otc); err != nil {
		return err
	}
	if err := d.PrintLine(d.result, func() {
		d.Say("\n%s", d.Out.Bold("In a browser, as bob: sign in under any name, then link it (within five minutes):"))
		d.Say("   %s", strings.Replace(otc.URL, d.page.URL(), d.page.OpenURL(), 1))
		d.Say("\n%s", d.Out.Bold("All of it goes on until Ctrl-C, and is shared again. In another terminal:"))
		d.Say("   export XDG_CONFIG_HOME=%s", term.ShellWord(filepath.Join(d.dir, "config")))
		d.Say("   export XDG_DATA_HOME=%s", term.ShellWord(filepath.Join(d.dir, "data")))
		d.Say("   natster --context bob catalog contents media")
		d.Say("   natster --context alice catalog shares")
		d.Say("   natster events")
	}); err != nil {
		return err
	}
	err = d.page.Wait(ctx)
	d.Say("\nending, and removing %s", d.dir)
	return err
}
