package parquetfile

import (
	"encoding/binary"

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

// appendHeader appends what PageHeader and DataPageHeader have in common.
func appendHeader(b []byte, kind, raw, packed int) []byte {
	b = appendI32(b, 1, kind)      // 1: type
	b = appendI32(b, 1, raw)       // 2: uncompressed_page_size
	return appendI32(b, 1, packed) // 3: compressed_page_size
}

// appendDataHeader appends the header of a data page of version 1, which
// every reader knows.
func appendDataHeader(b []byte, p page) []byte {
	b = appendHeader(b, pageTypeData, p.raw, len(p.data))
	b = append(b, 2<<4|thriftStruct)                // 5: data_page_header
	b = appendI32(b, 1, p.levels)                   // 1: num_values
	b = appendI32(b, 1, int(p.encoding))            // 2: encoding
	b = appendI32(b, 1, int(parquet.Encodings.RLE)) // 3: definition_level_encoding
	b = appendI32(b, 1, int(parquet.Encodings.RLE)) // 4: repetition_level_encoding
	return append(b, thriftStop, thriftStop)
}

func appendDictionaryHeader(b []byte, raw, packed, count int) []byte {
	b = appendHeader(b, pageTypeDictionary, raw, packed)
	b = append(b, 4<<4|thriftStruct)                  // 7: dictionary_page_header
	b = appendI32(b, 1, count)                        // 1: num_values
	b = appendI32(b, 1, int(parquet.Encodings.Plain)) // 2: encoding
	return append(b, thriftStop, thriftStop)
}
