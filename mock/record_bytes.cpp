#include "mock/record_bytes.hpp"

namespace hourglass::mock {

std::string_view content_type(const fields& headers) {
  const auto* type = find(headers, "content-type");
  return type != nullptr ? std::string_view{*type} : std::string_view{};
}

void write_text(events::json_text& j, std::string_view text) {
  if (events::is_utf8(text))
    j.value(text);
  else
    j.bytes(text);
}

std::size_t length_as_json(std::string_view bytes, bool text) {
  if (!text)
    return (bytes.size() + 2) / 3 * 4;
  auto length = bytes.size();
  for (auto c : bytes) {
    if (c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t')
      length += 1;
    else if (static_cast<unsigned char>(c) < 0x20)
      length += 5;
  }
  return length;
}

bool read_bytes(const json_value* v, std::string& into) {
  if (v == nullptr)
    return false;
  if (v->is_string()) {
    into = v->text;
    return true;
  }
  if (const auto* text = v->member("text"); text != nullptr && text->is_string()) {
    into = text->text;
    return true;
  }
  const auto* base64 = v->member("base64");
  return base64 != nullptr && base64->is_string() && events::from_base64(base64->text, into);
}

bool read_headers(const json_value* v, fields& into) {
  if (v == nullptr || !v->is_array())
    return false;
  for (const auto& pair : v->items) {
    std::string value;
    if (pair.items.size() != 2 || !read_bytes(&pair.items[1], value))
      return false;
    into.push_back({pair.items[0].text, std::move(value)});
  }
  return true;
}

} // namespace hourglass::mock
