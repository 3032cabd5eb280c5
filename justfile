# Every habit of this project. `just` lists them; CONTRIBUTING.md has the plain commands.

# List the recipes
default:
    @just --list

# Try the whole thing: Management API, registry, sample project, full-screen program
demo *ARGS:
    cargo run --release -- demo {{ ARGS }}

# Open the program on the project of the working directory
run *ARGS:
    cargo run -- {{ ARGS }}

# Format, clippy, tests, demo: what CI runs
check:
    .ci/run

# All tests
test *ARGS:
    cargo test {{ ARGS }}

# The tests that need a Docker Engine, alone
test-engine *ARGS:
    cargo test --test engine -- {{ ARGS }}

# Kill the server at 200 random moments of random operations, and look for what is lost or left; then commands at 1,000
soak COUNT="200" COMMANDS="1000":
    TENANTRY_SOAK={{ COUNT }} cargo test --test engine -- soak --nocapture
    TENANTRY_SOAK={{ COMMANDS }} cargo test --test commands -- kills --nocapture

# Format the code
fmt:
    cargo fmt

# Lints, warnings denied
lint:
    cargo clippy --all-targets -- -D warnings

# Look through changed picture tests and take them over (needs cargo-insta)
pictures:
    cargo insta review

# Licences, bans and sources of the dependencies (needs cargo-deny)
deny:
    cargo deny check bans licenses sources

# Deploys side by side with the docker command line; prints a table (needs an engine and a docker CLI with BuildKit)
bench-deploy:
    TENANTRY_BENCH_MEMORY=1 cargo bench --bench deploy

# The server with a thousand listeners and reads beside them; prints tables (Postgres where it is installed)
bench-server:
    cargo bench --bench server

# The screen's parts: log lines in and out, searches, pictures, memory; prints a table
bench-screen:
    cargo bench --bench screen

# The API against its own description, by schemathesis (needs python3 with venv; SCHEMATHESIS=program uses that one)
openapi:
    .ci/openapi

# Write a manual page for every command into DIR, for packages
man DIR="target/man":
    cargo run -- man --out {{ DIR }}

# Show what a demo that was killed may have left on the engine
leftovers:
    docker ps -a --filter label=dev.tenantry.instance
    docker volume ls --filter label=dev.tenantry.instance

# Write what is generated: the README's picture, the pages of keys and of the configuration, the samples of docs/json.md
docs:
    TENANTRY_UPDATE_PICTURES=1 cargo test --lib -- tui::tests::readme settings::reference cli::progress::json
