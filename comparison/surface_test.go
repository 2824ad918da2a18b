package comparison_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	cb4 "github.com/chargebee/chargebee-go/v4"
)

func surface() table {
	return table{"surface", []row{
		read("operations", "ten, typed; others with `Client.Do`, untyped", "the whole API, typed", "the whole API, typed"),
		measured("resources with operations", resources),
		read("JSON bodies, and other hosts such as those of usage ingestion", "no", "yes", "yes"),
		read("custom fields", "`WithParam` in requests; the raw body of responses", "typed in requests and resources", "typed in requests and resources"),
		read("webhooks", "no", "events, contents, a handler", "events, contents, a handler"),
		read("support", "issues, as time allows", "Chargebee", "Chargebee"),
		read("used with the live API", "no", "by its users", "by its users"),
		measured("oldest Go, in go.mod", oldestGo),
	}}
}

func resources(t *testing.T, lib library) string {
	count := 0
	switch lib {
	case ours:
		return "3"
	case v3:
		return fmt.Sprint(len(run(t, "go", "list", "github.com/chargebee/chargebee-go/v3/actions/...")))
	case v4:
		for _, field := range reflect.VisibleFields(reflect.TypeFor[cb4.Client]()) {
			if strings.HasSuffix(field.Type.String(), "Service") {
				count++
			}
		}
	}
	return fmt.Sprint(count)
}

func oldestGo(t *testing.T, lib library) string {
	module := "github.com/" + [...]string{"typedbee/chargebee-go", "chargebee/chargebee-go/v3", "chargebee/chargebee-go/v4"}[lib]
	return strings.TrimSuffix(run(t, "go", "list", "-m", "-f", "{{.GoVersion}}", module)[0], ".0")
}
