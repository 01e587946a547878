#include "events/redact_json.hpp"

#include "events/json_cursor.hpp"
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

/// One pass over a JSON text with its own stack, so depth costs memory and not the program's stack.
class scanner {
public:
  scanner(std::string_view json, const std::function<std::string(std::string_view, bool)>& token, bool values_of_patch = false)
      : in_(json), json_(json), token_(token), values_of_patch_(values_of_patch) {}

  std::optional<std::string> run() {
    bool good = value({});
    while (good && !open_.empty())
      good = step();
    in_.space();
    if (!good || !in_.at_end() || kept_ == 0)
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

  /// The next member or element of the innermost container, or its end.
  bool step() {
    auto& top = open_.back();
    in_.space();
    if (in_.eat(top.object ? '}' : ']')) {
      open_.pop_back();
      return true;
    }
    if (!top.fresh && !in_.eat(','))
      return false;
    top.fresh = false;
    if (!top.object)
      return value({top.sensitive, top.card, top.name});
    in_.space();
    const auto name = string();
    in_.space();
    if (!name || !in_.eat(':'))
      return false;
    const bool of_patch = values_of_patch_ && open_.size() == 2 && *name == "value";
    return value({top.sensitive || of_patch || is_sensitive(*name, top.name), top.card || names_card(*name), *name});
  }

  bool is_sensitive(std::string_view raw, std::string_view parent) const {
    if (raw.find('\\') == std::string_view::npos)
      return is_sensitive_name(raw, parent);
    return is_sensitive_name(json_unescape(raw).value_or(std::string{raw}), parent);
  }

  bool value(position_of where) {
    in_.space();
    const auto start = in_.at();
    switch (in_.here()) {
    case '{':
    case '[':
      open_.push_back({in_.here() == '{', where.sensitive, where.card, true, where.name});
      in_.advance(1);
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
      return in_.literal("true");
    case 'f':
      return in_.literal("false");
    case 'n':
      return in_.literal("null");
    default:
      if (!in_.number())
        return false;
      if (const auto text = in_.since(start); where.sensitive || (where.card && is_card_number(text)))
        replace(start, text, true);
      return true;
    }
  }

  /// The raw inside of the string here, escapes not looked at.
  std::optional<std::string_view> string() {
    if (!in_.eat('"'))
      return std::nullopt;
    const auto start = in_.at();
    while (!in_.at_end()) {
      const char c = in_.here();
      if (c == '"') {
        const auto inside = in_.since(start);
        in_.advance(1);
        return inside;
      }
      if (static_cast<unsigned char>(c) < 0x20)
        return std::nullopt;
      in_.advance(c == '\\' ? std::min<std::size_t>(2, in_.rest().size()) : 1);
    }
    return std::nullopt;
  }

  /// Puts the token in the place of what was read since `start`.
  void replace(std::size_t start, std::string_view plain, bool number) {
    out_ += json_.substr(kept_, start - kept_);
    json_text{out_}.value(token_(plain, number));
    kept_ = in_.at();
  }

  json_cursor in_;
  std::string_view json_;
  const std::function<std::string(std::string_view, bool)>& token_;
  bool values_of_patch_;
  std::vector<frame> open_;
  std::string out_;
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

namespace {

/// Whether any text in it is a JSON Pointer to a sensitive name. What is no path is looked at too, which does no harm.
bool has_sensitive_path(std::string_view json) {
  for (auto at = json.find("\"/"); at != std::string_view::npos; at = json.find("\"/", at + 1)) {
    auto path = json.substr(at + 2);
    path = path.substr(0, path.find('"'));
    const auto last = path.rfind('/');
    const auto parent = last == std::string_view::npos ? std::string_view{} : path.substr(0, last);
    const auto before = parent.rfind('/');
    if (is_sensitive_name(last == std::string_view::npos ? path : path.substr(last + 1), before == std::string_view::npos ? parent : parent.substr(before + 1)))
      return true;
  }
  return false;
}

} // namespace

std::optional<std::string> redact_json_patch(std::string_view json, const std::function<std::string(std::string_view, bool)>& token) {
  return scanner{json, token, has_sensitive_path(json)}.run();
}

} // namespace hourglass::events
