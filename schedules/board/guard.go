package board

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// cookie is the name of what stands for the token in a browser.
const cookie = "backstory"

// Loopback tells whether an address to listen on can only be reached from
// this machine.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// LocalHosts are the names by which this machine calls itself.
func LocalHosts() []string { return []string{"localhost", "127.0.0.1", "::1"} }

// open are the paths that want no token: they say nothing of what is loaded.
var open = []string{"/healthz", "/readyz", "/board.css"}

// guard lets through what may read the page, and says to browsers what it may do.
func (b *Board) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "+
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		switch {
		case !b.host(r.Host):
			http.Error(w, "ask for this page as localhost", http.StatusMisdirectedRequest)
		case b.Token == "" || slices.Contains(open, r.URL.Path) || b.carries(r):
			next.ServeHTTP(w, r)
		case r.URL.Query().Has("token"):
			b.enter(w, r)
		default:
			b.refuse(w, r)
		}
	})
}

// host tells whether the page may be asked for under a name.
func (b *Board) host(host string) bool {
	if len(b.Hosts) == 0 {
		return true
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return slices.ContainsFunc(b.Hosts, func(known string) bool { return strings.EqualFold(known, host) })
}

// carries tells whether a request carries the token, in its header or as the
// cookie that stands for it. ?token= is taken once, by enter, and so does not
// stay in addresses.
func (b *Board) carries(r *http.Request) bool {
	if r.URL.Query().Has("token") {
		return false
	}
	if given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return same(given, b.Token)
	}
	c, err := r.Cookie(cookie)
	return err == nil && same(c.Value, b.pass())
}

// enter takes the token out of the address and gives a cookie for it. It
// leads on by a page of its own: after a redirect from elsewhere, a browser
// would keep a strict cookie to itself.
func (b *Board) enter(w http.ResponseWriter, r *http.Request) {
	if !same(r.URL.Query().Get("token"), b.Token) {
		b.refuse(w, r)
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookie, Value: b.pass(), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	})
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = b.pages.ExecuteTemplate(w, "entered", here(r)) // whoever went away needs no answer
}

func (b *Board) refuse(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="backstory"`)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusUnauthorized)
	_ = b.pages.ExecuteTemplate(w, "refused", here(r))
}

// here is the path that was asked for; with two slashes in front it would lead
// to another host.
func here(r *http.Request) string { return "/" + strings.TrimLeft(r.URL.EscapedPath(), "/") }

// pass is what the cookie holds: it proves the token and does not tell it.
func (b *Board) pass() string {
	mac := hmac.New(sha256.New, []byte(b.Token))
	mac.Write([]byte("backstory board"))
	return hex.EncodeToString(mac.Sum(nil))
}

// same compares without telling by its time how much agrees, lengths included.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
