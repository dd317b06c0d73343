package fault

import (
	"fmt"
	"strings"
)

// The refusals of files and their links. What is refused is documented (docs.stripe.com/file-upload).
// unverified: the words of all.

// FilePurpose refuses a purpose that nothing can be uploaded for.
func FilePurpose(got string) *Error {
	return Invalid("purpose", "Invalid purpose: you cannot upload files with a purpose of "+got+".")
}

// FileEmpty refuses a file without bytes.
func FileEmpty() *Error { return Invalid("file", "The file you uploaded is empty.") }

// FileTooLarge refuses a file that is too large for its purpose.
func FileTooLarge(most int64) *Error {
	size := fmt.Sprintf("%dKB", most>>10)
	if most >= 1<<20 {
		size = fmt.Sprintf("%dMB", most>>20)
	}
	return Invalid("file", "The file you uploaded exceeds the maximum size of "+size+" for this purpose.")
}

// FileType refuses a file of a type that its purpose does not take.
func FileType(got string, allowed []string) *Error {
	if got == "" {
		got = "unknown"
	}
	return Invalid("file", fmt.Sprintf("Invalid file type: %s. The supported file types for this purpose are %s.", got, strings.Join(allowed, ", ")))
}

// FileNotLinkable refuses a link to a file of a purpose that has none.
func FileNotLinkable(purpose string) *Error {
	return Invalid("file", "File links cannot be created for files with a purpose of "+purpose+".")
}

// LinkExpired refuses to change when a link expires that has expired.
func LinkExpired(link string) *Error {
	return Invalid("expires_at", "The file link "+link+" has already expired.")
}

// NotInFuture refuses a time that is past.
func NotInFuture(param string) *Error {
	return Invalid(param, "Invalid timestamp: must be in the future.")
}
