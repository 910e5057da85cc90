package gate

import (
	"encoding/binary"
	"errors"
)

// Opcodes of frames; RFC 6455, section 5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

const (
	maxFrame   = 16 << 20 // bytes of a frame's payload; NATS messages are smaller
	maxControl = 125      // bytes of a control frame's payload, says the RFC
)

// errFrame is the error about bytes that are no frames, or frames that nobody here sends.
var errFrame = errors.New("not a WebSocket frame of this connection")

// frames takes one direction of a WebSocket apart, however its bytes come. The zero value is for a server's frames.
type frames struct {
	masked bool // a client's

	head  [14]byte
	have  int  // bytes of head
	final bool // FIN of the frame under way
	op    byte
	mask  [4]byte
	at    int // how much of the payload was read, for the mask
	left  int // of the payload
	body  bool
}

// next takes bytes off p: at most the rest of one frame. It appends what is in the clear of a data frame's payload to
// buf, and reports whether the frame ended.
func (f *frames) next(p, buf []byte) (n int, out []byte, ended bool, err error) {
	for !f.body && n < len(p) {
		f.head[f.have] = p[n]
		f.have++
		n++
		if err := f.header(); err != nil {
			return n, buf, false, err
		}
	}
	if !f.body {
		return n, buf, false, nil
	}
	k := min(f.left, len(p)-n)
	if f.data() {
		from := len(buf)
		buf = append(buf, p[n:n+k]...)
		if f.masked {
			for i := range buf[from:] {
				buf[from+i] ^= f.mask[(f.at+i)&3]
			}
		}
	}
	n, f.at, f.left = n+k, f.at+k, f.left-k
	if f.left == 0 {
		f.have, f.body = 0, false
		return n, buf, true, nil
	}
	return n, buf, false, nil
}

// data reports whether the frame under way, or the last one, is of a message.
func (f *frames) data() bool { return f.op <= opBinary }

// header reads the header, if all of it is there.
func (f *frames) header() error {
	if f.have < 2 {
		return nil
	}
	const fin, reserved, opcode, mask, short = 0x80, 0x70, 0x0f, 0x80, 0x7f
	f.final, f.op = f.head[0]&fin != 0, f.head[0]&opcode
	switch f.op {
	case opContinuation, opText, opBinary, opClose, opPing, opPong:
	default:
		return errFrame
	}
	if f.head[0]&reserved != 0 || f.head[1]&mask != 0 != f.masked {
		return errFrame // compressed, or of the other side
	}
	size, need := int(f.head[1]&short), 2
	switch size {
	case 126:
		need += 2
	case 127:
		need += 8
	}
	if f.masked {
		need += len(f.mask)
	}
	if f.have < need {
		return nil
	}
	switch size {
	case 126:
		size = int(binary.BigEndian.Uint16(f.head[2:]))
	case 127:
		long := binary.BigEndian.Uint64(f.head[2:])
		if long > maxFrame {
			return errFrame
		}
		size = int(long)
	}
	if size > maxFrame || !f.data() && (size > maxControl || !f.final) {
		return errFrame
	}
	if f.masked {
		copy(f.mask[:], f.head[need-len(f.mask):need])
	}
	f.left, f.at, f.body = size, 0, true
	return nil
}

// clientFrame is a client's frame with a whole message. Its mask is zero: masks protect what is between a browser and
// its server from scripts, and this does not come from a browser.
func clientFrame(payload []byte) []byte {
	frame := []byte{0x80 | opBinary}
	switch n := len(payload); {
	case n <= maxControl:
		frame = append(frame, 0x80|byte(n))
	case n < 1<<16:
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|126), uint16(n))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, 0x80|127), uint64(n))
	}
	return append(append(frame, 0, 0, 0, 0), payload...)
}
