package survey

import "bytes"

// A sign is what a text's own form says it is.
type sign int8

const (
	noSign sign = iota - 1
	email
	phone
	address
	card
	iban
)

// signNames say in messages what such values are.
var signNames = [...]string{"e-mail addresses", "telephone numbers", "IP addresses", "card numbers", "IBANs"}

// signOf tells whether a text looks like something personal.
func signOf(text []byte) sign {
	switch {
	case len(text) < 7 || len(text) > 254:
		return noSign
	case isEmail(text):
		return email
	case isPhone(text):
		return phone
	case isIPv4(text) || isIPv6(text):
		return address
	case isCard(text):
		return card
	case isIBAN(text):
		return iban
	}
	return noSign
}

func isEmail(text []byte) bool {
	at := bytes.IndexByte(text, '@')
	if at < 1 || bytes.ContainsAny(text, " \t\n\"/") {
		return false
	}
	host := text[at+1:]
	dot := bytes.LastIndexByte(host, '.')
	return dot > 0 && dot < len(host)-1 && bytes.IndexByte(host, '@') < 0
}

// isPhone takes numbers as people write them to be called from abroad: dates
// and identifiers do not begin with a plus.
func isPhone(text []byte) bool {
	if text[0] != '+' {
		return false
	}
	digits := 0
	for _, c := range text[1:] {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c != ' ' && c != '-' && c != '.' && c != '(' && c != ')' && c != '/':
			return false
		}
	}
	return digits >= 8 && digits <= 15
}

func isIPv4(text []byte) bool {
	parts, n, digits := 1, 0, 0
	for _, c := range text {
		switch {
		case c == '.' && digits > 0:
			parts, n, digits = parts+1, 0, 0
		case c-'0' <= 9 && digits < 3:
			n, digits = n*10+int(c-'0'), digits+1
			if n > 255 {
				return false
			}
		default:
			return false
		}
	}
	return parts == 4 && digits > 0
}

func isIPv6(text []byte) bool {
	colons, double := 0, false
	for i, c := range text {
		switch {
		case c == ':':
			colons++
			double = double || i > 0 && text[i-1] == ':'
		case c-'0' > 9 && (c|0x20)-'a' > 5:
			return false
		}
	}
	return colons == 7 || double && colons >= 2 && colons < 7
}

// isCard checks the sum that ends the numbers of payment cards (ISO/IEC
// 7812-1, Luhn). One of ten numbers passes by chance.
func isCard(text []byte) bool {
	sum, digits := 0, 0
	for i := len(text) - 1; i >= 0; i-- {
		c := text[i]
		if c == ' ' || c == '-' {
			continue
		}
		if c-'0' > 9 {
			return false
		}
		d := int(c - '0')
		if digits%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		digits++
	}
	return digits >= 13 && digits <= 19 && text[0] >= '3' && text[0] <= '6' && sum%10 == 0
}

// isIBAN checks an account's number by its remainder (ISO 13616).
func isIBAN(text []byte) bool {
	var compact [34]byte
	n := 0
	for _, c := range text {
		if c == ' ' {
			continue
		}
		if n == len(compact) || c-'0' > 9 && c-'A' > 25 {
			return false
		}
		compact[n] = c
		n++
	}
	if n < 15 || compact[0] < 'A' || compact[1] < 'A' || compact[2] > '9' || compact[3] > '9' {
		return false
	}
	rest := 0
	for i := range n {
		c := compact[(i+4)%n]
		if c <= '9' {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	return rest == 1
}

// isNumber tells whether a text is a plain number.
func isNumber(text []byte) bool {
	if len(text) > 0 && text[0] == '-' {
		text = text[1:]
	}
	digits, points := 0, 0
	for _, c := range text {
		switch {
		case c-'0' <= 9:
			digits++
		case c == '.' && digits > 0:
			points++
		default:
			return false
		}
	}
	return digits > 0 && points <= 1 && (points == 0 || text[len(text)-1] != '.')
}
