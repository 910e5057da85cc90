# make demo runs the main job, make test passes the tests. The first needs Go (and Node for the website's page); the second
# installs what the website's tests need on top, where it can: Chromium and ffmpeg.

GO      ?= go
BIN     := bin/natster
FUZZ    ?= 20s
VERSION ?= v0.1.0+$(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)

.PHONY: demo build page page-test browser bench-web tools test lint bench fuzz clean

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

test: tools lint page-test
	$(GO) test -race ./...
	@$(MAKE) --no-print-directory browser

# What the website's tests need beside Go and Node, from Debian's packages where those are at hand.
TOOLS := chromium ffmpeg

tools:
	@command -v npm >/dev/null || { echo "make test needs Node 20 or newer, for the website's page"; exit 1; }
	@missing=$$(for t in $(TOOLS); do command -v $$t >/dev/null || echo $$t; done); test -z "$$missing" && exit; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	else echo "make test needs "$$missing", for the website's tests; make lint and go test ./... do not"; exit 1; fi

lint:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# Ratios against the bare floor, measured in the same run; about ten minutes and 8 GiB of disk.
bench: build
	$(GO) run ./internal/test/bench -natster $(BIN)

# The website's: needs Chromium and ffmpeg, 5 GiB of disk, about four minutes.
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
	rm -rf bin $(PAGE)/node_modules
	find $(PAGE)/dist -mindepth 1 -not -name .gitkeep -delete
