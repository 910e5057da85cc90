# make demo runs the main job, make test passes the tests: on a fresh machine each needs Go and nothing else.

GO      ?= go
BIN     := bin/natster
FUZZ    ?= 20s
VERSION ?= v0.1.0+$(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)

.PHONY: demo build page page-test browser bench-web test lint bench fuzz clean

demo: build
	$(BIN) demo

build: page
	$(GO) build -trimpath -ldflags "-X natster/cli.stamp=$(VERSION)" -o $(BIN) ./cli/natster

# The website's page, built with npm where there is one; a binary without it says how to get it.
PAGE := workloads/web/page

page:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(PAGE)/dist/index.html; \
	else echo "no npm here: the binary comes without the website's page"; fi

$(PAGE)/dist/index.html: $(PAGE)/node_modules/.package-lock.json $(shell find $(PAGE)/src $(PAGE)/public -type f) $(wildcard $(PAGE)/*.ts $(PAGE)/index.html)
	cd $(PAGE) && npm run --silent build

$(PAGE)/node_modules/.package-lock.json: $(PAGE)/package-lock.json
	cd $(PAGE) && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.package-lock.json

# The page's own tests, and the website in Chromium; they need Node, Chromium and ffmpeg.
page-test: page
	cd $(PAGE) && npm run --silent check && npm run --silent test

browser: page
	$(GO) vet -tags browser ./workloads/web/e2e
	$(GO) test -tags browser -count=1 ./workloads/web/e2e

test: lint
	$(GO) test -race ./...

lint:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# Ratios against the bare floor, measured in the same run; about ten minutes and 8 GiB of disk.
bench: build
	$(GO) run ./deploy/bench -natster $(BIN)

# The website's: needs Chromium and ffmpeg, 5 GiB of disk, about three minutes.
bench-web: page
	$(GO) test -tags "browser bench" -count=1 -run TestBench -timeout 20m ./workloads/web/e2e -v

# Every fuzz target, FUZZ each.
fuzz:
	@$(GO) list ./... | while read pkg; do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ) $$pkg || exit 1; \
	  done; \
	done

clean:
	rm -rf bin
