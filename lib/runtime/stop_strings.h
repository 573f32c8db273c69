// Looking for stop strings in text that arrives in pieces.
#ifndef CARAT_LIB_RUNTIME_STOP_STRINGS_H_
#define CARAT_LIB_RUNTIME_STOP_STRINGS_H_

#include <string>
#include <string_view>
#include <vector>

namespace carat::internal {

class StopStrings {
 public:
  explicit StopStrings(std::vector<std::string> strings) : strings_(std::move(strings)) {}

  // Adds a piece and returns the text that certainly precedes any stop string. Once one is found, found() is
  // true and nothing is returned any more.
  std::string Add(std::string_view piece);
  // The text still held back; nothing if a stop string was found.
  std::string Finish();
  bool found() const { return found_; }

 private:
  // How many bytes at the end of held_ could be the beginning of a stop string.
  std::size_t PossibleBeginning() const;

  std::vector<std::string> strings_;
  std::string held_;
  bool found_ = false;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_RUNTIME_STOP_STRINGS_H_
