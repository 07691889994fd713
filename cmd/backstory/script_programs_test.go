package main

import (
	"bufio"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	pq "github.com/parquet-go/parquet-go"
	_ "modernc.org/sqlite" // for the program sql
)

// program makes a function a program for scripts.
func program(main func(args []string) error) func() {
	return func() {
		if err := main(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// nobody is the user a guest is where the tests run as root.
const nobody = 65534

// guest ARGS... runs backstory as a user for whom permissions count: root
// becomes nobody.
func asGuest(args []string) error {
	if os.Geteuid() == 0 {
		for _, err := range []error{syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)} {
			if err != nil {
				return err
			}
		}
	}
	os.Exit(run(args))
	return nil
}

// cramped BYTES ARGS... runs backstory with a limit on the size of files:
// what a full disk is like, without a disk to fill.
func withSmallFiles(args []string) error {
	n, err := strconv.ParseUint(args[0], 10, 64)
	if err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n}); err != nil {
		return err
	}
	os.Exit(run(args[1:]))
	return nil
}

// sql FILE [STATEMENTS] runs SQL, from standard input where none is given, on
// a SQLite file, and prints the rows of the first statement that has any,
// columns parted by "|".
func runSQL(args []string) error {
	if len(args) == 1 {
		text, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		args = append(args, string(text))
	}
	db, err := sql.Open("sqlite", args[0])
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	rows, err := db.Query(args[1])
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values := make([]any, len(columns))
	for i := range values {
		values[i] = new(sql.NullString)
	}
	for rows.Next() {
		if err := rows.Scan(values...); err != nil {
			return err
		}
		for i, v := range values {
			if i > 0 {
				fmt.Print("|")
			}
			fmt.Print(v.(*sql.NullString).String)
		}
		fmt.Println()
	}
	return rows.Err()
}

// json PATH... reads JSON values from standard input and prints of each the
// members at those paths: a.0.b, or "." for all of it; len counts.
func pickJSON(paths []string) error {
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	in.UseNumber()
	for n := 0; ; n++ {
		var v any
		err := in.Decode(&v)
		if errors.Is(err, io.EOF) && n > 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("value %d of standard input: %w", n+1, err)
		}
		for i, path := range paths {
			at, err := member(v, path)
			if err != nil {
				return err
			}
			text, ok := at.(string)
			if !ok {
				b, err := json.Marshal(at)
				if err != nil {
					return err
				}
				text = string(b)
			}
			if i > 0 {
				fmt.Print(" ")
			}
			fmt.Print(text)
		}
		fmt.Println()
	}
}

func member(v any, path string) (any, error) {
	if path == "." {
		return v, nil
	}
	for step := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			if v = at[step]; v == nil {
				if _, ok := at[step]; !ok {
					return nil, fmt.Errorf("no member %s of %s", step, path)
				}
			}
		case []any:
			if step == "len" {
				v = len(at)
				continue
			}
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(at) {
				return nil, fmt.Errorf("no element %s of %s", step, path)
			}
			v = at[i]
		default:
			return nil, fmt.Errorf("no step %s of %s", step, path)
		}
	}
	return v, nil
}

// dump DIR [COLUMN...] prints a table's rows as JSON lines, all columns or
// those named, file by file.
func dumpTable(args []string) error {
	return eachRow(args[0], func(row map[string]any) error {
		shown := row
		if len(args) > 1 {
			shown = make(map[string]any)
			for _, name := range args[1:] {
				v, ok := row[name]
				if !ok {
					return fmt.Errorf("%s has no column %s", args[0], name)
				}
				shown[name] = v
			}
		}
		for name, v := range shown {
			if b, ok := v.([]byte); ok {
				shown[name] = string(b)
			}
		}
		line, err := json.Marshal(shown)
		fmt.Println(string(line))
		return err
	})
}

// rows DIR... prints how many rows the tables have, and fails if one stands
// there twice.
func countRows(dirs []string) error {
	n, err := rowsOnce(dirs)
	if err == nil {
		fmt.Println(n)
	}
	return err
}

// rowsOnce counts the rows of tables, and fails if one stands there twice.
func rowsOnce(dirs []string) (n int, err error) {
	for _, dir := range dirs {
		seen := make(map[string]bool)
		err := eachRow(dir, func(row map[string]any) error {
			key := fmt.Sprint(row["position"], row["sub_index"], row["list_index"], row["event_type"])
			if seen[key] {
				return fmt.Errorf("%s: row %s stands there twice", dir, key)
			}
			seen[key] = true
			n++
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return n, nil
}

// eachRow reads all Parquet files of a folder as a reader would glob them,
// with a library that has nothing to do with the one that wrote them.
func eachRow(dir string, fn func(map[string]any) error) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), "_") && path != dir:
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".parquet"):
			return nil
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		r := pq.NewReader(f)
		defer r.Close()
		for range r.NumRows() {
			row := make(map[string]any)
			if err := r.Read(&row); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if err := fn(row); err != nil {
				return err
			}
		}
		return nil
	})
}
