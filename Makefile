# What there is to do here. Every target works on a fresh machine with Go and Python 3.11.

EVENTS   ?= 2000000
FUZZTIME ?= 50000x
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: help build demo test race lint fuzz golden interop bench clean

help: ## say what there is to do
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

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

bench: ## the binary against COPY on this machine, EVENTS=2000000
	@sh .ci/postgres
	go run ./cmd/backstory-bench -events $(EVENTS)

clean: ## remove what the targets above have made
	rm -rf bin out .venv .bench
