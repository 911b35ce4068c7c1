package conformance

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

//go:embed testdata
var testdata embed.FS

// Case is a script that a router is put through. It can be run many times, also by several goroutines at once.
type Case struct {
	Name         string   // section, file and title: "2.14_rpc/register/RPC-02 the second registration is refused"
	Requirements []string // the IDs that the title begins with
	Skip         string   // why the case is known to fail, or empty

	file  string
	only  []string // transports and serializers on which it can be played
	needs []string // keys of Target.Realms
	steps []step
}

// setupTitle names the section of a file with which each of its cases begins.
const setupTitle = "setup"

// Cases returns the cases of this package in the order of their files' names. That they are well formed is certain, or
// else it panics.
func Cases() []*Case {
	var all []*Case
	_ = fs.WalkDir(testdata, "testdata", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".txtar" {
			return err
		}
		text, _ := testdata.ReadFile(name) // it is in the binary
		cases, err := Parse(strings.TrimPrefix(name, "testdata/"), string(text))
		if err != nil {
			// The tests of this package read all files.
			panic(err)
		}
		all = append(all, cases...)
		return nil
	})
	return all
}

// Parse returns the cases of a file in txtar format. The error says which line is wrong.
func Parse(file, text string) ([]*Case, error) {
	var cases []*Case
	common := Case{file: file}
	for i, part := range split(text) {
		c := common
		c.steps = slices.Clone(common.steps)
		if err := c.read(part); err != nil {
			return nil, err
		}
		if i == 0 || part.title == setupTitle {
			common = c
			continue
		}
		c.Name = strings.TrimSuffix(file, path.Ext(file)) + "/" + part.title
		c.Requirements = leadingIDs(part.title)
		cases = append(cases, &c)
	}
	return cases, nil
}

// part is the comment of a file, which has no title, or one of its sections.
type part struct {
	title string
	line  int // of the title
	lines []string
}

var titleLine = regexp.MustCompile(`^-- (.+) --$`)

func split(text string) []part {
	parts := []part{{}}
	for i, line := range strings.Split(text, "\n") {
		if title := titleLine.FindStringSubmatch(line); title != nil {
			parts = append(parts, part{title: title[1], line: i + 1})
			continue
		}
		last := &parts[len(parts)-1]
		last.lines = append(last.lines, line)
	}
	return parts
}

var requirementID = regexp.MustCompile(`^[A-Z0-9]{1,3}-[0-9]{2}$`)

func leadingIDs(title string) (ids []string) {
	for _, word := range strings.Fields(title) {
		if !requirementID.MatchString(word) {
			break
		}
		ids = append(ids, word)
	}
	return ids
}

var directive = regexp.MustCompile(`^(only|needs|skip): +(.+)$`)

// read takes the directives and, unless it is the file's comment, the steps of a part.
func (c *Case) read(p part) error {
	for i, line := range p.lines {
		number := p.line + 1 + i
		switch found := directive.FindStringSubmatch(line); {
		case found != nil:
			if err := c.direct(found[1], found[2]); err != nil {
				return c.wrong(number, err.Error())
			}
		case p.title == "" || strings.TrimSpace(line) == "" || line[0] == '#':
		case line[0] == ' ' || line[0] == '\t':
			if err := c.continueStep(number, line); err != nil {
				return err
			}
		default:
			c.steps = append(c.steps, step{line: number, text: line})
		}
	}
	return c.compile()
}

func (c *Case) direct(word, rest string) error {
	switch word {
	case "only":
		c.only = slices.Concat(c.only, strings.Fields(rest)) // the file's own list stays as it is
		return checkWires(c.only)
	case "needs":
		c.needs = slices.Concat(c.needs, strings.Fields(rest))
	case "skip":
		c.Skip = rest
	}
	return nil
}

// continueStep adds an indented line to the step before it.
func (c *Case) continueStep(number int, line string) error {
	if len(c.steps) == 0 {
		return c.wrong(number, "the first line is indented")
	}
	c.steps[len(c.steps)-1].text += "\n" + line
	return nil
}

func (c *Case) compile() (err error) {
	for i := range c.steps {
		s := &c.steps[i]
		if s.do, err = compile(s.text); err != nil {
			return c.wrong(s.line, fmt.Sprintf("%s: %v", s.text, err))
		}
	}
	return nil
}

func (c *Case) wrong(line int, text string) error {
	return fmt.Errorf("%s:%d: %s", c.file, line, text)
}
