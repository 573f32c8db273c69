# Everything carat stands on. Debian 12 packages: libdnnl-dev ocl-icd-opencl-dev libsentencepiece-dev libabsl-dev libsimdjson-dev
# libeigen3-dev libsamplerate0-dev; for carat_media libpng-dev libjpeg62-turbo-dev libwebp-dev libgif-dev libmpg123-dev libflac-dev
# libopus-dev libvorbis-dev libogg-dev binutils; for programs and tests also libcli11-dev libedit-dev libcpp-httplib-dev libgtest-dev libbenchmark-dev.
find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(dnnl REQUIRED)
find_package(simdjson REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(PkgConfig REQUIRED)
pkg_check_modules(samplerate REQUIRED IMPORTED_TARGET samplerate)
pkg_check_modules(sentencepiece REQUIRED IMPORTED_TARGET sentencepiece)
if(CARAT_BUILD_EXAMPLES)
  find_package(CLI11 REQUIRED)
  pkg_check_modules(libedit IMPORTED_TARGET libedit)  # optional: editing and history in carat chat
  pkg_check_modules(httplib IMPORTED_TARGET cpp-httplib)  # optional: carat serve
endif()
if(CARAT_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
if(CARAT_BUILD_BENCH)
  find_package(benchmark REQUIRED)
endif()
