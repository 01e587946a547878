#include "mock/openapi_doubt.hpp"

#include "events/limits.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

/// Where a schema stands that is no component: short, since it begins the place of each of its parts.
constexpr std::string_view here = "@";

schema_options options_of(const json_value& root) {
  schema_options out;
  out.dialect = root.string_member("openapi").starts_with("3.1") ? schema_dialect::draft2020_12 : schema_dialect::openapi_3_0;
  out.lenient = true;
  return out;
}

/// A JSON Pointer into the document.
std::string pointer_of(std::string_view uri, const std::string& place) {
  if (uri.starts_with(here))
    return place + std::string{uri.substr(here.size())};
  return std::string{uri.starts_with('#') ? uri.substr(1) : uri};
}

void note_write_only(const json_value& v, std::unordered_set<std::string>& out) {
  const auto* properties = v.member("properties");
  for (std::size_t i = 0; properties != nullptr && properties->is_object() && i < properties->items.size(); ++i)
    if (properties->items[i].truth_member("writeOnly"))
      out.insert(properties->names[i]);
  for (const auto& item : v.items)
    note_write_only(item, out);
}

std::string told_fault(const schema_fault& f) {
  return (f.instance.empty() ? std::string{"it "} : '`' + f.instance + "` ") + f.message;
}

} // namespace

openapi_doubts::openapi_doubts(const json_value& root) : root_(root), compiler_(options_of(root)) { compiler_.add("", root); }

const json_schema& openapi_doubts::compiled(const json_value& schema, const std::string& place) {
  auto [at, fresh] = known_.try_emplace(&schema);
  if (!fresh)
    return at->second;
  const auto before = compiler_.problems().size();
  auto made = compiler_.compile("", schema, std::string{here});
  if (made)
    at->second = std::move(*made);
  else
    tell("values are not held against this schema: " + made.error().detail, pointer_of(made.error().where, place));
  for (auto i = before; i < compiler_.problems().size(); ++i)
    tell("values are not held against this: " + compiler_.problems()[i].detail, pointer_of(compiler_.problems()[i].where, place));
  return at->second;
}

/// What a client alone sends is not missing in an answer.
bool openapi_doubts::is_write_only(const schema_fault& f) {
  if (f.keyword != "required")
    return false;
  if (!write_only_)
    note_write_only(root_, write_only_.emplace());
  return std::any_of(write_only_->begin(), write_only_->end(), [&](const std::string& name) {
    return f.instance.ends_with(pointer_to("", name)) || f.message.find('`' + name + '`') != std::string::npos ||
           f.message.find('"' + name + '"') != std::string::npos;
  });
}

std::optional<schema_fault> openapi_doubts::fault_of(const json_value& schema, const std::string& place, const json_value& value, schema_purse& purse) {
  auto faults = compiled(schema, place).check(value, purse);
  std::erase_if(faults, [this](const schema_fault& f) { return is_write_only(f); });
  if (faults.empty() || purse.empty())
    return std::nullopt;
  return std::move(faults.front());
}

void openapi_doubts::tell(std::string detail, std::string where) {
  if (!told_.insert(where).second)
    return;
  if (doubts_.size() < limits::document_doubts)
    doubts_.push_back({std::move(detail), std::move(where)});
  else
    ++more_;
}

void openapi_doubts::judge_example(const json_value& schema, const std::string& place, const json_value& value, const std::string& at) {
  if (purse_.empty()) {
    if (!std::exchange(told_empty_, true))
      tell("from here on examples are not held against their schemas: the limit schema_work (" + std::to_string(limits::schema_work) + ") is used up", at);
    return;
  }
  if (auto fault = fault_of(schema, place, value, purse_))
    tell("this example does not fit its schema: " + told_fault(*fault), at);
}

void openapi_doubts::tell_misfit(const json_value& schema, const std::string& place, const json_value* value) {
  if (value == nullptr)
    return tell("no value can be made of this schema, so null stands for one: it demands itself without end, or more than the limits allow", place);
  schema_purse purse;
  if (auto fault = fault_of(schema, place, *value, purse))
    tell("no value was found that fits this, and one that does not is used: " + told_fault(*fault), pointer_of(fault->schema, place));
}

void openapi_doubts::tell_unused(const json_value& schema, const std::string& place, const json_value& value) {
  schema_purse purse;
  if (auto fault = fault_of(schema, place, value, purse))
    tell("examples and defaults that stand in the schemas are not used here, as they do not fit: " + told_fault(*fault), pointer_of(fault->schema, place));
}

void openapi_doubts::take(std::vector<document_warning>& to) {
  if (more_ > 0)
    doubts_.push_back({"and " + std::to_string(more_) + " more examples and schemas like these", ""});
  std::set<std::string> told; // the same of a place where requests are held against it, too
  for (const auto& w : to)
    if (!w.where.empty())
      told.insert(w.where);
  for (auto& d : doubts_)
    if (to.size() < limits::document_warnings && !told.contains(d.where))
      to.push_back(std::move(d));
  doubts_.clear();
  more_ = 0;
}

namespace {

/// The way to a value, as text only where something is told: names may be long, and values many.
struct way_down {
  const way_down* above = nullptr;
  const json_value* in = nullptr;
  std::size_t index = 0;

  std::string pointer() const {
    if (in == nullptr)
      return {};
    return pointer_to(above->pointer(), in->is_object() ? in->names[index] : std::to_string(index));
  }
};

void drop_below(json_value& v, const way_down& here_is, std::vector<document_warning>& to) {
  bool any = false;
  for (std::size_t i = 0; v.is_object() && i < v.items.size(); ++i) {
    if (v.member(v.names[i]) == &v.items[i])
      continue;
    any = true;
    if (to.size() < limits::document_doubts)
      to.push_back({"is given more than once; only the last one counts", told_pointer(way_down{&here_is, &v, i}.pointer())});
  }
  if (any) {
    auto rest = json_value::object();
    for (std::size_t i = 0; i < v.items.size(); ++i)
      if (v.member(v.names[i]) == &v.items[i])
        rest.add(v.names[i], v.items[i]);
    rest.seal();
    v = std::move(rest);
  }
  for (std::size_t i = 0; i < v.items.size(); ++i)
    if (!v.items[i].items.empty())
      drop_below(v.items[i], {&here_is, &v, i}, to);
}

} // namespace

void drop_doubles(json_value& root, std::vector<document_warning>& to) { drop_below(root, {}, to); }

} // namespace hourglass::mock
