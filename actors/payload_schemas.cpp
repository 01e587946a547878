#include "actors/payload_schemas.hpp"

#include "mock/json_value.hpp"
#include "mock/schema.hpp"
#include "webhook/event_type.hpp"
#include "webhook/outbox.hpp"

#include <algorithm>

namespace hourglass::actors {

using webhook::schema_check, webhook::schema_fault;

namespace {

constexpr std::size_t own_most = 256;
constexpr std::size_t message_bytes = 300;

std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most)
    return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) // not within a character
    --most;
  text.resize(most);
  return text + "…";
}

/// `#/properties/amount/type` of a URI with that fragment.
std::string rule_of(const std::string& uri) {
  const auto hash = uri.find('#');
  return hash == std::string::npos ? uri : uri.substr(hash + 1);
}

schema_fault told(mock::schema_fault f) {
  return {std::move(f.instance), rule_of(f.schema), cut(std::move(f.message), message_bytes)};
}

/// A pointer's segment.
std::string escaped(std::string_view name) {
  std::string out;
  for (char c : name)
    c == '~' ? void(out += "~0") : c == '/' ? void(out += "~1") : void(out += c);
  return out;
}

} // namespace

struct payload_schemas::compiled {
  std::string version; ///< empty: there is no schema
  mock::json_schema schema;
  std::string problem; ///< why the newest one does not compile, which only a log of before has
};

/// What is compiled stays as long as somebody uses it, though the type has changed meanwhile.
struct payload_schemas::entry {
  std::optional<schema_check> check;
  mutable std::once_flag once;
  mutable std::string text; ///< until it is compiled
  mutable compiled ready;

  const compiled& get() const {
    std::call_once(once, [this] {
      auto all = mock::parse_json(text);
      text = {};
      if (!all || !all->is_object())
        return;
      const mock::json_value* newest = nullptr;
      for (std::size_t i = 0; i < all->items.size(); ++i)
        if (newest == nullptr || webhook::is_newer_version(all->names[i], ready.version)) {
          newest = &all->items[i];
          ready.version = all->names[i];
        }
      if (newest == nullptr)
        return;
      auto schema = mock::compile_schema(*newest);
      if (schema)
        ready.schema = *std::move(schema);
      else
        ready.problem = std::move(schema).error().detail;
    });
    return ready;
  }
};

payload_schemas::entry_ptr payload_schemas::entry_of(const webhook::event_type& type) {
  auto out = std::make_shared<entry>();
  out->check = type.check;
  out->text = type.schemas;
  return out;
}

// -- the node's catalogue ----------------------------------------------------------

void payload_schemas::catalogue_is(const events::sandbox_id& sandbox) {
  std::unique_lock lock{mutex_};
  catalogue_ = sandbox;
}

bool payload_schemas::is_catalogue(const events::sandbox_id& sandbox) const {
  std::shared_lock lock{mutex_};
  return catalogue_ == sandbox;
}

void payload_schemas::replace_all(const webhook::outbox_state& catalogue) {
  decltype(types_) now;
  for (const auto& [name, type] : catalogue.event_types())
    if (!type.schemas.empty())
      now.emplace(name, entry_of(type));
  std::unique_lock lock{mutex_};
  types_.swap(now);
}

void payload_schemas::put(const webhook::event_type& type) {
  if (type.schemas.empty())
    return remove(type.name);
  auto made = entry_of(type);
  std::unique_lock lock{mutex_};
  types_.insert_or_assign(type.name, std::move(made));
}

void payload_schemas::remove(const std::string& name) {
  std::unique_lock lock{mutex_};
  types_.erase(name);
}

// -- payloads --------------------------------------------------------------------

payload_schemas::entry_ptr payload_schemas::of_node(std::string_view type) const {
  std::shared_lock lock{mutex_};
  const auto at = types_.find(type);
  return at == types_.end() ? nullptr : at->second;
}

payload_schemas::entry_ptr payload_schemas::of_sandbox(const webhook::event_type& own) const {
  const auto key = events::sha256({own.check ? webhook::to_string(*own.check) : std::string_view{}, "\n", own.schemas});
  std::lock_guard lock{own_mutex_};
  if (own_.size() >= own_most && !own_.contains(key))
    own_.clear();
  auto& at = own_[key];
  if (!at)
    at = entry_of(own);
  return at;
}

webhook::payload_judge::judgement payload_schemas::judge(const webhook::event_type* own, std::string_view type, std::optional<schema_check> sandbox,
                                                         std::optional<std::string_view> json) const {
  const auto found = own != nullptr && !own->schemas.empty() ? of_sandbox(*own) : of_node(type);
  if (!found)
    return {};
  judgement out;
  if (out.check = webhook::check_of(sandbox, found->check); out.check == schema_check::off)
    return out;
  const auto& against = found->get();
  out.version = against.version;
  if (against.version.empty())
    return out;
  if (!against.problem.empty()) {
    out.faults.push_back({"", "", cut("cannot be held against it, since it does not compile: " + against.problem, message_bytes)});
    return out;
  }
  if (!json) {
    out.faults.push_back({"", "/type", "must be a JSON object"});
    return out;
  }
  const auto value = mock::parse_json(*json);
  if (!value) {
    out.faults.push_back({"", "", cut(value.error().detail, message_bytes)});
    return out;
  }
  for (auto& f : against.schema.check(*value, webhook::schema_faults_kept))
    out.faults.push_back(told(std::move(f)));
  return out;
}

events::outcome<void> payload_schemas::compiles(const std::string& schemas) const {
  auto all = mock::parse_json(schemas);
  if (!all)
    return events::failure(events::errc::invalid, all.error().detail, "/schemas");
  for (std::size_t i = 0; i < all->items.size(); ++i)
    if (auto schema = mock::compile_schema(all->items[i]); !schema) {
      const auto& e = schema.error();
      const auto place = rule_of(e.where);
      return events::failure(e.code, e.detail, "/schemas/" + escaped(all->names[i]) + (place.starts_with('/') ? place : std::string{}));
    }
  return {};
}

std::optional<webhook::schema_check> schema_check_of(std::string_view setting) noexcept { return webhook::schema_check_from(setting); }

} // namespace hourglass::actors
