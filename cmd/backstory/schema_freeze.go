package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"backstory/source"
	"backstory/transform"

	"github.com/spf13/cobra"
)

func newSchemaFreeze(g *globals) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "freeze",
		Short: "Write the tables to a file that the configuration includes",
		Long: `Freeze writes the columns of the tables that are loaded, or would be by the
first run, as YAML. With tables: {schema: FILE} in the configuration, a job, or
its next rebuild, begins with exactly these tables; with contract: freeze they
get no columns besides. The file is made to be read, changed and kept under
version control: the same tables give the same text.`,
		Example: "  backstory schema freeze -o tables.yaml",
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			s, err := openSchema(cmd.Context(), g)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.close()) }()
			text := frozenText(s.job.Name, s.tables)
			if out == "" {
				_, err := cmd.OutOrStdout().Write([]byte(text))
				return err
			}
			if err := replaceFile(out, text); err != nil {
				return err
			}
			if !g.quiet {
				fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s; include it by tables: {schema: %s}\n", out, yamlText(out))
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "the file to write; by default it goes to standard output")
	return cmd
}

// replaceFile writes a file so that it is the old one or the new one, whole.
func replaceFile(name, text string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return source.Setup("make the folder, and make it writable for this user", "write %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
			err = source.Setup("make room on the disk, and make the folder writable for this user", "write %s: %w", name, err)
		}
	}()
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

const frozenHead = `# The tables of job %s, as "backstory schema freeze" found them. In the configuration,
# tables: {schema: FILE} makes a job, or its next rebuild, begin with exactly these; with
# contract: freeze they get no columns besides.
#
# Each table also has the columns of the envelope (position, stream_id, event_time and so on)
# and _extra. path leads to the value in the upcast payload, with meta: true in the metadata;
# since is the position from which on the column is needed; encoding says how values are laid down.
tables:
`

// frozenText writes tables as frozenTables reads them. Those that come by
// themselves, of all events and of the quarantine, are left out.
func frozenText(job string, tables []*transform.Table) string {
	var b strings.Builder
	fmt.Fprintf(&b, frozenHead, job)
	n := 0
	for _, t := range tables {
		if t.Event == "" {
			continue
		}
		n++
		fmt.Fprintf(&b, "  - name: %s\n    event: %s\n", yamlText(t.Name), yamlText(t.Event))
		if t.Explode != nil {
			fmt.Fprintf(&b, "    explode: %s\n", yamlText(joinPath(t.Explode)))
		}
		columns := t.Payload()
		if len(columns) == 0 {
			b.WriteString("    columns: []\n")
			continue
		}
		b.WriteString("    columns:\n")
		for i := range columns {
			writeFrozenColumn(&b, &columns[i])
		}
	}
	if n == 0 {
		return strings.TrimSuffix(b.String(), "\n") + " []\n"
	}
	return b.String()
}

func writeFrozenColumn(b *strings.Builder, c *transform.Column) {
	pairs := []string{"name: " + yamlText(c.Name), "path: " + yamlText(joinPath(c.Path))}
	add := func(key, value string) {
		if value != "" {
			pairs = append(pairs, key+": "+yamlText(value))
		}
	}
	flag := func(key string, on bool) {
		if on {
			pairs = append(pairs, key+": true")
		}
	}
	flag("meta", c.Meta)
	add("type", frozenType(c.Type))
	add("encoding", string(c.Encoding))
	if c.Since.Tx != 0 {
		add("since", c.Since.String()) // in quotes: it is no number
	} else if c.Since.Seq != 0 {
		pairs = append(pairs, "since: "+c.Since.String())
	}
	add("marker", c.Marker)
	flag("declared", c.Declared)
	flag("closed", c.Closed)
	flag("masked", c.Masked)
	writeFrozen(b, "      ", pairs, fieldsOf(c.Type))
}

// writeFrozen writes the keys of a column or field in one line, or, where a
// struct's fields follow, one below the other.
func writeFrozen(b *strings.Builder, indent string, pairs []string, fields []transform.Field) {
	if len(fields) == 0 {
		fmt.Fprintf(b, "%s- {%s}\n", indent, strings.Join(pairs, ", "))
		return
	}
	inner := "\n" + indent + "  "
	fmt.Fprintf(b, "%s- %s%sfields:\n", indent, strings.Join(pairs, inner), inner)
	for _, f := range fields {
		pairs := []string{"name: " + yamlText(f.Name)}
		if f.Member != f.Name {
			pairs = append(pairs, "member: "+yamlText(f.Member))
		}
		pairs = append(pairs, "type: "+yamlText(frozenType(f.Type)))
		writeFrozen(b, indent+"    ", pairs, fieldsOf(f.Type))
	}
}

// frozenType writes a type; the fields of a struct stand beside it.
func frozenType(t transform.Type) string {
	switch t.Kind {
	case transform.List:
		return "list<" + frozenType(*t.Elem) + ">"
	case transform.Struct:
		return string(transform.Struct)
	}
	return t.String()
}

// fieldsOf gives the fields of the struct that a type ends in.
func fieldsOf(t transform.Type) []transform.Field {
	for t.Kind == transform.List {
		t = *t.Elem
	}
	return t.Fields
}
