package sqlite

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"backstory/source/layout"
)

// value is one column of the current row.
type value struct {
	q     *stmt
	i     int
	class class
}

func (v value) wrong(want string) error {
	return fmt.Errorf("it holds %s, but %s is wanted", v.class, want)
}

func (v value) integer() (int64, error) {
	if v.class != classInteger {
		return 0, v.wrong("an integer")
	}
	return v.q.int64(v.i), nil
}

// version is an integer, or text of digits.
func (v value) version() (int, error) {
	if v.class == classText {
		n, err := strconv.Atoi(string(v.q.bytes(v.i)))
		if err != nil {
			return 0, fmt.Errorf("%q is no schema version", v.q.bytes(v.i))
		}
		return n, nil
	}
	n, err := v.integer()
	return int(n), err
}

// text is valid until the next row.
func (v value) text() ([]byte, error) {
	if v.class != classText && v.class != classBlob {
		return nil, v.wrong("text")
	}
	return v.q.bytes(v.i), nil
}

// append appends text or a blob as it is.
func (v value) append(dst []byte) ([]byte, error) {
	text, err := v.text()
	return append(dst, text...), err
}

// id appends an id as text. Text of 32 hexadecimal digits is a UUID where hex
// is set.
func (v value) id(dst []byte, hex bool) ([]byte, error) {
	switch v.class {
	case classInteger:
		return strconv.AppendInt(dst, v.q.int64(v.i), 10), nil
	case classText:
		if hex {
			return layout.AppendHexUUID(dst, v.q.bytes(v.i)), nil
		}
		return append(dst, v.q.bytes(v.i)...), nil
	case classBlob:
		return layout.AppendBytesID(dst, v.q.bytes(v.i)), nil
	}
	return dst, v.wrong("an id")
}

// timeFormats are those of SQLite's own functions
// (https://sqlite.org/lang_datefunc.html) beside RFC 3339. Without a zone
// they are UTC.
var timeFormats = []string{
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999",
	"2006-01-02 15:04",
	"2006-01-02",
}

// maxSeconds is the end of the year 9999. What is later is no number of
// seconds but of a smaller unit.
const maxSeconds = 253402300799

// time reads text in one of timeFormats, or an integer as the seconds since
// 1970 that SQLite says it is.
func (v value) time() (time.Time, error) {
	switch v.class {
	case classInteger:
		n := v.q.int64(v.i)
		if n > maxSeconds || n < -maxSeconds {
			return time.Time{}, errors.New("it holds an integer that is no number of seconds since 1970; make a view that divides it")
		}
		return time.Unix(n, 0).UTC(), nil
	case classText:
		text := v.q.bytes(v.i)
		var t time.Time
		if t.UnmarshalText(text) == nil {
			return t.UTC(), nil
		}
		for _, format := range timeFormats {
			if t, err := time.Parse(format, string(text)); err == nil {
				return t.UTC(), nil
			}
		}
		return time.Time{}, fmt.Errorf("%q is no time", text)
	}
	return time.Time{}, v.wrong("a time as text")
}
