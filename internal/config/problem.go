package config

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with a configuration file.
type Problem struct {
	Line   int    // from 1
	Column int    // from 1, in characters
	Path   string // of the key, such as listeners.main.address; empty for the whole file
	Text   string // what is wrong
	Hint   string // what to do about it; may be empty
}

// Error is everything that is wrong with a configuration file, in the order of the file.
type Error struct {
	File     string
	Problems []Problem
	// Unsafe says that the router could run as the file says, and does not because that would be dangerous.
	Unsafe bool
}

// maxShown is how many problems Error tells. Whoever has more of them gave another file than they meant.
const maxShown = 25

// Error returns a line for each problem: file:line:column: path: text (hint).
func (e *Error) Error() string {
	shown := e.Problems[:min(len(e.Problems), maxShown)]
	lines := make([]string, len(shown))
	for i, p := range shown {
		lines[i] = p.line(e.File)
	}
	if more := len(e.Problems) - len(shown); more > 0 {
		lines = append(lines, fmt.Sprintf("%s: and %d more", e.File, more))
	}
	return strings.Join(lines, "\n")
}

func (p *Problem) line(file string) string {
	text := fmt.Sprintf("%s:%d:%d: ", file, p.Line, p.Column)
	if p.Path != "" {
		text += p.Path + ": "
	}
	text += p.Text
	if p.Hint != "" {
		text += " (" + p.Hint + ")"
	}
	return text
}

// didYouMean returns a hint that names the known word nearest to what was written, or all of them if none is near.
func didYouMean(word string, known []string) string {
	if best, found := Nearest(word, known, len(word)/2); found {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return "known here: " + strings.Join(known, ", ")
}

// Nearest returns the first of the known words that differ least from what was written, and whether that is in at most
// so many letters.
func Nearest(word string, known []string, most int) (best string, found bool) {
	distance := most + 1
	for _, k := range known {
		if d := editDistance(word, k); d < distance {
			best, distance = k, d
		}
	}
	return best, distance <= most
}

// editDistance is the number of letters to insert, delete or replace to make a of b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
