#!/usr/bin/env bash
# Installs the Debian packages that carat is built with. Does nothing where they are there already.
# usage: cmake/packages.sh [library|all]    library: what the library and its program need; all (default): tests as well
set -euo pipefail

packages=(g++ cmake ninja-build pkg-config libdnnl-dev ocl-icd-opencl-dev libeigen3-dev libsentencepiece-dev libabsl-dev libsimdjson-dev
          libsamplerate0-dev libpng-dev libjpeg62-turbo-dev libwebp-dev libgif-dev libmpg123-dev libflac-dev
          libopus-dev libvorbis-dev libogg-dev binutils libcli11-dev libedit-dev libcpp-httplib-dev)
if [ "${1:-all}" = all ]; then
  packages+=(libgtest-dev libbenchmark-dev python3 python3-venv)
  # npm brings hundreds of packages in Debian; one that is there already will do.
  command -v npm >/dev/null || packages+=(npm)
fi

missing=()
for package in "${packages[@]}"; do
  if [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
    missing+=("$package")
  fi
done
# A compiler or build tool that came some other way counts as well.
remaining=()
for package in ${missing[@]+"${missing[@]}"}; do
  case "$package" in
    g++ | cmake | python3) command -v "$package" >/dev/null && continue ;;
    python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null && continue ;;
    ninja-build) command -v ninja >/dev/null && continue ;;
  esac
  remaining+=("$package")
done
[ "${#remaining[@]}" -eq 0 ] && exit 0

root=()
[ "$(id -u)" -eq 0 ] || root=(sudo)
export DEBIAN_FRONTEND=noninteractive
${root[@]+"${root[@]}"} apt-get update -qq
${root[@]+"${root[@]}"} apt-get install -y -qq --no-install-recommends "${remaining[@]}" >/dev/null
