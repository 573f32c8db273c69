// A C++ program that uses the installed carat_media: prints what it says of a file that is no picture.
#include <carat/media_files.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const carat::Result<carat::Picture> picture = carat::ReadPicture(argv[1]);
  std::puts(picture.status().ToString().c_str());
  return picture.ok() ? 1 : 0;
}
