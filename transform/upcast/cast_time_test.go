package upcast

import "testing"

func TestCastTimestamp(t *testing.T) {
	testCasts(t, `"timestamp"`, []castTest{
		{`"2025-01-31T09:30:00+01:00"`, `timestamp "2025-01-31T09:30:00+01:00"`}, {`"2025-01-31 09:30Z"`, `timestamp "2025-01-31 09:30Z"`},
		{timeMarker, `timestamp "2025-01-01T08:28:09.736868+00:00"`}, {`null`, "null null"},
		{`"2025-01-31T09:30:00"`, `error: the string "2025-01-31T09:30:00": it has no offset from UTC, and so is no instant`},
		{`"2025-01-31"`, `error: want an ISO 8601 date and time, to the microsecond, got the string "2025-01-31"`},
		{`"2025-02-30T00:00:00Z"`, `error: want an ISO 8601 date and time, to the microsecond, got the string "2025-02-30T00:00:00Z"`},
		{`"2025-01-31T09:30:00.1234567Z"`, `error: want an ISO 8601 date and time, to the microsecond, got the string "2025-01-31T09:30:00.1234567Z"`},
		{`1735689600`, `error: want an ISO 8601 date and time, to the microsecond, got 1735689600`},
	})
	testCasts(t, `{"timestamp":"seconds"}`, []castTest{
		{`1735689600`, `timestamp "2025-01-01T00:00:00+00:00"`}, {`1735689600.123456`, `timestamp "2025-01-01T00:00:00.123456+00:00"`}, {`"1735689600"`, `timestamp "2025-01-01T00:00:00+00:00"`},
		{`-1`, `timestamp "1969-12-31T23:59:59+00:00"`}, {`-0.5`, `timestamp "1969-12-31T23:59:59.500000+00:00"`}, {`0`, `timestamp "1970-01-01T00:00:00+00:00"`},
		{`-62135596800`, `timestamp "0001-01-01T00:00:00+00:00"`}, {`253402300799`, `timestamp "9999-12-31T23:59:59+00:00"`},
		{`"2025-01-31T09:30:00+01:00"`, `timestamp "2025-01-31T09:30:00+01:00"`},
		{`-62135596801`, "error: -62135596801 is no time from the year 1 to 9999, to the microsecond"}, {`253402300800`, "error: 253402300800 is no time from the year 1 to 9999, to the microsecond"},
		{`1e300`, "error: 1e300 is no time from the year 1 to 9999, to the microsecond"}, {`0.1234567`, "error: 0.1234567 is no time from the year 1 to 9999, to the microsecond"},
		{`"x"`, `error: want a number or an ISO 8601 date and time, got the string "x"`}, {`true`, `error: want a number or an ISO 8601 date and time, got true`},
	})
	testCasts(t, `{"timestamp":"millis"}`, []castTest{{`1735689600123`, `timestamp "2025-01-01T00:00:00.123000+00:00"`}, {`1735689600123.456`, `timestamp "2025-01-01T00:00:00.123456+00:00"`}})
	testCasts(t, `{"timestamp":"micros"}`, []castTest{{`1735689600123456`, `timestamp "2025-01-01T00:00:00.123456+00:00"`}, {`0.5`, "error: 0.5 is no time from the year 1 to 9999, to the microsecond"}})
	testCasts(t, `{"timestamp":{"zone":"UTC"}}`, []castTest{
		{`"2025-01-31T09:30:00"`, `timestamp "2025-01-31T09:30:00+00:00"`}, {`"2025-01-31T09:30:00+02:00"`, `timestamp "2025-01-31T09:30:00+02:00"`},
		{`{"_type_":"datetime_iso","_data_":"2025-01-01T08:28:09"}`, `timestamp "2025-01-01T08:28:09+00:00"`}, {`1`, `error: want an ISO 8601 date and time, to the microsecond, got 1`},
	})
	testCasts(t, `{"timestamp":{"zone":"-03:30","unit":"seconds"}}`, []castTest{{`"2025-01-31 09:30"`, `timestamp "2025-01-31 09:30-03:30"`}, {`0`, `timestamp "1970-01-01T00:00:00+00:00"`}})
}

func TestCastDatetime(t *testing.T) {
	testCasts(t, `"datetime"`, []castTest{
		{`"2025-01-31T09:30:00.5"`, `timestamp "2025-01-31T09:30:00.5"`}, {`null`, "null null"},
		{`"2025-01-31T09:30:00Z"`, `error: the string "2025-01-31T09:30:00Z" has an offset from UTC, which a datetime would lose`},
		{`"2025-01-31"`, `error: want an ISO 8601 date and time, to the microsecond, got the string "2025-01-31"`}, {`0`, `error: want an ISO 8601 date and time, to the microsecond, got 0`},
	})
	testCasts(t, `{"datetime":{"zone":"+01:00"}}`, []castTest{
		{`"2025-01-31T23:30:00Z"`, `timestamp "2025-02-01T00:30:00"`}, {`"2025-01-31T09:30:00.25+02:00"`, `timestamp "2025-01-31T08:30:00.250000"`}, {`"2025-01-31T09:30:00"`, `timestamp "2025-01-31T09:30:00"`},
		{`"9999-12-31T23:30:00Z"`, `error: the string "9999-12-31T23:30:00Z" is no time from the year 1 to 9999`},
	})
}
