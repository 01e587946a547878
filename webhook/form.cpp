#include "webhook/form.hpp"

#include <cstdint>
#include <vector>

#include <nlohmann/json.hpp>

namespace hourglass::webhook {

namespace {

using nlohmann::json;

void encode(std::string_view text, std::string& into) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '*' || c == '-' || c == '.' || c == '_';
    if (plain)
      into += c;
    else if (c == ' ')
      into += '+';
    else
      into.append(1, '%').append(1, digits[byte >> 4U]).append(1, digits[byte & 15U]);
  }
}

/// Writes as it hears: names of what is within what stand one after the other in `path`.
class form_writer : public nlohmann::json_sax<json> {
public:
  std::string out;
  bool too_large = false, no_object = false;

  bool null() override { return leaf({}); }
  bool boolean(bool v) override { return leaf(v ? "true" : "false"); }
  bool number_integer(std::int64_t v) override { return leaf(std::to_string(v)); }
  bool number_unsigned(std::uint64_t v) override { return leaf(std::to_string(v)); }
  bool number_float(double, const std::string& written) override { return leaf(written); }
  bool string(std::string& v) override { return leaf(v); }
  bool binary(json::binary_t&) override { return false; }

  bool start_object(std::size_t) override { return enter(false); }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override {
    no_object = no_object || levels_.empty();
    return !no_object && enter(true);
  }
  bool end_array() override { return leave(); }
  bool key(std::string& name) override {
    path_.resize(levels_.back().begins);
    if (levels_.size() == 1)
      encode(name, path_);
    else
      path_.append("%5B"), encode(name, path_), path_.append("%5D");
    return fits();
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

private:
  struct level {
    std::size_t begins = 0; ///< of what is within, in `path_`
    bool array = false;
    std::uint64_t next = 0;
  };

  bool fits() {
    too_large = too_large || out.size() + path_.size() > form_bytes;
    return !too_large;
  }

  /// Of an array's element the name is its place.
  bool name_element() {
    if (levels_.empty() || !levels_.back().array)
      return fits();
    path_.resize(levels_.back().begins);
    path_.append("%5B").append(std::to_string(levels_.back().next++)).append("%5D");
    return fits();
  }

  bool leaf(std::string_view value) {
    if (no_object = no_object || levels_.empty(); no_object || !name_element())
      return false;
    if (!out.empty())
      out += '&';
    out.append(path_).append(1, '=');
    encode(value, out);
    return fits();
  }

  bool enter(bool array) {
    if (!name_element())
      return false;
    levels_.push_back({path_.size(), array, 0});
    return true;
  }

  bool leave() {
    levels_.pop_back();
    return true;
  }

  std::string path_;
  std::vector<level> levels_;
};

} // namespace

events::outcome<std::string> form_of(std::string_view text) {
  form_writer w;
  const bool whole = json::sax_parse(text, &w);
  if (w.too_large)
    return events::failure(events::errc::too_large, "the form would be longer than " + std::to_string(form_bytes) + " bytes (form_bytes)");
  if (!whole || w.no_object)
    return events::failure(events::errc::invalid, "only a JSON object can be sent as a form");
  return std::move(w.out);
}

} // namespace hourglass::webhook
