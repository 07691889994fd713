package transform

// An instant is a parsed ISO 8601 date and time.
type instant struct {
	micros int64 // since 1970; of UTC if zoned, else of the clock on the wall
	zoned  bool
}

// parseTime reads what Python's datetime.isoformat and most others write:
// YYYY-MM-DD, then T or a space, HH:MM[:SS[.fraction]], then nothing, Z, or
// an offset ±HH[:]MM[:SS]. It gives false for anything else, and for a fraction
// finer than microseconds, which a column could not hold. A bare date is no
// time.
func parseTime(text []byte) (instant, bool) {
	var t instant
	if len(text) < 16 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != ' ') || text[13] != ':' {
		return t, false
	}
	century, year, month, day := pair(text, 0), pair(text, 2), pair(text, 5), pair(text, 8)
	hour, minute := pair(text, 11), pair(text, 14)
	if century|year|month|day|hour|minute < 0 {
		return t, false
	}
	year += 100 * century
	if year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 {
		return t, false
	}
	rest := text[16:]
	second, micros := 0, 0
	if len(rest) >= 3 && rest[0] == ':' {
		if second = pair(rest, 1); second < 0 || second > 59 {
			return t, false
		}
		rest = rest[3:]
		if len(rest) > 1 && (rest[0] == '.' || rest[0] == ',') {
			n := 1
			for unit := 100000; n < len(rest) && rest[n]-'0' <= 9; n++ {
				if unit == 0 && rest[n] != '0' {
					return t, false
				}
				micros += int(rest[n]-'0') * unit
				unit /= 10
			}
			if n == 1 {
				return t, false
			}
			rest = rest[n:]
		}
	}
	offset, zoned, ok := parseOffset(rest)
	if !ok {
		return t, false
	}
	seconds := daysSince1970(year, month, day)*86400 + int64(hour*3600+minute*60+second-offset)
	return instant{micros: seconds*1e6 + int64(micros), zoned: zoned}, true
}

// parseOffset reads what stands behind the time of day and gives seconds
// east of Greenwich.
func parseOffset(text []byte) (seconds int, zoned, ok bool) {
	if len(text) == 0 {
		return 0, false, true
	}
	if len(text) == 1 && (text[0] == 'Z' || text[0] == 'z') {
		return 0, true, true
	}
	sign := 1
	switch text[0] {
	case '-':
		sign = -1
	case '+':
	default:
		return 0, false, false
	}
	text = text[1:]
	for i, unit := 0, 3600; len(text) > 0; i, unit = i+1, unit/60 {
		if i > 0 && text[0] == ':' {
			text = text[1:]
		}
		if i > 2 || len(text) < 2 {
			return 0, false, false
		}
		n := pair(text, 0)
		if n < 0 || n > 59 || i == 0 && n > 23 {
			return 0, false, false
		}
		seconds += n * unit
		text = text[2:]
		if len(text) == 0 {
			return sign * seconds, true, true
		}
	}
	return 0, false, false
}

// pair reads the two decimal digits at i, and gives a negative number if
// they are none.
func pair(text []byte, i int) int {
	tens, ones := text[i]-'0', text[i+1]-'0'
	if tens > 9 || ones > 9 {
		return -1
	}
	return int(tens)*10 + int(ones)
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince1970 counts days in the proleptic Gregorian calendar, for which
// the year is taken to begin in March, so that a leap day comes last.
func daysSince1970(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400
	yearOfEra := year % 400
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return int64(era)*146097 + int64(dayOfEra) - 719468
}
