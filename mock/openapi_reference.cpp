// References of a document, and what of an operation is found through them.
#include "mock/openapi.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"
#include "mock/target.hpp"

#include <set>

namespace hourglass::mock {

namespace {

void follow_all(const json_value& root, const json_value& v, std::set<const json_value*>& seen, std::vector<const json_value*>& found) {
  if (v.member("$ref") != nullptr)
    if (const auto* target = follow_reference(root, v); target != nullptr && seen.insert(target).second)
      found.push_back(target);
  for (const auto& item : v.items)
    follow_all(root, item, seen, found);
}

} // namespace

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

std::string digest_of_all(const json_value& root, const json_value& from, std::size_t& bytes_left) {
  std::set<const json_value*> seen{&from};
  std::vector<const json_value*> found{&from};
  std::string digest;
  for (std::size_t i = 0; i < found.size() && bytes_left > 0; ++i) {
    const auto text = to_text(*found[i]);
    bytes_left -= std::min(bytes_left, text.size());
    digest = events::to_hex(events::as_text(events::sha256({digest, text})));
    follow_all(root, *found[i], seen, found);
  }
  return digest;
}

openapi_body request_body_of(const json_value& root, const json_value& operation) {
  const auto* body = operation.member("requestBody");
  if (body != nullptr)
    body = follow_reference(root, *body);
  const auto* content = body != nullptr ? body->member("content") : nullptr;
  return content != nullptr && content->is_object() ? openapi_body{body, content} : openapi_body{};
}

} // namespace hourglass::mock
