package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A gRPC stream on a connection of its own, frame by frame as grpc-js opens it for an agent.

const (
	handshakeLimit = 20 * time.Second
	pingEvery      = 20 * time.Second
	pingLimit      = 10 * time.Second
	// What the hub may send before we have read it.
	receiveWindow = 1 << 20
	initialWindow = 65_535
	messageLimit  = 4 << 20
	frameLimit    = 16_384
	userAgent     = "grpc-node-js/1.14.7"
)

// ended is how a call ended: a status of gRPC.
type ended struct {
	status int
	why    string
}

func (e *ended) Error() string { return fmt.Sprintf("status %d: %s", e.status, e.why) }

type link struct {
	conn    net.Conn
	framer  *http2.Framer
	reading *bufio.Reader

	mu  sync.Mutex
	out bytes.Buffer
	// What the hub may still be sent, on the connection and on the stream.
	sendConnection, sendStream, initial int64
	// Of messages that wait for room.
	waiting []byte
	stream  uint32
	last    bool
	ping    *time.Timer
	closed  bool

	unread  int
	message []byte
	status  *ended
}

// openLink dials and shakes hands; `count` wraps the TCP connection. `from` is an address of this machine, or nil.
func openLink(address string, config *tls.Config, from net.IP, count func(net.Conn) net.Conn) (*link, error) {
	ctx, cancel := context.WithTimeout(context.Background(), handshakeLimit)
	defer cancel()
	dialer := net.Dialer{KeepAlive: -1}
	if from != nil {
		dialer.LocalAddr = &net.TCPAddr{IP: from}
	}
	tcp, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(count(tcp), config)
	if err := conn.HandshakeContext(ctx); err != nil {
		tcp.Close()
		return nil, err
	}
	l := &link{
		conn: conn, reading: bufio.NewReaderSize(conn, 4096),
		sendConnection: initialWindow, initial: initialWindow, sendStream: initialWindow,
	}
	l.framer = http2.NewFramer(&l.out, l.reading)
	l.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	l.framer.SetReuseFrames()
	l.out.WriteString(http2.ClientPreface)
	l.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: receiveWindow})
	l.framer.WriteWindowUpdate(0, receiveWindow-initialWindow)
	return l, nil
}

// call begins a call with its first message; `last` when there is no other. One call after another.
func (l *link) call(path string, message []byte, last bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stream += 2
	if l.stream == 2 {
		l.stream = 1
	}
	l.sendStream, l.last, l.status, l.message = l.initial, last, nil, nil
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, header := range [][2]string{
		{":authority", hubName}, {":method", "POST"}, {":path", path}, {":scheme", "https"},
		{"grpc-accept-encoding", "identity,deflate,gzip"}, {"accept-encoding", "identity"},
		{"user-agent", userAgent}, {"content-type", "application/grpc"}, {"te", "trailers"},
	} {
		encoder.WriteField(hpack.HeaderField{Name: header[0], Value: header[1]})
	}
	l.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: l.stream, BlockFragment: block.Bytes(), EndHeaders: true,
	})
	return l.queue(message)
}

// send says one message more.
func (l *link) send(message []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	return l.queue(message)
}

func (l *link) queue(message []byte) error {
	l.waiting = append(l.waiting, 0)
	l.waiting = binary.BigEndian.AppendUint32(l.waiting, uint32(len(message)))
	l.waiting = append(l.waiting, message...)
	return l.flush()
}

// flush writes frames that wait, and as much of the messages as the hub has room for.
func (l *link) flush() error {
	for len(l.waiting) > 0 {
		room := int(min(l.sendConnection, l.sendStream, frameLimit, int64(len(l.waiting))))
		if room <= 0 {
			break
		}
		l.framer.WriteData(l.stream, l.last && room == len(l.waiting), l.waiting[:room])
		l.sendConnection -= int64(room)
		l.sendStream -= int64(room)
		l.waiting = l.waiting[room:]
	}
	if len(l.waiting) == 0 {
		l.waiting = nil
	}
	if l.out.Len() == 0 {
		return nil
	}
	_, err := l.conn.Write(l.out.Bytes())
	l.out.Reset()
	return err
}

// keepAlive sends PINGs from now on, and closes the link when one is not answered.
func (l *link) keepAlive() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ping = time.AfterFunc(pingEvery, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.closed {
			return
		}
		l.framer.WritePing(false, [8]byte{1})
		l.flush()
		l.ping = time.AfterFunc(pingLimit, l.close)
	})
}

// heard puts the next PING off: what came is a sign of life.
func (l *link) heard() {
	l.mu.Lock()
	stopped := !l.closed && l.ping != nil && l.ping.Stop()
	l.mu.Unlock()
	if stopped {
		l.keepAlive()
	}
}

func (l *link) close() {
	l.conn.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.ping != nil {
		l.ping.Stop()
	}
}

// read hands out messages until the call has ended; then it returns how. What is handed out is the
// receiver's for good.
func (l *link) read(take func(message []byte)) error {
	for {
		frame, err := l.framer.ReadFrame()
		if err != nil {
			return err
		}
		if err := l.handle(frame, take); err != nil {
			return err
		}
		if l.status != nil {
			return l.status
		}
	}
}

func (l *link) handle(frame http2.Frame, take func([]byte)) error {
	switch frame := frame.(type) {
	case *http2.DataFrame:
		if err := l.collect(frame.Data(), take); err != nil {
			return err
		}
		return l.grant(int(frame.Header().Length))
	case *http2.MetaHeadersFrame:
		return l.readHeaders(frame)
	case *http2.RSTStreamFrame:
		return &ended{status: 14, why: "the stream was reset: " + frame.ErrCode.String()}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch frame := frame.(type) {
	case *http2.SettingsFrame:
		if frame.IsAck() {
			return nil
		}
		if window, told := frame.Value(http2.SettingInitialWindowSize); told {
			l.sendStream += int64(window) - l.initial
			l.initial = int64(window)
		}
		l.framer.WriteSettingsAck()
	case *http2.WindowUpdateFrame:
		if frame.StreamID == 0 {
			l.sendConnection += int64(frame.Increment)
		} else {
			l.sendStream += int64(frame.Increment)
		}
	case *http2.PingFrame:
		if !frame.IsAck() {
			l.framer.WritePing(true, frame.Data)
		} else if l.ping != nil && l.ping.Stop() {
			l.mu.Unlock()
			l.keepAlive()
			l.mu.Lock()
		}
	}
	return l.flush()
}

// collect puts messages together.
func (l *link) collect(data []byte, take func([]byte)) error {
	l.message = append(l.message, data...)
	for len(l.message) >= 5 {
		size := int(binary.BigEndian.Uint32(l.message[1:5]))
		if l.message[0] != 0 || size > messageLimit {
			return errors.New("a message that is compressed, or too large")
		}
		if len(l.message) < 5+size {
			return nil
		}
		whole := l.message[5 : 5+size : 5+size]
		l.message = l.message[5+size:]
		if len(l.message) == 0 {
			l.message = nil
		}
		take(whole)
	}
	return nil
}

// grant lets the hub send more once half of what it may was read.
func (l *link) grant(size int) error {
	l.unread += size
	if l.unread < receiveWindow/2 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.framer.WriteWindowUpdate(0, uint32(l.unread))
	l.framer.WriteWindowUpdate(l.stream, uint32(l.unread))
	l.unread = 0
	return l.flush()
}

func (l *link) readHeaders(frame *http2.MetaHeadersFrame) error {
	if status := frame.PseudoValue("status"); status != "" && status != "200" {
		return fmt.Errorf("HTTP status %s", status)
	}
	if !frame.StreamEnded() {
		return nil
	}
	l.status = &ended{}
	for _, header := range frame.RegularFields() {
		switch header.Name {
		case "grpc-status":
			l.status.status, _ = strconv.Atoi(header.Value)
		case "grpc-message":
			l.status.why = header.Value
		}
	}
	return nil
}
