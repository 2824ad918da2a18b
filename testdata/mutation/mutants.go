package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// mutant is one change of the source.
type mutant struct {
	number     int
	file       *sourceFile
	function   *ast.FuncDecl // nil: a constant or variable of the package
	start, end int           // what is replaced by text
	text       string
	key        string // file, function and change; it has no line number
}

type sourceFile struct {
	path    string
	content string
	fset    *token.FileSet
	ast     *ast.File
}

func parse(path string) (*sourceFile, error) {
	content, err := os.ReadFile(path) //nolint:gosec // a file of this module
	if err != nil {
		return nil, err
	}
	f := &sourceFile{path: path, content: string(content), fset: token.NewFileSet()}
	f.ast, err = parser.ParseFile(f.fset, path, content, parser.SkipObjectResolution)
	return f, err
}

func (f *sourceFile) offset(pos token.Pos) int { return f.fset.Position(pos).Offset }

func (f *sourceFile) text(from, to token.Pos) string { return f.content[f.offset(from):f.offset(to)] }

// describe returns the key of a mutant with a line number after the file.
func (f *sourceFile) describe(m *mutant) string {
	line := 1 + strings.Count(f.content[:m.start], "\n")
	return fmt.Sprintf("%s:%d%s", f.path, line, strings.TrimPrefix(m.key, f.path))
}

// mutants returns every change that is tried in a file.
func (f *sourceFile) mutants() []*mutant {
	finder := &finder{sourceFile: f}
	for _, decl := range f.ast.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			finder.function = decl
			finder.find(decl.Body, decl.Type.Results)
		case *ast.GenDecl:
			finder.function = nil
			if decl.Tok == token.CONST || decl.Tok == token.VAR {
				finder.find(decl, nil)
			}
		}
	}
	seen := make(map[string]int)
	for _, m := range finder.found {
		key := f.path + ": " + functionName(m.function) + ": " + f.change(m)
		seen[key]++
		m.key = key
		if n := seen[key]; n > 1 {
			m.key += " #" + strconv.Itoa(n)
		}
	}
	return finder.found
}

// change describes a mutant by its line before and after, without a comment.
func (f *sourceFile) change(m *mutant) string {
	start, end := m.start, m.end
	start = strings.LastIndexByte(f.content[:start], '\n') + 1
	if length := strings.IndexByte(f.content[end:], '\n'); length >= 0 {
		end += length
	}
	before := oneLine(f.content[start:end])
	after := oneLine(f.content[start:m.start] + m.text + f.content[m.end:end])
	if after == "" {
		after = "(removed)"
	}
	return before + " -> " + after
}

func oneLine(code string) string {
	return strings.Join(strings.Fields(regexp.MustCompile(`(?m)(^|\s)//.*$`).ReplaceAllString(code, "")), " ")
}

func functionName(f *ast.FuncDecl) string {
	if f == nil {
		return "(package)"
	}
	if f.Recv == nil {
		return f.Name.Name
	}
	receiver := f.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	if generic, ok := receiver.(*ast.IndexExpr); ok {
		receiver = generic.X
	}
	return receiver.(*ast.Ident).Name + "." + f.Name.Name
}

// finder collects the mutants of a file.
type finder struct {
	*sourceFile
	function *ast.FuncDecl
	found    []*mutant
}

func (f *finder) replace(from, to token.Pos, text string) {
	f.found = append(f.found, &mutant{file: f.sourceFile, function: f.function, start: f.offset(from), end: f.offset(to), text: text})
}

func (f *finder) remove(n ast.Node) { f.replace(n.Pos(), n.End(), "") }

// opposite returns the operator that replaces another one, or 0.
func opposite(operator token.Token) token.Token {
	return map[token.Token]token.Token{
		token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
		token.EQL: token.NEQ, token.NEQ: token.EQL,
		token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL, token.REM: token.MUL,
		token.SHL: token.SHR, token.SHR: token.SHL, token.AND: token.OR, token.OR: token.AND,
		token.ADD_ASSIGN: token.SUB_ASSIGN, token.SUB_ASSIGN: token.ADD_ASSIGN, token.INC: token.DEC, token.DEC: token.INC,
	}[operator]
}

// find collects the mutants below a node of a function with the given results.
func (f *finder) find(root ast.Node, results *ast.FieldList) {
	ast.Inspect(root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			f.find(n.Body, n.Type.Results)
			return false
		case *ast.ForStmt: // without its last statement, most loops would never end
			f.find(n.Body, results)
			if n.Cond != nil {
				f.find(n.Cond, results)
			}
			return false
		case *ast.ReturnStmt:
			f.remove(n)
			f.dropErrors(n, results)
		case *ast.AssignStmt:
			f.assignment(n)
		case *ast.ExprStmt, *ast.DeferStmt, *ast.GoStmt, *ast.SendStmt, *ast.BranchStmt:
			f.remove(n)
		case *ast.IncDecStmt:
			f.remove(n)
		case *ast.CaseClause:
			f.alternatives(n, n.List)
		case *ast.CommClause:
			f.remove(n)
		case *ast.CompositeLit:
			f.elements(n.Elts, n.Rbrace)
		case *ast.IfStmt:
			f.negate(n.Cond)
		case ast.Expr:
			f.expression(n)
		}
		return true
	})
}

// dropErrors returns nil instead of an error.
func (f *finder) dropErrors(n *ast.ReturnStmt, results *ast.FieldList) {
	var types []ast.Expr
	if results != nil {
		for _, field := range results.List {
			types = append(types, slices.Repeat([]ast.Expr{field.Type}, max(1, len(field.Names)))...)
		}
	}
	for i, result := range n.Results {
		isError := len(types) == len(n.Results) && isIdent(types[i], "error")
		if isError && !isIdent(result, "nil") {
			f.replace(result.Pos(), result.End(), "nil")
		}
	}
}

func (f *finder) assignment(n *ast.AssignStmt) {
	isBlank := !slices.ContainsFunc(n.Lhs, func(e ast.Expr) bool { return !isIdent(e, "_") })
	if n.Tok == token.DEFINE || isBlank {
		return
	}
	f.remove(n)
	if replacement := opposite(n.Tok); replacement != 0 {
		f.replace(n.TokPos, n.TokPos+token.Pos(len(n.Tok.String())), replacement.String())
	}
}

// alternatives removes a case, or one of several values of a case.
func (f *finder) alternatives(n *ast.CaseClause, values []ast.Expr) {
	if len(values) < 2 {
		f.remove(n)
		return
	}
	f.elements(values, n.Colon)
}

// elements removes each of several elements, with its comma.
func (f *finder) elements(list []ast.Expr, end token.Pos) {
	for i, element := range list {
		switch {
		case i+1 < len(list):
			f.replace(element.Pos(), list[i+1].Pos(), "")
		case i > 0:
			f.replace(list[i-1].End(), end, "")
		default:
			f.replace(element.Pos(), end, "")
		}
	}
}

// negate negates a condition, unless a change of one of its operators does as much.
func (f *finder) negate(condition ast.Expr) {
	switch condition.(type) {
	case *ast.CallExpr, *ast.Ident, *ast.SelectorExpr:
		f.replace(condition.Pos(), condition.End(), "!"+f.text(condition.Pos(), condition.End()))
	}
}

func (f *finder) expression(e ast.Expr) {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		if replacement := opposite(e.Op); replacement != 0 {
			f.replace(e.OpPos, e.OpPos+token.Pos(len(e.Op.String())), replacement.String())
		}
		if e.Op == token.LAND || e.Op == token.LOR { // one alone; a test that notices this also notices the other operator
			f.replace(e.Pos(), e.End(), f.text(e.X.Pos(), e.X.End()))
			f.replace(e.Pos(), e.End(), f.text(e.Y.Pos(), e.Y.End()))
		}
	case *ast.UnaryExpr:
		if e.Op == token.NOT {
			f.replace(e.OpPos, e.X.Pos(), "")
		}
	case *ast.BasicLit:
		if e.Kind == token.INT {
			f.replace(e.Pos(), e.End(), "("+e.Value+"+1)")
		}
	case *ast.Ident:
		if replacement := map[string]string{"true": "false", "false": "true", "min": "max", "max": "min"}[e.Name]; replacement != "" {
			f.replace(e.Pos(), e.End(), replacement)
		}
	}
}

func isIdent(e ast.Expr, name string) bool {
	ident, ok := e.(*ast.Ident)
	return ok && ident.Name == name
}
