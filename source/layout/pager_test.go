package layout

import "testing"

func TestPager(t *testing.T) {
	var p Pager
	for _, tt := range []struct{ events, bytes, want int64 }{
		{0, 0, firstRows}, {1000, 370_000, pageRows}, {20_000, 7_400_000, pageRows}, {100, 100 << 20, 16}, {1, 64 << 20, 1}, {10, 0, pageRows},
	} {
		p.Note(tt.events, tt.bytes)
		if got := p.Rows(); got != tt.want {
			t.Errorf("after a page of %d events and %d bytes: got %d rows, want %d", tt.events, tt.bytes, got, tt.want)
		}
	}
}
