package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"backstory/source"
	"backstory/source/layout"
	"backstory/source/postgres"
	"backstory/source/postgres/pgtest"
)

// A session with numbers in stock fills holes whenever it likes, so such a
// store is refused, however the sequence comes to the column.
func TestCachedSequence(t *testing.T) {
	const rest = ` PRIMARY KEY, stream text DEFAULT 's', seq int DEFAULT 1, kind text DEFAULT 'K', body text DEFAULT '{}')`
	for name, create := range map[string]string{
		"identity":        `CREATE TABLE log (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 50)` + rest,
		"serial":          `CREATE TABLE log (id bigserial` + rest + `; ALTER SEQUENCE log_id_seq CACHE 50`,
		"default":         `CREATE SEQUENCE numbers CACHE 50; CREATE TABLE log (id bigint DEFAULT nextval('numbers')` + rest,
		"beneath a view":  `CREATE TABLE base (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 50)` + rest + `; CREATE VIEW log AS SELECT * FROM base`,
		"another column":  `CREATE SEQUENCE other CACHE 50; CREATE TABLE log (n bigint DEFAULT nextval('other'), id bigserial` + rest,
		"without a cache": `CREATE TABLE log (id bigint GENERATED ALWAYS AS IDENTITY` + rest,
	} {
		t.Run(name, func(t *testing.T) {
			url := pgtest.Database(t)
			exec(t, session(t, url), create)
			c := postgres.Config{URL: layout.Secret(url)}
			ownColumns(&c)
			s, err := postgres.Open(t.Context(), c)
			if err == nil {
				s.Close()
			}
			if fine := name == "another column" || name == "without a cache"; fine {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var setup *source.SetupError
			if err == nil || !errors.As(err, &setup) || !strings.Contains(setup.Hint(), "CACHE 1") {
				t.Fatalf("opened a store with a cached sequence: %v", err)
			}
		})
	}
}
