# One profile (dev, in Cargo.toml) and one target folder for everything, so that the C++ is compiled once.
.DEFAULT_GOAL := help
.PHONY: help demo test check chaos chaos-points simulate planted bench bench-build peers fuzz kafka kafka-stop setup setup-build

KAFKA_DIR ?= target/kafka/broker

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

demo: setup-build ## good and bad evidence through one process; ARGS=--exit ends it
	@.ci/build build
	@.ci/build run --quiet -- up --demo --data data/demo $(ARGS)

test: setup ## every test, on a real Kafka too; ends with how many ran and what was skipped
	@deploy/kafka/kafka fetch || test -z "$$CI"
	@.ci/tests

check: setup-build ## formatting, lints, the feature wall, licences
	cargo fmt --check
	.ci/build clippy --all-targets -- -D warnings
	.ci/build clippy --lib --bins --no-default-features -- -D warnings
	.ci/deny
	tests/planted/plant --check

N ?= 130
FROM ?= 0
chaos: setup ## N faults of every kind in turn, on three brokers (FROM= goes on); appends to tests/chaos/summary.md
	@deploy/kafka/kafka fetch
	ATTESTREAM_FAULTS=$(N) ATTESTREAM_FAULTS_FROM=$(FROM) ATTESTREAM_FAULTS_KIND=$(KIND) \
	  ATTESTREAM_FAULTS_RECORD=$(CURDIR)/tests/chaos/summary.md \
	  ATTESTREAM_FAULTS_COMMIT=$$(git rev-parse --short HEAD)$$(git diff --quiet HEAD -- src || echo -dirty) \
	  CARGO_PROFILE_DEV_OPT_LEVEL=3 .ci/build test --test all -- chaos::campaign:: --nocapture --test-threads 1

ROUNDS ?= 7
chaos-points: setup ## kill -9 at every point, ROUNDS times each, for eight tenants and one; a sweep over 100,000 events
	@deploy/kafka/kafka fetch
	ATTESTREAM_CHAOS=$(ROUNDS) ATTESTREAM_SWEEP=$(or $(SWEEP),100000) CARGO_PROFILE_DEV_OPT_LEVEL=3 .ci/build test --test all -- chaos:: --nocapture --test-threads 1 --skip chaos::campaign::

SEEDS ?= 2000
simulate: setup-build ## SEEDS seeds FROM one on: the whole system in one thread, with all that may befall it; appends to tests/simulation/summary.md
	@tests/simulation/simulate $(SEEDS) $(FROM)

planted: setup ## defects of exactness, planted in a copy of the sources: simulation must find each; ARGS=--faults: kills on a real Kafka
	@tests/planted/plant $(ARGS)

# Incremental compilation splits our own crate into so many units that it is slower; dependencies are the same either way.
BENCH = CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_OPT_LEVEL=3 .ci/build bench --profile dev --bench figures
bench: setup ## all figures beside their peers and a row for each aim, for one tenant and eight (benches/README.md); ARGS=--quick
	@deploy/kafka/kafka fetch || true
	$(BENCH) -- --tenants 1 $(ARGS)
	$(BENCH) -- --tenants 8 $(ARGS)

bench-build: setup ## the program that measures
	$(BENCH) --no-run

fuzz: ## each fuzz target for SECONDS_EACH (60), where nightly and cargo-fuzz are there; appends to fuzz/summary.md
	@.ci/fuzz

peers: setup-build ## a real cosign signs afresh, with no network, and both verifiers are asked (needs Go)
	@benches/peers/cosign

kafka: setup ## one real broker on loopback, to try things on
	@deploy/kafka/kafka start $(KAFKA_DIR)

kafka-stop: ## ends it
	@deploy/kafka/kafka stop $(KAFKA_DIR)

setup: ## installs what build and tests need (Debian, Ubuntu)
	@.ci/setup test

setup-build:
	@.ci/setup build
