# Everything is a `go run` or a `go test`; this file only remembers the flags. `make help` lists the targets.

GO          ?= go
FUZZTIME    ?= 60s
KILLS       ?= 1000
OTHERS      ?= 200
LANES       ?= 4
STEPS       ?= 20000
FOR         ?= 0
SEED        ?= 0
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2

# Packages whose tests run goroutines side by side.
RACE ?= ./internal/api/... ./internal/clock/... ./internal/listen ./internal/metrics ./internal/rail/... ./internal/server/... ./internal/store ./internal/store/memory \
        ./internal/vault/... ./internal/webhook/...

# The replay tool, which is not part of this repository, and what it replays.
REPLAY     ?=
RECORDINGS ?= $(sort $(wildcard $(dir $(REPLAY))recordings/*))

export CGO_ENABLED = 0

.PHONY: help build test check lint postgres race fuzz browser sdk cli faults sim bench coverage events replay replay-payments

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

build: ## the binary, as ./florin
	$(GO) build -trimpath -o florin .

test: ## every test
	$(GO) test ./...

check: ## all that CI checks: lint, every test with nothing skipped, race, short fuzzing, a random world of a minute, short faults
	$(MAKE) lint
	FLORIN_REQUIRE_ALL=1 $(MAKE) test
	$(MAKE) postgres
	$(MAKE) race
	$(MAKE) fuzz FUZZTIME=10s
	$(MAKE) sim FOR=60s
	$(MAKE) faults KILLS=30 OTHERS=3

lint: ## gofmt, vet and staticcheck
	@unformatted=$$(gofmt -l .) && test -z "$$unformatted" || { echo "not formatted:" $$unformatted; exit 1; }
	$(GO) vet ./...
	cd test/sdk/go && $(GO) vet ./...
	cd test/browser/drive && $(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

postgres: ## the stories and the keys that are used once, on a PostgreSQL that is started for them (the engine's own tests are among the others)
	FLORIN_REQUIRE_ALL=1 $(GO) run ./internal/store/postgres/pgtest/with $(GO) test -count=1 ./test/script ./test/once

race: ## the tests of what runs side by side, under the race detector
	CGO_ENABLED=1 $(GO) test -race $(RACE)

fuzz: ## every fuzz test for FUZZTIME (60s)
	@grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed 's|/[^/]*:func | |' | sort | while read -r dir name; do \
		echo "$$dir $$name"; $(GO) test $$dir -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) || exit 1; done

browser: ## the pages in headless Chromium, by keyboard, on a telephone, and with axe
	FLORIN_REQUIRE_ALL=1 $(GO) test ./test/browser -v -count=1

sdk: ## the official SDKs against the binary
	FLORIN_REQUIRE_ALL=1 $(GO) test ./test/sdk -v -count=1

cli: ## the Stripe CLI against the binary: listen, logs, and what became of every trigger
	FLORIN_REQUIRE_ALL=1 $(GO) test ./test/cli -v -count=1

faults: ## KILLS (1000) kills under load and OTHERS (200) of each other fault, with SEED or a fresh one; what was acknowledged, is there, once
	FLORIN_REQUIRE_ALL=1 $(GO) test ./test/faults -v -count=1 -timeout 4h -parallel $(LANES) -kills $(KILLS) -others $(OTHERS) -seed $(SEED)

sim: ## a random world of STEPS (20000) and a fresh seed, or of SEED: what must always be true, is
	$(GO) test ./internal/sim -run TestWorld -v -count=1 -timeout 12h -steps $(STEPS) -seed $(SEED) -for $(FOR)

bench: ## payments and reads a second, latency, start, memory and size, beside the bare handler and the engine alone
	$(GO) run ./bench

coverage: ## write COVERAGE.md: what every operation does
	$(GO) test -run TestCoverage -update .

events: ## write docs/events.md and print it: every event, where it is emitted, and which stories see it
	$(GO) test -run TestEvents -update .
	@cat docs/events.md

replay: ## replay recordings against a fresh server and score it: make replay REPLAY=path/to/replay.py
	@test -n "$(REPLAY)" || { echo "usage: make replay REPLAY=path/to/replay.py [RECORDINGS=...]"; exit 2; }
	$(GO) run ./test/sdk/with python3 $(REPLAY) --base {http} --key {secret_key} $(RECORDINGS)

replay-payments: ## the same for the operations of payments alone, a line a recording: make replay-payments REPLAY=path/to/replay.py
	@test -n "$(REPLAY)" || { echo "usage: make replay-payments REPLAY=path/to/replay.py [RECORDINGS=...]"; exit 2; }
	$(GO) run ./test/replay $(REPLAY) $(RECORDINGS)
