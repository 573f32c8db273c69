#include "lib/media/ogg_pages.h"

#include <array>

#include "lib/base/error.h"

namespace carat::internal {
namespace {

constexpr std::size_t kHeader = 27;
constexpr std::size_t kChecksum = 22;  // where it stands

constexpr std::array<std::uint32_t, 256> MakeTable() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i << 24;
    for (int bit = 0; bit < 8; ++bit) value = (value << 1) ^ ((value & 0x80000000u) != 0 ? 0x04c11db7u : 0u);
    table[i] = value;
  }
  return table;
}

// The checksum of a page, in which the checksum itself counts as zero.
std::uint32_t Checksum(FileBytes page) {
  static constexpr std::array<std::uint32_t, 256> kTable = MakeTable();
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < page.size(); ++i) {
    const std::uint32_t byte = i >= kChecksum && i < kChecksum + 4 ? 0u : page[i];
    sum = (sum << 8) ^ kTable[(sum >> 24) ^ byte];
  }
  return sum;
}

}  // namespace

Result<bool> OggPages::Next(OggPage& page) {
  const FileBytes rest = file_.subspan(at_);
  if (!HasAt(rest, 0, "OggS")) return false;
  if (rest.size() < kHeader || rest.size() - kHeader < rest[26])
    return DataLoss("the Ogg file is cut short: its last page is not whole");
  page.segments = rest.subspan(kHeader, rest[26]);
  std::size_t size = kHeader + page.segments.size();
  std::size_t body = 0;
  for (const std::uint8_t segment : page.segments) body += segment;
  if (rest.size() - size < body) return DataLoss("the Ogg file is cut short: its last page is not whole");
  page.body = rest.subspan(size, body);
  size += body;
  if (Checksum(rest.first(size)) != LittleEndian(rest, kChecksum, 4))
    return DataLoss("the Ogg file is damaged: the page at byte %d has another checksum than it says", at_);
  page.continues = (rest[5] & 1) != 0;
  page.begins_stream = (rest[5] & 2) != 0;
  page.ends_stream = (rest[5] & 4) != 0;
  page.granule = static_cast<std::int64_t>(LittleEndian(rest, 6, 8));
  page.serial = static_cast<std::uint32_t>(LittleEndian(rest, 14, 4));
  page.sequence = static_cast<std::uint32_t>(LittleEndian(rest, 18, 4));
  at_ += size;
  return true;
}

Status OggPackets::Add(const OggPage& page, std::vector<OggPacket>& packets) {
  if (has_page_ && page.sequence != sequence_ + 1) {
    return DataLoss("the Ogg file is damaged: pages are missing between number %d and %d", sequence_,
                    page.sequence);
  }
  has_page_ = true;
  sequence_ = page.sequence;
  // The rest of a packet whose beginning is not there is left out.
  bool skip = page.continues && !is_begun_;
  if (!page.continues) begun_.clear();
  std::size_t at = 0;
  const std::size_t before = packets.size();
  for (const std::uint8_t segment : page.segments) {
    if (!skip)
      begun_.insert(begun_.end(), page.body.begin() + static_cast<std::ptrdiff_t>(at),
                    page.body.begin() + static_cast<std::ptrdiff_t>(at + segment));
    at += segment;
    is_begun_ = segment == 255 && !skip;
    if (segment == 255) continue;
    if (!skip) packets.push_back({.bytes = std::move(begun_)});
    begun_.clear();
    skip = false;
  }
  if (packets.size() == before) return {};
  packets.back().granule = page.granule;
  packets.back().ends_stream = page.ends_stream;
  return {};
}

}  // namespace carat::internal
