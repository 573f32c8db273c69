// carat/export.h: which symbols leave the shared library, and which C++ the headers need. Nothing here is for
// a host to use.
#ifndef CARAT_EXPORT_H_
#define CARAT_EXPORT_H_

// In C++17 a compiler would show pages of errors in templates instead.
#if !defined(__cplusplus)
#error "carat/*.h are C++ headers; from C include carat.h"
#elif defined(_MSVC_LANG) ? _MSVC_LANG <= 201703L : __cplusplus <= 201703L
#error "carat's C++ headers need C++20 (-std=c++20); programs in older C++ can include the C header, carat.h"
// There is no such header: the compilation ends here.
#include "carat/needs_newer_cpp.h"
#endif

#if defined(_WIN32)
#if defined(CARAT_BUILDING)
#define CARAT_EXPORT __declspec(dllexport)
#else
#define CARAT_EXPORT __declspec(dllimport)
#endif
#else
#define CARAT_EXPORT __attribute__((visibility("default")))
#endif

#endif  // CARAT_EXPORT_H_
