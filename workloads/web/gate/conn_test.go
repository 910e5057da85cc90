package gate

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
)

// A fakeServer says what it is given and keeps what it gets. It stands for the NATS server's side of a WebSocket.
type fakeServer struct {
	says io.Reader
	got  bytes.Buffer
}

func (s *fakeServer) Read(p []byte) (int, error)  { return s.says.Read(p) }
func (s *fakeServer) Write(p []byte) (int, error) { return s.got.Write(p) }
func (s *fakeServer) Close() error                { return nil }

const info = `INFO {"server_id":"N","nonce":"challenge","headers":true}` + "\r\n"

// serverFrame is a server's frame.
func serverFrame(text string) string {
	b := clientFrame([]byte(text))
	b[1] &^= 0x80
	at := len(b) - len(text)
	return string(b[:at-4]) + text
}

// frame is a client's frame with a mask, as a browser sends it.
func frame(head byte, text string) string {
	b := clientFrame([]byte(text))
	b[0] = head
	at := len(b) - len(text)
	mask := []byte{1, 2, 3, 4}
	copy(b[at-4:at], mask)
	for i := range b[at:] {
		b[at+i] ^= mask[i&3]
	}
	return string(b)
}

// through sends what a client sends through a conn whose session has the user "mine", in pieces of size bytes. It
// returns what the server gets, in the clear.
func through(t testing.TB, says, sends string, size int) (string, error) {
	t.Helper()
	s := &fakeServer{says: strings.NewReader(says)}
	var told error
	c := newConn(s, func(nonce []byte) ([]byte, error) { return append([]byte("signed "), nonce...), nil },
		func(jwt string) (string, bool) { return "UME", jwt == "mine" }, func(err error) { told = err })
	if got, err := io.ReadAll(c); !errors.Is(err, errEnded) || string(got) != says {
		t.Fatalf("the client hears %q, %v", got, err)
	}
	var err error
	for rest := []byte(sends); len(rest) > 0 && err == nil; {
		n := min(size, len(rest))
		before := bytes.Clone(rest[:n])
		_, err = c.Write(rest[:n])
		if !bytes.Equal(before, rest[:n]) {
			t.Fatal("what was written was changed")
		}
		rest = rest[n:]
	}
	if !errors.Is(told, err) {
		t.Errorf("told %v, returned %v", told, err)
	}
	if err != nil {
		if _, again := c.Write([]byte(frame(0x82, "PING\r\n"))); again == nil {
			t.Error("it goes on after a refusal")
		}
	}
	in, text := frames{masked: true}, []byte(nil)
	for p := s.got.Bytes(); len(p) > 0; {
		n, out, _, err := in.next(p, text)
		if err != nil {
			t.Fatalf("the server gets what is no frame: %v", err)
		}
		p, text = p[n:], out
	}
	return string(text), err
}

const signed = `"proxy_sig":"c2lnbmVkIGNoYWxsZW5nZQ"`

func TestAClientConnectsAsAUserOfItsSessionOnce(t *testing.T) {
	const mine = `CONNECT {"jwt":"mine","sig":"s","nkey":"U"}` + "\r\n"
	const vouched = `CONNECT {"jwt":"mine","nkey":"U",` + signed + `,"sig":"s"}` + "\r\n"
	const works = "SUB a 1\r\nPUB a 5\r\nhello\r\nHPUB a _INBOX.UME.r 2 3\r\n\r\nx\r\nUNSUB 1\r\nPONG\r\n" +
		"PUB  a\t0 \r\n\r\n"
	ok := func(text string) string { return frame(0x82, text) }
	ends := func(text string) string { return ok(mine) + ok(text) }
	for name, row := range map[string]struct {
		sends, gets string
		err         error
	}{
		"as a browser does": {ok(mine + "PING\r\n"), vouched + "PING\r\n", nil},
		"in fragments":      {frame(0x02, mine[:9]) + frame(0x80, mine[9:]+"PING\r\n"), vouched + "PING\r\n", nil},
		"in messages":       {ok(mine[:9]) + ok(mine[9:]), vouched, nil},
		"and works":         {ends(works), vouched + works, nil},
		"with CONNECT in a message": {ends("PUB a 11\r\nCONNECT {}\n\r\n"),
			vouched + "PUB a 11\r\nCONNECT {}\n\r\n", nil},
		"with a signature of its own": {ok(`CONNECT {"jwt":"mine","proxy_sig":"x"}` + "\r\n"),
			`CONNECT {"jwt":"mine",` + signed + "}\r\n", nil},
		"with two JWTs": {ok(`CONNECT {"jwt":"theirs","jwt":"mine"}` + "\r\n"),
			`CONNECT {"jwt":"mine",` + signed + "}\r\n", nil},
		"as somebody else":             {ok(`CONNECT {"jwt":"theirs"}` + "\r\n"), "", errUser},
		"as nobody":                    {ok("CONNECT {}\r\n"), "", errConnect},
		"as the last of two":           {ok(`CONNECT {"jwt":"mine","jwt":"theirs"}` + "\r\n"), "", errUser},
		"by another spelling":          {ok(`CONNECT {"jwt":"mine","JWT":"theirs"}` + "\r\n"), "", errConnect},
		"by another spelling, signed":  {ok(`CONNECT {"jwt":"mine","Proxy_ſig":"x"}` + "\r\n"), "", errConnect},
		"with what is no JSON":         {ok(`CONNECT {"jwt":"mine"` + "\r\n"), "", errConnect},
		"with null":                    {ok("CONNECT null\r\n"), "", errConnect},
		"in lower case":                {ok(`connect {"jwt":"mine"}` + "\r\n"), "", errConnect},
		"after another command":        {ok("PING\r\n" + mine), "", errConnect},
		"after a ping of the socket":   {frame(0x89, "x") + ok(mine), "", errConnect},
		"without end":                  {ok("CONNECT " + strings.Repeat(" ", maxConnect)), "", errConnect},
		"compressed":                   {frame(0xC2, mine), "", errFrame},
		"in a frame of the server's":   {serverFrame(mine), "", errFrame},
		"again":                        {ends(mine), vouched, errCommand},
		"again, in the same message":   {ok(mine + mine), "", errCommand},
		"again, in lower case":         {ends(strings.ToLower(mine)), vouched, errCommand},
		"again, after a short message": {ends("PUB a 1\r\nx\r\n" + mine), vouched, errCommand},
		"again, by a size with a sign": {ends("PUB a +9\r\n"), vouched, errCommand},
		"again, by a bare end":         {ends("PUB a 99\n"), vouched, errCommand},
		"again, by an end inside":      {ends("PUB a 1\r99\r\n"), vouched, errCommand},
		"again, by a huge message":     {ends("PUB a 99999999999999999999\r\n"), vouched, errCommand},
		"again, by an empty line":      {ends("\r\n"), vouched, errCommand},
		"again, in a line without end": {ends("SUB " + strings.Repeat("a", maxLine)), vouched, errCommand},
		"to be answered elsewhere":     {ends("PUB a natster.b 0\r\n\r\n"), vouched, errReply},
		"the same, with a header":      {ends("HPUB a _INBOXES.b 2 2\r\n\r\n\r\n"), vouched, errReply},
		"at another's inbox":           {ends("PUB a _INBOX.UMEAN.r 0\r\n\r\n"), vouched, errReply},
		"at an inbox of nobody":        {ends("PUB a _INBOX.UME 0\r\n\r\n"), vouched, errReply},
		"at an inbox in lower case":    {ends("HPUB a _inbox.UME.r 2 2\r\n\r\n\r\n"), vouched, errReply},
		"with a command of servers":    {ends("RS+ A a\r\n"), vouched, errCommand},
	} {
		for _, size := range []int{1, 2, 7, 1 << 20} {
			got, err := through(t, serverFrame(info), row.sends, size)
			want := row.gets
			if row.err != nil && len(got) >= len(want) && size < 1<<20 {
				// Pieces of what is refused may have gone before: without its end it is no command.
				if extra := got[len(want):]; strings.Contains(extra, "\n") &&
					!strings.HasPrefix("PUB a 1\r\nx\r\n"+mine, extra) {
					t.Errorf("%s, %d at a time: the server gets %q besides", name, size, extra)
				}
				got = got[:len(want)]
			}
			if got != want || !errors.Is(err, row.err) {
				t.Errorf("%s, %d at a time:\n  the server gets %q, %v\n  want            %q, %v",
					name, size, got, err, want, row.err)
			}
		}
	}
}

func TestWithoutAChallengeNobodyConnects(t *testing.T) {
	for _, says := range []string{
		"", serverFrame("INFO {}\r\n"), serverFrame("INFO {\r\n"), serverFrame("-ERR 'x'\r\n"), serverFrame(info[:9]),
		frame(0x82, info), serverFrame("MSG a 1 99\r\n" + info),
	} {
		if got, err := through(t, says, frame(0x82, `CONNECT {"jwt":"mine"}`+"\r\n"), 99); got != "" || err == nil {
			t.Errorf("the server says %q and gets %q, %v", says, got, err)
		}
	}
}

// FuzzAClient sends anything after INFO. Whatever of it reaches the server, a reader as lenient as the server finds at
// most one CONNECT in it: the first command, of a user of the session, with the gate's signature.
func FuzzAClient(f *testing.F) {
	const mine = `CONNECT {"jwt":"mine"}` + "\r\n"
	for _, s := range []string{
		mine, mine + "PUB a 5\r\nhello\r\n" + mine, mine + "PUB a 1\r2\r\nx\r\n" + mine, mine + "HPUB a 1 2\r\n",
		mine + "SUB a b 1\r\nUNSUB 1 2\r\nPING\r\n", `CONNECT {"jwt":"x"}` + "\r\n" + mine,
	} {
		f.Add([]byte(s), uint16(3))
	}
	f.Fuzz(func(t *testing.T, text []byte, cut uint16) {
		k := min(int(cut), len(text))
		sends := frame(0x82, string(text[:k])) + frame(0x81, string(text[k:]))
		got, _ := through(t, serverFrame(info), sends, 1+int(cut)%64)
		for n := 0; got != ""; n++ {
			line, rest, whole := strings.Cut(got, "\n")
			if !whole {
				return
			}
			got = rest
			words := strings.Fields(line)
			if len(words) == 0 {
				return // the server ends the connection
			}
			switch op := strings.ToUpper(words[0]); op {
			case "CONNECT":
				var c struct {
					JWT string `json:"jwt"`
					Sig string `json:"proxy_sig"`
				}
				_, arg, _ := strings.Cut(line, " ")
				err := json.Unmarshal([]byte(arg), &c)
				sig, _ := base64.RawURLEncoding.DecodeString(c.Sig)
				if n > 0 || err != nil || c.JWT != "mine" || string(sig) != "signed challenge" {
					t.Fatalf("command %d of what the server gets is %q", n, line)
				}
			case "PUB", "HPUB":
				size, err := strconv.Atoi(words[len(words)-1])
				if err != nil || size < 0 {
					return
				}
				got = got[min(len(got), size+2):]
			}
			if n == 0 && !strings.EqualFold(words[0], "CONNECT") {
				t.Fatalf("the server gets %q first", line)
			}
		}
	})
}
