#include "webhook/erasing.hpp"

#include "webhook/raw_member.hpp"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

namespace hourglass::webhook {

using nlohmann::json;

namespace {

/// The payload begins with the size of its body and ends with that (`message_created`). Headers and
/// type that it brought go with the body.
std::optional<std::string> without_body(std::string_view payload) {
  constexpr std::string_view front = R"({"body_bytes":)";
  if (!payload.starts_with(front))
    return std::nullopt;
  std::uint64_t size = 0;
  const auto [end, problem] =
      std::from_chars(payload.data() + front.size(), payload.data() + payload.size(), size);
  const auto body = raw_member(payload, "body"), content = raw_member(payload, "content");
  if (problem != std::errc{} || body.empty() || (size == 0 && content.empty()))
    return std::nullopt;
  const auto from = content.empty() ? end : content.data() + content.size();
  const auto upto = payload.substr(0, static_cast<std::size_t>(body.data() - payload.data()) -
                                          std::string_view{R"("body":)"}.size());
  std::string out{front};
  out += '2';
  const auto* rest = from;
  if (const auto faults = raw_member(payload, "schema_faults"); !faults.empty()) { // they name its members, and may quote it
    out.append(rest, faults.data()).append("[]");
    rest = faults.data() + faults.size();
  }
  out.append(rest, upto.data() + upto.size());
  return out.append(R"("erased_bytes":)")
      .append(std::to_string(std::max<std::uint64_t>(size, 1)))
      .append(R"(,"body":{}})");
}

std::optional<std::string> without_answer(std::string_view payload) {
  auto object = json::parse(payload, nullptr, false);
  if (!object.is_object())
    return std::nullopt;
  bool changed = false;
  if (const auto response = object.find("response"); response != object.end() && response->is_object())
    if (const auto body = response->find("body"); body != response->end() && *body != json{{"text", ""}}) {
      *body = {{"text", ""}};
      (*response)["erased"] = changed = true;
    }
  // What a script made of the payload, or said about it.
  if (const auto made = object.find("transformed"); made != object.end() && made->is_object() && made->contains("url") && (*made)["url"] != "") {
    (*made)["url"] = "";
    changed = true;
  }
  if (const auto error = object.find("error"); error != object.end() && error->is_object() && error->value("kind", "") == "transformation" && error->value("detail", "") != "") {
    (*error)["detail"] = "";
    changed = true;
  }
  if (!changed)
    return std::nullopt;
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace

std::optional<std::string> without_content(const events::record& r) {
  if (r.erased)
    return std::nullopt;
  if (r.header.kind == events::kind::message_created)
    return without_body(r.payload);
  if (r.header.kind == events::kind::attempt_finished)
    return without_answer(r.payload);
  return std::nullopt;
}

} // namespace hourglass::webhook
