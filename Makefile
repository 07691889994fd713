# What there is to do here. Every target works on a fresh machine with Go and Python 3.11.

EVENTS   ?= 2000000
FUZZTIME ?= 50000x
SOAK     ?= 10m
SEED     ?= 0
LEDGER   ?= sqlite
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: help build demo test race lint fuzz golden interop live bench soak harm release reproducible clean

help: ## say what there is to do
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

build: ## build bin/backstory
	go build -trimpath -o bin/backstory ./cmd/backstory

demo: build ## the main job on the shipped store: SQLite to Parquet, into ./out
	@bin/backstory run --config testdata/demo/backstory.yaml
	@bin/backstory status --config testdata/demo/backstory.yaml

test: ## everything, on a throwaway PostgreSQL of its own
	@sh .ci/postgres
	go test -shuffle=on -timeout 20m ./...

# TEST_STRIDE: of the crash matrices every fifth step, all of which the test above takes.
race: ## the same with the race detector and Arrow's assertions
	@sh .ci/postgres
	TEST_STRIDE=5 go test -race -shuffle=on -tags assert -timeout 40m ./...

# tidy -e: what only the tests of dependencies import may be out of reach.
lint: ## gofmt, vet, staticcheck, tidy
	@test -z "$$(gofmt -l . | tee /dev/stderr)"
	go vet ./...
	go run $(STATICCHECK) ./...
	go mod tidy -e -diff

# Inputs are counted: go test calls it a failure when a time is over in the midst of one.
fuzz: ## every fuzz target, FUZZTIME=50000x inputs each
	@grep -rno --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed 's/:[0-9]*:func / /' | while read -r file name; do \
		echo "$$file $$name"; go test "$$(dirname "$$file")" -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x || exit 1; done

golden: ## rewrite the golden texts; read the diff
	go test $$(grep -rl --include='*_test.go' 'flag.Bool("update"' . | xargs -n1 dirname | sort -u) -update

interop: build .venv/ready ## Python: pandas, pyarrow, polars, DuckDB and the real eventsourcing library
	@sh .ci/postgres
	BACKSTORY=$(CURDIR)/bin/backstory go run ./cmd/backstory-bench postgres -- .venv/bin/python -m unittest discover -v -s testdata/interop

.venv/ready: testdata/interop/requirements.txt
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

live: ## the BigQuery sink against the service, if BACKSTORY_BIGQUERY_PROJECT and BACKSTORY_BIGQUERY_DATASET are set
	go test ./sinks/bigquery -run '^TestLive$$' -v -count=1 -timeout 3h

bench: ## the binary against COPY on this machine, EVENTS=2000000
	@sh .ci/postgres
	go run ./cmd/backstory-bench -events $(EVENTS)

soak: ## workers under faults of every kind for SOAK=10m; SEED and LEDGER=postgres choose
	@sh .ci/postgres
	go run ./cmd/backstory-bench soak -time $(SOAK) -seed $(SEED) -ledger $(LEDGER)

harm: ## the p99 of pgbench beside a backfill, and without
	@sh .ci/postgres
	go run ./cmd/backstory-bench harm

VERSION  ?= 0.1.0-dev
RELEASE  ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64
STATIC    = CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=$(VERSION)"

release: ## static binaries for all systems and their checksums, VERSION=1.0.0
	rm -rf dist && mkdir dist
	@set -e; for target in $(RELEASE); do \
		name=backstory-$(VERSION)-$${target%/*}-$${target#*/}; echo "$$name"; \
		GOOS=$${target%/*} GOARCH=$${target#*/} $(STATIC) -o "dist/$$name" ./cmd/backstory; done
	cd dist && sha256sum backstory-* > SHA256SUMS

reproducible: ## build a release binary twice, in two places and from nothing, and compare the bytes
	@set -e; there=$$(mktemp -d); trap 'rm -rf "$$there"' EXIT; mkdir "$$there/one"; \
	git ls-files -co --exclude-standard | while read -r f; do [ ! -e "$$f" ] || echo "$$f"; done | tar -cf - -T - | tar -xf - -C "$$there/one"; \
	cp -r "$$there/one" "$$there/an other"; \
	for target in $(firstword $(RELEASE)); do export GOOS=$${target%/*} GOARCH=$${target#*/}; done; \
	(cd "$$there/one" && $(STATIC) -o backstory ./cmd/backstory); \
	(cd "$$there/an other" && GOCACHE="$$there/cache" $(STATIC) -o backstory ./cmd/backstory); \
	sha256sum "$$there"/*/backstory; cmp "$$there/one/backstory" "$$there/an other/backstory"

clean: ## remove what the targets above have made
	rm -rf bin dist out .venv .bench
