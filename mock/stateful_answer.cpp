// How the answer of a document shows items, and how it says that there is none.
#include "events/json_text.hpp"
#include "mock/answer_choice.hpp"
#include "mock/collection_turn.hpp"
#include "mock/negotiation.hpp"
#include "mock/openapi_item.hpp"
#include "mock/refusal.hpp"
#include "mock/target.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

/// Puts `value` where `at` leads to in `around`.
json_value placed(json_value around, const std::vector<std::string>& at, std::size_t step, json_value value) {
  if (step == at.size())
    return value;
  if (!around.is_object())
    around = json_value::object();
  const auto* inner = around.member(at[step]);
  around.set(at[step], placed(inner != nullptr ? *inner : json_value{}, at, step + 1, std::move(value)));
  return around;
}

} // namespace

std::string collection_turn::shortened(std::string_view text) {
  if (!events::is_utf8(text))
    return "(bytes that are not UTF-8)";
  return text.size() <= 100 ? std::string{text} : "(a text of " + std::to_string(text.size()) + " bytes)";
}

bool collection_turn::shows_json() const {
  const auto& a = e_.answers[response_];
  if (!s_.shown || a.bodies.empty() || status_ == 204 || status_ == 304 || !is_json_media(a.media[content_]))
    return false;
  const auto here = e_.spec.responses[response_].status + ' ' + std::string{media_essence(a.media[content_])};
  return s_.answers.empty() || contains(s_.answers, here);
}

json_value collection_turn::whole_example() const {
  const auto& a = e_.answers[response_];
  auto v = parse_json(a.bodies[a.first[content_] + p_.example].sent);
  return v ? std::move(*v) : json_value{};
}

void collection_turn::add_headers(response& out) const {
  for (const auto& h : e_.spec.responses[response_].headers) {
    auto value = h.value;
    if (same_name(h.name, "location") && !made_.empty()) {
      // Relative to the request's own path, so that it leads to the item wherever the sandbox is mounted.
      const auto path = split_target(req_.target).path;
      value = std::string{path.substr(path.rfind('/') + 1)};
      if (s_.role == collection_role::create) {
        value += value.empty() ? "" : "/";
        for (char c : made_) {
          const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
          const bool plain = letter || std::string_view{"-._~"}.find(c) != std::string_view::npos;
          value += plain ? std::string(1, c) : '%' + events::to_hex(std::string(1, c));
        }
      }
    }
    const auto plain = plain_name(h.name);
    if (s_.role == collection_role::list && (plain == "xtotalcount" || plain == "xtotal" || plain == "totalcount"))
      value = std::to_string(page_.total);
    out.headers.push_back({h.name, std::move(value)});
  }
}

response collection_turn::example() const {
  const auto& a = e_.answers[response_];
  response out;
  out.status = status_;
  if (!a.bodies.empty() && status_ != 204 && status_ != 304) {
    const auto& body = a.bodies[a.first[content_] + p_.example];
    out.headers.push_back({"Content-Type", std::string{body.media_type}});
    out.body = body.sent;
  }
  add_headers(out);
  return out;
}

/// `like`: the example's item, for what the answer must have and the item has not.
json_value collection_turn::visible(json_value item, const json_value* like) const {
  if (!item.is_object() || (s_.members.empty() && c_.spec.write_only.empty()))
    return item;
  auto out = json_value::object();
  for (std::size_t i = 0; i < item.items.size(); ++i)
    if ((s_.members.empty() || contains(s_.members, item.names[i])) && !contains(c_.spec.write_only, item.names[i]))
      out.add(item.names[i], std::move(item.items[i]));
  for (std::size_t i = 0; like != nullptr && i < like->items.size() && i < like->names.size(); ++i)
    if (contains(s_.needs, like->names[i]) && out.member(like->names[i]) == nullptr)
      out.add(like->names[i], like->items[i]);
  out.seal();
  return out;
}

response collection_turn::show(json_value item) const {
  auto out = example();
  if (!shows_json())
    return out;
  const auto around = s_.at.empty() && s_.needs.empty() ? json_value{} : whole_example();
  auto seen = visible(std::move(item), around.reached(s_.at));
  out.body = to_text(placed(around, s_.at, 0, std::move(seen)));
  return out;
}

response collection_turn::show_all(std::vector<json_value> items) const {
  auto out = example();
  if (!shows_json())
    return out;
  auto around = s_.at.empty() && s_.needs.empty() ? json_value{} : whole_example();
  const auto* there = around.reached(s_.at);
  const auto* like = there != nullptr && there->is_array() && !there->items.empty() ? &there->items.front() : nullptr;
  auto all = json_value::array();
  for (auto& item : items)
    all.items.push_back(visible(std::move(item), like));
  if (!s_.at.empty())
    count_pages(around, 0);
  out.body = to_text(placed(std::move(around), s_.at, 0, std::move(all)));
  return out;
}

response collection_turn::refuse(unsigned status, std::string_view name, std::string_view title, std::string detail) const {
  auto declared = declared_error(e_, status, req_);
  return declared ? std::move(*declared) : refusal(status, name, title, detail);
}

response collection_turn::missing(std::string_view id) const {
  auto detail = id.empty() ? "what this path is about does not exist" : "there is no item with the id " + shortened(id) + " in " + c_.spec.path;
  return refuse(404, "no-such-item", "No such item", std::move(detail));
}

response collection_turn::refuse(const events::error& why) const {
  if (why.code == events::errc::invalid)
    return refusal(400, "invalid-id", "Invalid id", why.detail);
  return refusal(507, "insufficient-storage", "Insufficient storage", why.detail);
}

/// As a request is answered that breaks a rule of its operation. An answer of the document's own has no place for what is wrong: the header tells.
response collection_turn::refuse(const std::vector<request_fault>& faults) {
  static const request_check nothing_demanded;
  const auto& check = e_.check ? *e_.check : nothing_demanded;
  auto declared = declared_error(e_, check.refusal_status(faults), req_);
  if (!declared)
    return check.refusal_of(faults);
  if (auto text = request_check::report_of(faults); text != p_.report)
    tell(text);
  return std::move(*declared);
}

void collection_turn::tell(std::string_view what) {
  constexpr std::size_t most = 500;
  told_ += (told_.empty() ? "" : "; ") + std::string{what};
  for (char& c : told_) // a header has no room for more than plain text
    c = static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f ? '?' : c;
  told_.resize(std::min(told_.size(), most));
}

response collection_turn::unfit(const events::error& why) {
  if (why.code == events::errc::too_large)
    return refuse(422, "unfit-item", "Item does not fit", why.detail);
  return refuse(left_out_);
}

} // namespace hourglass::mock
