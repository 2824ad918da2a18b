package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// region is the lines of an instrumented file that belong to a mutant.
type region struct {
	path        string
	first, last int
	mutant      *mutant
}

// buildTogether builds the tests of a package with mutants that are in functions, each in a
// copy of its function. It returns those that compile.
func buildTogether(scratch, pkg, program string, mutants []*mutant) ([]*mutant, error) {
	for {
		files, regions := instrumentAll(mutants)
		output, err := build(scratch, pkg, program, files)
		if err == nil {
			return mutants, nil
		}
		invalid := blame(regions, compileErrors(output))
		if len(invalid) == 0 {
			return nil, errors.New(output)
		}
		mutants = slices.DeleteFunc(mutants, func(m *mutant) bool { return invalid[m] })
	}
}

// buildAlone builds the tests of a package with a mutant that is in no function.
func buildAlone(scratch, pkg, program string, m *mutant) (compiles bool, err error) {
	output, err := build(scratch, pkg, program, map[string]string{m.file.path: m.file.content[:m.start] + m.text + m.file.content[m.end:]})
	switch {
	case err == nil:
		return true, nil
	case len(compileErrors(output)) == 0:
		return false, errors.New(output)
	}
	return false, nil
}

// build builds the tests of a package with some files replaced, and returns what the
// compiler printed.
func build(scratch, pkg, program string, files map[string]string) (string, error) {
	overlay := struct{ Replace map[string]string }{make(map[string]string)}
	for name, content := range files {
		absolute, err := filepath.Abs(name)
		if err != nil {
			return "", err
		}
		replacement := filepath.Join(scratch, replacementName(name))
		if err := os.WriteFile(replacement, []byte(content), 0o600); err != nil {
			return "", err
		}
		overlay.Replace[absolute] = replacement
	}
	encoded, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	overlayPath := filepath.Join(scratch, "overlay.json")
	if err := os.WriteFile(overlayPath, encoded, 0o600); err != nil {
		return "", err
	}
	// -e reports all errors, not only ten.
	args := []string{"test", "-c", "-vet=off", "-gcflags=./...=-e", "-ldflags=-s -w", "-overlay", overlayPath, "-o", program, pkg}
	output, err := exec.CommandContext(context.Background(), "go", args...).CombinedOutput() //nolint:gosec // with paths of our own
	return string(output), err
}

// replacementName returns the name of the file that replaces another one. The compiler
// reports errors in it.
func replacementName(path string) string { return strings.ReplaceAll(path, "/", "-") }

type location struct {
	name string
	line int
}

func compileErrors(output string) (locations []location) {
	for _, match := range regexp.MustCompile(`(?m)^(\S+\.go):(\d+):`).FindAllStringSubmatch(output, -1) {
		line, _ := strconv.Atoi(match[2]) // digits
		locations = append(locations, location{filepath.Base(match[1]), line})
	}
	return locations
}

// blame returns the mutants that have errors.
func blame(regions []region, locations []location) map[*mutant]bool {
	invalid := make(map[*mutant]bool)
	for _, r := range regions {
		for _, l := range locations {
			if l.name == replacementName(r.path) && r.first <= l.line && l.line <= r.last {
				invalid[r.mutant] = true
			}
		}
	}
	return invalid
}

// instrumentAll adds the mutants to their files. Each package gets a variable, the number
// of the mutant that is active.
func instrumentAll(mutants []*mutant) (files map[string]string, regions []region) {
	files = make(map[string]string)
	byFile := make(map[*sourceFile][]*mutant)
	for _, m := range mutants {
		byFile[m.file] = append(byFile[m.file], m)
	}
	for file, mutants := range byFile {
		content, inFile := instrument(file, mutants)
		files[file.path] = content
		regions = append(regions, inFile...)
		files[filepath.Join(filepath.Dir(file.path), "activemutant.go")] = "package " + file.ast.Name.Name + `

import (
	"os"
	"strconv"
)

var activeMutant, _ = strconv.Atoi(os.Getenv("MUTANT"))
`
	}
	return files, regions
}

// instrument appends a copy of its function for each mutant. The function itself calls the
// copy of the active mutant.
func instrument(file *sourceFile, mutants []*mutant) (string, []region) {
	var regions []region
	var copies, head strings.Builder
	lines := 1 + strings.Count(file.content, "\n")
	written := 0
	for _, decl := range file.ast.Decls {
		function, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		var calls strings.Builder
		signature := signatureOf(file, function)
		start, end := file.offset(function.Body.Lbrace), file.offset(function.Body.End())
		for _, m := range mutants {
			if m.function != function {
				continue
			}
			name := fmt.Sprintf("mutant%d", m.number)
			body := file.content[start:m.start] + m.text + file.content[m.end:end]
			text := "\n" + signature.declare(name) + body + "\n"
			copies.WriteString(text)
			regions = append(regions, region{file.path, lines + 1, lines + strings.Count(text, "\n"), m})
			lines += strings.Count(text, "\n")
			fmt.Fprintf(&calls, "case %d: %s; ", m.number, signature.call(name))
		}
		if calls.Len() == 0 {
			continue
		}
		head.WriteString(file.content[written:file.offset(function.Pos())])
		head.WriteString(signature.declare(function.Name.Name) + "{ switch activeMutant { " + calls.String() + "}; ")
		written = start + 1
	}
	head.WriteString(file.content[written:])
	return head.String() + copies.String(), regions
}

// signature is what a function and its copies have in common.
type signature struct {
	receiver, receiverName     string
	typeParams, typeArgs       string
	params, arguments, results string
}

func (s signature) declare(name string) string {
	return "func " + s.receiver + name + s.typeParams + "(" + s.params + ") " + s.results
}

func (s signature) call(name string) string {
	call := s.receiverName + name + s.typeArgs + "(" + s.arguments + ")"
	if s.results == "" {
		return call + "; return"
	}
	return "return " + call
}

func signatureOf(file *sourceFile, function *ast.FuncDecl) (s signature) {
	if function.Recv != nil {
		receiver := function.Recv.List[0]
		name := "receiver"
		if len(receiver.Names) > 0 && receiver.Names[0].Name != "_" {
			name = receiver.Names[0].Name
		}
		s.receiver = "(" + name + " " + file.text(receiver.Type.Pos(), receiver.Type.End()) + ") "
		s.receiverName = name + "."
	}
	if generic := function.Type.TypeParams; generic != nil {
		s.typeParams = file.text(generic.Pos(), generic.End())
		var names []string
		for _, field := range generic.List {
			for _, name := range field.Names {
				names = append(names, name.Name)
			}
		}
		s.typeArgs = "[" + strings.Join(names, ", ") + "]"
	}
	if results := function.Type.Results; results != nil {
		s.results = file.text(results.Pos(), results.End()) + " "
	}
	var params, arguments []string
	for _, field := range function.Type.Params.List {
		names := field.Names
		if len(names) == 0 {
			names = []*ast.Ident{{Name: "_"}}
		}
		for _, ident := range names {
			name := ident.Name
			if name == "_" {
				name = fmt.Sprintf("param%d", len(params))
			}
			params = append(params, name+" "+file.text(field.Type.Pos(), field.Type.End()))
			if _, isVariadic := field.Type.(*ast.Ellipsis); isVariadic {
				name += "..."
			}
			arguments = append(arguments, name)
		}
	}
	s.params, s.arguments = strings.Join(params, ", "), strings.Join(arguments, ", ")
	return s
}
