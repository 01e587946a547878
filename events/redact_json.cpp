#include "events/redact_json.hpp"

#include "events/json_text.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace hourglass::events {

namespace {

constexpr std::size_t longest_name = 64; ///< what is longer is no field name anyone protects

constexpr std::array<std::string_view, 36> whole_names{
    "apikey",        "authorization", "bearer",        "cardnumber",   "ccnumber",       "creditcard",
    "creditcardnumber", "cvc",        "cvv",           "cvv2",         "cvccode",        "cvvcode",
    "iban",          "jwt",           "otp",           "pan",          "passcode",       "passphrase",
    "passwd",        "pin",           "pincode",       "primaryaccountnumber", "privatekey", "pwd",
    "secret",        "secretkey",     "securitycode",  "sessionid",    "signingkey",     "socialsecurity",
    "socialsecuritynumber", "ssn",    "taxid",         "token",        "accesskey",      "cardcvc"};

/// Paging cursors are called tokens too, and a replay needs them.
constexpr std::array<std::string_view, 4> plain_tokens{"pagetoken", "continuationtoken", "cursortoken", "synctoken"};

/// Lower case, letters and digits only, in a buffer of the caller.
std::string_view normalise(std::string_view name, std::array<char, longest_name>& buffer) noexcept {
  std::size_t size = 0;
  for (char c : name) {
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
    if ((c < 'a' || c > 'z') && (c < '0' || c > '9'))
      continue;
    if (size == buffer.size())
      return {};
    buffer[size++] = c;
  }
  return {buffer.data(), size};
}

bool names_card(std::string_view name) noexcept {
  std::array<char, longest_name> buffer;
  return normalise(name, buffer).find("card") != std::string_view::npos;
}

constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// One pass over a JSON text with its own stack, so depth costs memory and not the program's stack.
class scanner {
public:
  scanner(std::string_view json, const std::function<std::string(std::string_view, bool)>& token)
      : json_(json), token_(token) {}

  std::optional<std::string> run() {
    bool good = value({});
    while (good && !open_.empty())
      good = step();
    space();
    if (!good || at_ != json_.size() || kept_ == 0)
      return std::nullopt;
    out_ += json_.substr(kept_);
    return std::move(out_);
  }

private:
  struct frame {
    bool object = false;
    bool sensitive = false; ///< everything inside is
    bool card = false;      ///< what looks like the number of one is
    bool fresh = true;      ///< nothing read yet
    std::string_view name;  ///< raw member name this container is the value of
  };

  struct position_of {
    bool sensitive = false;
    bool card = false;
    std::string_view name;
  };

  bool peek(char c) const { return at_ < json_.size() && json_[at_] == c; }

  bool eat(char c) {
    if (!peek(c))
      return false;
    ++at_;
    return true;
  }

  void space() {
    while (at_ < json_.size() && is_space(json_[at_]))
      ++at_;
  }

  /// The next member or element of the innermost container, or its end.
  bool step() {
    auto& top = open_.back();
    space();
    if (eat(top.object ? '}' : ']')) {
      open_.pop_back();
      return true;
    }
    if (!top.fresh && !eat(','))
      return false;
    top.fresh = false;
    if (!top.object)
      return value({top.sensitive, top.card, top.name});
    space();
    const auto name = string();
    space();
    if (!name || !eat(':'))
      return false;
    return value({top.sensitive || is_sensitive(*name, top.name), top.card || names_card(*name), *name});
  }

  bool is_sensitive(std::string_view raw, std::string_view parent) const {
    if (raw.find('\\') == std::string_view::npos)
      return is_sensitive_name(raw, parent);
    return is_sensitive_name(json_unescape(raw).value_or(std::string{raw}), parent);
  }

  bool value(position_of where) {
    space();
    if (at_ == json_.size())
      return false;
    const auto start = at_;
    switch (json_[at_]) {
    case '{':
    case '[':
      open_.push_back({json_[at_] == '{', where.sensitive, where.card, true, where.name});
      ++at_;
      return true;
    case '"': {
      const auto text = string();
      if (!text)
        return false;
      if (text->empty() || (!where.sensitive && !(where.card && is_card_number(*text))))
        return true;
      const auto plain = json_unescape(*text);
      if (plain)
        replace(start, *plain, false);
      return plain.has_value();
    }
    case 't':
      return literal("true");
    case 'f':
      return literal("false");
    case 'n':
      return literal("null");
    default:
      if (!number())
        return false;
      if (const auto text = json_.substr(start, at_ - start); where.sensitive || (where.card && is_card_number(text)))
        replace(start, text, true);
      return true;
    }
  }

  bool literal(std::string_view word) {
    if (!json_.substr(at_).starts_with(word))
      return false;
    at_ += word.size();
    return true;
  }

  bool digits() {
    const auto start = at_;
    while (at_ < json_.size() && json_[at_] >= '0' && json_[at_] <= '9')
      ++at_;
    return at_ > start;
  }

  bool number() {
    eat('-');
    if (!eat('0') && !digits())
      return false;
    if (eat('.') && !digits())
      return false;
    if (eat('e') || eat('E')) {
      if (!eat('+'))
        eat('-');
      return digits();
    }
    return true;
  }

  /// The raw inside of the string here, escapes not looked at.
  std::optional<std::string_view> string() {
    if (!eat('"'))
      return std::nullopt;
    const auto start = at_;
    for (; at_ < json_.size(); ++at_) {
      const char c = json_[at_];
      if (c == '"')
        return json_.substr(start, at_++ - start);
      if (c == '\\')
        ++at_;
      else if (static_cast<unsigned char>(c) < 0x20)
        return std::nullopt;
    }
    return std::nullopt;
  }

  /// Puts the token in the place of what was read since `start`.
  void replace(std::size_t start, std::string_view plain, bool number) {
    out_ += json_.substr(kept_, start - kept_);
    json_text{out_}.value(token_(plain, number));
    kept_ = at_;
  }

  std::string_view json_;
  const std::function<std::string(std::string_view, bool)>& token_;
  std::vector<frame> open_;
  std::string out_;
  std::size_t at_ = 0;
  std::size_t kept_ = 0; ///< up to here the text is in `out_`
};

} // namespace

bool is_sensitive_name(std::string_view name, std::string_view parent) noexcept {
  if (name.size() < 3 || name.size() > longest_name)
    return false;
  std::array<char, longest_name> buffer;
  const auto plain = normalise(name, buffer);
  if (std::find(whole_names.begin(), whole_names.end(), plain) != whole_names.end())
    return true;
  if (plain.find("password") != std::string_view::npos || plain.find("secret") != std::string_view::npos ||
      plain.find("apikey") != std::string_view::npos)
    return true;
  if (plain.ends_with("token"))
    return std::none_of(plain_tokens.begin(), plain_tokens.end(), [&](auto t) { return plain.ends_with(t); });
  if (plain == "number" && !parent.empty()) {
    std::array<char, longest_name> parent_buffer;
    const auto around = normalise(parent, parent_buffer);
    return around == "card" || around == "creditcard" || around == "paymentcard";
  }
  return false;
}

bool is_card_number(std::string_view text) noexcept {
  int digits = 0, sum = 0;
  for (auto i = text.rbegin(); i != text.rend(); ++i) {
    if (*i == ' ' || *i == '-')
      continue;
    if (*i < '0' || *i > '9' || digits == 19)
      return false;
    const int d = (*i - '0') * (digits % 2 == 0 ? 1 : 2);
    sum += d > 9 ? d - 9 : d;
    ++digits;
  }
  return digits >= 13 && sum % 10 == 0;
}

std::optional<std::string> redact_json(std::string_view json,
                                       const std::function<std::string(std::string_view, bool)>& token) {
  return scanner{json, token}.run();
}

} // namespace hourglass::events
