package layout

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"

	"backstory/source"

	"github.com/klauspost/compress/zlib"
)

const (
	nonceSize = 12
	tagSize   = 16
)

// maxState bounds what one event's bytes may decompress to. It is far above
// any real event, and far below what would exhaust a machine's memory.
const maxState = 256 << 20

// Decoder turns stored bytes into JSON text. It is for one goroutine, and
// once its buffers have grown it does not allocate.
type Decoder struct {
	aead     cipher.AEAD // nil: not encrypted
	compress bool
	limit    int

	sealed   []byte
	stored   bytes.Reader
	inflater io.ReadCloser
	plain    []byte
}

// NewDecoder makes a decoder for a valid State.
func NewDecoder(s State) (*Decoder, error) {
	d := &Decoder{compress: s.Compress == Zlib, limit: maxState}
	if s.Cipher == AESGCM {
		var err error
		if d.aead, err = s.aead(); err != nil {
			return nil, source.Setup("use the value of the application's CIPHER_KEY as it is",
				"read state.key: %w", err)
		}
	}
	return d, nil
}

// Decode sets e.Data to the JSON text of stored: stored itself, or memory of
// the decoder that is valid until the next call. When that cannot be done it
// sets e.Data to stored and e.Err to why, and the next call works again.
func (d *Decoder) Decode(e *source.Event, stored []byte) {
	e.Data = stored
	data := stored
	if d.aead != nil {
		var err error
		if data, err = d.decrypt(data); err != nil {
			Fail(e, "decrypt", err, "check state.key; an event whose key was destroyed can only be quarantined")
			return
		}
	}
	if d.compress {
		var err error
		if data, err = d.decompress(data); err != nil {
			Fail(e, "decompress", err, "check that all events were written with the compression named by state.compress")
			return
		}
	}
	e.Data = data
}

// Fail sets e.Err, unless it is set already.
func Fail(e *source.Event, step string, err error, advice string) {
	if e.Err == nil {
		e.Err = &source.EventError{
			Position: e.Position, Stream: string(e.Stream), Type: e.Type,
			Schema: e.SchemaVersion, Step: step, Err: err, Advice: advice,
		}
	}
}

func (d *Decoder) decrypt(stored []byte) ([]byte, error) {
	if len(stored) < nonceSize+tagSize {
		return nil, fmt.Errorf("%d bytes are too few for a nonce of %d and a tag of %d",
			len(stored), nonceSize, tagSize)
	}
	nonce, tag, text := stored[:nonceSize], stored[nonceSize:nonceSize+tagSize], stored[nonceSize+tagSize:]
	// Go wants the tag behind the ciphertext.
	d.sealed = append(append(d.sealed[:0], text...), tag...)
	plain, err := d.aead.Open(d.sealed[:0], nonce, d.sealed, nil)
	if err != nil {
		return nil, errors.New("the key is another one, or the bytes were changed")
	}
	return plain, nil
}

func (d *Decoder) decompress(stored []byte) ([]byte, error) {
	d.stored.Reset(stored)
	if err := d.restart(); err != nil {
		return nil, zlibError(err)
	}
	d.plain = d.plain[:0]
	for {
		if len(d.plain) == cap(d.plain) {
			d.plain = grow(d.plain, d.limit)
		}
		n, err := d.inflater.Read(d.plain[len(d.plain):cap(d.plain)])
		d.plain = d.plain[:len(d.plain)+n]
		if len(d.plain) > d.limit {
			return nil, fmt.Errorf("more than %d MiB", d.limit>>20)
		}
		if err == io.EOF {
			return d.plain, nil
		}
		if err != nil {
			return nil, zlibError(err)
		}
	}
}

// restart points the inflater at d.stored.
func (d *Decoder) restart() (err error) {
	if d.inflater == nil {
		d.inflater, err = zlib.NewReader(&d.stored)
		if err != nil {
			d.inflater = nil
		}
		return err
	}
	return d.inflater.(zlib.Resetter).Reset(&d.stored, nil)
}

// grow doubles the room of b, to one byte past the limit at most, so that
// text of exactly the limit is still read to its end.
func grow(b []byte, limit int) []byte {
	room := min(max(4096, 2*cap(b)), limit+1)
	return append(make([]byte, 0, room), b...)
}

func zlibError(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the zlib stream ends early")
	case errors.Is(err, zlib.ErrHeader):
		return errors.New("this is no zlib stream")
	case errors.Is(err, zlib.ErrChecksum):
		return errors.New("the checksum of the zlib stream is wrong")
	}
	return fmt.Errorf("the zlib stream is damaged: %w", err)
}
