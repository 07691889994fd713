package survey

import (
	"slices"
	"strings"
	"unicode"
)

// personalWords are words in the names of fields that hold something
// personal, whatever is around them.
var personalWords = []string{
	"email", "mail", "phone", "telephone", "mobile", "fax", "surname", "lastname", "firstname", "fullname", "forename",
	"birthday", "birthdate", "dob", "ssn", "passport", "iban", "bic", "ip", "street", "address", "postcode", "zip", "zipcode",
	"gender", "salary", "password", "secret", "cvv", "username",
}

// personalPairs are the same of two words.
var personalPairs = []string{
	"first name", "last name", "full name", "given name", "family name", "middle name", "maiden name", "user name", "date birth",
	"birth date", "postal code", "zip code", "card number", "account number", "credit card", "tax id", "national id", "social security",
}

// persons are words that make a name somebody's.
var persons = []string{
	"customer", "user", "person", "contact", "patient", "employee", "member", "client", "student", "guest", "recipient", "owner",
	"author", "buyer", "seller", "driver", "passenger", "subscriber", "holder", "profile",
}

// lookForPersonal notes the members that are likely to be personal, and
// makes one finding of them all.
func (a *analysis) lookForPersonal(t *eventType) {
	if a.personal == nil {
		a.personal = make(map[*member]string)
	}
	var paths, places, shown []string
	var of *group
	for _, g := range t.groups {
		for _, in := range g.scopes() {
			for _, f := range in.fields() {
				why := why(t.event, f)
				if why == "" {
					continue
				}
				a.personal[f.member] = why
				path := in.show(f.path)
				if slices.Contains(paths, path) {
					continue
				}
				of = g
				paths = append(paths, path)
				if around := aroundPersonal(f); around != nil {
					path = in.show(pathText(around.path()))
				} else if example := exampleOf(f); example != "" {
					why += ", such as " + example
				}
				if !slices.Contains(places, path) {
					places = append(places, path)
					shown = append(shown, path+" ("+why+")")
				}
			}
		}
	}
	if of != nil {
		a.findings = append(a.findings, Finding{Kind: Personal, Event: t.event, Paths: paths, Text: printable("likely personal: " + strings.Join(shown, ", "))})
	}
}

// exampleOf gives a value of a field, masked.
func exampleOf(f *field) string {
	if f.class() != textClass || len(f.values.tops) == 0 {
		return ""
	}
	return clip(masked(f.values.tops[0].text))
}

// why says why a field is likely to be personal, or "".
func why(event string, f *field) string {
	for s, n := range f.values.signs {
		share := int64(2)
		if sign(s) == card {
			share = 1 // one of ten numbers looks like a card's by chance
		}
		if n >= minRun && share*n >= f.values.looked*9/10 {
			return "values are " + signNames[s]
		}
	}
	if c := f.class(); c == boolClass || c == listClass && f.elem != nil && f.elem.root.class() == objectClass {
		return ""
	}
	words := wordsOf(f.name)
	if aroundPersonal(f) != nil {
		return byWhatIsAround(event, f, words)
	}
	text := " " + strings.Join(words, " ") + " "
	for _, p := range personalPairs {
		if strings.Contains(text, " "+p+" ") {
			return "by its name"
		}
	}
	for _, w := range personalWords {
		if slices.Contains(words, w) && !strings.HasSuffix(text, " id ") {
			return "by its name"
		}
	}
	return byWhatIsAround(event, f, words)
}

// byWhatIsAround knows names and places that are somebody's.
func byWhatIsAround(event string, f *field, words []string) string {
	around := wordsOf(event)
	if m := aroundPersonal(f); m != nil && slices.Contains(wordsOf(m.name), "address") {
		return "an address"
	} else if m != nil {
		words = wordsOf(m.name)
	}
	for m := f.parent; m != nil && m.parent != nil; m = m.parent {
		around = append(around, wordsOf(m.name)...)
	}
	if len(words) != 1 || words[0] != "name" {
		return ""
	}
	for _, p := range persons {
		if slices.Contains(around, p) || slices.Contains(around, p+"s") {
			return "the name of a " + p
		}
	}
	return ""
}

// aroundPersonal gives the object around a field that is an address or a
// name, nil where there is none.
func aroundPersonal(f *field) *member {
	for m := f.parent; m != nil && m.parent != nil; m = m.parent {
		if w := wordsOf(m.name); slices.Contains(w, "address") || len(w) == 1 && w[0] == "name" {
			return m
		}
	}
	return nil
}

// wordsOf takes a name apart: shipTo, ship_to and ShipTo are ship and to.
func wordsOf(name string) []string {
	var words []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
		}
		word = word[:0]
	}
	before := rune(0)
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			end()
		case unicode.IsUpper(r) && !unicode.IsUpper(before):
			end()
			fallthrough
		default:
			word = append(word, r)
		}
		before = r
	}
	end()
	return words
}
