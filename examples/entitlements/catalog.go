package main

import (
	"fmt"
	"strings"
)

// key identifies an entitlement.
type key struct{ feature, entity, entityType string }

// row is a line of the file. It has the value that an entitlement should have.
type row struct {
	key
	value string
	line  int
}

// catalog is the content of a file.
type catalog struct {
	rows     map[key]row
	features []string         // in the order of the file
	lines    map[string][]key // of each feature, in the order of the file
}

func (c *catalog) add(r row) {
	if c.lines[r.feature] == nil {
		c.features = append(c.features, r.feature)
	}
	c.lines[r.feature] = append(c.lines[r.feature], r.key)
	c.rows[r.key] = r
}

const (
	// chunkSize is the number of features in one filter. Their IDs have at most 50
	// characters, so that the URL stays below the 8 KiB that many servers accept.
	chunkSize = 15
	// chunkLines is enough lines for several pages, which are read one after the other.
	chunkLines = 1000
)

// chunks divides the features into those that are read together.
func (c *catalog) chunks() [][]string {
	var chunks [][]string
	lines := 0
	for _, id := range c.features {
		last := len(chunks) - 1
		if last < 0 || len(chunks[last]) == chunkSize || lines >= chunkLines {
			chunks = append(chunks, nil)
			last++
			lines = 0
		}
		chunks[last] = append(chunks[last], id)
		lines += len(c.lines[id])
	}
	return chunks
}

// problems collects the problems of a file or a site. It keeps only the first ones.
type problems struct {
	shown []string
	count int
}

const maxShown = 20

func (p *problems) add(problem string) {
	p.count++
	if len(p.shown) < maxShown {
		p.shown = append(p.shown, problem)
	}
}

// addLine adds a problem of a line of the file.
func (p *problems) addLine(line int, format string, args ...any) {
	p.add(fmt.Sprintf("line %d: ", line) + fmt.Sprintf(format, args...))
}

// err returns an error with the problems, or nil if there are none.
func (p *problems) err() error {
	if p.count == 0 {
		return nil
	}
	text := strings.Join(p.shown, "\n")
	if more := p.count - len(p.shown); more > 0 {
		text += fmt.Sprintf("\nand %d more", more)
	}
	return fmt.Errorf("problems: %d\n%s", p.count, text)
}
