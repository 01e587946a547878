#include "mock/part_match.hpp"

#include "mock/object_reader.hpp"
#include "mock/refusal.hpp"
#include "mock/target.hpp"

#include <algorithm>

namespace hourglass::mock {

events::outcome<part_match> part_match::compile(const json_value& v, const std::string& at, match_budget& budget) {
  object_reader in{v, at};
  in.only({"name", "filename", "headers", "body", "every"});
  part_match out;
  out.where_ = at;
  out.every_ = in.truth("every", false);
  const auto* headers = in.object("headers");
  if (in.problem())
    return tl::unexpected<events::error>{*in.problem()};
  for (const auto* name : {"name", "filename"})
    if (const auto* member = v.member(name)) {
      auto condition = text_condition::compile(*member, in.where(name), budget);
      if (!condition)
        return tl::unexpected<events::error>{std::move(condition).error()};
      (name == std::string_view{"name"} ? out.name_ : out.filename_) = std::move(*condition);
    }
  for (std::size_t i = 0; headers != nullptr && i < headers->items.size(); ++i) {
    auto condition = text_condition::compile(headers->items[i], pointer_to(in.where("headers"), headers->names[i]), budget);
    if (!condition)
      return tl::unexpected<events::error>{std::move(condition).error()};
    out.headers_.emplace_back(headers->names[i], std::move(*condition));
  }
  if (const auto* body = v.member("body")) {
    const bool several = body->is_array();
    for (std::size_t i = 0; i < (several ? body->items.size() : 1); ++i) {
      auto one =
          body_condition::compile(several ? body->items[i] : *body, several ? in.where("body") + '/' + std::to_string(i) : in.where("body"), budget);
      if (!one)
        return tl::unexpected<events::error>{std::move(one).error()};
      out.bodies_.push_back(std::move(*one));
    }
  }
  return out;
}

bool part_match::fits(match_subject::part& part, schema_purse& purse) const {
  const std::string_view name = part.head.name;
  const std::string_view filename = part.head.filename;
  if (name_ && !name_->holds({&name, name.empty() ? std::size_t{0} : std::size_t{1}}, purse))
    return false;
  if (filename_ && !filename_->holds({&filename, part.head.has_filename ? std::size_t{1} : std::size_t{0}}, purse))
    return false;
  for (const auto& [wanted, condition] : headers_) {
    std::vector<std::string_view> values;
    for (const auto& h : part.head.headers)
      if (same_name(h.name, wanted))
        values.emplace_back(h.value);
    if (!condition.holds(values, purse))
      return false;
  }
  return std::all_of(bodies_.begin(), bodies_.end(), [&](const body_condition& b) { return b.holds(part.body, purse); });
}

bool part_match::holds(match_subject& of) const {
  auto& parts = of.parts();
  auto fit = [&](match_subject::part& p) { return fits(p, of.purse); };
  return !parts.empty() && (every_ ? std::all_of(parts.begin(), parts.end(), fit) : std::any_of(parts.begin(), parts.end(), fit)) &&
         !of.purse.empty();
}

match_difference part_match::difference(match_subject& of) const {
  // What a part holds, or shall hold, may be anything; the names of those that came say enough.
  match_difference out{where_, {}, std::nullopt, false, {}};
  const auto& parts = of.parts();
  if (parts.empty()) {
    out.detail = "the body is no multipart body";
    return out;
  }
  std::string names;
  for (std::size_t i = 0; i < std::min<std::size_t>(parts.size(), 5); ++i)
    names += (i == 0 ? "" : ", ") + quoted(parts[i].head.name);
  out.came = "parts: " + names + (parts.size() > 5 ? ", …" : "");
  return out;
}

} // namespace hourglass::mock
