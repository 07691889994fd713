package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"
)

// A starter writes a first configuration.
type starter struct {
	config, store, urlEnv, keyEnv, table, schema, out, job string
}

// starterDriver is a kind of store that a configuration can begin with.
type starterDriver struct {
	// knows tells whether the driver takes the address of a store.
	knows func(store string) bool
	open  func(context.Context, *starter, starterState) (source.Source, error)
	// section gives the first lines of the section source.
	section func(*starter) []string
}

// starterState is a way in which events may be stored.
type starterState struct{ cipher, key, compress string }

// write writes the configuration.
func (s *starter) write(ctx context.Context) (err error) {
	const taken = "move it away, or name another file with --config"
	if _, err := os.Lstat(s.config); err == nil {
		return source.Setup(taken, "write %s: the file is there already", s.config)
	}
	if err := s.complete(); err != nil {
		return err
	}
	driver := starters[slices.IndexFunc(starters, func(d starterDriver) bool { return d.knows(s.store) })]
	src, state, err := s.open(ctx, driver)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	p, err := transform.Compile(transform.Rules{Payload: source.PayloadOf(src)})
	if err != nil {
		return err
	}
	mark, err := src.Watermark(ctx)
	if err != nil {
		return err
	}
	shapes, err := schedules.Discover(ctx, src, p, sourceWindow(mark), schedules.DefaultSample, schedules.DefaultWorkers)
	if err != nil {
		return err
	}
	if len(shapes.All()) == 0 && shapes.Failed > 0 {
		return shapes.FirstFailed
	}
	f, err := os.OpenFile(s.config, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	switch {
	case errors.Is(err, fs.ErrExist):
		return source.Setup(taken, "write %s: the file is there already", s.config)
	case err != nil:
		return source.Setup("make the folder, and make it writable for this user", "write configuration: %w", err)
	}
	_, err = f.WriteString(s.text(s.section(driver, state), shapes))
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(source.Setup("the disk may be full: make room", "write configuration: %w", err), os.Remove(s.config))
	}
	return nil
}

// complete fills in what was not given, and refuses what cannot be written
// into a configuration.
func (s *starter) complete() error {
	if s.store == "" {
		if s.store = os.Getenv(s.urlEnv); s.store == "" {
			return &usageError{fmt.Errorf("init wants a store: the path of a SQLite file, or a PostgreSQL URL in the environment variable %s", s.urlEnv)}
		}
	}
	if s.job == "" {
		s.job = jobNameFrom(s.store)
	} else if !jobName.MatchString(s.job) {
		return &usageError{fmt.Errorf("--job %q: want letters, digits, - and _", s.job)}
	}
	for _, text := range []string{s.store, s.table, s.schema, s.out} {
		if !utf8.ValidString(text) || envPattern.MatchString(text) {
			return &usageError{errors.New("init wants names in UTF-8 and without ${env:...}")}
		}
	}
	return nil
}

// open opens the store, trying the ways in which its events may be stored.
func (s *starter) open(ctx context.Context, d starterDriver) (source.Source, starterState, error) {
	var first error
	for _, state := range starterStates {
		if state.cipher != "" {
			if state.key = os.Getenv(s.keyEnv); state.key == "" {
				continue
			}
		}
		src, err := d.open(ctx, s, state)
		if err == nil || !isWrongState(err) {
			return src, state, err
		}
		if first == nil {
			first = err
		}
	}
	advice := fmt.Sprintf("only JSON can be read, plain, compressed by zlib or encrypted by AES-GCM: if it is encrypted, put the key in the environment variable %s, or name another with --key-env", s.keyEnv)
	return nil, starterState{}, &source.SetupError{Err: first, Advice: advice}
}

// section gives the lines of the section source.
func (s *starter) section(d starterDriver, state starterState) string {
	lines := d.section(s)
	for _, kv := range [][2]string{{"schema", s.schema}, {"table", s.table}} {
		if kv[1] != "" {
			lines = append(lines, kv[0]+": "+yamlText(kv[1]))
		}
	}
	var stored []string
	if state.cipher != "" {
		stored = append(stored, "cipher: "+state.cipher, `key: "${env:`+s.keyEnv+`}"`)
	}
	if state.compress != "" {
		stored = append(stored, "compress: "+state.compress)
	}
	if stored != nil {
		lines = append(lines, "state: {"+strings.Join(stored, ", ")+"}")
	}
	return "  " + strings.Join(lines, "\n  ")
}

// path is the store's path seen from where the configuration lies.
func (s *starter) path() string {
	dir := filepath.Dir(s.config)
	if filepath.IsAbs(s.store) || dir == "." {
		return s.store
	}
	from, err1 := filepath.Abs(dir)
	to, err2 := filepath.Abs(s.store)
	if rel, err := filepath.Rel(from, to); errors.Join(err1, err2, err) == nil {
		return rel
	}
	return to
}

// jobNameFrom makes the address of a store the name of a job.
func jobNameFrom(store string) string {
	if isPostgres(store) { // it may hold a password
		return "events"
	}
	name := transform.TableName(strings.TrimSuffix(filepath.Base(store), filepath.Ext(store)))
	if !jobName.MatchString(name) {
		return "events"
	}
	return name
}

var (
	plainText = regexp.MustCompile(`^(\.{0,2}/|[A-Za-z_])[A-Za-z0-9._/-]*$`)
	notText   = regexp.MustCompile(`^(?i:true|false|yes|no|on|off|null|y|n)$`)
)

// yamlText writes a text as a YAML scalar, in quotes where it could be taken
// for something else.
func yamlText(s string) string {
	if plainText.MatchString(s) && !notText.MatchString(s) {
		return s
	}
	return strconv.Quote(s) // what Go escapes, YAML reads
}

const starterText = `# Backstory: the history of an event store as typed tables.
# ${env:NAME} stands for an environment variable; paths are seen from this file.

source:
%s
  layout: eventsourcing        # or columns: name the columns of a table of your own
%s  # names:                     # event types that were renamed
  #   aliases: {Cart.OldName: Cart.NewName}
  #   prefixes: {"old.module:": "new.module:"}

sink:
  driver: parquet
  path: %s
  # codec: zstd                # or snappy, none

# tables:
#   layout: per_type           # or one (a table "events" with the payload as JSON), or both
#   nested: flatten            # or struct: keep objects as structs
#   partition: none            # or day, month: folders by the time of the event
#   explode: {Order.Placed: [lines]}                    # a row per element, in a table of its own
#   types: {Order.Placed: {total: "decimal(18,2)"}}     # instead of what discovery finds

# upcasters:                   # what older shapes mean today: backstory discover --suggest
#   - {event: Cart.ItemAdded, from: 1, do: [{rename: {qty: quantity}}]}

# defaults: {new_fields: mask}                          # what turns up later does not leak
# mask: {key: "${env:BACKSTORY_MASK_KEY}"}
# quarantine: {threshold: 0}   # so many events of a run may fail before it exits with 5

# load:
#   window: 250000             # about as many events are loaded, and committed, at once
#   workers: 2                 # windows at a time

jobs:
  - name: %s
    schedule: "*/15 * * * *"   # for the worker; "backstory run" ignores it

# Found in the store:
%s`

const starterStateText = `  # state: {cipher: aes-gcm, key: "${env:CIPHER_KEY}", compress: zlib}
`

func (s *starter) text(section string, shapes *transform.Shapes) string {
	var found strings.Builder
	for _, sh := range shapes.All() {
		fmt.Fprintf(&found, "#   %s (schema versions %s)\n", shownType(sh.Event), versionsText(sh))
	}
	if found.Len() == 0 {
		found.WriteString("#   no events yet\n")
	}
	if shapes.Failed > 0 {
		fmt.Fprintf(&found, "#   and %s that cannot be read and would go to quarantine, the first at position %s\n", plural(shapes.Failed, "event"), shapes.FirstFailed.Position)
	}
	state := starterStateText
	if strings.Contains(section, "\n  state: ") {
		state = ""
	}
	return fmt.Sprintf(starterText, section, state, yamlText(s.out), s.job, found.String())
}

// shownType is an event type on one line of a comment.
func shownType(event string) string {
	if quoted := strconv.Quote(event); quoted != `"`+event+`"` {
		return quoted
	}
	return event
}
