// Beginnings of numbers against all numbers of few digits.
#include <set>

#include "gtest/gtest.h"
#include "lib/sampling/grammar/number.h"

namespace carat::internal {
namespace {

NumberBound Bound(const char* value, bool open = false) {
  return {ParseDecimal(value), open};
}

// All texts of a spec up to a length, by trying every character.
std::set<std::string> Texts(const NumberSpec& spec, std::size_t longest) {
  std::set<std::string> whole;
  std::vector<std::pair<std::string, NumberPhase>> pending = {{"", NumberPhase::kStart}};
  while (!pending.empty()) {
    const auto [text, phase] = pending.back();
    pending.pop_back();
    if (IsWholeNumber(phase) && spec.Holds(ParseDecimal(text))) whole.insert(text);
    if (text.size() == longest) continue;
    for (const char c : std::string("0123456789-+.e")) {
      const NumberPhase next = NextPhase(spec, phase, static_cast<unsigned char>(c));
      if (next != NumberPhase::kDead) pending.emplace_back(text + c, next);
    }
  }
  return whole;
}

// CanFinish says of every beginning what the list of texts says; only for specs whose texts are this short.
void ExpectExact(const NumberSpec& spec, std::size_t longest) {
  const std::set<std::string> whole = Texts(spec, longest);
  std::vector<std::pair<std::string, NumberPhase>> pending = {{"", NumberPhase::kStart}};
  while (!pending.empty()) {
    const auto [text, phase] = pending.back();
    pending.pop_back();
    const auto found = whole.lower_bound(text);
    const bool can = found != whole.end() && found->compare(0, text.size(), text) == 0;
    EXPECT_EQ(spec.CanFinish(text), can) << "'" << text << "'";
    if (!can) continue;
    for (const char c : std::string("0123456789-+.e")) {
      const NumberPhase next = NextPhase(spec, phase, static_cast<unsigned char>(c));
      if (next != NumberPhase::kDead && text.size() < longest - 1) pending.emplace_back(text + c, next);
    }
  }
}

TEST(Number, IntegersBetweenBounds) {
  NumberSpec spec;
  spec.integer = true;
  spec.low = Bound("-37");
  spec.high = Bound("205");
  ExpectExact(spec, 5);
  spec.low = Bound("18", true);
  ExpectExact(spec, 5);
  spec.high = Bound("99.5");
  ExpectExact(spec, 5);
  spec.low = Bound("-3.5");
  spec.high = Bound("0", true);
  ExpectExact(spec, 4);
  ASSERT_TRUE(spec.AddMultiple(ParseDecimal("2")).ok());
  ExpectExact(spec, 4);
  spec.low = Bound("-250");
  spec.high = Bound("317");
  ASSERT_TRUE(spec.AddMultiple(ParseDecimal("3.5")).ok());  // of 14 then
  ExpectExact(spec, 5);
}

TEST(Number, Multiples) {
  NumberSpec spec;
  spec.low = Bound("-1.5");
  spec.high = Bound("12.25");
  ASSERT_TRUE(spec.AddMultiple(ParseDecimal("0.75")).ok());
  // Zeros at the end may follow for ever: only what is short is compared.
  const std::set<std::string> whole = Texts(spec, 5);
  EXPECT_EQ(whole.count("0.75"), 1U);
  EXPECT_EQ(whole.count("12.0"), 1U);
  EXPECT_EQ(whole.count("-1.50"), 1U);
  EXPECT_EQ(whole.count("12.75"), 0U);
  for (const char* yes : {"1", "1.", "1.5", "11.", "11.2", "-0", "-1.", "3.750", "0"}) {
    EXPECT_TRUE(spec.CanFinish(yes)) << yes;
  }
  for (const char* no : {"13", "1.6", "-1.7", "-2", "11.3", "3.751", "2.0"}) {
    EXPECT_FALSE(spec.CanFinish(no)) << no;
  }
}

TEST(Number, BoundsWithExponents) {
  NumberSpec spec;
  spec.low = Bound("5");
  spec.high = Bound("6");
  for (const char* yes : {"5", "6", "5.", "5.99", "0", "0.00", "0.0055e", "55e", "55e-", "55e-1", "55e-0",
                          "6e-0", "6e", "50e-1", "600e-2", "600E-00002", "0.5e+", "0.5e1"}) {
    EXPECT_TRUE(spec.CanFinish(yes)) << yes;
  }
  for (const char* no :
       {"7", "-", "-5", "4", "61", "6.1", "0.7", "55e1", "55e+", "55e-2", "0e", "0.0e1", "6e-1", "600e-3"}) {
    EXPECT_FALSE(spec.CanFinish(no)) << no;
  }
  spec.low->open = true;
  EXPECT_TRUE(spec.CanFinish("5"));  // 5.1
  EXPECT_FALSE(spec.CanFinish("5e"));
  EXPECT_FALSE(spec.Holds(ParseDecimal("5.0")));
  spec.high = {};
  EXPECT_TRUE(spec.CanFinish("4"));  // 4e1
  EXPECT_TRUE(spec.CanFinish("4e1"));
  EXPECT_FALSE(spec.CanFinish("4e-"));
  EXPECT_TRUE(spec.CanFinish("4e999999999999999999999999"));
  spec.low = {};
  spec.high = Bound("0", true);
  EXPECT_TRUE(spec.CanFinish("-"));
  EXPECT_FALSE(spec.CanFinish("1"));
  EXPECT_FALSE(spec.Holds(ParseDecimal("-0.0")));
}

TEST(Number, ValuesAreExact) {
  EXPECT_EQ(Compare(ParseDecimal("0.1"), ParseDecimal("1e-1")), 0);
  EXPECT_LT(Compare(ParseDecimal("0.1"), ParseDecimal("0.1000000000000000000000001")), 0);
  EXPECT_GT(Compare(ParseDecimal("-1"), ParseDecimal("-1.5")), 0);
  EXPECT_EQ(Compare(ParseDecimal("-0"), ParseDecimal("0.00e7")), 0);
  EXPECT_LT(Compare(ParseDecimal("-3"), ParseDecimal("2")), 0);
  EXPECT_GT(Compare(ParseDecimal("12e1"), ParseDecimal("99")), 0);
}

TEST(Number, LongOnesCostLittle) {
  NumberSpec spec;
  spec.integer = true;
  spec.low = Bound("100000000000000000000000000");
  ASSERT_TRUE(spec.AddMultiple(ParseDecimal("7")).ok());
  const std::string nines(3000, '9');
  EXPECT_TRUE(spec.CanFinish(nines));
  EXPECT_FALSE(spec.CanFinish("-" + nines));
  spec.high = Bound("200000000000000000000000000");
  EXPECT_FALSE(spec.CanFinish(nines));
  EXPECT_TRUE(spec.CanFinish("19999"));
  spec.high = Bound("1e400");
  EXPECT_TRUE(spec.Check().ok());
  EXPECT_TRUE(spec.CanFinish(nines.substr(0, 399)));
  EXPECT_FALSE(spec.CanFinish(nines.substr(0, 401)));
  spec.high = Bound("1e6000");
  EXPECT_EQ(spec.Check().code(), StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace carat::internal
