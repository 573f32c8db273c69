#!/usr/bin/env bash
# Installs what is missing, builds carat, and lets the demo checkpoint speak.
# usage: examples/demo.sh [options and prompt of `carat run`]
set -euo pipefail
cd "$(dirname "$0")/.."

cmake/packages.sh library
cmake --preset demo >/dev/null
cmake --build --preset demo --target carat_program | tail -n 1
if [ "$#" -eq 0 ]; then
  set -- --greedy --max-tokens 80 "In the beginning God created"
fi
echo
exec build/demo/examples/cli/carat run examples/demo-model/checkpoint "$@"
