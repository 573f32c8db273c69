// What the names of `format` stand for.
#include <map>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/sampling/grammar/regular_expression.h"

namespace carat::internal {
namespace {

// RFC 3339; a day must be one that its month has, the 29th of February that its year has.
const std::string kDate =
    R"((\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8])))"
    R"(|(\d\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29))";
const std::string kClock = R"(([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?)";
const std::string kZone = R"(([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d))";

const std::string kLabel = R"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)";
const std::string kHost = kLabel + "(\\." + kLabel + ")*";
const std::string kAtom = R"([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)";

const std::string kByte = R"((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d))";
const std::string kIpv4 = "(" + kByte + "\\.){3}" + kByte;

// The forms of RFC 4291: eight groups, or fewer with :: in one place, the last two perhaps as IPv4.
std::string Ipv6() {
  const std::string group = "[0-9A-Fa-f]{1,4}";
  const std::string tail = "(" + group + ":" + group + "|" + kIpv4 + ")";
  std::string all = "((" + group + ":){6}" + tail;
  for (int after = 5; after >= 0; --after) {
    const int before = 5 - after;  // the most groups in front of ::
    const std::string front =
        before == 0 ? "" : "(" + group + "(:" + group + "){0," + std::to_string(before - 1) + "})?";
    all += "|" + front + "::(" + group + ":){" + std::to_string(after) + "}" + tail;
  }
  all += "|(" + group + "(:" + group + "){0,5})?::" + group;
  all += "|(" + group + "(:" + group + "){0,6})?::)";
  return all;
}

const std::string kUriCharacter = R"(([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2}))";
const std::string kUriTail = "(\\?(" + kUriCharacter + "|[/?])*)?(#(" + kUriCharacter + "|[/?])*)?";

std::string UriAfterScheme() {
  const std::string user = R"((([A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?)";
  const std::string host = R"((\[)" + Ipv6() + R"(\]|([A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*))";
  const std::string path = "(/" + kUriCharacter + "*)*";
  return "(//" + user + host + "(:\\d*)?" + path + "|/?(" + kUriCharacter + "+" + path + ")?)";
}

const std::map<std::string_view, std::string>& Formats() {
  static const std::map<std::string_view, std::string> kFormats = {
      {"date", kDate},
      {"time", kClock + kZone},
      {"date-time", kDate + "[Tt]" + kClock + kZone},
      {"duration", R"(P((\d+D|\d+M(\d+D)?|\d+Y(\d+M(\d+D)?)?)(T(\d+H(\d+M(\d+S)?)?|\d+M(\d+S)?|\d+S))?)"
                   R"(|T(\d+H(\d+M(\d+S)?)?|\d+M(\d+S)?|\d+S)|\d+W))"},
      {"uuid", R"([0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12})"},
      {"email", kAtom + "(\\." + kAtom + ")*@" + kHost},
      {"hostname", kHost},
      {"ipv4", kIpv4},
      {"ipv6", Ipv6()},
      {"uri", "[A-Za-z][A-Za-z0-9+.-]*:" + UriAfterScheme() + kUriTail},
      {"json-pointer", R"((/([^~/]|~[01])*)*)"},
  };
  return kFormats;
}

}  // namespace

Result<std::shared_ptr<const TextAutomaton>> CompileFormat(std::string_view format) {
  const auto found = Formats().find(format);
  if (found == Formats().end()) return std::shared_ptr<const TextAutomaton>();
  return CompilePattern("^(" + found->second + ")$");
}

}  // namespace carat::internal
