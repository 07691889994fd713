package postgres

import (
	"context"
	"errors"

	"backstory/source"
	"backstory/source/layout"

	"github.com/jackc/pgx/v5"
)

// cachedSequence finds a sequence of which sessions keep numbers in stock for
// the position column: one that belongs to the column, or from which its
// default draws. Of a view, all columns of the tables beneath it count.
const cachedSequence = relations + `
SELECT s.oid::regclass::text, q.seqcache
FROM pg_class s JOIN pg_sequence q ON q.seqrelid = s.oid AND q.seqcache > 1
WHERE EXISTS (
	SELECT FROM pg_depend d
	LEFT JOIN pg_attrdef def ON d.classid = 'pg_attrdef'::regclass AND d.objid = def.oid AND d.refobjid = s.oid
	JOIN pg_attribute a ON (a.attrelid, a.attnum) = (coalesce(def.adrelid, d.refobjid), coalesce(def.adnum, d.refobjsubid::int2))
	WHERE (def.oid IS NOT NULL OR d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.deptype IN ('a', 'i'))
	  AND a.attrelid IN (SELECT oid FROM relations)
	  AND (a.attname = $2 OR a.attrelid <> $1::text::regclass))
LIMIT 1`

// refuseCache refuses a store whose positions are drawn from a sequence with a
// cache. A session then keeps a block of numbers and uses them at any later
// time, below positions that others have filled since: no fence can see that.
func (s *Source) refuseCache(ctx context.Context, c *pgx.Conn) error {
	var name string
	var size int64
	err := c.QueryRow(ctx, cachedSequence, tableName(s.mapping), s.mapping.Columns[layout.Position].Name).Scan(&name, &size)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return source.Setup("have the owner run: ALTER SEQUENCE "+name+" CACHE 1",
		"read %s: sequence %s hands out numbers %d at a time, so that an event may appear below others at any later time, and be missed",
		s.mapping.Table, name, size)
}
