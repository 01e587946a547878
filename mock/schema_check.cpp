// Checking a value: what concerns every type, and in which order. Values of one type are schema_check_types.cpp's.
#include "mock/schema_check.hpp"

#include "mock/json_compare.hpp"
#include "mock/schema_format.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

using type = json_value::type;

void merge(evaluated_marks& into, const evaluated_marks& from) {
  for (std::size_t i = 0; i < from.size(); ++i)
    if (from[i])
      into[i] = true;
}

bool is_whole(const json_value& v) { return decimal::of(v.text).is_integer(); }

} // namespace

bool schema_check::spend(std::uint64_t work) noexcept {
  if (purse_.spend(work))
    return true;
  exhausted_ = true;
  return false;
}

bool schema_check::run(const schema_node& n, const json_value& v) {
  instance_place root;
  way w{root, nullptr, 0};
  bool ok = check(n, v, w, nullptr);
  if (!exhausted_)
    return ok;
  if (faults_ != nullptr)
    faults_->assign(1, too_much_work(n));
  return false;
}

schema_fault schema_check::too_much_work(const schema_node& n) {
  return {"", told_pointer(n.at), "", "takes more work to check than the limits schema_work and schema_depth allow"};
}

bool schema_check::quietly(const schema_node& n, const json_value& v, const way& w, evaluated_marks* marks) {
  auto* told = std::exchange(faults_, nullptr);
  bool ok = check(n, v, w, marks);
  faults_ = told;
  return ok;
}

bool schema_check::check(const schema_node& n, const json_value& v, const way& above, evaluated_marks* marks) {
  if (above.depth >= limits::schema_depth || !spend(1)) {
    exhausted_ = true;
    return false;
  }
  if (n.never)
    return fault(n, "", above, [] { return std::string{"is not allowed here"}; });
  if (n.nullable && v.is_null())
    return true;
  if (v.kind == type::number && !spend(v.text.size() / 16))
    return false;
  const dynamic_scope inner{above.scope, n.resource};
  const bool entered = above.scope == nullptr || above.scope->resource != n.resource;
  const way w{above.at, entered ? &inner : above.scope, above.depth + 1};

  bool ok = true;
  auto go_on = [&](bool good) {
    ok = ok && good;
    return (good || !enough()) && !exhausted_;
  };
  if (!go_on(type_fits(n, v) || fault(n, "type", w, [&] { return "must be " + names_of_types(n.types) + ", is " + std::string{name_of_type(v)}; })))
    return false;
  if (!ok) // the rest would only repeat it
    return false;

  const bool unevaluated = n.logic && ((n.logic->unevaluated_items != nullptr && v.is_array()) || (n.logic->unevaluated_members != nullptr && v.is_object()));
  evaluated_marks own;
  auto* into = marks;
  if (unevaluated) {
    if (!spend(v.items.size() / 16))
      return false;
    own.resize(v.items.size());
    into = &own;
  }
  switch (v.kind) {
  case type::number:
    if (n.numbers && !go_on(check_number(n, v, w)))
      return false;
    break;
  case type::string:
    if (n.strings && !go_on(check_string(n, v.text, w)))
      return false;
    break;
  case type::array:
    if (n.arrays && !go_on(check_array(n, v, w, into)))
      return false;
    break;
  case type::object:
    if (n.objects && !go_on(check_object(n, v, w, into)))
      return false;
    break;
  default:
    break;
  }
  if (n.format != nullptr && v.kind == (n.format->numbers ? type::number : type::string) && spend(v.text.size()))
    if (!go_on(n.format->fits(v.text) || fault(n, "format", w, [&] { return "must be " + std::string{n.format->noun} + ", is " + shown(v); })))
      return false;
  if (n.logic && (!go_on(check_values(n, v, w)) || !go_on(check_logic(n, v, w, into))))
    return false;
  if (!ok)
    return false;
  if (unevaluated) {
    if (!check_unevaluated(n, v, w, own))
      return false;
    if (marks != nullptr)
      marks->assign(marks->size(), true); // all that was left was looked at by this very keyword
  }
  return true;
}

bool schema_check::check_unevaluated(const schema_node& n, const json_value& v, const way& w, const evaluated_marks& marks) {
  const bool array = v.is_array();
  const auto* keyword = array ? "unevaluatedItems" : "unevaluatedProperties";
  const auto& rest = array ? *n.logic->unevaluated_items : *n.logic->unevaluated_members;
  bool ok = true;
  for (std::size_t i = 0; i < v.items.size(); ++i) {
    if (marks[i])
      continue;
    instance_place at{&w.at, array ? nullptr : &v.names[i], i};
    way inner{at, w.scope, w.depth};
    bool good = rest.never ? fault(n, keyword, inner, [&] { return array ? std::string{"is an element too many"} : "is a member that is not known"; })
                           : check(rest, v.items[i], inner, nullptr);
    ok = ok && good;
    if (exhausted_ || (!ok && enough()))
      return false;
  }
  return ok;
}

bool schema_check::check_values(const schema_node& n, const json_value& v, const way& w) {
  const auto& l = *n.logic;
  auto is_v = [&](const json_value& c) { return same_value(c, v, purse_.left); };
  bool good = !l.has_constant || is_v(l.constant);
  if (!spend(0))
    return false;
  if (!good)
    return fault(n, "const", w, [&] { return "must be " + shown(l.constant) + ", is " + shown(v); });
  if (!l.has_choices)
    return true;
  if (v.is_string() && !spend(1 + v.text.size() / 16))
    return false;
  bool known = v.is_string() ? std::binary_search(l.choice_texts.begin(), l.choice_texts.end(), v.text)
                             : std::any_of(l.choices.begin(), l.choices.end(), is_v);
  if (!spend(0))
    return false;
  return known || fault(n, "enum", w, [&] {
           std::string all;
           std::size_t told = 0;
           for (const auto& c : l.choice_texts)
             if (++told <= 10)
               all += (all.empty() ? "" : ", ") + shown(json_value::of(c));
           for (const auto& c : l.choices)
             if (++told <= 10)
               all += (all.empty() ? "" : ", ") + shown(c);
           return "must be one of " + all + (told > 10 ? " and " + std::to_string(told - 10) + " more" : "") + "; is " + shown(v);
         });
}

bool schema_check::check_logic(const schema_node& n, const json_value& v, const way& w, evaluated_marks* marks) {
  const auto& l = *n.logic;
  bool ok = true;
  auto go_on = [&](bool good) {
    ok = ok && good;
    return (good || !enough()) && !exhausted_;
  };
  if (l.reference != nullptr && !go_on(check(*l.reference, v, w, marks)))
    return false;
  if (l.dynamic != nullptr && !go_on(check(*dynamic_target(l, w.scope), v, w, marks)))
    return false;
  for (const auto* part : l.all_of)
    if (!go_on(check(*part, v, w, marks)))
      return false;
  if (!l.any_of.empty() && !go_on(check_alternatives(n, v, w, marks)))
    return false;
  if (!l.one_of.empty() && !go_on(check_one_of(n, v, w, marks)))
    return false;
  if (l.negated != nullptr && !go_on(!quietly(*l.negated, v, w, nullptr) || fault(n, "not", w, [] { return std::string{"fits the schema of `not`"}; })))
    return false;
  if (l.condition != nullptr) {
    if (!spend_marks(marks))
      return false;
    evaluated_marks own(marks != nullptr ? v.items.size() : 0);
    bool holds = quietly(*l.condition, v, w, marks != nullptr ? &own : nullptr);
    if (holds && marks != nullptr)
      merge(*marks, own);
    const auto* then = holds ? l.consequence : l.alternative;
    if (then != nullptr && !go_on(check(*then, v, w, marks)))
      return false;
  }
  return ok;
}

bool schema_check::check_alternatives(const schema_node& n, const json_value& v, const way& w, evaluated_marks* marks) {
  bool any = false;
  for (const auto* one : n.logic->any_of) {
    if (!spend_marks(marks))
      return false;
    evaluated_marks own(marks != nullptr ? v.items.size() : 0);
    if (!quietly(*one, v, w, marks != nullptr ? &own : nullptr))
      continue;
    any = true;
    if (marks == nullptr)
      break;
    merge(*marks, own);
  }
  if (any || exhausted_)
    return any;
  fault(n, "anyOf", w, [&] { return "fits none of the " + std::to_string(n.logic->any_of.size()) + " alternatives of `anyOf`"; });
  explain(n, n.logic->any_of, v, w);
  return false;
}

bool schema_check::check_one_of(const schema_node& n, const json_value& v, const way& w, evaluated_marks* marks) {
  const auto& all = n.logic->one_of;
  std::size_t first = all.size();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!spend_marks(marks))
      return false;
    evaluated_marks own(marks != nullptr ? v.items.size() : 0);
    if (!quietly(*all[i], v, w, marks != nullptr ? &own : nullptr))
      continue;
    if (first < all.size())
      return fault(n, "oneOf", w, [&] {
        return "fits more than one alternative of `oneOf`: those at " + std::to_string(first) + " and " + std::to_string(i);
      });
    first = i;
    if (marks != nullptr)
      merge(*marks, own);
  }
  if (first < all.size() || exhausted_)
    return first < all.size();
  fault(n, "oneOf", w, [&] { return "fits none of the " + std::to_string(all.size()) + " alternatives of `oneOf`"; });
  explain(n, all, v, w);
  return false;
}

/// Tells what is wrong with the alternative that was meant, if a discriminator or the type says which that is.
void schema_check::explain(const schema_node& n, const std::vector<schema_ref>& alternatives, const json_value& v, const way& w) {
  if (enough() || !spend(alternatives.size()))
    return;
  const schema_node* meant = nullptr;
  if (const auto& d = n.logic->discriminator; d && v.is_object()) {
    if (auto at = d->alternatives.find(v.string_member(d->property)); at != d->alternatives.end() && at->second < alternatives.size())
      meant = alternatives[at->second];
  }
  if (meant == nullptr) {
    std::size_t fitting = 0;
    for (const auto* one : alternatives) {
      const auto* target = one;
      for (int hops = 0; hops < 8 && target->logic && target->logic->reference != nullptr; ++hops)
        target = target->logic->reference;
      if (!type_fits(*one, v) || !type_fits(*target, v) || target->never)
        continue;
      ++fitting;
      meant = one;
    }
    if (fitting != 1)
      return;
  }
  check(*meant, v, w, nullptr);
}

/// The outermost resource on the way here that has this anchor.
schema_ref schema_check::dynamic_target(const logic_rules& l, const dynamic_scope* scope) {
  auto found = l.dynamic;
  if (!l.is_dynamic)
    return found;
  for (; scope != nullptr && spend(1); scope = scope->up) {
    if (scope->resource >= program_.dynamic.size())
      continue;
    const auto& anchors = program_.dynamic[scope->resource];
    if (auto at = anchors.find(l.dynamic_name); at != anchors.end() && at->second != nullptr)
      found = at->second;
  }
  return found;
}

bool type_fits(const schema_node& n, const json_value& v) noexcept {
  namespace t = schema_types;
  switch (v.kind) {
  case type::null:
    return (n.types & t::null) != 0 || n.nullable;
  case type::boolean:
    return (n.types & t::boolean) != 0;
  case type::string:
    return (n.types & t::string) != 0;
  case type::array:
    return (n.types & t::array) != 0;
  case type::object:
    return (n.types & t::object) != 0;
  case type::number: {
    if ((n.types & t::number) != 0)
      return true;
    if ((n.types & t::integer) == 0)
      return false;
    if (v.text.find_first_of(".eE") == std::string::npos)
      return true;
    return !n.strict_integers && is_whole(v);
  }
  }
  return false;
}

// -- the public face ---------------------------------------------------------------

bool json_schema::accepts(const json_value& v) const {
  schema_purse own;
  return accepts(v, own);
}

bool json_schema::accepts(const json_value& v, schema_purse& purse) const {
  return root_ == nullptr || schema_check{*program_, purse, nullptr, 0}.run(*root_, v);
}

std::vector<schema_fault> json_schema::check(const json_value& v, std::size_t most) const {
  schema_purse own;
  return check(v, own, most);
}

std::vector<schema_fault> json_schema::check(const json_value& v, schema_purse& purse, std::size_t most) const {
  std::vector<schema_fault> faults;
  if (root_ == nullptr || most == 0)
    return faults;
  schema_check quick{*program_, purse, nullptr, 0}; // nearly all values fit
  if (quick.run(*root_, v))
    return faults;
  if (quick.exhausted())
    faults.push_back(schema_check::too_much_work(*root_));
  else
    schema_check{*program_, purse, &faults, most}.run(*root_, v);
  return faults;
}

} // namespace hourglass::mock
