package bqtest

import bq "google.golang.org/api/bigquery/v2"

// The dialect is what a window that is loaded again needs, and no more: one
// transaction that counts what it changes
// (https://cloud.google.com/bigquery/docs/transactions).
//
//	BEGIN TRANSACTION;
//	IF (SELECT COUNT(*) FROM `p.d.t` WHERE `c` > 1) != 2 THEN RAISE USING MESSAGE = 'text'; END IF;
//	DELETE FROM `p.d.t` WHERE `c` > 1 AND `d` IS NULL;
//	INSERT INTO `p.d.t` (`c`) SELECT `c` FROM `p.d.s` WHERE `c` <= 3;
//	INSERT INTO `p.d.t` (`c`) VALUES ('text');
//	COMMIT TRANSACTION;

// statement is one of a script: deletion, insertion or guard.
type statement any

// deletion is DELETE.
type deletion struct {
	table tableName
	where []condition
}

// insertion is INSERT of rows of another table, or of one row of values.
type insertion struct {
	table, from tableName // from is zero where values are inserted
	columns     []string
	values      []any
	where       []condition
}

// guard ends the script with an error where the rows that are counted are so many.
type guard struct {
	counts  []count
	sign    string
	number  int64
	message string
}

// count counts rows.
type count struct {
	table tableName
	where []condition
}

// condition compares a column with a value; IS NULL has none.
type condition struct {
	column, sign string
	value        any // int64 or string, or timestamp
}

// timestamp is an instant in microseconds.
type timestamp int64

// tableName is where a table is.
type tableName struct{ project, dataset, table string }

func (n tableName) ref() *bq.TableReference {
	return &bq.TableReference{ProjectId: n.project, DatasetId: n.dataset, TableId: n.table}
}
