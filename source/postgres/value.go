package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"backstory/source/layout"

	"github.com/jackc/pgx/v5/pgtype"
)

// value is one value of a row in PostgreSQL's binary format
// (postgres/postgres: the *send functions of src/backend/utils/adt).
type value struct {
	oid uint32
	raw []byte
}

// isText tells whether the raw bytes are the value's text.
func (v value) isText() bool {
	switch v.oid {
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.UUIDOID, pgtype.ByteaOID:
		return false
	}
	return true
}

// integer reads a value whose column is known to be of an integer type.
func (v value) integer() int64 {
	switch len(v.raw) {
	case 2:
		return int64(int16(binary.BigEndian.Uint16(v.raw)))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(v.raw)))
	case 8:
		return int64(binary.BigEndian.Uint64(v.raw))
	}
	return 0
}

// version is an integer, or text of digits.
func (v value) version() (int, error) {
	if !v.isText() {
		return int(v.integer()), nil
	}
	n, err := strconv.Atoi(string(v.raw))
	if err != nil {
		return 0, fmt.Errorf("%q is no schema version", v.raw)
	}
	return n, nil
}

// appendID appends an id that is not text as text.
func (v value) appendID(dst []byte) []byte {
	if v.oid == pgtype.UUIDOID || v.oid == pgtype.ByteaOID {
		return layout.AppendBytesID(dst, v.raw)
	}
	return strconv.AppendInt(dst, v.integer(), 10)
}

// microsTo2000 lie between 1970 and 2000-01-01, from which PostgreSQL counts.
const microsTo2000 = 946_684_800_000_000

// time reads a timestamp with or without time zone; one without is UTC.
func (v value) time() (time.Time, error) {
	micros := v.integer()
	if micros == math.MaxInt64 || micros == math.MinInt64 {
		return time.Time{}, errors.New("an infinite time")
	}
	// PostgreSQL's last year is 294276, so the sum fits.
	return time.UnixMicro(micros + microsTo2000).UTC(), nil
}

// jsonbVersion is the only version of jsonb's binary format so far; it stands
// before the text.
const jsonbVersion = 1

// document gives the bytes of a payload or of metadata.
func (v value) document() ([]byte, error) {
	if v.oid != pgtype.JSONBOID {
		return v.raw, nil
	}
	if len(v.raw) == 0 || v.raw[0] != jsonbVersion {
		return nil, errors.New("jsonb of an unknown format")
	}
	return v.raw[1:], nil
}
