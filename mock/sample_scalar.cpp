// Numbers and strings of generated examples.
#include "mock/sample_view.hpp"

#include "events/time.hpp"
#include "mock/pattern_sample.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace hourglass::mock {

namespace {

constexpr std::array<std::string_view, 16> words{"amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron",
                                                 "inlet", "jade",  "knoll", "larch", "maple", "north", "olive", "pearl"};

std::string hex(std::uint64_t bits, int digits) {
  static constexpr char alphabet[] = "0123456789abcdef";
  std::string out;
  for (int i = 0; i < digits; ++i)
    out += alphabet[(bits >> (4 * i)) & 0xf];
  return out;
}

std::string shortest(double d) {
  char text[64];
  auto [end, bad] = std::to_chars(text, text + sizeof(text), d);
  return bad == std::errc{} ? std::string{text, end} : "0";
}

} // namespace

json_value sampler::number(const view& v, bool whole) {
  double low = v.bound("minimum", -INFINITY);
  double high = v.bound("maximum", INFINITY);
  if (const auto* format = v.keyword("format"); format != nullptr && format->is_string() && (format->text == "int32" || format->text == "int64")) {
    const double most = format->text == "int32" ? 2147483647.0 : 9223372036854774784.0; // the greatest that is both an int64 and a double
    low = std::max(low, -most - 1);
    high = std::min(high, most);
    if (low == -most - 1)
      low = -INFINITY; // as if nothing were said: small numbers are the better examples
    if (high == most)
      high = INFINITY;
  }
  double step = whole ? 1.0 : 0.01;
  auto exclude = [&](std::string_view name, double& end, double by, auto tighter) {
    const auto* k = v.keyword(name);
    if (k == nullptr)
      return;
    if (k->is_true()) // 3.0: a flag beside the bound
      end += by;
    else if (k->is_number()) // 3.1: the bound itself
      end = tighter(end, k->as_double() + by);
  };
  exclude("exclusiveMinimum", low, step, [](double a, double b) { return std::max(a, b); });
  exclude("exclusiveMaximum", high, -step, [](double a, double b) { return std::min(a, b); });
  if (std::isinf(low))
    low = std::isinf(high) || high >= 1 ? 1 : high - 100;
  if (std::isinf(high) || high < low)
    high = std::max(low, low + 999);
  auto multiple = v.bound("multipleOf", 0);
  if (whole && (multiple <= 0 || multiple != std::floor(multiple)))
    multiple = 1;
  if (!whole && multiple <= 0) {
    auto drawn = low + (high - low) * (static_cast<double>(below(1000)) / 1000.0);
    auto rounded = std::round(drawn * 100) / 100;
    return json_value::of_number(shortest(rounded >= low && rounded <= high ? rounded : low));
  }
  auto first = std::ceil(low / multiple);
  auto last = std::floor(high / multiple);
  auto spread = last - first + 1;
  if (!std::isfinite(spread)) // the bounds are too many multiples away, or apart
    return json_value::of_number(shortest(whole ? std::ceil(low) : low));
  auto width = std::clamp(spread, 1.0, 1e6);
  auto n = (first + static_cast<double>(below(static_cast<std::uint64_t>(width)))) * multiple;
  if (!std::isfinite(n))
    return json_value::of_number(shortest(whole ? std::ceil(low) : low));
  if (n == std::floor(n) && std::abs(n) < 9e15)
    return json_value::of_number(static_cast<std::int64_t>(n));
  return json_value::of_number(shortest(n));
}

std::string sampler::formatted(std::string_view format) {
  constexpr std::int64_t start = 1'735'689'600'000'000; // 2025-01-01
  auto moment = [&] { return events::to_rfc3339(start + static_cast<std::int64_t>(below(31'536'000)) * 1'000'000); };
  auto word = [&] { return std::string{words[below(words.size())]}; };
  if (format == "date-time")
    return moment().substr(0, 19) + "Z";
  if (format == "date")
    return moment().substr(0, 10);
  if (format == "time")
    return moment().substr(11, 8) + "Z";
  if (format == "duration")
    return "PT" + std::to_string(1 + below(59)) + "M";
  if (format == "email" || format == "idn-email")
    return word() + "@example.com";
  if (format == "uuid")
    return hex(draw(), 8) + '-' + hex(draw(), 4) + "-4" + hex(draw(), 3) + "-a" + hex(draw(), 3) + '-' + hex(draw(), 12);
  if (format == "uri" || format == "url" || format == "iri")
    return "https://example.com/" + word();
  if (format == "uri-reference" || format == "iri-reference")
    return "/" + word();
  if (format == "hostname" || format == "idn-hostname")
    return word() + ".example.com";
  if (format == "ipv4" || format == "ip")
    return "192.0.2." + std::to_string(1 + below(254));
  if (format == "ipv6")
    return "2001:db8::" + hex(draw() | 1, 4);
  if (format == "byte" || format == "base64")
    return "aG91cmdsYXNz";
  if (format == "json-pointer")
    return "/" + word();
  if (format == "regex")
    return "^" + word() + "$";
  return {};
}

json_value sampler::text(const view& v, std::string_view name, std::size_t ordinal) {
  constexpr std::uint64_t most_pattern_work = 1'000'000; // one pattern shall not cost all the others their texts
  const auto* format = v.keyword("format");
  auto out = format != nullptr && format->is_string() ? formatted(format->text) : std::string{};
  auto least = std::min(v.count("minLength", 0), std::size_t{10'000});
  auto most = std::max(v.count("maxLength", 10'000), least);
  if (out.empty()) // a length that contradicts a format cannot be met
    out = word_for(name, ordinal, least, most);
  const auto* pattern = v.keyword("pattern");
  if (pattern == nullptr || !pattern->is_string())
    return json_value::of(std::move(out));
  auto made = paid(most_pattern_work, [&](schema_purse& purse) {
    return text_for_pattern(pattern->text, out, least, most, [this] { return draw(); }, purse);
  });
  return json_value::of(made ? std::move(*made) : std::move(out));
}

std::string sampler::word_for(std::string_view name, std::size_t ordinal, std::size_t least, std::size_t most) {
  std::string out{words[below(words.size())]};
  bool plain = std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (plain && !name.empty() && name.size() <= 32)
    out = std::string{name} + '-' + out;
  if (ordinal > 0)
    out += std::to_string(ordinal);
  if (most < out.size()) // rather a short word than half a name
    out = words[below(words.size())];
  while (out.size() < least)
    out += words[below(words.size())];
  if (out.size() > most)
    out.resize(most);
  return out;
}

/// Whether a discriminator's value is one that its property has: documents that leave out the mapping rely on their enums instead.
bool sampler::allows(const schemas& all, const std::string& text) {
  view v;
  for (const auto* schema : all)
    if (!gather(*schema, v, false, 0))
      return true;
  const auto* constant = v.keyword("const");
  const auto* choices = v.keyword("enum");
  auto same = [&](const json_value& one) { return one.is_string() && one.text == text; };
  return (constant == nullptr || same(*constant)) &&
         (choices == nullptr || std::any_of(choices->items.begin(), choices->items.end(), same));
}

} // namespace hourglass::mock
