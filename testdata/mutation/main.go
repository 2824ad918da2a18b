// Mutation makes small changes to the library, one at a time, and lists those that no test
// notices.
//
// Each change, or mutant, is in a copy of its function, and the environment says which copy
// is called. All mutants are thus in one test binary, which is compiled once.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// suite is a test package and the folders that it tests.
type suite struct {
	pkg     string
	folders []string
}

func main() {
	sample := flag.Int("sample", 0, "the number of mutants to try; 0: all")
	seed := flag.Int("seed", 0, "which sample to try: consecutive seeds have different mutants, until all were tried")
	only := flag.String("only", "", "try only the mutants whose description contains this text")
	workers := flag.Int("workers", runtime.NumCPU(), "how many mutants are tried at the same time")
	list := flag.String("equivalent", "testdata/mutation/equivalent.txt", "the file of the mutants that no test can notice, which are not tried; /dev/null: try them too")
	flag.Parse()
	m := mutation{sample: *sample, seed: *seed, only: *only, workers: *workers, out: os.Stdout} //nolint:forbidigo // a program
	if err := m.run(*list); err != nil {
		fmt.Fprintln(os.Stderr, err) //nolint:forbidigo // a program
		os.Exit(1)                   //nolint:forbidigo // a program
	}
}

type mutation struct {
	sample, seed, workers int
	only                  string
	out                   io.Writer

	mu      sync.Mutex
	results map[result]int
}

func (m *mutation) run(list string) error {
	m.results = make(map[result]int)
	equivalent, err := readEquivalent(list)
	if err != nil {
		return err
	}
	internal, err := filepath.Glob("internal/*")
	if err != nil {
		return err
	}
	suites := []suite{
		{pkg: ".", folders: append(internal, ".")},
		{pkg: "./chargebeetest", folders: []string{"chargebeetest"}},
	}
	var mutants []*mutant
	suiteOf := make(map[*mutant]int)
	for i, s := range suites {
		found, err := s.mutants()
		if err != nil {
			return err
		}
		for _, mutant := range found {
			suiteOf[mutant] = i
			if equivalent[mutant.key] {
				delete(equivalent, mutant.key)
				continue
			}
			mutants = append(mutants, mutant)
			mutant.number = len(mutants)
		}
	}
	if len(equivalent) > 0 {
		return fmt.Errorf("%s lists changes that are not possible: %q", list, slices.Sorted(maps.Keys(equivalent)))
	}
	chosen := m.choose(mutants)
	for i, s := range suites {
		inSuite := slices.DeleteFunc(slices.Clone(chosen), func(m *mutant) bool { return suiteOf[m] != i })
		if err := m.try(s, inSuite); err != nil {
			return err
		}
	}
	return m.report()
}

func (s suite) mutants() ([]*mutant, error) {
	var all []*mutant
	for _, folder := range s.folders {
		paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parse(path)
			if err != nil {
				return nil, err
			}
			all = append(all, file.mutants()...)
		}
	}
	return all, nil
}

// choose returns the sample. The order of the mutants is that of the hashes of their keys,
// so that a change of the source moves few of them to another sample.
func (m *mutation) choose(mutants []*mutant) []*mutant {
	mutants = slices.DeleteFunc(mutants, func(mutant *mutant) bool { return !strings.Contains(mutant.key, m.only) })
	if m.sample == 0 || m.sample >= len(mutants) {
		return mutants
	}
	slices.SortFunc(mutants, func(a, b *mutant) int { return cmp.Compare(hash(a.key), hash(b.key)) })
	first := m.seed * m.sample % len(mutants)
	return slices.Concat(mutants, mutants)[first : first+m.sample]
}

func hash(text string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, text) // a hash returns no error
	return h.Sum64()
}

// try runs the tests of a suite once for each mutant.
func (m *mutation) try(s suite, mutants []*mutant) error {
	if len(mutants) == 0 {
		return nil
	}
	scratch, err := os.MkdirTemp("", "mutation")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	program := filepath.Join(scratch, "program")
	var inFunctions, alone []*mutant
	for _, mutant := range mutants {
		if mutant.function != nil {
			inFunctions = append(inFunctions, mutant)
		} else {
			alone = append(alone, mutant)
		}
	}
	if inFunctions, err = buildTogether(scratch, s.pkg, program, inFunctions); err != nil {
		return err
	}
	tests, err := measure(program, s.pkg)
	if err != nil {
		return err
	}
	jobs := make(chan *mutant)
	var workers sync.WaitGroup
	for range m.workers {
		workers.Go(func() {
			for mutant := range jobs {
				m.record(mutant, tests.run(program, mutant.number))
			}
		})
	}
	for _, mutant := range inFunctions {
		jobs <- mutant
	}
	close(jobs)
	workers.Wait()
	for _, mutant := range alone {
		compiles, err := buildAlone(scratch, s.pkg, program, mutant)
		if err != nil {
			return err
		}
		if compiles {
			m.record(mutant, tests.run(program, 0))
		}
	}
	return nil
}

func (m *mutation) record(mutant *mutant, r result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.results[r]++
	if r == survived {
		fmt.Fprintf(m.out, "survived: %s\n", mutant.file.describe(mutant))
	}
}

// report prints the score, and returns an error if it is not 100 %.
func (m *mutation) report() error {
	killed := m.results[failed] + m.results[timedOut]
	all := killed + m.results[survived]
	fmt.Fprintf(m.out, "the tests noticed %d of %d mutants (%.1f %%), %d of them by a timeout\n",
		killed, all, 100*float64(killed)/float64(max(1, all)), m.results[timedOut])
	if m.results[survived] > 0 {
		return fmt.Errorf("%d mutants survived", m.results[survived])
	}
	return nil
}

// readEquivalent reads the keys of the mutants that no test can notice. A line that begins
// with # is the reason for those that follow.
func readEquivalent(path string) (map[string]bool, error) {
	content, err := os.ReadFile(path) //nolint:gosec // named by whoever runs this program
	if err != nil {
		return nil, err
	}
	equivalent := make(map[string]bool)
	reason := ""
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			reason = ""
		case strings.HasPrefix(line, "#"):
			reason = line
		case reason == "":
			return nil, fmt.Errorf("%s: no reason for %s", path, line)
		default:
			equivalent[line] = true
		}
	}
	return equivalent, nil
}
