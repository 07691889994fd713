// Package readback reads Parquet files for tests, with a reader that has
// nothing to do with the one who wrote them, and gives their rows as text.
package readback

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// Files lists the files below a folder, or a link to one, as a reader globs them.
func Files(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir+string(filepath.Separator), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".parquet") {
			files = append(files, path)
		}
		return err
	})
	if os.IsNotExist(err) {
		return nil, nil
	}
	return files, err
}

// Folder gives the rows of all files below a folder, as memory.Line does. If
// the folder is replaced while it is listed, its files may be about to be
// removed: that is fs.ErrNotExist, as it is if one of them is gone.
func Folder(dir string) ([]string, error) {
	before, err := os.Stat(dir)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	files, err := Files(dir)
	if err != nil {
		return nil, err
	}
	if after, err := os.Stat(dir); err != nil || !os.SameFile(before, after) {
		return nil, fmt.Errorf("list %s: another has taken its place: %w", dir, fs.ErrNotExist)
	}
	var lines []string
	for _, path := range files {
		more, err := Rows(path)
		if err != nil {
			return nil, err
		}
		lines = append(lines, more...)
	}
	return lines, nil
}

// Rows gives the rows of a file, as memory.Line does.
func Rows(path string) ([]string, error) {
	var lines []string
	err := with(path, func(file *pq.File) error {
		for _, group := range file.RowGroups() {
			rows := group.Rows()
			buf := make([]pq.Row, 64)
			for {
				n, err := rows.ReadRows(buf)
				for _, row := range buf[:n] {
					lines = append(lines, rowText(file.Schema(), row))
				}
				if n == 0 || err != nil {
					break
				}
			}
			if err := rows.Close(); err != nil {
				return err
			}
		}
		if int64(len(lines)) != file.NumRows() {
			return fmt.Errorf("got %d rows, the footer says %d", len(lines), file.NumRows())
		}
		return nil
	})
	return lines, err
}

// Columns gives the names of a file's columns.
func Columns(path string) ([]string, error) {
	var names []string
	err := with(path, func(file *pq.File) error {
		for _, f := range file.Schema().Fields() {
			names = append(names, f.Name())
		}
		return nil
	})
	return names, err
}

// Description gives what a file's footer says, but for sizes and offsets:
// the schema, the key-value metadata, and for each row group and column the
// encodings and statistics.
func Description(path string) (string, error) {
	var b strings.Builder
	err := with(path, func(file *pq.File) error {
		m := file.Metadata()
		fmt.Fprintf(&b, "created by %s\n%s\n", m.CreatedBy, file.Schema())
		for _, kv := range m.KeyValueMetadata {
			fmt.Fprintf(&b, "%s = %s\n", kv.Key, kv.Value)
		}
		for i, g := range m.RowGroups {
			fmt.Fprintf(&b, "row group %d: %d rows\n", i, g.NumRows)
			for _, c := range g.Columns {
				s := c.MetaData.Statistics
				fmt.Fprintf(&b, "  %s: %s %v, %d values, %d nulls, %q to %q\n", strings.Join(c.MetaData.PathInSchema, "."),
					c.MetaData.Codec, c.MetaData.Encoding, c.MetaData.NumValues, s.NullCount, s.MinValue, s.MaxValue)
			}
		}
		return nil
	})
	return b.String(), err
}

func with(path string, fn func(*pq.File) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	file, err := pq.OpenFile(f, info.Size())
	if err == nil {
		err = fn(file)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// rowText puts a row together from its values and levels.
func rowText(schema *pq.Schema, row pq.Row) string {
	columns := make(map[int][]pq.Value)
	row.Range(func(i int, values []pq.Value) bool {
		columns[i] = values
		return true
	})
	next := 0
	var parts []string
	for _, f := range schema.Fields() {
		text := fieldText(f, columns, &next, 0, 0)
		parts = append(parts, quoted(f.Name())+": "+text)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// fieldText gives the text of a node; next is the index of its first leaf.
// The values that belong to this node are at the front of their columns.
func fieldText(n pq.Node, columns map[int][]pq.Value, next *int, def, rep int) string {
	if n.Optional() {
		def++
	}
	first := *next
	if n.Leaf() {
		*next++
		v := columns[first][0]
		columns[first] = columns[first][1:]
		if v.DefinitionLevel() < def {
			return "null"
		}
		return valueText(n, v)
	}
	head := columns[first][0]
	if _, ok := logical(n).(*format.ListType); ok {
		element := n.Fields()[0].Fields()[0]
		leaves := leafCount(element)
		if head.DefinitionLevel() <= def {
			drop(columns, first, leaves)
			*next = first + leaves
			if head.DefinitionLevel() < def {
				return "null"
			}
			return "[]"
		}
		var items []string
		for len(items) == 0 || len(columns[first]) > 0 && columns[first][0].RepetitionLevel() == rep+1 {
			*next = first
			items = append(items, fieldText(element, columns, next, def+1, rep+1))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	if head.DefinitionLevel() < def {
		drop(columns, first, leafCount(n))
		*next = first + leafCount(n)
		return "null"
	}
	var items []string
	for _, f := range n.Fields() {
		items = append(items, quoted(f.Name())+": "+fieldText(f, columns, next, def, rep))
	}
	return "{" + strings.Join(items, ", ") + "}"
}

func logical(n pq.Node) format.LogicalTypeValue {
	if t := n.Type().LogicalType(); t != nil {
		return t.Value
	}
	return nil
}

func drop(columns map[int][]pq.Value, first, n int) {
	for i := first; i < first+n; i++ {
		columns[i] = columns[i][1:]
	}
}

func leafCount(n pq.Node) int {
	if n.Leaf() {
		return 1
	}
	count := 0
	for _, f := range n.Fields() {
		count += leafCount(f)
	}
	return count
}

func valueText(n pq.Node, v pq.Value) string {
	switch lt := logical(n).(type) {
	case *format.DecimalType:
		unscaled := big.NewInt(0)
		if v.Kind() == pq.Int64 {
			unscaled.SetInt64(v.Int64())
		} else {
			b := v.ByteArray()
			unscaled.SetBytes(b)
			if b[0]&0x80 != 0 {
				unscaled.Sub(unscaled, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
			}
		}
		return quoted(decimalText(unscaled, int(lt.Scale)))
	case *format.TimestampType:
		text := time.UnixMicro(v.Int64()).UTC().Format("2006-01-02T15:04:05.000000")
		if lt.IsAdjustedToUTC {
			text += "Z"
		}
		return quoted(text)
	}
	switch v.Kind() {
	case pq.Boolean:
		return strconv.FormatBool(v.Boolean())
	case pq.Int64:
		return strconv.FormatInt(v.Int64(), 10)
	case pq.Double:
		return strconv.FormatFloat(v.Double(), 'g', -1, 64)
	case pq.ByteArray:
		return quoted(string(v.ByteArray()))
	}
	return quoted(fmt.Sprintf("%s is not known", v.Kind()))
}

func decimalText(unscaled *big.Int, scale int) string {
	s := new(big.Int).Abs(unscaled).String()
	if scale > 0 {
		s = strings.Repeat("0", max(0, scale+1-len(s))) + s
		s = s[:len(s)-scale] + "." + s[len(s)-scale:]
	}
	if unscaled.Sign() < 0 {
		s = "-" + s
	}
	return s
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return strconv.Quote(s)
	}
	return string(b)
}
