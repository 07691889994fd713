package transform

import "strings"

// A typeVersion is a stored event type taken apart.
type typeVersion struct {
	name    string
	version int // 0 where the type says none
}

// suffixes takes the schema version off the end of stored types, each once.
type suffixes map[string]typeVersion

func (s suffixes) split(stored string) typeVersion {
	tv, ok := s[stored]
	if !ok {
		stored = strings.Clone(stored)
		tv.name, tv.version = splitVersion(stored)
		s[stored] = tv
	}
	return tv
}

// maxSuffix is the most digits of a version at the end of a type.
const maxSuffix = 4

// splitVersion takes a type's end of the form .v2, _v2 or -v2 (or with a
// capital), @2, or V2 for its schema version. A bare V must be a capital behind a small
// letter or a digit: that of ItemAddedV2 begins a word of its own, those of TV2
// and Rev2 do not. Without such an end the version is 0.
func splitVersion(stored string) (name string, version int) {
	digits := len(stored)
	for digits > 0 && stored[digits-1]-'0' <= 9 {
		digits--
	}
	if n := len(stored) - digits; n == 0 || n > maxSuffix {
		return stored, 0
	}
	for _, c := range []byte(stored[digits:]) {
		version = 10*version + int(c-'0')
	}
	end := digits - 1 // where the mark before the digits is
	if version == 0 || end < 1 {
		return stored, 0
	}
	switch stored[end] {
	case '@':
		return stored[:end], version
	case 'v', 'V':
	default:
		return stored, 0
	}
	switch before := stored[end-1]; {
	case strings.IndexByte("._-", before) >= 0:
		if end > 1 {
			return stored[:end-1], version
		}
	case stored[end] == 'V' && (before >= 'a' && before <= 'z' || before-'0' <= 9):
		return stored[:end], version
	}
	return stored, 0
}
