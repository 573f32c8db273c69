// Ogg: pages with checksums that carry the packets of one or more logical streams.
#ifndef CARAT_LIB_MEDIA_OGG_PAGES_H_
#define CARAT_LIB_MEDIA_OGG_PAGES_H_

#include <cstdint>
#include <vector>

#include "lib/media/media_file.h"

namespace carat::internal {

struct OggPage {
  std::uint32_t serial = 0;  // of the logical stream
  std::uint32_t sequence = 0;
  std::int64_t granule = -1;  // the position at the end of the last packet that ends here; -1 if none does
  bool continues = false;     // begins with the rest of a packet
  bool begins_stream = false;
  bool ends_stream = false;
  FileBytes segments;  // the lengths of its segments
  FileBytes body;
};

// The pages of a file one after the other. What is behind the last page is ignored.
class OggPages {
 public:
  explicit OggPages(FileBytes file) : file_(file) {}

  // False at the end. Errors: DATA_LOSS for a page that is cut short or damaged.
  Result<bool> Next(OggPage& page);

 private:
  FileBytes file_;
  std::size_t at_ = 0;
};

// A packet of one logical stream.
struct OggPacket {
  std::vector<std::uint8_t> bytes;
  std::int64_t granule = -1;  // of the page, if this packet is the last that ends in it
  bool ends_stream = false;   // the last packet of the last page
};

// Puts the packets of one logical stream together.
class OggPackets {
 public:
  // Appends the packets that end in this page. Errors: DATA_LOSS if a page is missing.
  Status Add(const OggPage& page, std::vector<OggPacket>& packets);

 private:
  std::vector<std::uint8_t> begun_;
  bool is_begun_ = false;
  bool has_page_ = false;
  std::uint32_t sequence_ = 0;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_MEDIA_OGG_PAGES_H_
