# make demo runs the main job, make test passes the tests. The first needs Go (and Node for the website's page); the second
# installs what the website's tests need on top, where it can: Chromium and ffmpeg.

GO      ?= go
BIN     := bin/natster
FUZZ    ?= 20s
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
PAGE    := workloads/web/page

# As in a release: the same source gives the same bytes, wherever it is built.
FLAGS = -trimpath -ldflags "-X natster/cli.stamp=$(VERSION)"

.PHONY: help demo build page page-test browser bench-web tools test lint bench fuzz release release-check clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | while IFS="$$(printf '\t')" read -r t what; do \
	  printf '  make %-14s %s\n' "$$t" "$$what"; done

demo: build ## play the whole story in a temporary world
	$(BIN) demo

build: page ## bin/natster, with the website's page if there is npm
	$(GO) build $(FLAGS) -o $(BIN) ./cli/natster

page: ## the website's page; a binary without it says how to get it
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(PAGE)/dist/index.html; \
	else echo "no npm here: the binary comes without the website's page"; fi

$(PAGE)/dist/index.html: $(PAGE)/node_modules/.package-lock.json $(shell find $(PAGE)/src $(PAGE)/public -type f) $(wildcard $(PAGE)/*.ts $(PAGE)/index.html)
	cd $(PAGE) && npm run --silent build

$(PAGE)/node_modules/.package-lock.json: $(PAGE)/package-lock.json
	cd $(PAGE) && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.package-lock.json

test: tools lint page-test ## everything that CI checks
	$(GO) test -race ./...
	@$(MAKE) --no-print-directory browser

page-test: page ## the page's own tests
	cd $(PAGE) && npm run --silent check && npm run --silent test

browser: page ## the website in Chromium
	$(GO) test -tags browser -count=1 ./workloads/web/e2e

# What the website's tests need beside Go and Node, from Debian's packages where those are at hand.
TOOLS := chromium ffmpeg

tools:
	@command -v npm >/dev/null || { echo "make test needs Node 20 or newer, for the website's page"; exit 1; }
	@missing=$$(for t in $(TOOLS); do command -v $$t >/dev/null || echo $$t; done); test -z "$$missing" && exit; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	else echo "make test needs "$$missing", for the website's tests; make lint and go test ./... do not"; exit 1; fi

# Tools at development time have a module file of their own, so that go.mod stays small.
TOOL = $(GO) tool -modfile=.ci/tools.mod

# vet is golangci-lint's, on this system; go vet for others sees what is built only there.
lint: ## formatting, static analysis, dead code, vet for Linux, Windows and macOS
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	$(TOOL) golangci-lint run
	GOOS=windows GOARCH=amd64 CGO_ENABLED=0 $(GO) vet ./...
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 $(GO) vet ./...
	$(GO) test -count=1 -tags lint -run TestDeadCode ./internal/test/house

bench: build ## ratios against the bare floor: half an hour or more, 8 GiB of disk
	$(GO) run ./internal/test/bench -natster $(BIN)

bench-web: page ## the website's: Chromium and ffmpeg, 5 GiB of disk, four minutes
	$(GO) test -tags "browser bench" -count=1 -run TestBench -timeout 20m ./workloads/web/e2e -v

fuzz: ## every fuzz target, FUZZ each
	@$(GO) list ./... | while read pkg; do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ) $$pkg || exit 1; \
	  done; \
	done

SYSTEMS := linux-amd64 linux-arm64 darwin-amd64 darwin-arm64 windows-amd64 windows-arm64

# npm gives its document a time and a random number, and the same source must give the same bytes.
UNDATED = node -e 'const d = JSON.parse(fs.readFileSync(0)); delete d.serialNumber; delete d.metadata.timestamp; console.log(JSON.stringify(d, null, 2))'

release: page ## static binaries for six systems, SBOMs (CycloneDX) and checksums, in dist/
	@test -f $(PAGE)/dist/index.html || { echo "a release needs the website's page: install npm"; exit 1; }
	rm -rf dist && mkdir dist
	@for s in $(SYSTEMS); do \
	  os=$${s%-*}; exe=$$(test $$os = windows && echo .exe); echo "dist/natster-$$s$$exe"; \
	  CGO_ENABLED=0 GOOS=$$os GOARCH=$${s#*-} $(GO) build -trimpath -buildvcs=true -ldflags "-s -w -X natster/cli.stamp=$(VERSION)" \
	    -o dist/natster-$$s$$exe ./cli/natster || exit 1; \
	done
	@for s in $(SYSTEMS); do \
	  $(TOOL) cyclonedx-gomod bin -json -std -noserial -notimestamp -version "$(VERSION)" \
	    -output dist/natster-$$s.cdx.json dist/natster-$$s$$(test -f dist/natster-$$s || echo .exe) || exit 1; \
	done
	cd $(PAGE) && npm sbom --package-lock-only --omit=dev --sbom-format=cyclonedx | $(UNDATED) > $(CURDIR)/dist/natster-page.cdx.json
	cd dist && sha256sum natster* > SHA256SUMS

# A clone elsewhere, with caches of its own, must give the same bytes.
release-check: release ## build the release again elsewhere, and compare
	@case "$(VERSION)" in *-dirty) echo "commit first: what is built twice has to be one commit"; exit 1;; esac
	@copy=$$(mktemp -d) && trap 'chmod -R u+w "$$copy"; rm -rf "$$copy"' EXIT && git clone -q . "$$copy/elsewhere" && \
	GOCACHE="$$copy/cache" $(MAKE) --no-print-directory -C "$$copy/elsewhere" release VERSION=$(VERSION) && \
	diff dist/SHA256SUMS "$$copy/elsewhere/dist/SHA256SUMS" && echo "built twice, the same bytes"

clean: ## what was built
	rm -rf bin dist $(PAGE)/node_modules
	find $(PAGE)/dist -mindepth 1 -not -name .gitkeep -delete
