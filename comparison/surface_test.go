package comparison_test

import (
	"fmt"
	"reflect"
	"strings"

	cb4 "github.com/chargebee/chargebee-go/v4"
	chargebee "github.com/typedbee/chargebee-go"
)

func surface() table {
	return table{"surface", []row{
		read("operations", "ten, typed; others with `Client.Do`", "the whole API, typed", "the whole API, typed"),
		measured("resources with operations", each(resourcesOfOurs, resourcesOfV3, resourcesOfV4)),
		read("JSON bodies; other hosts, such as for usage ingestion", "no", "yes", "yes"),
		read("custom fields", "`WithParam`; raw body of responses", "in requests and resources", "in requests and resources"),
		read("webhooks", "no", "events, contents, a handler", "events, contents, a handler"),
		read("support", "issues, as time allows", "Chargebee", "Chargebee"),
		read("used with the live API", "no", "by its users", "by its users"),
		measured("oldest Go", oldestGo),
	}}
}

func resourcesOfOurs(measurement) string { return countServices(reflect.TypeFor[chargebee.Client]()) }

func resourcesOfV3(m measurement) string {
	return fmt.Sprint(len(runGo(m, "list", "github.com/chargebee/chargebee-go/v3/actions/...")))
}

func resourcesOfV4(measurement) string { return countServices(reflect.TypeFor[cb4.Client]()) }

func countServices(client reflect.Type) string {
	count := 0
	for _, field := range reflect.VisibleFields(client) {
		if strings.HasSuffix(field.Type.String(), "Service") {
			count++
		}
	}
	return fmt.Sprint(count)
}

func oldestGo(m measurement) string {
	module := "github.com/" + [...]string{"typedbee/chargebee-go", "chargebee/chargebee-go/v3", "chargebee/chargebee-go/v4"}[m.lib]
	return strings.TrimSuffix(runGo(m, "list", "-m", "-f", "{{.GoVersion}}", module)[0], ".0")
}
