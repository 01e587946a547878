// References of a document, and what of an operation is found through them.
#include "mock/openapi.hpp"

#include "mock/target.hpp"

namespace hourglass::mock {

std::string reference_to_place(std::string_view pointer) {
  std::string out = "#";
  for (char c : pointer) {
    if (c == '%')
      out += "%25";
    else
      out += c;
  }
  return out;
}

const json_value* follow_reference(const json_value& root, const json_value& v) {
  const auto* at = &v;
  std::string pointer;
  for (int hops = 0; hops < 64; ++hops) {
    const auto* reference = at->member("$ref");
    if (reference == nullptr || !reference->is_string())
      return at;
    std::string_view text = reference->text;
    if (text.empty() || text.front() != '#' || !percent_decode(text.substr(1), false, pointer))
      return nullptr;
    at = at_pointer(root, pointer);
    if (at == nullptr)
      return nullptr;
  }
  return nullptr;
}

openapi_body request_body_of(const json_value& root, const json_value& operation) {
  const auto* body = operation.member("requestBody");
  if (body != nullptr)
    body = follow_reference(root, *body);
  const auto* content = body != nullptr ? body->member("content") : nullptr;
  return content != nullptr && content->is_object() ? openapi_body{body, content} : openapi_body{};
}

} // namespace hourglass::mock
