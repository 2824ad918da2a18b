module github.com/typedbee/chargebee-go/examples/ratelimit

go 1.25.0

replace github.com/typedbee/chargebee-go => ../..

require (
	github.com/stretchr/testify v1.12.1
	github.com/typedbee/chargebee-go v0.0.0
	golang.org/x/time v0.15.0
)

require (
	github.com/google/go-querystring v1.2.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)
