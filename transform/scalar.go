package transform

// parseScalar reads null, a bool or a number at i into n.
func parseScalar(src []byte, i int, n *node) (int, error) {
	start := i
	switch src[i] {
	case 'n':
		n.kind = ValueNull
		return parseWord(src, i, "null")
	case 't':
		n.kind = ValueTrue
		return parseWord(src, i, "true")
	case 'f':
		n.kind = ValueFalse
		return parseWord(src, i, "false")
	case 'N', 'I':
		n.kind = ValueFloat
		word := "NaN"
		if src[i] == 'I' {
			word = "Infinity"
		}
		end, err := parseWord(src, i, word)
		n.off, n.end = uint32(start), uint32(end)
		return end, err
	case '-':
		i++
		if i < len(src) && src[i] == 'I' {
			n.kind = ValueFloat
			end, err := parseWord(src, i, "Infinity")
			n.off, n.end = uint32(start), uint32(end)
			return end, err
		}
	}
	n.kind = ValueInteger
	digits := i
	i = skipDigits(src, i)
	switch {
	case i == digits:
		if i < len(src) {
			return i, syntaxError(i, "unexpected %s where a value should begin", tellCharacter(src[i]))
		}
		return i, syntaxError(i, "document ends inside a number")
	case src[digits] == '0' && i > digits+1:
		return i, syntaxError(digits, "a number must not begin with 0")
	}
	if i < len(src) && src[i] == '.' {
		n.kind = ValueFloat
		digits = i + 1
		if i = skipDigits(src, digits); i == digits {
			return i, syntaxError(i, "want a digit after the decimal point")
		}
	}
	if i < len(src) && (src[i] == 'e' || src[i] == 'E') {
		n.kind = ValueFloat
		i++
		if i < len(src) && (src[i] == '+' || src[i] == '-') {
			i++
		}
		digits = i
		if i = skipDigits(src, digits); i == digits {
			return i, syntaxError(i, "want a digit in the exponent")
		}
	}
	n.off, n.end = uint32(start), uint32(i)
	return i, nil
}

func skipDigits(src []byte, i int) int {
	for i < len(src) && src[i]-'0' <= 9 {
		i++
	}
	return i
}

func parseWord(src []byte, i int, word string) (int, error) {
	if len(src)-i < len(word) || string(src[i:i+len(word)]) != word {
		return i, syntaxError(i, "unknown word where a value should begin")
	}
	return i + len(word), nil
}
