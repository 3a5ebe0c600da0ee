# Three doors and their helpers; everything behind them is cargo and scripts/setup.sh.

cargo = PATH="$${CARGO_HOME:-$$HOME/.cargo}/bin:$$PATH" cargo
ARGS =
proofs = package(paragon) and test(/^(crashes|codes|history|intake_proof|reading|phone|events|api)::|browser::|past::/) \
	or package(apalis-lease) and test(/^(interleavings|processes)::/)

.PHONY: help demo test proof chaos eval bench lint sqlx models browser setup queuebench board

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' Makefile | expand -t 12

demo: setup ## a receipt's way from photo to answer, live; ARGS=--once plays four and judges them
	@$(cargo) run --features demo --bin paragon -- demo $(ARGS)

test: setup ## every test, against a private Postgres that is thrown away after
	@if $(cargo) nextest --version >/dev/null 2>&1; \
	then $(cargo) nextest run --workspace --all-features; \
	else $(cargo) test --workspace --all-features --all-targets; fi
	@$(cargo) test --doc --workspace --all-features

proof: setup ## the long proof: all kinds of failures under load, and the pages in a real browser
	@./scripts/browser.sh || true
	@./scripts/python.sh || true
	@if $(cargo) nextest --version >/dev/null 2>&1; \
	then PARAGON_PROOF=1 $(cargo) nextest run --profile proof --workspace --all-features --no-capture -E '$(proofs)'; \
	else PARAGON_PROOF=1 $(cargo) test --workspace --all-features --lib --test it -- --nocapture --test-threads 1 \
	crashes:: codes:: history:: intake_proof:: events:: api:: reading:: browser:: phone:: past:: interleavings:: processes::; fi

chaos: setup ## everything around Paragon fails at once, then every promise is judged; SEED=7 MINUTES=10
	@$(cargo) build --workspace --all-features --bins
	@target/debug/chaos $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

bench: setup ## load on release builds before a durable Postgres, then the queue; ARGS="path through" runs some
	@$(cargo) build --release --bins -p paragon -p paragon-bench
	@target/release/paragon-bench $(ARGS)
	@test -n "$(ARGS)" || $(MAKE) queuebench ARGS="--seconds 3 --rounds 3 work latency enqueue"

eval: setup ## how well photos are read, on ../shared/receipts; ARGS=DIR takes others, with options
	@$(cargo) run --release --bin paragon -- eval $(if $(ARGS),$(ARGS),../shared/receipts)

lint: setup ## formatting, clippy, fuzz targets, docs, licences: what a change must pass
	@$(cargo) fmt --all --check
	@$(cargo) clippy --workspace --all-targets --all-features -- -D warnings
	@RUSTFLAGS="--cfg fuzzing" $(cargo) check --quiet --manifest-path fuzz/Cargo.toml --target-dir target/fuzz
	@RUSTDOCFLAGS="-D warnings" $(cargo) doc --workspace --no-deps --all-features --document-private-items
	@if $(cargo) deny --version >/dev/null 2>&1; \
	then $(cargo) deny check licenses bans sources; \
	else echo "lint: skipped the check of licences: cargo-deny is not installed"; fi

sqlx: setup ## writes .sqlx/ anew, after a change to a query or a migration
	@$(cargo) run -p xtask -- sqlx

queuebench: setup ## the queue beside its peers, as JSON lines; ARGS="--seconds 5 --rounds 3 work"
	@if npm --version >/dev/null 2>&1; then npm install --silent --prefix crates/apalis-lease/bench/peers; fi
	@cd crates/apalis-lease/bench && $(cargo) run --release --bin bench -- \
	$$(test ! -d peers/node_modules || echo --peers peers) $(ARGS)

board: setup ## the queue in apalis-board, on loopback
	@cd crates/apalis-lease/bench && $(cargo) run --release --bin board

models: ## fetches the models that read photos; setup does it too, and goes on without them
	@./scripts/models.sh

browser: ## installs what the browser proof needs: Node.js, Chromium, two npm packages; proof does it too
	@./scripts/browser.sh

setup: ## installs what is missing, after saying so (demo and test do it by themselves)
	@./scripts/setup.sh
	@./scripts/models.sh || true
