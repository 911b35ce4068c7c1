# The one door to this repository. `make` alone tells what there is.
#
# Building, running and testing need Go and make, nothing else. `race` also needs a C compiler, `interop` Node.js
# and Python. What a target downloads comes through Go's, npm's and pip's ordinary clients.

GO      ?= go
ARGS    ?=
BENCH   ?= .
ROUNDS  ?= 3
TIME    ?= 1s
FUZZ    ?= 10s
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# -buildvcs=false: the version is stamped below, and a checkout without usable git must build too.
export GOFLAGS := $(GOFLAGS) -mod=readonly -buildvcs=false

LDFLAGS := -s -w -X main.version=$(VERSION)
LINT    := $(GO) tool -modfile=tools/go.mod
SHELLS  := $(addsuffix /...,$(addprefix ./,$(wildcard client internal/history internal/server router transport)))
TARGETS := darwin/amd64 darwin/arm64 windows/amd64 windows/arm64 linux/arm64

.DEFAULT_GOAL := help

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## build bin/tandem, a static binary
	CGO_ENABLED=0 $(GO) build -trimpath -pgo cmd/tandem/tandem.pgo -ldflags '$(LDFLAGS)' -o bin/ ./cmd/tandem

.PHONY: run
run: build ## start a router on 127.0.0.1:8080 for development (ARGS='--realm realm1')
	bin/tandem dev $(ARGS)

.PHONY: demo
demo: build ## start a router, tell the story of routed calls on it, and stop
	$(GO) run ./examples/demo bin/tandem

.PHONY: test
test: ## run the tests
	$(GO) test -timeout 5m ./...

.PHONY: race
race: ## run the tests of everything concurrent under the race detector
	TANDEM_CHURN=30s CGO_ENABLED=1 $(GO) test -race -timeout 10m $(SHELLS)

.PHONY: lint
lint: ## check format, vet, linters and the rules of the house
	@unformatted=$$(find . -name '*.go' -not -path '*/node_modules/*' -not -path '*/.venv/*' -exec gofmt -l {} +); \
		test -z "$$unformatted" || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) test .
	$(LINT) golangci-lint run

.PHONY: interop
interop: build ## run other people's clients against bin/tandem (Node.js and Python)
	interop/run.sh

.PHONY: bench
bench: build ## measure whole: router and relay in turn, and which bars are met (ROUNDS=3 TIME=1s ARGS='-o json')
	@bin/tandem bench all --rounds $(ROUNDS) --time $(TIME) $(ARGS)

.PHONY: bench-parts
bench-parts: ## run the benchmarks of the parts (BENCH=regexp)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -benchtime 0.3s ./...

.PHONY: fuzz
fuzz: ## run every fuzz target for a while (FUZZ=10s)
	@for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZ) $$pkg || exit 1; \
		done; \
	done

.PHONY: cross
cross: $(addprefix cross/,$(TARGETS)) ## build and vet for macOS, Windows and ARM

.PHONY: $(addprefix cross/,$(TARGETS))
$(addprefix cross/,$(TARGETS)): cross/%:
	CGO_ENABLED=0 GOOS=$(*D) GOARCH=$(*F) $(GO) build ./...
	CGO_ENABLED=0 GOOS=$(*D) GOARCH=$(*F) $(GO) vet ./...

.PHONY: vuln
vuln: ## look for known vulnerabilities (needs the Go vulnerability database)
	$(LINT) govulncheck ./...

.PHONY: check
check: build test lint cross race interop ## everything that CI runs

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
