package comparison_test

import (
	"fmt"
	"reflect"
	"strings"

	cb4 "github.com/chargebee/chargebee-go/v4"
)

func surface() table {
	return table{"surface", []row{
		read("operations", "ten, typed; others with `Client.Do`", "the whole API, typed", "the whole API, typed"),
		measured("resources with operations", resources),
		read("JSON bodies; other hosts, such as for usage ingestion", "no", "yes", "yes"),
		read("custom fields", "`WithParam`; raw body of responses", "in requests and resources", "in requests and resources"),
		read("webhooks", "no", "events, contents, a handler", "events, contents, a handler"),
		read("support", "issues, as time allows", "Chargebee", "Chargebee"),
		read("used with the live API", "no", "by its users", "by its users"),
		measured("oldest Go", oldestGo),
	}}
}

func resources(m measurement) string {
	count := 0
	switch m.lib {
	case ours:
		return "3"
	case v3:
		return fmt.Sprint(len(runGo(m, "list", "github.com/chargebee/chargebee-go/v3/actions/...")))
	case v4:
		for _, field := range reflect.VisibleFields(reflect.TypeFor[cb4.Client]()) {
			if strings.HasSuffix(field.Type.String(), "Service") {
				count++
			}
		}
	}
	return fmt.Sprint(count)
}

func oldestGo(m measurement) string {
	module := "github.com/" + [...]string{"typedbee/chargebee-go", "chargebee/chargebee-go/v3", "chargebee/chargebee-go/v4"}[m.lib]
	return strings.TrimSuffix(runGo(m, "list", "-m", "-f", "{{.GoVersion}}", module)[0], ".0")
}
