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

/// `v` as text of a query or a form means it beside `before`: a number where there was one.
json_value typed_like(const json_value* before, const std::string& text) {
  if (before != nullptr && !before->is_string())
    if (auto v = parse_json(text); v && (v->is_number() || v->is_bool()))
      return std::move(*v);
  return json_value::of(text);
}

/// Whether a path can name it: dot segments are taken out on the way, and control characters are refused by much of what stands in between.
bool can_be_named(std::string_view id) {
  return id != "." && id != ".." && std::none_of(id.begin(), id.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

} // namespace

schema_fault unread_fault(const events::error& why) {
  const bool costly = why.code == events::errc::too_large;
  return {"", "", costly ? "" : "json", (costly ? "" : "does not read: ") + why.detail + (why.where.empty() ? "" : " (" + why.where + ")")};
}

collection_turn::collection_turn(const plan& p, const data_state& data, const request& req, const events::context& ctx, const events::redactor& redact)
  : p_(p),
    response_(p.response),
    content_(p.content),
    status_(p.status),
    e_(*p.endpoint),
    c_(*p.endpoint->kept),
    s_(p.endpoint->spec.state),
    req_(req),
    ctx_(ctx),
    redact_(redact),
    items_(c_, data, p.captures, ctx) {}

state_answer answer_from_collection(const plan& p, const data_state& data, const request& req, const events::context& ctx, const events::redactor& redact) {
  return collection_turn{p, data, req, ctx, redact}.run(data);
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
  if (out.answer.status != 404) // of what is not there, nothing was to be taken
    out.report = std::move(told_);
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

/// The body as an object without what is the server's; or what is answered because there is none, or one that is too large.
tl::expected<json_value, response> collection_turn::body() {
  static const request_check nothing_demanded;
  auto out = json_value::object();
  if (req_.body.empty())
    return out;
  const auto* type = find(req_.headers, "content-type");
  const auto media = type != nullptr ? media_essence(*type) : std::string{};
  if (media.empty() || is_json_media(media) || media == "application/x-www-form-urlencoded" || is_xml_media(media))
    if (auto large = too_large())
      return tl::unexpected{std::move(*large)};
  const auto v = (e_.check ? *e_.check : nothing_demanded).body_of(req_, c_.schema);
  if (!v && v.error().code == events::errc::not_found) { // an upload, perhaps: the operation may take it, but what it says is no item's
    unread_ = true;
    tell("not taken: body " + v.error().detail);
    return out;
  }
  if (!v)
    return tl::unexpected{refuse({{{"body"}, unread_fault(v.error())}})};
  if (v->is_array() && answers_for_many()) {
    tell("not taken: body is a list, and items are made one at a time");
    return tl::unexpected{example()};
  }
  if (!v->is_object())
    return tl::unexpected{refuse({{{"body"}, {"", "", "type", "must be an object: the members of an item"}}})};
  if (v->items.size() > limits::collection_item_members)
    return tl::unexpected{refuse(422, "unfit-item", "Item does not fit",
                                 "the body has more members than the limit collection_item_members (" + std::to_string(limits::collection_item_members) + ")")};
  for (std::size_t i = 0; i < v->items.size(); ++i)
    if (v->member(v->names[i]) == &v->items[i] && !contains(c_.spec.read_only, v->names[i])) // of repeated members the last counts
      out.add(v->names[i], v->items[i]);
  out.seal();
  return out;
}

std::optional<response> collection_turn::too_large() const {
  if (req_.body.size() <= limits::data_value_bytes)
    return std::nullopt;
  return refuse(413, "content-too-large", "Content too large", "the body is larger than the limit data_value_bytes (" + std::to_string(limits::data_value_bytes) + ")");
}

/// Whether the operation itself says that it takes this body, which is a list: to make many items at once.
bool collection_turn::answers_for_many() const {
  if (s_.role != collection_role::create || !e_.check || !e_.check->demands_body())
    return false;
  const auto faults = e_.check->faults(req_, e_.route.parameters, p_.captures);
  return std::none_of(faults.begin(), faults.end(), [](const request_fault& f) { return f.location.front() == "body"; });
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

response collection_turn::put(const std::string& id, json_value least, json_value wanted, bool fresh, bool removes) {
  if (fresh && !can_be_named(id))
    return refuse({{{"body", told_pointer(c_.spec.id)},
                    {told_pointer(pointer_to("", c_.spec.id)), "", "", "must be an id that a path can name: neither `.` nor `..`, and without control characters"}}});
  items_.set_from_path(wanted);
  auto item = fitted(std::move(least), without_secrets(std::move(wanted)), removes);
  if (!item)
    return unfit(item.error());
  if (auto refused = what_is_left_out())
    return std::move(*refused);
  stand_in_for_secrets(*item);
  if (auto ok = items_.put(id, *item); !ok)
    return refuse(ok.error());
  if (fresh)
    made_ = id;
  if (fresh && s_.role == collection_role::replace)
    answer_as_made();
  return show(std::move(*item));
}

/// Refused under `enforce`, else told. What came by the query is only told: the operation has taken it by its own rules.
std::optional<response> collection_turn::what_is_left_out() {
  const auto of_body = [this](const request_fault& f) { return std::find(of_query_.begin(), of_query_.end(), f.location.back()) == of_query_.end(); };
  if (e_.check && e_.check->enforced() && std::any_of(left_out_.begin(), left_out_.end(), of_body))
    return refuse(left_out_);
  for (const auto& f : left_out_)
    tell((told_.empty() ? "not taken: " : "") + f.location.front() + '.' + f.location.back() + " (" + f.why.message + ')');
  return std::nullopt;
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
    return std::move(given).error();
  auto start = [&](const json_value& id) {
    auto out = begun(id, nullptr);
    stamp(out, true);
    items_.set_from_path(out);
    return out;
  };
  auto fits = [&](const json_value& id) { return id_fits(start(id)); };
  const auto* wanted = given->member(c_.spec.id);
  std::string id = wanted != nullptr ? id_text(*wanted) : std::string{};
  auto value = wanted != nullptr ? *wanted : json_value{};
  if (id.empty() || (c_.spec.kind == id_kind::integer) != value.is_number() || !fits(value)) {
    auto fresh = items_.fresh_id(fits);
    if (!fresh)
      return refuse(507, "no-id", "No id left", "no new id could be made for this collection");
    value = std::move(*fresh);
    id = id_text(value);
  } else if (items_.taken(id)) {
    return refuse(409, "conflict", "Conflict", "there is an item with the id " + shortened(id) + " already");
  }
  given->set(c_.spec.id, value);
  return put(id, start(value), std::move(*given), true, false);
}

std::string collection_turn::id_meant(const json_value& given) const {
  if (!s_.id_in_body)
    return id_in_path();
  const auto* id = given.member(c_.spec.id);
  return id != nullptr ? id_text(*id) : std::string{};
}

response collection_turn::replace() {
  auto given = body();
  if (!given && s_.id_in_body)
    return std::move(given).error();
  const auto id = given ? id_meant(*given) : id_in_path();
  auto before = items_.find(id);
  const bool creates = std::any_of(e_.answers.begin(), e_.answers.end(), [](const auto& a) { return a.code == 201; });
  if (!before && (!creates || id.empty()))
    return missing(id);
  if (!before && items_.taken(id))
    return refuse(409, "conflict", "Conflict", "what is stored under the id " + shortened(id) + " is no item");
  if (!given)
    return std::move(given).error();
  if (unread_ && before)
    return show(std::move(*before));
  const auto* known = before ? before->member(c_.spec.id) : nullptr;
  auto value = known != nullptr ? *known : items_.id_of(id);
  auto least = begun(value, before ? &*before : nullptr);
  stamp(least, !before);
  if (!before && !id_fits(least))
    return refuse(422, "unfit-item", "Item does not fit", "the id " + shortened(id) + " is none that the schema of the items allows");
  given->set(c_.spec.id, value);
  return put(id, std::move(least), std::move(*given), !before, false);
}

response collection_turn::merge() {
  const auto* type = find(req_.headers, "content-type");
  const auto media = type != nullptr ? media_essence(*type) : std::string{};
  if (media == "application/json-patch+json" && !s_.id_in_body)
    return patch();
  auto given = body();
  if (!given && s_.id_in_body)
    return std::move(given).error();
  const auto id = given ? id_meant(*given) : id_in_path();
  auto before = items_.find(id);
  if (!before)
    return missing(id);
  if (!given)
    return std::move(given).error();
  if (unread_)
    return show(std::move(*before));
  if (!s_.filters.empty())
    for (const auto& pair : parse_query(split_target(req_.target).query))
      for (const auto& f : s_.filters)
        if (f.name == pair.name && !f.value.empty() && f.value != c_.spec.id && !contains(c_.spec.read_only, f.value))
          of_query_.push_back(told_pointer(f.value)), given->set(f.value, typed_like(before->member(f.value), pair.value));
  if (const auto* value = before->member(c_.spec.id))
    given->set(c_.spec.id, *value);
  const bool removes = media == "application/merge-patch+json";
  auto wanted = json_value::object();
  for (std::size_t i = 0; i < given->items.size(); ++i) {
    const auto* old = before->member(given->names[i]);
    wanted.add(given->names[i], merged(old != nullptr ? *old : json_value{}, given->items[i], removes));
  }
  wanted.seal();
  auto least = std::move(*before);
  stamp(least, false);
  return put(id, std::move(least), std::move(wanted), false, removes);
}

} // namespace hourglass::mock
