# Thin wrappers: each recipe is a command that works by itself.

# Lists the recipes.
default:
    @just --list

# Formatting, lints, and the proof that nothing shipped reaches an async runtime.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    .ci/no-async

# The README's command: all tests of the default features, doc tests included.
test *args:
    cargo test --workspace {{ args }}

# Every test of every feature but the doc tests, each under a time limit.
nextest *args:
    cargo nextest run --workspace --all-features {{ args }}

# The ring of the driver under a schedule explorer.
test-shuttle *args:
    RUSTFLAGS="--cfg shuttle" CARGO_TARGET_DIR=target/shuttle cargo test -p trommel --lib --release explore {{ args }}

# The tables of the origin beside Trommel's own figures, in under five minutes.
bench *args:
    cargo run --release -p trommel-bench -- tables {{ args }}

# Writes docs/bench/report.md and docs/bench/report.html.
report *args:
    cargo run --release -p trommel-bench -- report {{ args }}

# The bars that Trommel must reach, one a line: name, value, target, ok or short.
bars *args:
    cargo run --release -p trommel-bench -- bars {{ args }}

# Instructions per row beside the same jobs written by hand (needs valgrind).
instructions:
    cargo run --release -p trommel-bench --bin trommel-bench -- instructions

# Peers that need an async runtime or are heavy; not part of the workspace.
bench-peers *args:
    cargo run --release --manifest-path benches/peers/Cargo.toml -- {{ args }}

# Jobs on files and databases beside DuckDB, Polars, DataFusion, sqlite3, psql (benches/peers/files).
bench-files *args:
    cargo run --release -p trommel-bench -- files {{ args }}

# Criterion benches; `just criterion NAME` runs those whose name contains NAME.
criterion *args:
    cargo bench -p trommel-bench {{ args }}

# Loads the shipped sample, or INPUT.csv, into SQLite.
quickstart *args:
    cargo run --release --example quickstart -- {{ args }}

# The documentation of the workspace, in target/doc.
doc *args:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features {{ args }}

# Licences, banned crates and sources of dependencies (needs cargo-deny).
deny:
    cargo deny check bans licenses sources

# One fuzz target for a number of seconds (needs cargo-fuzz and a nightly toolchain); `cargo fuzz list` names them.
fuzz target seconds="60":
    cargo +nightly fuzz run {{ target }} -- -max_total_time={{ seconds }}

# Builds the C library and installs it, its headers, pkg-config and CMake packages.
install-c prefix *features:
    crates/capi/packaging/install {{ prefix }} {{ features }}

# Everything that CI runs.
ci:
    .ci/run
