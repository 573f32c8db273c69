// carat/export.h: which symbols leave the shared library. Nothing here is for a host to use.
#ifndef CARAT_EXPORT_H_
#define CARAT_EXPORT_H_

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
