# make demo runs the main job, make test passes the tests: on a fresh machine each needs Go and nothing else.

GO      ?= go
BIN     := bin/natster
FUZZ    ?= 20s
VERSION ?= v0.1.0+$(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)

.PHONY: demo build test lint bench fuzz clean

demo: build
	$(BIN) demo

build:
	$(GO) build -trimpath -ldflags "-X natster/cli.stamp=$(VERSION)" -o $(BIN) ./cli/natster

test: lint
	$(GO) test -race ./...

lint:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# Ratios against the bare floor, measured in the same run; about ten minutes and 8 GiB of disk.
bench: build
	$(GO) run ./deploy/bench -natster $(BIN)

# Every fuzz target, FUZZ each.
fuzz:
	@$(GO) list ./... | while read pkg; do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ) $$pkg || exit 1; \
	  done; \
	done

clean:
	rm -rf bin
