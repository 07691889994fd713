package board

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const token = "0123456789abcdef"

func ask(t *testing.T, b *Board, method, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	r.Host = "localhost:7373"
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		} else {
			r.Header.Set(header[i], header[i+1])
		}
	}
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, r)
	return w.Result()
}

// TestToken lets in who knows the token, however it is carried, and nobody else.
func TestToken(t *testing.T) {
	b := scene(t, Options{Token: token})
	for _, tc := range []struct {
		name, target string
		header       []string
		code         int
	}{
		{"nobody", "/", nil, 401},
		{"a bearer", "/", []string{"Authorization", "Bearer " + token}, 200},
		{"a bearer of something else", "/", []string{"Authorization", "Bearer " + token + "0"}, 401},
		{"a bearer of nothing", "/", []string{"Authorization", "Bearer "}, 401},
		{"another scheme", "/", []string{"Authorization", "Basic " + token}, 401},
		{"a cookie", "/", []string{"Cookie", cookie + "=" + b.pass()}, 200},
		{"the token as a cookie", "/", []string{"Cookie", cookie + "=" + token}, 401},
		{"an address", "/?token=" + token, nil, 200},
		{"another address", "/?token=no", nil, 401},
		{"JSON", "/jobs.json", nil, 401},
		{"metrics", "/metrics", nil, 401},
		{"a job", "/jobs/shop", nil, 401},
		{"a part", "/live", nil, 401},
		{"the script", "/board.js", nil, 401},
		{"health", "/healthz", nil, 200},
		{"readiness", "/readyz", nil, 503},
		{"colours", "/board.css", nil, 200},
		{"around the corner", "/healthz/../jobs.json", nil, 401},
	} {
		res := ask(t, b, "GET", tc.target, tc.header...)
		if res.StatusCode != tc.code {
			t.Errorf("%s: code %d, want %d", tc.name, res.StatusCode, tc.code)
		}
	}
	res := ask(t, b, "GET", "/jobs/shop?token="+token)
	c := res.Cookies()
	if len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode || strings.Contains(c[0].Value, token) {
		t.Errorf("the cookie is %v", c)
	}
	page := read(t, res)
	if !strings.Contains(page, `url=/jobs/shop"`) || strings.Contains(page, token) || strings.Contains(page, "14,213") {
		t.Errorf("the page that leads on is\n%s", page)
	}
}

// TestHosts refuses a page elsewhere that calls this machine by a name of its own.
func TestHosts(t *testing.T) {
	local := scene(t, Options{Hosts: LocalHosts()})
	for host, code := range map[string]int{
		"localhost:7373": 200, "127.0.0.1:9000": 200, "[::1]:7373": 200, "LOCALHOST": 200, "::1": 200,
		"evil.example:7373": 421, "localhost.evil.example": 421, "": 421,
	} {
		if got := ask(t, local, "GET", "/", "Host", host).StatusCode; got != code {
			t.Errorf("host %q: code %d, want %d", host, got, code)
		}
	}
	if got := ask(t, scene(t, Options{}), "GET", "/", "Host", "board.example").StatusCode; got != 200 {
		t.Errorf("with any host: code %d", got)
	}
}

// TestStaysHere leads nobody to another host, with a token or without.
func TestStaysHere(t *testing.T) {
	b := scene(t, Options{Token: token})
	for _, target := range []string{"//evil.example/", "//evil.example/?token=" + token, "///evil.example/?token=" + token} {
		body, err := io.ReadAll(ask(t, b, "GET", target).Body)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(body), "//evil") || !strings.Contains(string(body), "/evil.example/") {
			t.Errorf("%s: got %s", target, body)
		}
	}
}

// TestReadOnly refuses all that could be meant to change something.
func TestReadOnly(t *testing.T) {
	b := scene(t, Options{})
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"} {
		if res := ask(t, b, method, "/"); res.StatusCode != 405 || res.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: code %d", method, res.StatusCode)
		}
	}
	res := ask(t, b, "HEAD", "/")
	if res.StatusCode != 200 {
		t.Errorf("HEAD: code %d", res.StatusCode)
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if policy := res.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %s", policy)
	}
}

// TestLoopback tells addresses of this machine from others.
func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:7373": true, "localhost:7373": true, "[::1]:7373": true, "127.8.9.1:1": true,
		":7373": false, "0.0.0.0:7373": false, "[::]:7373": false, "10.0.0.1:7373": false, "example.org:80": false, "127.0.0.1": false,
	} {
		if got := Loopback(address); got != want {
			t.Errorf("%s: %t, want %t", address, got, want)
		}
	}
}
