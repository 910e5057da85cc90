package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/catalogtest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
	"natster/workloads/catalog/server"
)

func TestAStrangerIsRefusedEverything(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(10, 1))
	w.Serve(t)
	carol := w.Account("carol")
	w.Import(carol, films, w.Alice)
	key, _ := seal.NewKey()
	for verb, body := range map[string]any{
		events.VerbGet:      nil,
		events.VerbDownload: catalog.DownloadRequest{Hash: e.Hash, Target: key.Public(), Protocol: 2},
		events.VerbFetch:    catalog.FetchRequest{Session: "x"},
		events.VerbClose:    catalog.CloseRequest{Session: "x"},
	} {
		env := catalogtest.Ask(t, carol.Conn(t), subject(verb), body)
		expectCode(t, env, api.CodeForbidden)
		if env.Data != nil {
			t.Errorf("%s: %s", verb, env.Data)
		}
	}
}

func TestWhoCannotBeConfirmedIsNotServed(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(100, 1))
	w.Shares.Fail(errors.New("the functions are away"))
	w.Serve(t, func(c *server.Config) {
		c.Limits.SharesRefresh, c.Limits.SharesMaxAge = 20*time.Millisecond, 1500*time.Millisecond
	})
	get := func(a *worldtest.Account) api.Code {
		return catalogtest.Ask(t, a.Conn(t), subject(events.VerbGet), nil).Code
	}
	if c := get(w.Bob); c != api.CodeUnavailable {
		t.Fatalf("bob before anything is known: %d", c)
	}
	if c := get(w.Alice); c != api.CodeOK {
		t.Fatalf("alice herself: %d", c)
	}
	w.Shares.Fail(nil)
	wait.Eventually(t, "bob is served", func() bool { return get(w.Bob) == api.CodeOK })
	x := openSession(t, w.Bob.Conn(t), w.Alice.Key, w.Bob.Key, e, 0)
	w.Shares.Fail(errors.New("away again"))
	wait.Eventually(t, "bob is refused", func() bool { return get(w.Bob) == api.CodeUnavailable })
	if f := x.frame(); f.Kind != seal.KindEnd {
		t.Fatalf("%+v", f)
	}
	if c := get(w.Alice); c != api.CodeOK {
		t.Fatalf("alice herself: %d", c)
	}
}

func TestAnUnshareEndsWhatIsOpen(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(100<<10, 1))
	s, _ := w.Serve(t)
	x := openSession(t, w.Bob.Conn(t), w.Alice.Key, w.Bob.Key, e, 4096)
	reading, goOn := make(chan struct{}), make(chan struct{})
	w.Library.OnRead(e.Hash, func(off int64) error {
		if off == 0 {
			close(reading)
			<-goOn
		}
		return nil
	})
	expectCode(t, x.fetch([2]int64{0, 1}), api.CodeOK)
	<-reading // a chunk is being sent
	w.Shares.Set()
	w.Tell(t, events.FeedUnshared, 7)
	f := x.frame()
	if f.Kind != seal.KindEnd || f.End.Code != 403 {
		t.Fatalf("%+v", f)
	}
	close(goOn)
	expectCode(t, x.fetch([2]int64{0, 1}), api.CodeForbidden)
	wait.Eventually(t, "the file is closed", func() bool { return w.Library.Open() == 0 })
	if s.Usage().Bytes != 0 || s.Usage().Sessions != 0 {
		t.Fatalf("%+v after the share was taken back", s.Usage())
	}
	if w.Shares.Observed() != 7 {
		t.Fatal("the position was not passed on")
	}
	// shared again, and old news of the unshare comes late
	w.Shares.Set(api.Share{From: w.Alice.Key, To: w.Bob.Key, Catalog: films})
	w.Tell(t, events.FeedShared, 8)
	wait.Eventually(t, "bob is served", func() bool {
		return catalogtest.Ask(t, w.Bob.Conn(t), subject(events.VerbGet), nil).Code == api.CodeOK
	})
	w.Tell(t, events.FeedUnshared, 7)
	w.Tell(t, events.FeedUnshared, 7)
	expectCode(t, x.fetch([2]int64{0, 1}), api.CodeNotFound)
	expectCode(t, catalogtest.Ask(t, w.Bob.Conn(t), subject(events.VerbGet), nil), api.CodeOK)
}

// What is not open yet, the end of a share does not find: who opens it looks once more.
func TestAnUnshareWhileASessionIsOpenedIsNoticed(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(100, 1))
	opening, goOn := make(chan bool), make(chan bool)
	s, _ := w.Serve(t, func(c *server.Config) {
		c.Catalogs = []server.Library{slow{w.Library, opening, goOn}}
		c.Limits.SharesRefresh = time.Hour // only the news tell
	})
	nc := w.Bob.Conn(t)
	key, _ := seal.NewKey()
	body, err := json.Marshal(catalog.DownloadRequest{Hash: e.Hash, Target: key.Public(), Protocol: 2})
	if err != nil {
		t.Fatal(err)
	}
	inbox := nc.NewInbox()
	answer, err := nc.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.PublishRequest(subject(events.VerbDownload), inbox, body); err != nil {
		t.Fatal(err)
	}
	wait.Receive(t, "the file is opened", opening)
	w.Shares.Set()
	w.Tell(t, events.FeedUnshared, 7)
	wait.Eventually(t, "bob is refused", func() bool {
		return catalogtest.Ask(t, nc, subject(events.VerbGet), nil).Code == api.CodeForbidden
	})
	close(goOn)
	var got api.Envelope
	if err := json.Unmarshal(wait.Message(t, answer).Data, &got); err != nil {
		t.Fatal(err)
	}
	expectCode(t, got, api.CodeForbidden)
	if n := s.Usage().Sessions; n != 0 || w.Library.Open() != 0 {
		t.Errorf("%d sessions and %d files are open", n, w.Library.Open())
	}
}

// slow is a library whose files are open when goOn is closed.
type slow struct {
	server.Library
	opening chan<- bool
	goOn    <-chan bool
}

func (l slow) OpenFile(h events.Hash) (catalog.File, error) {
	l.opening <- true
	<-l.goOn
	return l.Library.OpenFile(h)
}

func TestAnUnshareThatNobodyToldOfIsNoticed(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(100, 1))
	w.Serve(t, func(c *server.Config) { c.Limits.SharesRefresh = 10 * time.Millisecond })
	x := openSession(t, w.Bob.Conn(t), w.Alice.Key, w.Bob.Key, e, 0)
	w.Shares.Set()
	if f := x.frame(); f.Kind != seal.KindEnd || f.End.Code != 403 {
		t.Fatalf("%+v", f)
	}
}

// What the feed repeats late stays old, also while the shares cannot be looked at.
func TestOldNewsChangeNothingBetweenLooks(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t, func(c *server.Config) { c.Limits.SharesRefresh = 5 * time.Millisecond })
	carol := w.Account("carol")
	get := func() api.Code { return catalogtest.Ask(t, w.Bob.Conn(t), subject(events.VerbGet), nil).Code }
	w.Shares.Fail(errors.New("the functions are away"))
	w.Tell(t, events.FeedUnshared, 7)
	wait.Eventually(t, "bob is refused", func() bool { return get() == api.CodeForbidden })
	looks := w.Shares.Looks()
	wait.Eventually(t, "two looks fail", func() bool { return w.Shares.Looks() > looks+2 })
	w.Tell(t, events.FeedShared, 6)
	w.TellAbout(t, events.FeedShared, carol.Key, 9)
	wait.Eventually(t, "all news are heard", func() bool { return w.Shares.Observed() == 9 })
	if c := get(); c != api.CodeForbidden {
		t.Fatalf("bob is served again: %d", c)
	}
}

func TestTheOwnerNeedsNoShare(t *testing.T) {
	w := catalogtest.Start(t)
	content := catalogtest.Content(10000, 1)
	e := w.Library.Add("a.mp4", content)
	w.Shares.Set()
	w.Serve(t)
	x := openSession(t, w.Alice.Conn(t), w.Alice.Key, w.Alice.Key, e, 4096)
	expectCode(t, x.fetch([2]int64{0, 3}), api.CodeOK)
	got := make([][]byte, 3)
	for range 3 {
		f := x.frame()
		got[f.Index] = f.Plain
	}
	if !bytes.Equal(bytes.Join(got, nil), content) {
		t.Fatal("another file")
	}
}

func TestAnUnshareStopsAPush(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(1<<20, 1))
	s, _ := w.Serve(t, func(c *server.Config) { c.Limits.Pushes = 1 })
	nc := w.Bob.Conn(t)
	reading, goOn := make(chan struct{}), make(chan struct{})
	w.Library.OnRead(e.Hash, func(off int64) error {
		if off > 0 {
			close(reading)
			<-goOn
		}
		return nil
	})
	key, _ := seal.NewKey()
	q := catalog.DownloadRequest{Hash: e.Hash, Target: key.Public()}
	expectCode(t, catalogtest.Ask(t, nc, subject(events.VerbDownload), q), api.CodeOK)
	<-reading
	expectCode(t, catalogtest.Ask(t, nc, subject(events.VerbDownload), q), api.CodeTooMany)
	sent := s.Usage().Bytes
	w.Shares.Set()
	w.Tell(t, events.FeedUnshared, 1)
	wait.Eventually(t, "bob is refused", func() bool {
		return catalogtest.Ask(t, nc, subject(events.VerbGet), nil).Code == api.CodeForbidden
	})
	close(goOn)
	wait.Eventually(t, "the push ends", func() bool { return s.Usage().Pushes == 0 })
	if s.Usage().Bytes != sent || w.Library.Open() != 0 {
		t.Fatalf("%d bytes after the share was taken back", s.Usage().Bytes-sent)
	}
}
