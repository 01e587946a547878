// The rules for values of one type: numbers, strings, arrays, objects.
#include "mock/schema_compiler.hpp"

#include <algorithm>
#include <functional>

namespace hourglass::mock {

namespace {

using events::errc;
using dialect = schema_dialect;

number_bound bound_of(const json_value& v, const char* keyword) {
  number_bound out;
  out.keyword = keyword;
  out.text = v.text;
  out.is_small = small_integer(v.text, out.small);
  out.exact = decimal::of(v.text);
  return out;
}

} // namespace

// -- name_table ----------------------------------------------------------------------

name_table::entry& name_table::operator[](const std::string& name) {
  auto [at, fresh] = building_.try_emplace(name, entries_.size());
  if (fresh)
    entries_.push_back({name, nullptr, -1});
  return entries_[at->second];
}

void name_table::seal() {
  building_.clear();
  std::size_t size = 8;
  while (size < entries_.size() * 2)
    size *= 2;
  slots_.assign(size, 0);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    auto at = std::hash<std::string_view>{}(entries_[i].name) & (size - 1);
    while (slots_[at] != 0)
      at = (at + 1) & (size - 1);
    slots_[at] = static_cast<std::uint32_t>(i + 1);
  }
}

const name_table::entry* name_table::find(std::string_view name) const noexcept {
  if (entries_.empty())
    return nullptr;
  auto mask = slots_.size() - 1;
  for (auto at = std::hash<std::string_view>{}(name) & mask; slots_[at] != 0; at = (at + 1) & mask)
    if (const auto& e = entries_[slots_[at] - 1]; e.name == name)
      return &e;
  return nullptr;
}

// -- reading keywords ----------------------------------------------------------------

std::size_t schema_compiler::impl::count(const subject& s, std::string_view keyword, std::size_t otherwise) {
  const auto* v = s.schema.member(keyword);
  if (v == nullptr)
    return otherwise;
  std::int64_t small = 0;
  if (v->is_number() && v->as_integer(small) && small >= 0)
    return static_cast<std::size_t>(small);
  if (v->is_number() && v->text.front() != '-' && decimal::of(v->text).is_integer())
    return unbounded - 1; // more than anything has
  refuse(s, pointer_to("", keyword), "must be a whole number of at least 0");
  return otherwise;
}

bool schema_compiler::impl::truth(const subject& s, std::string_view keyword) {
  const auto* v = s.schema.member(keyword);
  if (v != nullptr && !v->is_bool())
    refuse(s, pointer_to("", keyword), "must be true or false");
  return v != nullptr && v->is_true();
}

std::shared_ptr<const ecma_regex> schema_compiler::impl::regex(const subject& s, std::string_view text, std::string_view where) {
  if (auto known = regexes_.find(text); known != regexes_.end())
    return known->second;
  auto compiled = ecma_regex::compile(text);
  if (!compiled) {
    auto at = compiled.error().where;
    refuse(s, where, "is no regular expression that can be used: " + compiled.error().detail + (at.empty() ? "" : " (at byte " + at + ")"));
    return nullptr;
  }
  regex_steps_ += (*compiled)->steps();
  if (regex_steps_ > limits::schema_regex_steps) {
    refuse(s, where, "is one regular expression too many: together they are larger than the limit schema_regex_steps (" +
                         std::to_string(limits::schema_regex_steps) + ")");
    return nullptr;
  }
  return regexes_.emplace(text, std::move(*compiled)).first->second;
}

// -- numbers and strings -------------------------------------------------------------

void schema_compiler::impl::compile_numbers(const subject& s) {
  number_rules rules;
  const bool by_flag = s.rules.dialect < dialect::draft6;
  auto number = [&](const char* keyword) -> const json_value* {
    const auto* v = s.schema.member(keyword);
    if (v != nullptr && !v->is_number()) {
      refuse(s, pointer_to("", keyword), "must be a number");
      return nullptr;
    }
    return v;
  };
  for (bool upper : {false, true}) {
    const char* plain = upper ? "maximum" : "minimum";
    const char* exclusive = upper ? "exclusiveMaximum" : "exclusiveMinimum";
    const auto* v = number(plain);
    if (v != nullptr) {
      auto b = bound_of(*v, plain);
      b.upper = upper;
      b.exclusive = by_flag && truth(s, exclusive);
      if (b.exclusive)
        b.keyword = exclusive;
      rules.bounds.push_back(std::move(b));
    }
    if (by_flag)
      continue;
    v = number(exclusive);
    if (v == nullptr)
      continue;
    auto b = bound_of(*v, exclusive);
    b.upper = upper;
    b.exclusive = true;
    rules.bounds.push_back(std::move(b));
  }
  if (const auto* v = number("multipleOf")) {
    auto b = bound_of(*v, "multipleOf");
    if (b.exact.is_zero() || b.exact.negative)
      refuse(s, "/multipleOf", "must be greater than 0");
    else if (b.exact.digits.size() > decimal::most_divisor_digits)
      refuse(s, "/multipleOf", "has more than 18 digits");
    else
      rules.multiple_of = std::move(b);
  }
  if (!rules.bounds.empty() || rules.multiple_of)
    s.node.numbers = std::make_unique<number_rules>(std::move(rules));
}

void schema_compiler::impl::compile_strings(const subject& s) {
  if (!has(s, "minLength") && !has(s, "maxLength") && !has(s, "pattern"))
    return;
  string_rules rules;
  rules.least = count(s, "minLength", 0);
  rules.most = count(s, "maxLength", unbounded);
  if (const auto* pattern = s.schema.member("pattern")) {
    if (pattern->is_string())
      rules.pattern = regex(s, pattern->text, "/pattern");
    else
      refuse(s, "/pattern", "must be a string");
  }
  s.node.strings = std::make_unique<string_rules>(std::move(rules));
}

// -- arrays --------------------------------------------------------------------------

void schema_compiler::impl::compile_arrays(const subject& s) {
  array_rules rules;
  bool any = false;
  if (s.rules.validation && (has(s, "minItems") || has(s, "maxItems") || has(s, "uniqueItems"))) {
    rules.least = count(s, "minItems", 0);
    rules.most = count(s, "maxItems", unbounded);
    rules.unique = truth(s, "uniqueItems");
    any = true;
  }
  if (s.rules.applicators) {
    const auto* items = s.schema.member("items");
    if (s.rules.from(dialect::draft2020_12)) {
      rules.prefix = children(s, "prefixItems");
      rules.rest = child(s, "items");
    } else if (items != nullptr && items->is_array()) {
      rules.prefix = children(s, "items");
      rules.prefix_keyword = "items";
      rules.rest = child(s, "additionalItems");
      rules.rest_keyword = "additionalItems";
    } else {
      rules.rest = child(s, "items");
    }
    if (s.rules.from(dialect::draft6))
      rules.contains = child(s, "contains");
    if (rules.contains != nullptr && s.rules.from(dialect::draft2019_09)) {
      rules.contains_evaluates = s.rules.from(dialect::draft2020_12);
      if (s.rules.validation) {
        rules.contains_least = count(s, "minContains", 1);
        rules.contains_most = count(s, "maxContains", unbounded);
      }
    }
    any = any || !rules.prefix.empty() || rules.rest != nullptr || rules.contains != nullptr;
  }
  if (any)
    s.node.arrays = std::make_unique<array_rules>(std::move(rules));
}

// -- objects -------------------------------------------------------------------------

void schema_compiler::impl::compile_objects(const subject& s) {
  object_rules rules;
  bool any = false;
  auto members = [&](std::string_view keyword) -> const json_value* {
    const auto* v = s.schema.member(keyword);
    if (v != nullptr && !v->is_object()) {
      refuse(s, pointer_to("", keyword), "must be an object of schemas");
      return nullptr;
    }
    any = any || v != nullptr;
    return v;
  };
  if (s.rules.applicators) {
    if (const auto* v = members("properties"))
      for (std::size_t i = 0; i < v->items.size(); ++i)
        if (auto r = child(s, v->items[i], pointer_to("/properties", v->names[i])))
          rules.names[v->names[i]].schema = r;
    if (const auto* v = members("patternProperties"))
      for (std::size_t i = 0; i < v->items.size(); ++i) {
        auto at = pointer_to("/patternProperties", v->names[i]);
        auto r = child(s, v->items[i], at);
        if (auto pattern = regex(s, v->names[i], at); pattern && r != nullptr)
          rules.patterns.push_back({std::move(pattern), r});
      }
    rules.additional = child(s, "additionalProperties");
    if (s.rules.from(dialect::draft6))
      rules.property_names = child(s, "propertyNames");
    any = any || rules.additional != nullptr || rules.property_names != nullptr;
  }
  const auto* required = s.rules.validation ? s.schema.member("required") : nullptr;
  if (required != nullptr && !(s.rules.dialect < dialect::draft6 && required->is_bool())) { // draft 3's is common in old documents
    if (!required->is_array())
      refuse(s, "/required", "must be an array of names");
    for (std::size_t i = 0; i < required->items.size(); ++i) {
      if (!required->items[i].is_string()) {
        refuse(s, "/required/" + std::to_string(i), "must be a string");
        continue;
      }
      auto& entry = rules.names[required->items[i].text];
      if (entry.required >= 0)
        continue;
      entry.required = static_cast<int>(rules.required.size());
      rules.required.push_back(required->items[i].text);
      any = true;
    }
  }
  if (s.rules.validation && (has(s, "minProperties") || has(s, "maxProperties"))) {
    rules.least = count(s, "minProperties", 0);
    rules.most = count(s, "maxProperties", unbounded);
    any = true;
  }
  compile_dependents(s, rules);
  if (!any && rules.dependents.empty())
    return;
  rules.names.seal();
  s.node.objects = std::make_unique<object_rules>(std::move(rules));
}

void schema_compiler::impl::compile_dependents(const subject& s, object_rules& into) {
  auto read = [&](const char* keyword, bool schemas, bool names) {
    const auto* v = s.schema.member(keyword);
    if (v == nullptr)
      return;
    if (!v->is_object())
      return refuse(s, pointer_to("", keyword), "must be an object");
    for (std::size_t i = 0; i < v->items.size(); ++i) {
      const auto& item = v->items[i];
      auto at = pointer_to(pointer_to("", keyword), v->names[i]);
      dependent_rule rule;
      rule.name = v->names[i];
      rule.keyword = keyword;
      if (names && item.is_array()) {
        for (const auto& n : item.items) {
          if (!n.is_string())
            return refuse(s, at, "must be an array of names");
          rule.required.push_back(n.text);
        }
      } else if (schemas) {
        rule.schema = child(s, item, at);
      } else {
        return refuse(s, at, "must be an array of names");
      }
      into.dependents.push_back(std::move(rule));
    }
  };
  if (s.rules.applicators && !s.rules.openapi())
    read("dependencies", true, true);
  if (!s.rules.from(dialect::draft2019_09))
    return;
  if (s.rules.applicators)
    read("dependentSchemas", true, false);
  if (s.rules.validation)
    read("dependentRequired", false, true);
}

void schema_compiler::impl::compile_discriminator(const subject& s) {
  const auto* discriminator = s.schema.member("discriminator");
  if (discriminator == nullptr || !s.node.logic)
    return;
  const auto* alternatives = s.schema.member(s.node.logic->one_of.empty() ? "anyOf" : "oneOf");
  auto property = discriminator->string_member("propertyName");
  if (alternatives == nullptr || property.empty())
    return;
  discriminator_rule rule;
  rule.property = property;
  std::map<std::string, std::size_t, std::less<>> references;
  for (std::size_t i = 0; i < alternatives->items.size(); ++i) {
    auto reference = alternatives->items[i].string_member("$ref");
    if (reference.empty())
      continue;
    references.emplace(reference, i);
    auto cut = reference.find_last_of("/1"); // the last token of a pointer, which may be escaped into one (`~1`)
    while (cut != std::string_view::npos && reference[cut] == '1' && (cut == 0 || reference[cut - 1] != '~'))
      cut = cut == 0 ? std::string_view::npos : reference.find_last_of("/1", cut - 1);
    rule.alternatives.emplace(reference.substr(cut == std::string_view::npos ? 0 : cut + 1), i);
  }
  const auto names = rule.alternatives;
  const auto* mapping = discriminator->member("mapping");
  for (std::size_t k = 0; mapping != nullptr && mapping->is_object() && k < mapping->items.size(); ++k) {
    if (auto at = references.find(mapping->items[k].text); at != references.end())
      rule.alternatives.insert_or_assign(mapping->names[k], at->second);
    else if (auto name = names.find(mapping->items[k].text); name != names.end())
      rule.alternatives.insert_or_assign(mapping->names[k], name->second);
  }
  logic(s).discriminator = std::move(rule);
}

} // namespace hourglass::mock
