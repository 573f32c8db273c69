#!/usr/bin/env bash
# Builds the library and its tests for 64-bit ARM and runs some of them under emulation, on a processor for each
# instruction set. On demand only: emulation is some fifty times slower than the machine.
# Installs Debian's cross compiler and qemu-user where they are missing, and unpacks ARM libraries into
# build/aarch64-sysroot, beside the system's own.
# usage: tests/aarch64.sh [pattern]    which tests, a regular expression of ctest, for which all tests are built;
#                                      default: base, kernels, quant, and the C ABI against the reference's tensors
set -euo pipefail
cd "$(dirname "$0")/.."
pattern="${1:-^(base|kernels|quant|capi.golden.tiny-.*)\$}"
targets=()
[ "$#" -gt 0 ] || targets=(--target carat test_base test_kernels test_quant test_capi_golden)

root=()
[ "$(id -u)" -eq 0 ] || root=(sudo)
if ! command -v aarch64-linux-gnu-g++ >/dev/null || ! command -v qemu-aarch64 >/dev/null; then
  ${root[@]+"${root[@]}"} apt-get update -qq
  ${root[@]+"${root[@]}"} apt-get install -y -qq --no-install-recommends g++-aarch64-linux-gnu qemu-user >/dev/null
fi

sysroot="$PWD/build/aarch64-sysroot"
if [ ! -f "$sysroot/complete" ]; then
  packages=(libstdc++-12-dev libdnnl-dev ocl-icd-opencl-dev libeigen3-dev libsentencepiece-dev libabsl-dev libsimdjson-dev
            libsamplerate0-dev libpng-dev libjpeg62-turbo-dev libwebp-dev libgif-dev libmpg123-dev libflac-dev
            libopus-dev libvorbis-dev libogg-dev libcli11-dev libcpp-httplib-dev
            libgtest-dev)
  apt="$PWD/build/aarch64-apt"
  mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$sysroot"
  : > "$apt/status"
  # An apt of its own, to which this machine is an ARM machine with nothing installed.
  options=(-o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$apt" -o Dir::State::status="$apt/status"
           -o Dir::Cache="$apt" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update -qq
  apt-get "${options[@]}" install -y -qq --no-install-recommends --download-only "${packages[@]}" >/dev/null
  for package in "$apt"/archives/*.deb; do dpkg-deb --extract "$package" "$sysroot"; done
  touch "$sysroot/complete"
fi

cmake --preset aarch64 >/dev/null
cmake --build --preset aarch64 ${targets[@]+"${targets[@]}"}
for pair in cortex-a57:neon neoverse-n1:neondot max:neoni8mm; do
  processor="${pair%:*}" best="${pair#*:}"
  echo "== $processor, $best"
  # The last set of the list is the best one, which all tests take.
  tests="$(QEMU_CPU="$processor" qemu-aarch64 -L "$sysroot" build/aarch64/tests/kernels/test_kernels \
           --gtest_filter='Machine/GemvTest.EqualsTheReference/*' --gtest_list_tests)"
  if [[ "${tests##*/}" != "$best "* ]]; then
    echo "$0: under emulation, $processor does not choose the $best kernels; the tests are: $tests" >&2
    exit 1
  fi
  QEMU_CPU="$processor" ctest --preset aarch64 --parallel "$(nproc)" --tests-regex "$pattern"
done
