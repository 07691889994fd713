package main

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// shownLines is how many lines a snippet has before its caret.
const shownLines = 3

// snippet shows a line of a text, after those before it, with a caret under
// a column. Lines and columns count from 1. Secrets in it are not shown.
func snippet(text string, line, column int) string {
	lines := strings.Split(strings.TrimRight(text, "\r\n"), "\n")
	if line > len(lines) {
		line, column = len(lines), utf8.RuneCountInString(lines[len(lines)-1])+1
	}
	var b strings.Builder
	for n := max(1, line-shownLines+1); n <= line; n++ {
		mark := " "
		if n == line {
			mark = ">"
		}
		shown := strings.ReplaceAll(strings.TrimRight(lines[n-1], "\r"), "\t", " ")
		fmt.Fprintf(&b, "%s%4d | %s\n", mark, n, hideSecrets(shown))
	}
	b.WriteString(strings.Repeat(" ", len(">   1 | ")+column-1) + "^")
	return b.String()
}

// secretKeys finds what stands after a key whose value may be a secret.
var secretKeys = regexp.MustCompile(`(?i)\b(url|key|password|secret|token)(["']?\s*:\s*)(\S.*)$`)

// urlPasswords finds the passwords in URLs and key=value strings.
var urlPasswords = regexp.MustCompile(`(?i)(://[^:/?#@\s]*:)[^\s"']+(@)|(\bpassword=)[^&\s"']+`)

// hideSecrets replaces values that may be secret in a line of YAML.
// References to environment variables tell nothing and stay.
func hideSecrets(line string) string {
	line = urlPasswords.ReplaceAllString(line, "$1$3***$2")
	m := secretKeys.FindStringSubmatchIndex(line)
	if m == nil || strings.Trim(envPattern.ReplaceAllString(line[m[6]:], ""), `"' }`) == "" {
		return line
	}
	return line[:m[6]] + "***"
}
