package bqtest

import bq "google.golang.org/api/bigquery/v2"

// The dialect is what a window that is loaded again needs, and no more: one
// transaction that counts what it changes
// (https://cloud.google.com/bigquery/docs/transactions).
//
//	DECLARE n INT64 DEFAULT 0;
//	BEGIN TRANSACTION;
//	DELETE FROM `p.d.t` WHERE `c` > 1 AND `c` IS NULL;
//	SET n = n + @@row_count;
//	IF n != 2 THEN RAISE USING MESSAGE = 'text'; END IF;
//	SET n = 0;
//	INSERT INTO `p.d.t` (`c`) SELECT `c` FROM `p.d.s` WHERE `c` <= 3;
//	INSERT INTO `p.d.t` (`c`) VALUES (@p);
//	COMMIT TRANSACTION;

// statement is one of a script: deletion, insertion, counting or guard.
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

// counting sets the variable to 0, or adds the rows of the statement before.
type counting struct{ reset bool }

// guard ends the script with an error where the variable is so.
type guard struct {
	sign    string
	number  int64
	message string
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
