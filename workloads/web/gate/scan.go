package gate

import (
	"bytes"
	"errors"
	"strconv"
)

// maxLine bounds a command's line, in bytes, as NATS servers do.
const maxLine = 4096

// errCommand is the error about what is no command of a client that is connected. CONNECT is none.
var errCommand = errors.New("not a command of a connected NATS client")

// errReply is the error about a message whose answer is to go elsewhere than to the user's own inboxes. Permissions do
// not bound where answers go, and whoever answers publishes there for the user.
var errReply = errors.New("an answer is asked for that is not sent to an inbox of the user")

// A scanner follows what a client that is connected sends, whatever pieces it comes in. It is stricter than the NATS
// server, so that the two never disagree where a command begins.
type scanner struct {
	inbox string // begins the subject of every inbox of the user
	line  []byte // of a command, incomplete
	left  int    // bytes of a message that are still to come, with the line's end
}

func (s *scanner) feed(p []byte) error {
	for len(p) > 0 {
		if s.left > 0 {
			n := min(s.left, len(p))
			// The last two bytes are \r\n, or the server ends the connection.
			s.left, p = s.left-n, p[n:]
			continue
		}
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			end = len(p) - 1
		}
		if s.line = append(s.line, p[:end+1]...); len(s.line) > maxLine {
			return errCommand
		}
		p = p[end+1:]
		if s.line[len(s.line)-1] != '\n' {
			return nil
		}
		if err := s.command(s.line); err != nil {
			return err
		}
		s.line = s.line[:0]
	}
	return nil
}

// command reads a whole line.
func (s *scanner) command(line []byte) error {
	line, ended := bytes.CutSuffix(line, []byte("\r\n"))
	control := func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }
	if !ended || len(line) == 0 || line[0] == ' ' || line[0] == '\t' || bytes.ContainsFunc(line, control) {
		return errCommand
	}
	words := bytes.FieldsFunc(line, func(c rune) bool { return c == ' ' || c == '\t' })
	var least, most int // words after the first
	switch string(words[0]) {
	case "PING", "PONG":
		if len(line) != len(words[0]) {
			return errCommand
		}
		return nil
	case "SUB":
		least, most = 2, 3
	case "UNSUB":
		least, most = 1, 2
	case "PUB":
		least, most = 2, 3
	case "HPUB":
		least, most = 3, 4
	default:
		return errCommand
	}
	if n := len(words) - 1; n < least || n > most {
		return errCommand
	}
	if words[0][0] == 'P' || words[0][0] == 'H' {
		if len(words)-1 == most && !bytes.HasPrefix(words[2], []byte(s.inbox)) {
			return errReply
		}
		size, err := strconv.ParseUint(string(words[len(words)-1]), 10, 31)
		if err != nil || size > maxFrame {
			return errCommand
		}
		s.left = int(size) + len("\r\n")
	}
	return nil
}
