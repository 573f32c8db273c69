# Toolchain file: 64-bit ARM Linux by Debian's cross compiler (package g++-aarch64-linux-gnu), tests run by qemu-user.
# CARAT_SYSROOT is a folder with that architecture's libraries; tests/aarch64.sh fills one.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES CARAT_SYSROOT)

set(CMAKE_SYSROOT "${CARAT_SYSROOT}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${CARAT_SYSROOT}")
set(ENV{PKG_CONFIG_LIBDIR} "${CARAT_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${CARAT_SYSROOT}/usr/share/pkgconfig")

set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L "${CARAT_SYSROOT}")
