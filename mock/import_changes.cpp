// What an import changes, told before it does and once it has: endpoints, the schemas that they are held against, collections, webhooks.
#include "mock/endpoint_tables.hpp"

#include "events/digest.hpp"
#include "mock/compiled.hpp"
#include "mock/generated.hpp"
#include "mock/import_version.hpp"

#include <array>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace hourglass::limits {

inline constexpr std::size_t import_changes = 1'000; ///< told in one list

} // namespace hourglass::limits

namespace hourglass::mock {

namespace {

using keys = std::unordered_set<std::string>;

const json_value* schemas_of(const json_value* v) {
  const auto* schemas = v != nullptr ? v->member("schemas") : nullptr;
  return schemas != nullptr && schemas->is_object() ? schemas : nullptr;
}

/// What `v` refers to, also by a discriminator's mapping.
void note_references(const json_value& v, const std::unordered_map<std::string, std::string>& key_of, std::vector<std::string>& out) {
  if (v.is_string() && v.text.starts_with('#'))
    if (auto at = key_of.find(v.text); at != key_of.end())
      out.push_back(at->second);
  for (const auto& item : v.items)
    note_references(item, key_of, out);
}

/// The keys of schemas that are not what they were, themselves or by what they refer to. Where one side knows none, nothing is said.
keys changed_schemas(const json_value* before, const json_value* after) {
  const auto* old_ones = schemas_of(before);
  const auto* new_ones = schemas_of(after);
  keys changed;
  if (old_ones == nullptr || new_ones == nullptr)
    return changed;
  std::vector<std::string> to_visit;
  const bool dialect = before->string_member("dialect") != after->string_member("dialect");
  std::unordered_map<std::string, std::string> key_of;
  for (std::size_t i = 0; i < new_ones->names.size(); ++i) {
    const auto& key = new_ones->names[i];
    const auto* old = old_ones->member(key);
    key_of.emplace(reference_to_place(pointer_to("", key)), key);
    if ((dialect || old == nullptr || to_text(*old) != to_text(new_ones->items[i])) && changed.insert(key).second)
      to_visit.push_back(key);
  }
  if (to_visit.empty())
    return changed;
  std::unordered_map<std::string, std::vector<std::string>> used_by;
  for (std::size_t i = 0; i < new_ones->names.size(); ++i) {
    std::vector<std::string> referred;
    note_references(new_ones->items[i], key_of, referred);
    for (auto& r : referred)
      used_by[std::move(r)].push_back(new_ones->names[i]);
  }
  while (!to_visit.empty()) {
    const auto key = std::move(to_visit.back());
    to_visit.pop_back();
    if (auto at = used_by.find(key); at != used_by.end())
      for (const auto& user : at->second)
        if (changed.insert(user).second)
          to_visit.push_back(user);
  }
  return changed;
}

using source_of = std::function<const answer_source*(std::size_t response, std::size_t content)>;

/// Values that are made anew at every import say nothing, nor do those of headers, of which nobody knows where they come from.
bool same_responses(const endpoint& a, const endpoint& b, const source_of& from_a, const source_of& from_b) {
  if (a.responses.size() != b.responses.size())
    return false;
  for (std::size_t r = 0; r < a.responses.size(); ++r) {
    const auto& x = a.responses[r];
    const auto& y = b.responses[r];
    const bool same_headers = std::equal(x.headers.begin(), x.headers.end(), y.headers.begin(), y.headers.end(),
                                         [](const auto& h, const auto& k) { return h.name == k.name; });
    if (x.status != y.status || !same_headers || x.contents.size() != y.contents.size())
      return false;
    for (std::size_t c = 0; c < x.contents.size(); ++c) {
      if (x.contents[c].media_type != y.contents[c].media_type)
        return false;
      const auto* was = from_a(r, c);
      const auto* is = from_b(r, c);
      if (was != nullptr && is != nullptr && was->given != is->given)
        return false;
      const bool made = (was != nullptr || is != nullptr) && (was == nullptr || was->generated) && (is == nullptr || is->generated);
      if (!made && x.contents[c].examples != y.contents[c].examples)
        return false;
    }
  }
  return true;
}

bool same_response_schemas(const endpoint& e, const source_of& before, const source_of& after, const keys& changed) {
  for (std::size_t r = 0; r < e.responses.size(); ++r)
    for (std::size_t c = 0; c < e.responses[r].contents.size(); ++c) {
      const auto* was = before(r, c);
      const auto* is = after(r, c);
      if (was != nullptr && is != nullptr && (was->schema != is->schema || changed.contains(is->schema)))
        return false;
    }
  return true;
}

std::vector<std::string_view> changed_parts(const endpoint& a, const endpoint& b, const source_of& from_a, const source_of& from_b,
                                            const keys& requests, const keys& answers) {
  std::vector<std::string_view> out;
  auto touched = [&](const auto& list) { return std::any_of(list.begin(), list.end(), [&](const auto& one) { return requests.contains(one.schema); }); };
  if (a.name != b.name)
    out.push_back("operation_id");
  if (a.consumes != b.consumes)
    out.push_back("consumes");
  if (a.demands.parameters != b.demands.parameters || touched(b.demands.parameters))
    out.push_back("parameters");
  if (a.demands.bodies != b.demands.bodies || a.demands.body_required != b.demands.body_required || touched(b.demands.bodies))
    out.push_back("request_body");
  if (a.demands.security != b.demands.security)
    out.push_back("security");
  const bool same = same_responses(a, b, from_a, from_b);
  if (!same)
    out.push_back("responses");
  if (same && !same_response_schemas(b, from_a, from_b, answers))
    out.push_back("response_schemas");
  if (a.state != b.state)
    out.push_back("state");
  return out;
}

/// A list that ends at the limit.
class told_list {
public:
  std::size_t count = 0;

  template <class Write>
  void add(Write&& write) {
    if (count++ < limits::import_changes)
      write(j_);
  }
  std::string text() { return '[' + text_ + ']'; }

private:
  std::string text_;
  events::json_text j_{text_};
};

void write_route(events::json_text& j, const endpoint& e, bool with_id) {
  j.open_object();
  if (with_id)
    j.key("id").value(e.id);
  j.key("method").value(e.method).key("path").value(e.full_path());
  if (!e.match.empty())
    j.key("match").raw(e.match);
}

template <class Before, class After>
void compare_names(events::json_text& j, std::string_view what, const Before& before, const After& after) {
  told_list added, removed;
  for (const auto& name : after)
    if (!before.contains(name))
      added.add([&](events::json_text& to) { to.value(name); });
  for (const auto& name : before)
    if (!after.contains(name))
      removed.add([&](events::json_text& to) { to.value(name); });
  j.key(std::string{what} + "_added").raw(added.text()).key(std::string{what} + "_removed").raw(removed.text());
}

std::set<std::string, std::less<>> names_of(const std::map<std::string, std::string, std::less<>>& all) {
  std::set<std::string, std::less<>> out;
  for (const auto& [name, shape] : all)
    out.insert(name);
  return out;
}

} // namespace

std::pair<std::string, std::string> import_key(const endpoint& e) { return {e.method + e.match, e.full_path()}; }

std::map<std::string, std::string, std::less<>> webhooks_of(const json_value& v) {
  std::map<std::string, std::string, std::less<>> out;
  const auto* all = v.member("webhooks");
  for (std::size_t i = 0; all != nullptr && i < all->items.size(); ++i) {
    const auto& one = all->items[i];
    if (all->is_object()) { // of a snapshot
      out.emplace(all->names[i], one.text);
      continue;
    }
    std::string shape{one.string_member("shape")};
    if (shape.empty()) // imported before there were any
      shape = events::to_hex(events::as_text(events::sha256({to_text(one)})));
    out.emplace(one.string_member("name"), std::move(shape));
  }
  return out;
}

events::outcome<std::string> import_of_event(std::string_view payload) {
  auto v = parse_own(payload);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  const auto* endpoints = v->member("endpoints");
  const auto sha256 = v->string_member("sha256");
  const auto restored = v->integer_member("restored", 0);
  std::string out;
  events::json_text j{out};
  j.key("title").value(v->string_member("title")).key("document_version").value(v->string_member("version")).key("sha256");
  sha256.empty() ? j.null() : j.value(sha256);
  j.key("endpoints").value(endpoints != nullptr ? endpoints->items.size() : std::size_t{0}).key("pinned").value(v->truth_member("pinned")).key("restored");
  restored == 0 ? j.null() : j.value(restored);
  return out;
}

std::string changes_of(const endpoint_state::tables& before, const fresh_import& after) {
  std::map<std::pair<std::string, std::string>, const endpoint*> known;
  for (const auto& [id, e] : before.by_id)
    if (e->spec.source == endpoint_source::openapi)
      known.emplace(import_key(e->spec), &e->spec);
  std::optional<json_value> requests;
  if (!before.imported_requests.empty())
    if (auto v = parse_own(before.imported_requests))
      requests = std::move(*v);
  std::unique_ptr<answer_schemas> answers; // of our own: what is opened is not kept
  if (before.imported_answers)
    answers = std::make_unique<answer_schemas>(before.imported_answers->text());
  const auto of_requests = changed_schemas(requests ? &*requests : nullptr, after.requests);
  const auto of_answers = changed_schemas(answers ? &answers->value() : nullptr, after.answers);

  told_list added, removed, changed;
  std::size_t unchanged = 0;
  for (std::size_t i = 0; i < after.endpoints.size(); ++i) {
    const auto& is = *after.endpoints[i];
    const auto at = known.find(import_key(is));
    if (at == known.end()) {
      added.add([&](events::json_text& j) {
        write_route(j, is, after.ids_are_known);
        j.close_object();
      });
      continue;
    }
    const auto& was = *at->second;
    const auto parts = changed_parts(was, is, [&](std::size_t r, std::size_t c) { return answers ? answers->find(was.id, r, c) : nullptr; },
                                     [&](std::size_t r, std::size_t c) { return after.source(i, r, c); }, of_requests, of_answers);
    known.erase(at);
    if (parts.empty()) {
      ++unchanged;
      continue;
    }
    changed.add([&](events::json_text& j) {
      write_route(j, is, true);
      j.key("parts").open_array();
      for (auto p : parts)
        j.value(p);
      j.close_array().close_object();
    });
  }
  for (const auto& [key, e] : known)
    removed.add([&](events::json_text& j) {
      write_route(j, *e, true);
      j.close_object();
    });

  std::string out;
  events::json_text j{out};
  const bool was_any = before.imported;
  j.open_object().key("before");
  if (was_any)
    j.open_object().key("title").value(before.imported_title).key("version").value(before.imported_version).key("sha256").value(before.imported_sha256).close_object();
  else
    j.null();
  j.key("counts").open_object().key("added").value(added.count).key("removed").value(removed.count);
  j.key("changed").value(changed.count).key("unchanged").value(unchanged).close_object();
  j.key("added").raw(added.text()).key("removed").raw(removed.text()).key("changed").raw(changed.text());
  std::set<std::string, std::less<>> kept_before;
  for (const auto& [space, c] : before.kept)
    kept_before.insert(space);
  compare_names(j, "collections", kept_before, std::set<std::string, std::less<>>(after.collections.begin(), after.collections.end()));
  compare_names(j, "webhooks", names_of(before.imported_webhooks), names_of(after.webhooks));
  told_list other;
  for (const auto& [name, shape] : after.webhooks)
    if (auto at = before.imported_webhooks.find(name); at != before.imported_webhooks.end() && at->second != shape)
      other.add([&](events::json_text& to) { to.value(name); });
  j.key("webhooks_changed").raw(other.text());
  constexpr std::array<std::pair<const char*, const char*>, 2> modes{{{"validation", "off"}, {"security", "ignore"}}};
  for (const auto& [mode, otherwise] : modes) {
    auto of = [&, name = mode, nobody = otherwise](const json_value* v) {
      const auto said = v != nullptr ? v->string_member(name) : std::string_view{};
      return std::string{said.empty() ? std::string_view{nobody} : said};
    };
    const auto was = of(requests ? &*requests : nullptr);
    const auto is = of(after.requests);
    if (was_any && was != is)
      j.key(mode).open_object().key("before").value(was).key("after").value(is).close_object();
  }
  j.close_object();
  return out;
}

} // namespace hourglass::mock
