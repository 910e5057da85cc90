package gate

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// maxConnect bounds what comes before both sides know each other: INFO of the server, CONNECT of the client.
const maxConnect = 64 << 10

// Errors that end a connection; they never hold anything of what was sent.
var (
	errConnect = errors.New("not a CONNECT that can be passed on")
	errUser    = errors.New("the user is not one of this session")
	errEnded   = errors.New("the server has ended the connection")
)

// A conn is the NATS server's side of a WebSocket that is forwarded. What is read from it is what the server sends,
// unchanged; what is written is passed on when it has been looked at, and CONNECT is with the gate's signature. One
// goroutine may read while another writes.
type conn struct {
	server io.ReadWriteCloser
	sign   func(nonce []byte) ([]byte, error)
	admit  Admit
	failed func(error) // is told why the connection ends, once

	mu     sync.Mutex
	nonce  string
	told   bool // INFO is complete
	info   []byte
	infoIn frames

	out       frames
	connect   []byte // of the client's message, in the clear, until it is passed on
	connected bool
	commands  scanner
	scratch   []byte
	err       error
}

func newConn(server io.ReadWriteCloser, sign func([]byte) ([]byte, error), admit Admit, failed func(error),
) *conn {
	return &conn{server: server, sign: sign, admit: admit, failed: failed, out: frames{masked: true}}
}

// Read reads what the server sends, and keeps the challenge in it. Its end is an error: who forwards would otherwise
// wait for the client to end the other direction, too.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.server.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.told {
		c.listen(p[:n])
	}
	if errors.Is(err, io.EOF) {
		err = errEnded
	}
	return n, err
}

// listen looks for the server's INFO, in p and what came before it. The caller holds mu.
func (c *conn) listen(p []byte) {
	for len(p) > 0 {
		n, info, _, err := c.infoIn.next(p, c.info)
		if p, c.info = p[n:], info; err != nil || len(info) > maxConnect {
			c.told = true // without a challenge, nobody connects
			return
		}
		line, _, whole := bytes.Cut(info, []byte("\r\n"))
		if !whole {
			continue
		}
		c.told, c.info = true, nil
		text, is := bytes.CutPrefix(line, []byte("INFO "))
		var i struct {
			Nonce string `json:"nonce"`
		}
		if is && json.Unmarshal(text, &i) == nil {
			c.nonce = i.Nonce
		}
		return
	}
}

// Write passes on what the client sends, or fails, and then for good.
func (c *conn) Write(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if err := c.pass(p); err != nil {
		c.err = err
		c.failed(err)
		return 0, err
	}
	return len(p), nil
}

func (c *conn) pass(p []byte) error {
	for !c.connected && len(p) > 0 {
		n, text, ended, err := c.out.next(p, c.connect)
		p, c.connect = p[n:], text
		switch {
		case err != nil:
			return err
		case ended && !c.out.data():
			return errConnect // a ping, or goodbye
		case len(text) > maxConnect:
			return errConnect
		case !ended || !c.out.final || bytes.IndexByte(text, '\n') < 0:
			continue
		}
		message, err := c.vouch(text)
		if err != nil {
			return err
		}
		c.connected, c.connect = true, nil
		if _, err := c.server.Write(clientFrame(message)); err != nil {
			return err
		}
	}
	for q := p; len(q) > 0; {
		n, text, ended, err := c.out.next(q, c.scratch[:0])
		q, c.scratch = q[n:], text
		if err != nil {
			return err
		}
		if err := c.commands.feed(text); err != nil {
			return err
		}
		if ended && c.out.op == opClose {
			break // and what follows means nothing
		}
	}
	if len(p) == 0 {
		return nil
	}
	_, err := c.server.Write(p)
	return err
}

// vouch returns the client's first message with the gate's signature in its CONNECT.
func (c *conn) vouch(message []byte) ([]byte, error) {
	line, rest, _ := bytes.Cut(message, []byte("\n"))
	text, is := bytes.CutPrefix(bytes.TrimSuffix(line, []byte("\r")), []byte("CONNECT "))
	var said map[string]json.RawMessage
	if !is || json.Unmarshal(text, &said) != nil || said == nil {
		return nil, errConnect
	}
	for k := range said {
		for _, ours := range []string{"jwt", "proxy_sig"} {
			if k != ours && strings.EqualFold(k, ours) {
				return nil, errConnect // the server would take it for the same field
			}
		}
	}
	var user string
	if json.Unmarshal(said["jwt"], &user) != nil {
		return nil, errConnect
	}
	public, ok := c.admit(user)
	if !ok {
		return nil, errUser
	}
	c.commands.inbox = "_INBOX." + public + "."
	c.mu.Lock()
	nonce := c.nonce
	c.mu.Unlock()
	if nonce == "" {
		return nil, errConnect
	}
	sig, err := c.sign([]byte(nonce))
	if err != nil {
		return nil, fmt.Errorf("sign the challenge: %w", err)
	}
	if said["proxy_sig"], err = json.Marshal(base64.RawURLEncoding.EncodeToString(sig)); err != nil {
		return nil, err
	}
	connect, err := json.Marshal(said)
	if err != nil {
		return nil, err
	}
	if err := c.commands.feed(rest); err != nil {
		return nil, err
	}
	return append(append(append([]byte("CONNECT "), connect...), "\r\n"...), rest...), nil
}

// Close ends the connection to the server.
func (c *conn) Close() error { return c.server.Close() }
