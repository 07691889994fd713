package parquetfile

import (
	"encoding/binary"
	"hash/crc32"
	"io"

	"github.com/apache/arrow/go/v17/parquet"
)

// Page headers are Thrift structs in the compact protocol:
// https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift,
// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md.
// A field begins with a byte of its distance from the field before and its type.
const (
	thriftI32    = 0x05
	thriftStruct = 0x0c
	thriftStop   = 0x00

	pageTypeData       = 0
	pageTypeDictionary = 2
)

func appendI32(b []byte, distance byte, v int) []byte {
	return binary.AppendVarint(append(b, distance<<4|thriftI32), int64(v))
}

// appendHeader appends what the headers of all pages have in common. The
// checksum is of the page as it lies in the file.
func appendHeader(b []byte, kind, raw int, data []byte) []byte {
	b = appendI32(b, 1, kind)                                    // 1: type
	b = appendI32(b, 1, raw)                                     // 2: uncompressed_page_size
	b = appendI32(b, 1, len(data))                               // 3: compressed_page_size
	return appendI32(b, 1, int(int32(crc32.ChecksumIEEE(data)))) // 4: crc
}

// appendDataHeader appends the header of a data page of version 1, which
// every reader knows.
func appendDataHeader(b []byte, p page) []byte {
	b = appendHeader(b, pageTypeData, p.raw, p.data)
	b = append(b, 1<<4|thriftStruct)                // 5: data_page_header
	b = appendI32(b, 1, p.levels)                   // 1: num_values
	b = appendI32(b, 1, int(p.encoding))            // 2: encoding
	b = appendI32(b, 1, int(parquet.Encodings.RLE)) // 3: definition_level_encoding
	b = appendI32(b, 1, int(parquet.Encodings.RLE)) // 4: repetition_level_encoding
	return append(b, thriftStop, thriftStop)
}

func appendDictionaryHeader(b []byte, raw int, data []byte, count int) []byte {
	b = appendHeader(b, pageTypeDictionary, raw, data)
	b = append(b, 3<<4|thriftStruct)                  // 7: dictionary_page_header
	b = appendI32(b, 1, count)                        // 1: num_values
	b = appendI32(b, 1, int(parquet.Encodings.Plain)) // 2: encoding
	return append(b, thriftStop, thriftStop)
}

// pageHeader is what a header says that appendHeader began.
type pageHeader struct {
	kind, raw, packed int
	crc               uint32
	values            int // nulls among them
	encoding          parquet.Encoding
}

// readHeader reads a header as it is written above, and nothing else.
func readHeader(r io.ByteReader) (h pageHeader, err error) {
	var common [4]int64
	for i := range common {
		if common[i], err = readI32(r, 1<<4|thriftI32); err != nil {
			return h, err
		}
	}
	h = pageHeader{kind: int(common[0]), raw: int(common[1]), packed: int(common[2]), crc: uint32(common[3])}
	fields, distance := 4, byte(1)
	if h.kind == pageTypeDictionary {
		fields, distance = 2, 3
	}
	if err := readByte(r, distance<<4|thriftStruct); err != nil {
		return h, err
	}
	for i := range fields {
		v, err := readI32(r, 1<<4|thriftI32)
		if err != nil {
			return h, err
		}
		switch i {
		case 0:
			h.values = int(v)
		case 1:
			h.encoding = parquet.Encoding(v)
		default:
			if parquet.Encoding(v) != parquet.Encodings.RLE {
				return h, errDamaged
			}
		}
	}
	if err := readByte(r, thriftStop); err != nil {
		return h, err
	}
	return h, readByte(r, thriftStop)
}

func readI32(r io.ByteReader, field byte) (int64, error) {
	if err := readByte(r, field); err != nil {
		return 0, err
	}
	return binary.ReadVarint(r)
}

func readByte(r io.ByteReader, want byte) error {
	got, err := r.ReadByte()
	if err == nil && got != want {
		err = errDamaged
	}
	return err
}
