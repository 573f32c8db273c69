#!/usr/bin/env bash
# Checks the code's style: clang-format on every file, clang-tidy on every source of the library and the program.
# Wants clang-format and clang-tidy of version 14, and a configured build in build/release.
# usage: tests/style.sh [files...]
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$#" -gt 0 ]; then
  files=("$@")
else
  mapfile -t files < <(git ls-files '*.h' '*.cc' '*.c' ':!*.inc.h')
fi
clang-format --dry-run --Werror "${files[@]}"

sources=()
for file in "${files[@]}"; do
  case "$file" in lib/*.cc | capi/*.cc | examples/*.cc) sources+=("$file") ;; esac
done
[ "${#sources[@]}" -eq 0 ] || printf '%s\n' "${sources[@]}" |
  xargs -P "$(nproc)" -n 4 clang-tidy -p build/release --quiet --extra-arg=-Wno-unknown-warning-option
echo "style: ${#files[@]} files are fine"
