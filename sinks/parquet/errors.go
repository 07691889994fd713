package parquet

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"backstory/sinks"
)

// Error is something about the folder that a person has to look at.
type Error struct {
	Err error
	// Advice is one sentence that says what to do.
	Advice string

	disagrees bool
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Is tells errors.Is whether the folder is not as it was left.
func (e *Error) Is(target error) bool { return e.disagrees && target == sinks.ErrDisagree }

// Hint says what to do about the error.
func (e *Error) Hint() string { return e.Advice }

// fault makes an Error that says that the folder is not as it was left, and
// is sinks.ErrDisagree; format and args are fmt.Errorf's.
func fault(hint, format string, args ...any) error {
	return &Error{Err: fmt.Errorf(format, args...), Advice: hint, disagrees: true}
}

// refuse makes an Error about what was asked for; format and args are
// fmt.Errorf's.
func refuse(hint, format string, args ...any) error {
	return &Error{Err: fmt.Errorf(format, args...), Advice: hint}
}

// explain wraps an error of the file system, with a hint where its cause is
// of a kind that a person can mend.
func explain(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	wrapped := fmt.Errorf(format+": %w", append(args, err)...)
	var own *Error
	if errors.As(err, &own) {
		return wrapped
	}
	hint := ""
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		hint = "free space on the disk, or set another sink.path; nothing is half loaded, run again afterwards"
	case errors.Is(err, syscall.EROFS):
		hint = "the file system is mounted read-only; mount it for writing or set another sink.path"
	case errors.Is(err, fs.ErrPermission):
		hint = "give the user who runs backstory the right to write to the folder sink.path and all below it"
	case errors.Is(err, syscall.ENOTDIR):
		hint = "a part of the path is a file; set sink.path to a folder"
	case errors.Is(err, syscall.EXDEV):
		hint = "sink.path and all folders below it must lie on one file system"
	case errors.Is(err, syscall.ENAMETOOLONG):
		hint = "give the job or the table a shorter name"
	default:
		return wrapped
	}
	return &Error{Err: wrapped, Advice: hint}
}

// loadAgain says how to have a window loaded once more.
const loadAgain = "have backstory repair load its windows again"

// withoutManifest says so where the manifest is damaged by which repair would
// know the window. The ledger must go too, since it knows the window as loaded;
// the manifests that stay rebuild it.
const withoutManifest = "to load its window again remove the manifest, the files of that name in all tables' folders, and the ledger, and run"
