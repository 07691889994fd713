package layout

import "testing"

func TestFitting(t *testing.T) {
	rows := int64(firstRows)
	for _, tt := range []struct{ events, bytes, want int64 }{
		{0, 0, firstRows}, {1000, 370_000, pageRows}, {20_000, 7_400_000, pageRows}, {100, 100 << 20, 16}, {1, 64 << 20, 1}, {10, 0, pageRows},
	} {
		if rows = fitting(rows, tt.events, pageBytes, tt.bytes); rows != tt.want {
			t.Errorf("after a page of %d events and %d bytes: got %d rows, want %d", tt.events, tt.bytes, rows, tt.want)
		}
	}
}
