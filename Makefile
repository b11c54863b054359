# Everything a developer or CI does with gohub. What is longer than a line lives in scripts/.
SHELL := bash
CONFIG ?= config/config.yaml

.PHONY: help run test check bench chaos storm conformance interop sdk-test frontend-test monitoring-test book docs-test coverage fuzz sbom generate fmt images e2e e2e-smoke e2e-up e2e-down
help: ## lists these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## builds the hub and runs it with config/config.yaml; nothing else is needed
	@scripts/ensure.sh protoc
	cargo run --release -p gohub -- --config $(CONFIG)

test: ## every test, against a real etcd; closes with "N passed, N failed"
	@scripts/test.sh

check: ## formatting, clippy, docs, licences and bans: every warning is an error
	@scripts/check.sh

bench: ## gohub beside the kernel's own limit, one JSON line per figure
	@scripts/bench.sh $(ARGS)

chaos: ## ten minutes of seeded faults under 1,000 clients that keep books: make chaos SEED=7
	@scripts/chaos.sh $(SEED)

storm: ## half of four hubs are killed under 10,000 clients; figures as one JSON line: make storm CLIENTS=10000 BUDGET=500
	@scripts/storm.sh $(CLIENTS) $(BUDGET)

conformance: ## the Autobahn WebSocket suite and raw bad frames against a running hub
	@scripts/conformance.sh $(ARGS)

interop: ## Chromium, websockets, aiohttp, OkHttp, Java-WebSocket, libwebsockets, k6 and websocat against a running hub
	@scripts/interop.sh $(ARGS)

sdk-test: ## the SDKs: vectors, real hubs, a real etcd, a real Chromium; closes with "N passed, N failed"
	@scripts/sdk_test.sh $(ARGS)

frontend-test: ## the pages of frontend/: lint, types, units, and a real Chromium on real hubs; closes with "N passed, N failed"
	@scripts/frontend_test.sh $(ARGS)

monitoring-test: ## alerts and dashboard: names, unit tests, and a real Prometheus over hubs under load; closes with "N passed, N failed"
	@scripts/monitoring_test.sh $(ARGS)

book: ## the guides as pages, in target/book
	@scripts/book.sh

docs-test: ## every command of the guides against real hubs, and every link; closes with "N passed, N failed"
	@scripts/docs_test.sh $(ARGS)

coverage: ## line coverage; fails under 80 % overall or 90 % in the core directories
	@scripts/coverage.sh

fuzz: ## bytes guided by coverage: make fuzz TARGET=frames|protocol|settings|batch|tokens SECONDS=60
	@scripts/fuzz.sh "$(TARGET)" "$(or $(SECONDS),60)"

sbom: ## a bill of materials (CycloneDX) of each program, under target/sbom
	@scripts/sbom.sh

generate: ## rewrites every generated file (the tests fail while one has drifted)
	@scripts/ensure.sh protoc helm
	# The first runs rewrite what is stale and fail for it, the chart after the definition in it; the last shows that nothing is stale any more.
	cargo test -q --workspace --test generated --test golden --test specification || true
	cargo test -q --workspace --test chart --test o_list --test s_list || true
	cargo test -q --workspace --test generated --test golden --test specification --test chart --test o_list --test s_list
	scripts/book/api_reference.py && scripts/monitoring/rule_object.py

fmt: ## formats the sources
	cargo fmt --all

images: ## the container images as archives under target/images, without a registry
	@scripts/images.sh

e2e: ## every end-to-end test on a kind cluster of its own, which is taken away again
	@scripts/e2e.sh run

e2e-smoke: ## apply, scale and configuration on a kind cluster, with dev builds
	@scripts/e2e.sh smoke

e2e-up: ## a kind cluster of three nodes with images and operator, to try things in
	@scripts/e2e.sh up

e2e-down: ## takes that cluster away
	@scripts/e2e.sh down
