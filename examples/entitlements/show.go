package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// colors of a terminal.
const (
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	red    = "\x1b[31m"
	reset  = "\x1b[0m"
)

// describe returns the change as a line, such as "~ seats solo 1 → 5", and its color.
func (c *change) describe() (line, color string) {
	subject := quote(c.feature) + " " + quote(c.entity) + " "
	switch c.kind() {
	case added:
		return "+ " + subject + quote(c.after), green
	case removed:
		return "- " + subject + quote(c.before), red
	}
	return "~ " + subject + quote(c.before) + " → " + quote(c.after), yellow
}

// quote quotes text that is empty, has a space or could be misread.
func quote(text string) string {
	if text == "" || strings.ContainsAny(text, " \"→") || invalidField(text) != "" {
		return fmt.Sprintf("%q", text)
	}
	return text
}

// print prints each change, a summary of each feature that changes, and one of all.
func (p *plan) print(out io.Writer, site string, colored bool) error {
	w := bufio.NewWriter(out)
	for _, f := range p.features {
		types := f.entityTypes()
		for _, c := range f.changes {
			line, color := c.describe()
			if types[c.entity] > 1 {
				line += " (" + quote(c.entityType) + ")"
			}
			if colored {
				line = color + line + reset
			}
			fmt.Fprintln(w, line)
		}
		if len(f.changes) > 0 {
			fmt.Fprintf(w, "  %s: %s\n", quote(f.id), f.summary())
		}
	}
	if all := p.counts(); len(p.changes) > 0 {
		fmt.Fprintf(w, "Plan: %s.\n", all.summary())
	} else {
		fmt.Fprintf(w, "No changes: %s matches the file. Unchanged: %d.\n", site, all.Unchanged)
	}
	return w.Flush()
}

// entityTypes returns with how many types each entity occurs in the changes.
func (f featurePlan) entityTypes() map[string]int {
	types := make(map[string]int)
	for _, c := range f.changes {
		types[c.entity]++
	}
	return types
}

func (c counts) summary() string {
	return fmt.Sprintf("%d to add, %d to change, %d to remove, %d unchanged", c.Add, c.Change, c.Remove, c.Unchanged)
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// printJSON prints the plan as a JSON object.
func (p *plan) printJSON(out io.Writer) error {
	type featureJSON struct {
		ID string `json:"feature_id"`
		counts
	}
	result := struct {
		counts
		Features []featureJSON `json:"features"`
		Changes  []changeJSON  `json:"changes"`
	}{p.counts(), []featureJSON{}, []changeJSON{}}
	for _, f := range p.features {
		result.Features = append(result.Features, featureJSON{f.id, f.counts})
	}
	for _, c := range p.changes {
		result.Changes = append(result.Changes, c.json())
	}
	return writeJSON(out, result)
}

func writeJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// changeJSON is a change in the JSON of plans and reports.
type changeJSON struct {
	Action     kind    `json:"action"`
	Line       int     `json:"line,omitempty"`
	FeatureID  string  `json:"feature_id"`
	EntityID   string  `json:"entity_id"`
	EntityType string  `json:"entity_type"`
	Before     string  `json:"before,omitempty"`
	After      string  `json:"after,omitempty"`
	Outcome    outcome `json:"outcome,omitempty"`
	Reason     string  `json:"reason,omitempty"`
}

func (c *change) json() changeJSON {
	return changeJSON{c.kind(), c.line, c.feature, c.entity, c.entityType, c.before, c.after, c.outcome, c.reason}
}
