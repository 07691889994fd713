package sqlite_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"testing"

	"backstory/source"
	"backstory/source/layout"
	"backstory/source/sqlite"

	"github.com/google/go-cmp/cmp"
)

const stores = "../../testdata/stores/"

// shopKey gives the key of the encrypted store.
func shopKey(tb testing.TB) layout.Secret {
	tb.Helper()
	key, err := os.ReadFile(stores + "shop-aes/cipher.key")
	if err != nil {
		tb.Fatal(err)
	}
	return layout.Secret(key)
}

func open(tb testing.TB, c sqlite.Config) *sqlite.Source {
	tb.Helper()
	s, err := sqlite.Open(tb.Context(), c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// row is one line of shop.expected.ndjson.gz, but for its data, which the
// library has upcast.
type row struct {
	Position int64  `json:"position"`
	Stream   string `json:"stream"`
	Version  int64  `json:"version"`
	Topic    string `json:"topic"`
}

func expected(t *testing.T, store string) []row {
	t.Helper()
	f, err := os.Open(stores + store + "/shop.expected.ndjson.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	for d := json.NewDecoder(z); ; {
		var r row
		err := d.Decode(&r)
		if err == io.EOF {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
}

func TestStoresOfTheLibrary(t *testing.T) {
	for _, store := range []struct {
		name  string
		state layout.State
	}{
		{name: "shop"},
		{"shop-zlib", layout.State{Compress: layout.Zlib}},
		{"shop-aes", layout.State{Cipher: layout.AESGCM, Key: shopKey(t), Compress: layout.Zlib}},
	} {
		t.Run(store.name, func(t *testing.T) {
			s := open(t, sqlite.Config{Path: stores + store.name + "/shop.sqlite", Config: layout.Config{State: store.state}})
			var got []row
			err := s.Read(t.Context(), all, func(e *source.Event) error {
				if e.Err != nil {
					t.Fatal(e.Err)
				}
				if !json.Valid(e.Data) {
					t.Fatalf("event %s: data is not JSON: %q", e.Position, e.Data)
				}
				got = append(got, row{e.Position.Seq, string(e.Stream), e.StreamVersion, "shop.domain:" + e.Type})
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(expected(t, store.name), got); diff != "" {
				t.Errorf("events differ from what the library reads (-library +backstory):\n%s", diff)
			}
		})
	}
}
