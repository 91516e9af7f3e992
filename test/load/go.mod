module groundswell.dev/test/load

go 1.26.0

require (
	github.com/klauspost/compress v1.18.5
	golang.org/x/net v0.60.0
	google.golang.org/protobuf v1.36.12
)

require golang.org/x/text v0.42.0 // indirect
