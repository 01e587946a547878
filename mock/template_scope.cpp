#include "mock/template_node.hpp"

#include "events/limits.hpp"
#include "events/time.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

namespace hourglass::mock {

template_scope::template_scope(const request& req, std::span<const std::string> names,
                               std::span<const std::string> captures, const data_state& data, const events::context& ctx)
  : req_(req), names_(names), captures_(captures), data_(data), ctx_(ctx) {
  static_assert(sizeof(state_) == sizeof(ctx.chance));
  std::memcpy(state_, ctx.chance.data(), sizeof(state_));
  state_[0] |= 1; // the generator must not start at zero
}

const std::string* template_scope::path_parameter(std::string_view name) const {
  for (std::size_t i = 0; i < std::min(names_.size(), captures_.size()); ++i)
    if (names_[i] == name)
      return &captures_[i];
  return nullptr;
}

const std::string* template_scope::query(std::string_view name) {
  if (!query_)
    query_ = parse_query(split_target(req_.target).query);
  for (const auto& [key, value] : *query_)
    if (key == name)
      return &value;
  return nullptr;
}

const json_value& template_scope::body() {
  if (!body_) {
    charge(req_.body.size());
    auto parsed = exhausted_ ? json_value{} : parse_json(req_.body, {200'000, limits::json_depth}).value_or(json_value::of(req_.body));
    body_ = std::move(parsed);
  }
  return *body_;
}

const json_value& template_scope::answer_body() {
  if (!answer_body_) {
    charge(answer_->body.size());
    auto parsed = exhausted_ ? json_value{} : parse_json(answer_->body, {200'000, limits::json_depth}).value_or(json_value::of(answer_->body));
    answer_body_ = std::move(parsed);
  }
  return *answer_body_;
}

const json_value* template_scope::item(std::string_view space, std::string_view key) {
  const auto* text = data_.find(space, key);
  if (text == nullptr)
    return nullptr;
  auto [at, fresh] = items_.try_emplace({std::string{space}, std::string{key}});
  if (fresh && charge(text->size()))
    at->second = parse_json(*text).value_or(json_value{});
  return &at->second;
}

std::uint64_t template_scope::draw() noexcept {
  // xoroshiro128++; not for secrets, only to be the same again in a replay
  auto a = state_[0];
  auto b = state_[1];
  auto out = std::rotl(a + b, 17) + a;
  b ^= a;
  state_[0] = std::rotl(a, 49) ^ b ^ (b << 21);
  state_[1] = std::rotl(b, 28);
  return out;
}

bool template_scope::charge(std::size_t bytes) noexcept {
  work_ += bytes;
  exhausted_ = exhausted_ || work_ > limits::template_work_bytes;
  return !exhausted_;
}

namespace {

using op = template_node::op;

template_result text_or_null(const std::string* text) {
  return {text != nullptr ? json_value::of(*text) : json_value{}, {}};
}

/// A step as a name: `data.pets[7]` and `data.pets["7"]` are the same item.
std::string name_of(const template_node& step, template_scope& scope) {
  auto r = evaluate(step, scope);
  if (r.raw)
    r.value = parse_json(*r.raw).value_or(json_value{});
  return r.value.is_string() || r.value.is_number() ? r.value.text : std::string{};
}

/// Follows `steps` from `at`; a copy of what is there, or null.
template_result descend(const json_value* at, std::span<const template_node> steps, template_scope& scope) {
  for (const auto& step : steps) {
    if (at == nullptr)
      return {};
    auto name = name_of(step, scope);
    if (at->is_object()) {
      at = at->member(name);
    } else {
      std::size_t i = 0;
      auto [rest, bad] = std::from_chars(name.data(), name.data() + name.size(), i);
      bool index = bad == std::errc{} && rest == name.data() + name.size();
      at = at->is_array() && index && i < at->items.size() ? &at->items[i] : nullptr;
    }
  }
  if (at == nullptr)
    return {};
  template_result out;
  if (at->is_array() || at->is_object()) {
    out.raw = to_text(*at);
    scope.charge(out.raw->size());
  } else {
    out.value = *at;
    scope.charge(at->text.size());
  }
  return out;
}

template_result all_of(std::string_view space, template_scope& scope) {
  template_result out;
  out.raw = "[";
  if (auto at = scope.data().namespaces.find(space); at != scope.data().namespaces.end()) {
    for (const auto& [key, text] : at->second) {
      if (!scope.charge(text.size() + 1) || out.raw->size() > limits::template_output_bytes)
        break; // render refuses the answer
      if (out.raw->size() > 1)
        *out.raw += ',';
      *out.raw += text;
    }
  }
  *out.raw += ']';
  return out;
}

template_result look_up_data(const template_node& node, template_scope& scope) {
  auto space = name_of(node.steps[0], scope);
  if (node.steps.size() == 1)
    return all_of(space, scope);
  auto key = name_of(node.steps[1], scope);
  if (node.steps.size() > 2)
    return descend(scope.item(space, key), std::span{node.steps}.subspan(2), scope);
  const auto* text = scope.data().find(space, key);
  if (text == nullptr || !scope.charge(text->size()))
    return {};
  return {{}, *text};
}

template_result uuid(template_scope& scope) {
  static constexpr char digits[] = "0123456789abcdef";
  std::uint64_t bits[2] = {scope.draw(), scope.draw()};
  std::string out;
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20)
      out += '-';
    auto nibble = (bits[i / 16] >> (4 * (i % 16))) & 0xf;
    if (i == 12)
      nibble = 4;
    if (i == 16)
      nibble = 8 | (nibble & 3);
    out += digits[nibble];
  }
  return {json_value::of(std::move(out)), {}};
}

template_result random(const template_node& node, template_scope& scope) {
  std::int64_t ends[2] = {0, 0};
  for (std::size_t i = 0; i < 2; ++i) {
    auto r = evaluate(node.steps[i], scope);
    if (r.value.is_string()) // `random(1, request.query.max)`
      r.value = parse_json(r.value.text).value_or(json_value{});
    if (!r.value.as_integer(ends[i]))
      return {};
  }
  if (ends[0] > ends[1])
    std::swap(ends[0], ends[1]);
  auto width = static_cast<std::uint64_t>(ends[1]) - static_cast<std::uint64_t>(ends[0]) + 1;
  auto drawn = width == 0 ? scope.draw() : scope.draw() % width;
  return {json_value::of_number(static_cast<std::int64_t>(static_cast<std::uint64_t>(ends[0]) + drawn)), {}};
}

} // namespace

template_result evaluate(const template_node& node, template_scope& scope) {
  switch (node.what) {
  case op::literal:
    return {node.value, {}};
  case op::path_parameter:
    return text_or_null(scope.path_parameter(name_of(node.steps[0], scope)));
  case op::query:
    return text_or_null(scope.query(name_of(node.steps[0], scope)));
  case op::header:
    return text_or_null(find(scope.req().headers, name_of(node.steps[0], scope)));
  case op::body:
    if (node.steps.empty() && scope.req().body.empty())
      return {};
    return descend(&scope.body(), node.steps, scope);
  case op::method:
    return {json_value::of(scope.req().method), {}};
  case op::target:
    return {json_value::of(scope.req().target), {}};
  case op::answer_status:
    return scope.answer() != nullptr ? template_result{json_value::of_number(static_cast<std::int64_t>(scope.answer()->status)), {}} : template_result{};
  case op::answer_header:
    return text_or_null(scope.answer() != nullptr ? find(scope.answer()->headers, name_of(node.steps[0], scope)) : nullptr);
  case op::answer_body:
    if (scope.answer() == nullptr || (node.steps.empty() && scope.answer()->body.empty()))
      return {};
    return descend(&scope.answer_body(), node.steps, scope);
  case op::env: {
    auto at = scope.data().env.find(name_of(node.steps[0], scope));
    return text_or_null(at != scope.data().env.end() ? &at->second : nullptr);
  }
  case op::data:
    return look_up_data(node, scope);
  case op::now:
    return {json_value::of(events::to_rfc3339(scope.ctx().now)), {}};
  case op::now_unix:
    return {json_value::of_number(scope.ctx().now.us / 1'000'000), {}};
  case op::now_ms:
    return {json_value::of_number(scope.ctx().now.us / 1'000), {}};
  case op::uuid:
    return uuid(scope);
  case op::random:
    return random(node, scope);
  case op::fallback: {
    auto first = evaluate(node.steps[0], scope);
    bool missing = first.raw ? *first.raw == "null" : first.value.is_null();
    return missing ? evaluate(node.steps[1], scope) : first;
  }
  }
  return {};
}

} // namespace hourglass::mock
