package client

import (
	"testing"

	"github.com/nats-io/nats.go"

	"natster/internal/test/catalogtest"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
)

// A chunk that others have overtaken is asked for again at once: no time passes here, and nothing watches.
func TestAChunkThatOthersOvertakeIsAskedForAgain(t *testing.T) {
	w := catalogtest.Start(t)
	const chunk = 4096
	h := seal.NewHeader(seal.Binding{
		Session: seal.NewSession(), Catalog: catalogtest.Films,
		Layout: seal.Layout{Size: 100 * chunk, ChunkSize: chunk},
		Owner:  w.Alice.Key, Receiver: w.Bob.Key,
	})
	sender, err := seal.NewSender(h)
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := seal.NewReceiver(h)
	if err != nil {
		t.Fatal(err)
	}
	c, src := New(Config{Conn: w.Bob.Conn(t), Account: w.Bob.Key}), source{catalog: catalogtest.Films}
	s := &session{c: c, src: src, id: h.Session, layout: h.Layout, receiver: receiver}
	x := &transfer{
		c: c, src: src, session: s, wake: make(chan struct{}, 1),
		layout: h.Layout, window: newWindow(chunk, 1<<20), flight: make(map[int64]*slot),
	}
	x.window.size = 20
	var slots []*slot
	for i := range int64(60) {
		slots = append(slots, x.want(i, false))
	}
	arrive := func(i int64) {
		frame, err := sender.Seal(make([]byte, chunk+seal.Overhead), i)
		if err != nil {
			t.Fatal(err)
		}
		x.frame(s, frame)
	}
	lost := slots[3]
	for i := range int64(3 + reorder + 1) {
		if i != lost.index {
			arrive(i)
		}
	}
	if lost.tries != 1 {
		t.Fatalf("asked for %d times while it may only be late", lost.tries)
	}
	size := x.window.size
	arrive(3 + reorder + 1)
	if x.flight[lost.index] == nil && x.queue[0] != lost {
		t.Fatal("it is still waited for")
	}
	if x.window.size >= size {
		t.Errorf("the window is %d chunks after a loss, and was %d", x.window.size, size)
	}
	for i := int64(3 + reorder + 2); lost.tries < 2; i++ {
		if i == int64(len(slots)) {
			t.Fatal("it is never asked for again")
		}
		if slots[i].tries > 0 {
			arrive(i)
		}
	}
	arrive(lost.index)
	select {
	case <-lost.ready:
	default:
		t.Fatal("it came, and is not there")
	}
}

// Two downloads of one file hear the messages of both: what is pushed to the other does not end this one.
func TestMessagesOfAnotherPushAreIgnored(t *testing.T) {
	x := &push{reply: catalog.DownloadReply{Sender: "mine"}}
	m := &nats.Msg{Header: nats.Header{catalog.HeaderSender: {"another"}, catalog.HeaderTranscoding: {"true"}}}
	if mine, err := x.has(m); mine || err != nil {
		t.Fatal(mine, err)
	}
}

func TestALimitThatIsNegativeIsTheDefault(t *testing.T) {
	got, want := Config{ChunkSize: -1, ReadChunk: -1, Window: -1, Timeout: -1}.withDefaults(), Config{}.withDefaults()
	if got.ChunkSize != want.ChunkSize || got.ReadChunk != want.ReadChunk || got.Window != want.Window ||
		got.Timeout != want.Timeout || want.Timeout <= 0 {
		t.Errorf("%+v", got)
	}
}
