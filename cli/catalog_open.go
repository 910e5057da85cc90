package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"sync/atomic"
	"time"

	"natster/workloads/catalog"
	"natster/workloads/catalog/client"

	"github.com/urfave/cli/v2"
)

func catalogOpenCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "open",
		Usage:     "play a file without saving it: an address for your player or browser",
		ArgsUsage: "CATALOG PATH",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "browser", Usage: "show the file in your browser"},
		},
		Description: `Prints an address and answers there until Ctrl-C; players can seek. Only this machine can reach it, and there only who
knows the address. PATH can be the beginning of a hash.

   natster catalog open films 2024/holiday.mp4`,
		Action: args(2, 2, func(ctx context.Context, c *cli.Context, arg []string) error {
			s, err := e.open(ctx)
			if err != nil {
				return err
			}
			defer s.close()
			name, own, err := s.readable(ctx, s.me, arg[0])
			if err != nil {
				return err
			}
			cl := s.client()
			contents, err := cl.List(ctx, name)
			if err != nil {
				return served(err, name, own)
			}
			entry, err := find(contents, arg[1])
			if err != nil {
				return hint(err, "catalog contents %s", name)
			}
			g := cl.Handler(rand.Text())
			defer func() { _ = g.Close() }() // what was read has been read
			bar := s.bar(name.String())
			g.Fetching = func(e catalog.Entry) func(client.Progress) {
				s.note("its owner's server only sends whole files: fetching %s first, into a temporary file (%s at most)",
					size(e.Size), size(client.MostFetched))
				return s.watch(name, bar)
			}
			err = g.Prepare(ctx, name, entry)
			bar.clear()
			if errors.Is(err, client.ErrNoRandomAccess) {
				return hint(err, "catalog download %s %s", name, shellWord(entry.Path))
			}
			if err != nil {
				return err
			}
			return s.gateway(ctx, g, g.Path(name, entry), entry, c.Bool("browser"))
		}),
	}
}

// gateway answers at a loopback address until ctx is done.
func (s *session) gateway(ctx context.Context, g *client.Gateway, path string, entry catalog.Entry, browser bool) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("open an address on this machine: %w", err)
	}
	ticket := "/" + rand.Text()
	srv := &http.Server{Handler: once(ticket, path, g), ReadHeaderTimeout: 10 * time.Second, ErrorLog: nil}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	url := "http://" + l.Addr().String() + path
	err = s.printLine(map[string]any{"url": url, "entry": entry}, func() {
		s.say("%s", url)
		s.note("%s", s.err.dim(fmt.Sprintf("%s, %s; Ctrl-C ends it", entry.MIMEType, size(entry.Size))))
	})
	if err == nil && browser {
		err = browse("http://" + l.Addr().String() + ticket)
	}
	if err == nil {
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case err = <-ended:
			return fmt.Errorf("the address is closed: %w", err)
		}
	}
	err = errors.Join(err, srv.Close())
	<-ended
	return err
}

// once sends the first who asks for ticket on to path. A browser is started with the ticket: all users of this machine can
// see what a process was started with, and should not learn the address from it.
func once(ticket, path string, next http.Handler) http.Handler {
	var used atomic.Bool
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != ticket || used.Swap(true) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, path, http.StatusFound)
	})
}

// browse asks the system to show url.
func browse(url string) error {
	command := []string{"xdg-open", url}
	switch runtime.GOOS {
	case "darwin":
		command = []string{"open", url}
	case "windows":
		command = []string{"rundll32", "url.dll,FileProtocolHandler", url}
	}
	cmd := exec.Command(command[0], command[1:]...)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("no browser could be asked: %w", err)
	}
	return cmd.Process.Release() // it may stay as long as the browser does
}
