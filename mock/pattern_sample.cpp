// Texts for patterns: a reading of the expression that only remembers what one match needs, and the engine to tell whether it is one.
#include "mock/pattern_sample.hpp"

#include "mock/ecma_regex.hpp"

#include <algorithm>
#include <memory>
#include <vector>

namespace hourglass::mock {

namespace {

/// Characters and ranges of a class; of a negated one, what it has not.
struct char_set {
  std::vector<std::pair<char32_t, char32_t>> ranges;
  bool negated = false;

  bool has(char32_t c) const {
    return std::any_of(ranges.begin(), ranges.end(), [&](const auto& r) { return r.first <= c && c <= r.second; }) != negated;
  }
};

struct piece {
  enum class kind : std::uint8_t { chars, group, nothing } what = kind::nothing;
  char_set set;
  std::vector<std::vector<piece>> alternatives;
  std::size_t least = 1;
  std::size_t most = 1;
};

constexpr std::string_view preferred = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_. /:@#+=,;!%&*()'\"$?<>[]{}|~^`\\\t\n";

class reader {
public:
  explicit reader(std::string_view text) : in_(text) {}

  std::vector<std::vector<piece>> alternatives() {
    std::vector<std::vector<piece>> out(1);
    while (at_ < in_.size() && in_[at_] != ')') {
      if (in_[at_] == '|') {
        ++at_;
        out.emplace_back();
        continue;
      }
      auto p = atom();
      repeat(p);
      out.back().push_back(std::move(p));
    }
    return out;
  }

private:
  piece atom() {
    piece p;
    char c = in_[at_];
    if (c == '(') {
      ++at_;
      if (in_.substr(at_).starts_with("?:"))
        at_ += 2;
      else if (in_.substr(at_).starts_with("?<"))
        at_ = std::min(in_.find('>', at_), in_.size() - 1) + 1;
      p.what = piece::kind::group;
      p.alternatives = alternatives();
      ++at_;
    } else if (c == '^' || c == '$') {
      ++at_;
    } else if (c == '.') {
      ++at_;
      p.what = piece::kind::chars;
      p.set.ranges = {{'\n', '\n'}, {'\r', '\r'}};
      p.set.negated = true;
    } else if (c == '[') {
      p.what = piece::kind::chars;
      p.set = char_class();
    } else if (c == '\\' && at_ + 1 < in_.size() && (in_[at_ + 1] == 'b' || in_[at_ + 1] == 'B')) {
      at_ += 2;
    } else {
      p.what = piece::kind::chars;
      p.set.negated = member(p.set.ranges);
    }
    return p;
  }

  void repeat(piece& p) {
    if (at_ >= in_.size())
      return;
    char c = in_[at_];
    auto end = in_.find('}', at_);
    if (c == '*' || c == '+' || c == '?') {
      p.least = c == '+' ? 1 : 0;
      p.most = c == '?' ? 1 : 64;
      ++at_;
    } else if (c == '{' && end != std::string_view::npos && at_ + 1 < in_.size() && in_[at_ + 1] >= '0' && in_[at_ + 1] <= '9') {
      auto text = in_.substr(at_ + 1, end - at_ - 1);
      auto comma = text.find(',');
      p.least = number(text.substr(0, comma));
      p.most = comma == std::string_view::npos ? p.least : comma + 1 < text.size() ? number(text.substr(comma + 1)) : p.least + 64;
      at_ = end + 1;
    } else {
      return;
    }
    if (at_ < in_.size() && in_[at_] == '?')
      ++at_;
  }

  static std::size_t number(std::string_view digits) {
    std::size_t n = 0;
    for (char c : digits)
      n = std::min<std::size_t>(n * 10 + static_cast<std::size_t>(c >= '0' && c <= '9' ? c - '0' : 0), 1'000);
    return n;
  }

  static char32_t hex(std::string_view digits) {
    char32_t code = 0;
    for (char h : digits)
      code = code * 16 + static_cast<char32_t>(h <= '9' ? h - '0' : (h | 0x20) - 'a' + 10);
    return code;
  }

  char_set char_class() {
    char_set out;
    ++at_;
    if (at_ < in_.size() && in_[at_] == '^') {
      out.negated = true;
      ++at_;
    }
    while (at_ < in_.size() && in_[at_] != ']') {
      auto from = out.ranges.size();
      bool opposite = member(out.ranges);
      if (opposite)
        out.ranges.resize(from); // `\S` in a class: the other members are enough, or the engine says no
      else if (at_ + 1 < in_.size() && in_[at_] == '-' && in_[at_ + 1] != ']' && out.ranges.size() == from + 1) {
        ++at_;
        std::vector<std::pair<char32_t, char32_t>> last;
        if (!member(last) && last.size() == 1)
          out.ranges.back().second = last.front().second;
      }
    }
    ++at_;
    return out;
  }

  /// One character, or the set of an escape; true if it means all others.
  bool member(std::vector<std::pair<char32_t, char32_t>>& out) {
    auto lead = static_cast<unsigned char>(in_[at_++]);
    if (lead != '\\' || at_ == in_.size()) {
      int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
      char32_t code = more == 0 ? lead : lead & (0x3fU >> static_cast<unsigned>(more));
      for (; more > 0 && at_ < in_.size(); --more)
        code = (code << 6U) | (static_cast<unsigned char>(in_[at_++]) & 0x3fU);
      out.emplace_back(code, code);
      return false;
    }
    char c = in_[at_++];
    auto one = [&](char32_t code) { out.emplace_back(code, code); };
    switch (c) {
    case 'd':
    case 'D':
      out.emplace_back('0', '9');
      return c == 'D';
    case 'w':
    case 'W':
      out.insert(out.end(), {{'a', 'z'}, {'A', 'Z'}, {'0', '9'}, {'_', '_'}});
      return c == 'W';
    case 's':
    case 'S':
      out.insert(out.end(), {{' ', ' '}, {'\t', '\r'}});
      return c == 'S';
    case 'p':
    case 'P': {
      auto name = in_.substr(at_, std::min(in_.find('}', at_), in_.size()) - at_);
      at_ = std::min(in_.find('}', at_), in_.size() - 1) + 1;
      if (name.find("N") != std::string_view::npos)
        out.emplace_back('0', '9');
      else if (name.find("Lu") != std::string_view::npos)
        out.emplace_back('A', 'Z');
      else
        out.emplace_back('a', 'z');
      return c == 'P';
    }
    case 't':
      one('\t');
      break;
    case 'n':
      one('\n');
      break;
    case 'r':
      one('\r');
      break;
    case 'x':
    case 'u': {
      bool braces = at_ < in_.size() && in_[at_] == '{';
      auto text = braces ? in_.substr(at_ + 1, in_.find('}', at_) - at_ - 1) : in_.substr(at_, c == 'x' ? 2 : 4);
      at_ = std::min(in_.size(), at_ + text.size() + (braces ? 2 : 0));
      auto code = hex(text);
      if (c == 'u' && !braces && code >= 0xd800 && code < 0xdc00 && in_.substr(at_).starts_with("\\u")) // a surrogate pair
        if (auto low = hex(in_.substr(at_ + 2, 4)); low >= 0xdc00 && low < 0xe000) {
          code = 0x10000 + ((code - 0xd800) << 10U) + (low - 0xdc00);
          at_ = std::min(in_.size(), at_ + 6);
        }
      one(code);
      break;
    }
    default:
      one(static_cast<unsigned char>(c));
    }
    return false;
  }

  std::string_view in_;
  std::size_t at_ = 0;
};

void append(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | (c >> 6U));
    out += static_cast<char>(0x80 | (c & 0x3fU));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | (c >> 12U));
    out += static_cast<char>(0x80 | ((c >> 6U) & 0x3fU));
    out += static_cast<char>(0x80 | (c & 0x3fU));
  } else {
    out += static_cast<char>(0xf0 | (c >> 18U));
    out += static_cast<char>(0x80 | ((c >> 12U) & 0x3fU));
    out += static_cast<char>(0x80 | ((c >> 6U) & 0x3fU));
    out += static_cast<char>(0x80 | (c & 0x3fU));
  }
}

/// Writes one text; `spare` is how many more characters than necessary it may have, taken where something repeats.
class writer {
public:
  writer(const std::function<std::uint64_t()>& draw, std::size_t spare) : draw_(draw), spare_(spare) {}

  void write(const std::vector<std::vector<piece>>& alternatives) {
    if (++steps_ > 100'000)
      return;
    for (const auto& p : alternatives[draw_() % alternatives.size()]) {
      auto times = p.least;
      if (p.most > p.least && spare_ > 0) {
        auto more = std::min(p.most - p.least, spare_);
        times += more;
        spare_ -= more;
      }
      for (std::size_t i = 0; i < times && out.size() < 20'000; ++i)
        if (p.what == piece::kind::group)
          write(p.alternatives);
        else if (p.what == piece::kind::chars)
          append(out, one_of(p.set));
    }
  }

  std::size_t steps() const noexcept { return steps_; }

  std::string out;

private:
  char32_t one_of(const char_set& set) {
    auto from = draw_() % 26;
    if (set.has('a') && set.has('z'))
      return static_cast<char32_t>('a' + from);
    if (set.has('A') && set.has('Z'))
      return static_cast<char32_t>('A' + from);
    for (std::size_t i = 0; i < preferred.size(); ++i)
      if (auto c = static_cast<char32_t>(preferred[(i + (set.has('0') ? 26 + from % 10 : 0)) % preferred.size()]); set.has(c))
        return c;
    return set.ranges.empty() || set.negated ? U'é' : set.ranges[draw_() % set.ranges.size()].first;
  }

  const std::function<std::uint64_t()>& draw_;
  std::size_t spare_;
  std::size_t steps_ = 0;
};

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

} // namespace

std::optional<std::string> text_for_pattern(std::string_view pattern, std::string_view wish, std::size_t least, std::size_t most,
                                            const std::function<std::uint64_t()>& draw, schema_purse& purse) {
  if (!purse.spend(pattern.size()))
    return std::nullopt;
  auto engine = ecma_regex::compile(pattern);
  if (!engine || !purse.spend((*engine)->steps()))
    return std::nullopt;
  auto fits = [&](std::string_view text) {
    auto length = code_points(text);
    return length >= least && length <= most && purse.spend((*engine)->cost_of(text.size())) && (*engine)->matches(text);
  };
  if (!wish.empty() && fits(wish))
    return std::string{wish};
  auto read = reader{pattern}.alternatives();
  std::vector<std::size_t> spares{4}; // first a look that is not the shortest, then every length there may be
  for (std::size_t i = 0; i <= 64; ++i)
    spares.push_back(i);
  spares.insert(spares.end(), {least, most});
  for (auto spare : spares) {
    for (int attempt = 0; attempt < 3; ++attempt) {
      writer w{draw, std::min<std::size_t>(spare, 10'000)};
      w.write(read);
      if (!purse.spend(1 + w.steps() + w.out.size() / 8))
        return std::nullopt;
      if (fits(w.out))
        return std::move(w.out);
      if (auto length = code_points(w.out); length < least && fits(w.out.append(least - length, 'a'))) // not anchored at its end
        return std::move(w.out);
    }
  }
  return std::nullopt;
}

} // namespace hourglass::mock
