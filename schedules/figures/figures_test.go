package figures

import "testing"

func TestFigures(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{Thousands(0), "0"}, {Thousands(999), "999"}, {Thousands(1000), "1,000"}, {Thousands(-1000), "-1,000"}, {Thousands(-999), "-999"}, {Thousands(1234567), "1,234,567"},
		{Plural(1, "window"), "1 window"}, {Plural(0, "window"), "0 windows"}, {Plural(20000, "row"), "20,000 rows"},
		{Bytes(1023), "1023 B"}, {Bytes(1024), "1.0 KiB"}, {Bytes(1 << 30 * 3 / 2), "1.5 GiB"},
		{Visible("a\x1b[2Jb\nü\u202e"), "a?[2Jb\nü?"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
