module github.com/typedbee/chargebee-go

go 1.25.0

