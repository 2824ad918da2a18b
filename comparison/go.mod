module github.com/typedbee/chargebee-go/comparison

go 1.25.0

replace github.com/typedbee/chargebee-go => ..

require (
	github.com/chargebee/chargebee-go/v3 v3.48.0
	github.com/chargebee/chargebee-go/v4 v4.1.0
	github.com/stretchr/testify v1.12.1
	github.com/typedbee/chargebee-go v0.0.0
)

require (
	github.com/google/go-querystring v1.2.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)
