// Requests that read or change a collection of an imported document.
#include "mock/stateful.hpp"

#include "mock/answer_choice.hpp"
#include "mock/collection_limits.hpp"
#include "mock/collection_turn.hpp"
#include "mock/negotiation.hpp"
#include "mock/target.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

constexpr std::size_t most_tries = 200; ///< members that are tried one by one

bool contains(const std::vector<std::string>& names, std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); }

/// `v` as text of a query or a form means it beside `before`: a number where there was one.
json_value typed_like(const json_value* before, const std::string& text) {
  if (before != nullptr && !before->is_string())
    if (auto v = parse_json(text); v && (v->is_number() || v->is_bool()))
      return std::move(*v);
  return json_value::of(text);
}

/// RFC 7396. Both are bounded in depth where they were read.
void merge_into(json_value& to, const json_value& patch) {
  if (!patch.is_object()) {
    to = patch;
    return;
  }
  if (!to.is_object())
    to = json_value::object();
  for (std::size_t i = 0; i < patch.items.size(); ++i) {
    const auto* before = to.member(patch.names[i]);
    json_value value = before != nullptr && before->is_object() && patch.items[i].is_object() ? *before : json_value{};
    if (value.is_object())
      merge_into(value, patch.items[i]);
    else
      value = patch.items[i];
    to.set(patch.names[i], std::move(value));
  }
}

void drop(json_value& from, std::string_view name) {
  auto out = json_value::object();
  for (std::size_t i = 0; i < from.items.size(); ++i)
    if (from.names[i] != name)
      out.add(from.names[i], std::move(from.items[i]));
  out.seal();
  from = std::move(out);
}

} // namespace

collection_turn::collection_turn(const plan& p, const data_state& data, const request& req, const events::context& ctx)
  : p_(p),
    response_(p.response),
    content_(p.content),
    status_(p.status),
    e_(*p.endpoint),
    c_(*p.endpoint->kept),
    s_(p.endpoint->spec.state),
    req_(req),
    ctx_(ctx),
    items_(c_, data, p.captures, ctx) {}

state_answer answer_from_collection(const plan& p, const data_state& data, const request& req, const events::context& ctx) {
  return collection_turn{p, data, req, ctx}.run(data);
}

state_answer collection_turn::run(const data_state& data) {
  state_answer out;
  if (!items_.has_parents()) {
    out.answer = missing({});
    return out;
  }
  switch (s_.role) {
  case collection_role::list:
    out.answer = list();
    break;
  case collection_role::create:
    out.answer = create();
    break;
  case collection_role::get:
    out.answer = get();
    break;
  case collection_role::replace:
    out.answer = replace();
    break;
  case collection_role::merge:
    out.answer = merge();
    break;
  case collection_role::remove:
    out.answer = remove();
    break;
  }
  if (out.answer.status >= 300)
    return out;
  for (const auto& command : items_.changes()) {
    auto decided = decide_together(data, command); // that they fit is the view's word
    if (!decided)
      return {refuse(decided.error()), {}};
    std::move(decided->events.begin(), decided->events.end(), std::back_inserter(out.changes));
  }
  return out;
}

std::string collection_turn::id_in_path() const {
  return p_.captures.size() >= c_.spec.captures ? p_.captures[c_.spec.captures - 1] : std::string{};
}

/// The body as an object without what is the server's; nothing if it is none.
std::optional<json_value> collection_turn::body() const {
  static const request_check nothing_demanded;
  if (req_.body.empty())
    return json_value::object();
  auto v = (e_.check ? *e_.check : nothing_demanded).body_of(req_);
  if (!v || !v->is_object())
    return std::nullopt;
  auto out = json_value::object();
  for (std::size_t i = 0; i < v->items.size(); ++i)
    if (v->member(v->names[i]) == &v->items[i] && !contains(c_.spec.read_only, v->names[i])) // of repeated members the last counts
      out.add(v->names[i], v->items[i]);
  out.seal();
  return out;
}

response collection_turn::get() {
  const auto id = id_in_path();
  auto item = items_.find(id);
  return item ? show(std::move(*item)) : missing(id);
}

response collection_turn::remove() {
  const auto id = id_in_path();
  auto item = items_.find(id);
  if (!item)
    return missing(id);
  if (auto ok = items_.remove(id); !ok)
    return refuse(ok.error());
  return s_.shown ? show(std::move(*item)) : example();
}

// -- making an item ----------------------------------------------------------------------

/// What an item has whatever a request says: its id, and of `before` (or of the document's own item) what is the server's or required.
json_value collection_turn::begun(json_value id, const json_value* before) {
  auto out = json_value::object();
  const auto& from = before != nullptr ? *before : c_.spec.base;
  if (from.member(c_.spec.id) == nullptr)
    out.add(c_.spec.id, id);
  for (std::size_t i = 0; i < from.items.size(); ++i) {
    const auto& name = from.names[i];
    if (name == c_.spec.id)
      out.add(name, id);
    else if (contains(c_.spec.fills, name) || contains(c_.spec.read_only, name) || contains(c_.spec.created, name) || contains(c_.spec.updated, name))
      out.add(name, from.items[i]);
  }
  for (std::size_t i = 0; before != nullptr && i < c_.spec.base.items.size(); ++i)
    if (contains(c_.spec.fills, c_.spec.base.names[i]) && out.member(c_.spec.base.names[i]) == nullptr)
      out.add(c_.spec.base.names[i], c_.spec.base.items[i]);
  out.seal();
  return out;
}

/// `least` with the members of `wanted`, but those that would make it something else than the schema describes. A null takes a member away where it may not be one.
json_value collection_turn::fitted(json_value least, const json_value& wanted) {
  auto all = least;
  for (std::size_t i = 0; i < wanted.items.size(); ++i)
    all.set(wanted.names[i], wanted.items[i]);
  if (!c_.schema || c_.schema.accepts(all, purse_) || !c_.schema.accepts(least, purse_))
    return all;
  for (std::size_t i = 0; i < wanted.items.size() && i < most_tries; ++i) {
    auto with = least;
    with.set(wanted.names[i], wanted.items[i]);
    if (c_.schema.accepts(with, purse_)) {
      least = std::move(with);
      continue;
    }
    if (!wanted.items[i].is_null() || wanted.names[i] == c_.spec.id)
      continue;
    with = least;
    drop(with, wanted.names[i]);
    if (c_.schema.accepts(with, purse_))
      least = std::move(with);
  }
  return least;
}

void collection_turn::stamp(json_value& item, bool fresh) const {
  auto set = [&](const std::string& name) {
    const auto* before = item.member(name);
    if (before == nullptr)
      return;
    item.set(name, before->is_number() ? json_value::of_number(ctx_.now.us / 1'000'000) : json_value::of(events::to_rfc3339(ctx_.now)));
  };
  if (fresh)
    for (const auto& name : c_.spec.created)
      set(name);
  for (const auto& name : c_.spec.updated)
    set(name);
}

response collection_turn::put(const std::string& id, json_value item, bool fresh) {
  items_.set_from_path(item);
  if (auto ok = items_.put(id, item); !ok)
    return refuse(ok.error());
  if (fresh)
    made_ = id;
  if (fresh && s_.role == collection_role::replace)
    answer_as_made();
  return show(std::move(item));
}

void collection_turn::answer_as_made() {
  plan made;
  const bool declared = std::any_of(e_.answers.begin(), e_.answers.end(), [](const auto& a) { return a.code == 201; });
  if (!declared || !choose_code(e_, 201, made) || !choose_content(e_.answers[made.response], req_.headers, made))
    return;
  response_ = made.response;
  content_ = made.content;
  status_ = 201;
}

response collection_turn::create() {
  auto given = body();
  if (!given)
    return example();
  const auto* wanted = given->member(c_.spec.id);
  std::string id = wanted != nullptr ? id_text(*wanted) : std::string{};
  auto value = wanted != nullptr ? *wanted : json_value{};
  if (id.empty() || (c_.spec.kind == id_kind::integer) != value.is_number()) {
    auto fresh = items_.fresh_id();
    if (!fresh)
      return refuse(507, "no-id", "No id left", "no new id could be made for this collection");
    value = std::move(*fresh);
    id = id_text(value);
  } else if (items_.find(id) && std::any_of(e_.answers.begin(), e_.answers.end(), [](const auto& a) { return a.code == 409; })) {
    return refuse(409, "conflict", "Conflict", "there is an item with the id " + id + " already");
  }
  given->set(c_.spec.id, value);
  auto least = begun(value, nullptr);
  stamp(least, true);
  items_.set_from_path(least);
  return put(id, fitted(std::move(least), *given), true);
}

response collection_turn::replace() {
  auto given = body();
  if (!given)
    return example();
  auto id = id_in_path();
  if (s_.id_in_body)
    id = given->member(c_.spec.id) != nullptr ? id_text(*given->member(c_.spec.id)) : std::string{};
  auto before = items_.find(id);
  const bool creates = std::any_of(e_.answers.begin(), e_.answers.end(), [](const auto& a) { return a.code == 201; });
  if (!before && (!creates || id.empty()))
    return missing(id);
  const auto* known = before ? before->member(c_.spec.id) : nullptr;
  auto value = known != nullptr ? *known : items_.id_of(id);
  auto least = begun(value, before ? &*before : nullptr);
  stamp(least, !before);
  given->set(c_.spec.id, value);
  return put(id, fitted(std::move(least), *given), !before);
}

response collection_turn::merge() {
  auto given = body();
  if (!given)
    return example();
  auto id = id_in_path();
  if (s_.id_in_body)
    id = given->member(c_.spec.id) != nullptr ? id_text(*given->member(c_.spec.id)) : std::string{};
  auto before = items_.find(id);
  if (!before)
    return missing(id);
  if (!s_.filters.empty())
    for (const auto& pair : parse_query(split_target(req_.target).query))
      for (const auto& f : s_.filters)
        if (f.name == pair.name && !f.value.empty() && f.value != c_.spec.id && !contains(c_.spec.read_only, f.value))
          given->set(f.value, typed_like(before->member(f.value), pair.value));
  if (const auto* value = before->member(c_.spec.id))
    given->set(c_.spec.id, *value);
  auto wanted = json_value::object();
  const bool removes = find(req_.headers, "content-type") != nullptr && media_essence(*find(req_.headers, "content-type")) == "application/merge-patch+json";
  for (std::size_t i = 0; i < given->items.size(); ++i) {
    const auto* old = before->member(given->names[i]);
    json_value value = old != nullptr ? *old : json_value{};
    merge_into(value, given->items[i]);
    if (removes && given->items[i].is_null())
      drop(*before, given->names[i]);
    else
      wanted.add(given->names[i], std::move(value));
  }
  wanted.seal();
  auto least = std::move(*before);
  stamp(least, false);
  return put(id, fitted(std::move(least), wanted), false);
}

} // namespace hourglass::mock
