#!/usr/bin/env bash
# Copies built programs with every library they load, the loader too, into a folder that runs on another Linux machine of
# the same architecture, whatever is installed there:
#   bench/portable.sh /tmp/carry build/bench/tests/kernels/test_kernels build/bench/bench/product_bench
#   (on the other machine)  /tmp/carry/run product_bench --benchmark_filter=512
# usage: bench/portable.sh FOLDER PROGRAM...
set -euo pipefail
[ "$#" -ge 2 ] || { sed -n '2,6p' "$0" | cut -c3- >&2; exit 2; }
folder="$1"
shift
mkdir -p "$folder/bin" "$folder/lib"

for program in "$@"; do
  strip -o "$folder/bin/$(basename "$program")" "$program"
  while read -r library; do
    target="$folder/lib/$(basename "$library")"
    [ -f "$target" ] || { cp -L "$library" "$target" && strip --strip-unneeded "$target" 2>/dev/null || true; }
  done < <(ldd "$program" | grep -o '/[^ ]*')
done

cat > "$folder/run" <<'RUN'
#!/bin/sh
# usage: run PROGRAM [arguments...]    a program of bin/, with the libraries of lib/
here=$(cd "$(dirname "$0")" && pwd)
program=$1
shift
exec "$here"/lib/ld-linux-*.so.* --library-path "$here/lib" "$here/bin/$program" "$@"
RUN
chmod +x "$folder/run"
du -sh "$folder"
