#!/usr/bin/env bash
# Installs what is missing, builds carat, and lets the demo checkpoint speak.
# usage: examples/demo.sh [options and prompt of `carat run`]
set -euo pipefail
cd "$(dirname "$0")/.."

cmake/packages.sh library
cmake --preset release -DCARAT_BUILD_TESTS=OFF >/dev/null
cmake --build --preset release --target carat_program | tail -n 1
if [ "$#" -eq 0 ]; then
  set -- --greedy --max-tokens 80 "In the beginning God created"
fi
echo
exec build/release/examples/cli/carat run examples/demo-model/checkpoint "$@"
