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
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"natster/cli/hint"
	"natster/cli/term"
	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
)

func (s *session) open(ctx context.Context, c *cli.Context, arg []string) error {
	name, own, err := s.readable(ctx, arg[0])
	if err != nil {
		return err
	}
	cl := s.client()
	contents, err := cl.List(ctx, name)
	if own && errors.Is(err, client.ErrOffline) {
		return hint.Add(err, "serve %s", name)
	}
	if err != nil {
		return err
	}
	g := cl.Handler(rand.Text())
	defer func() { _ = g.Close() }() // it was only read
	if folder, ok := openedFolder(contents, arg[1:]); ok {
		return s.openFolder(ctx, g, name, folder, c.Bool("browser"))
	}
	entry, err := contents.Find(arg[1])
	if err != nil {
		return mistyped(contents, name, err)
	}
	return s.openFile(ctx, g, name, entry, c.Bool("browser"))
}

// openedFolder returns the folder that path names, "" for the whole catalog, and whether it is a folder.
func openedFolder(contents catalog.Contents, path []string) (string, bool) {
	if len(path) == 0 {
		return "", true
	}
	folder := strings.Trim(path[0], "/")
	if folder == "" || folder == "." {
		return "", true
	}
	below := func(e catalog.Entry) bool { return strings.HasPrefix(e.Path, folder+"/") }
	return folder, slices.ContainsFunc(contents.Entries, below)
}

func (s *session) openFolder(
	ctx context.Context, g *client.Gateway, name events.Catalog, folder string, browser bool,
) error {
	path := g.FolderPath(name, folder)
	return s.gateway(ctx, g, path, browser, func(host string) error {
		url, playlist, dav := "http://"+host+path, "http://"+host+path+client.PlaylistName, "dav://"+host+path
		return s.PrintLine(map[string]any{"url": url, "playlist": playlist, "webdav": dav}, func() {
			s.Say("%s", url)
			s.Note("%s", s.Err.Dim("for a player:      "+playlist))
			s.Note("%s", s.Err.Dim("to mount (WebDAV): "+dav+"  or the first address; Ctrl-C ends it"))
		})
	})
}

func (s *session) openFile(
	ctx context.Context, g *client.Gateway, name events.Catalog, entry catalog.Entry, browser bool,
) error {
	bar := s.Bar(name.String())
	g.Fetching = func(e catalog.Entry) func(client.Progress) {
		s.Note("its owner's server only sends whole files: fetching %s first, into a temporary file (%s at most)",
			term.Bytes(e.Size), term.Bytes(client.MaxFetched))
		return s.watch(name, bar)
	}
	err := g.Prepare(ctx, name, entry)
	bar.Clear()
	if errors.Is(err, client.ErrNoRandomAccess) {
		return hint.Add(err, "catalog download %s %s", name, term.ShellWord(entry.Path))
	}
	if err != nil {
		return err
	}
	path := g.Path(name, entry)
	return s.gateway(ctx, g, path, browser, func(host string) error {
		return s.PrintLine(map[string]any{"url": "http://" + host + path, "entry": newEntryRow(entry)}, func() {
			s.Say("http://%s%s", host, path)
			s.Note("%s", s.Err.Dim(fmt.Sprintf("%s, %s; Ctrl-C ends it", entry.MIMEType, term.Bytes(entry.Size))))
		})
	})
}

// gateway answers at a loopback address until ctx is done. Announce prints the address.
func (s *session) gateway(
	ctx context.Context, g *client.Gateway, path string, browser bool, announce func(host string) error,
) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("open an address on this machine: %w", err)
	}
	ticket := "/" + rand.Text()
	srv := &http.Server{Handler: once(ticket, path, g, sameUser), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	err = announce(l.Addr().String())
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

// once redirects this user's first request for ticket to path. A browser is started with the ticket, because all users
// of this machine can see the arguments of a process: they must not learn the address from them, nor where they are
// faster than the browser.
func once(ticket, path string, next http.Handler, mine func(addr string) bool) http.Handler {
	var used atomic.Bool
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != ticket || !mine(r.RemoteAddr) || used.Swap(true) {
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
