#include "mock/script_view.hpp"

#include "mock/json_value.hpp"
#include "mock/script_limits.hpp"

namespace hourglass::mock {

using events::errc;
using events::failure;
using events::outcome;

const std::string* script_view::find(const std::string& space, const std::string& key) const {
  if (auto at = written_.find({space, key}); at != written_.end())
    return at->second ? &*at->second : nullptr;
  return base_.find(space, key);
}

bool script_view::walk_from(const std::string& space, const std::string& start, bool behind, const step& s) const {
  static const data_state::items nothing;
  const auto stored = base_.namespaces.find(space);
  const auto& items = stored != base_.namespaces.end() ? stored->second : nothing;
  auto old = behind ? items.upper_bound(start) : items.lower_bound(start);
  auto fresh = behind ? written_.upper_bound({space, start}) : written_.lower_bound({space, start});
  auto is_fresh = [&] { return fresh != written_.end() && fresh->first.first == space; };
  bool more = true;
  while (more && (old != items.end() || is_fresh())) {
    const bool take_fresh = is_fresh() && (old == items.end() || fresh->first.second <= old->first);
    const auto& key = take_fresh ? fresh->first.second : old->first;
    const auto* value = take_fresh ? (fresh->second ? &*fresh->second : nullptr) : &old->second;
    more = value == nullptr || s(key, *value);
    if (take_fresh && old != items.end() && old->first == key)
      ++old;
    take_fresh ? static_cast<void>(++fresh) : static_cast<void>(++old);
  }
  return !more;
}

outcome<std::vector<script_view::item>> script_view::list(const std::string& space, const std::string& after, const std::string& prefix,
                                                          std::size_t most) const {
  const auto start = std::max(after, prefix);
  std::vector<item> out;
  std::size_t bytes = 0;
  walk_from(space, start, start == after && !after.empty(), [&](const std::string& key, const std::string& value) {
    if (!key.starts_with(prefix))
      return false;
    bytes += key.size() + value.size();
    if (bytes <= limits::script_call_bytes)
      out.push_back({key, value});
    return bytes <= limits::script_call_bytes && out.size() < most;
  });
  if (bytes > limits::script_call_bytes)
    return failure(errc::too_large, "this is more than the limit script_call_bytes (" + std::to_string(limits::script_call_bytes) + "); give a `limit`");
  return out;
}

std::size_t script_view::size(const std::string& space) const {
  const auto stored = base_.namespaces.find(space);
  auto out = stored != base_.namespaces.end() ? stored->second.size() : 0;
  for (auto at = written_.lower_bound({space, {}}); at != written_.end() && at->first.first == space; ++at) {
    const bool before = base_.find(space, at->first.second) != nullptr;
    if (before && !at->second)
      --out;
    else if (!before && at->second)
      ++out;
  }
  return out;
}

outcome<void> script_view::room_for(const place& at, const std::optional<std::string>& value) {
  const auto* before = find(at.first, at.second);
  const auto freed = before != nullptr ? at.second.size() + before->size() : 0;
  const auto added = value ? at.second.size() + value->size() : 0;
  if (value && bytes_ - freed + added > limits::data_bytes_per_sandbox)
    return failure(errc::too_large, "more stored data than the limit data_bytes_per_sandbox (" + std::to_string(limits::data_bytes_per_sandbox) + ")");
  if (!written_.contains(at) && written_.size() - discarded_ >= limits::script_writes)
    return failure(errc::too_large, "more items changed than the limit script_writes (" + std::to_string(limits::script_writes) + ")");
  const auto known = written_.find(at);
  const auto replaced = known != written_.end() && known->second ? at.second.size() + known->second->size() : 0;
  if (written_bytes_ - replaced + added > limits::script_write_bytes)
    return failure(errc::too_large, "more written than the limit script_write_bytes (" + std::to_string(limits::script_write_bytes) + ")");
  bytes_ = bytes_ - freed + added;
  written_bytes_ = written_bytes_ - replaced + added;
  return {};
}

outcome<void> script_view::put(const std::string& space, const std::string& key, std::string_view value) {
  // The rules for one item are those of any other put; that many fit together, only we can say.
  if (auto ok = decide_together(base_, put_item{space, key, std::string{value}}); !ok)
    return tl::unexpected<events::error>{std::move(ok).error()};
  std::optional<std::string> text{value};
  const place at{space, key};
  if (auto ok = room_for(at, text); !ok)
    return ok;
  written_.insert_or_assign(at, std::move(text));
  return {};
}

outcome<bool> script_view::remove(const std::string& space, const std::string& key) {
  const place at{space, key};
  if (find(space, key) == nullptr)
    return false;
  if (auto ok = room_for(at, std::nullopt); !ok)
    return tl::unexpected<events::error>{std::move(ok).error()};
  written_.insert_or_assign(at, std::nullopt);
  return true;
}

bool script_view::discard(const std::string& space, const std::string& key) {
  const auto* value = find(space, key);
  if (value == nullptr || discarded_ >= limits::script_discards)
    return false;
  const place at{space, key};
  bytes_ -= key.size() + value->size();
  if (const auto known = written_.find(at); known != written_.end()) {
    written_bytes_ -= key.size() + value->size();
    known->second.reset(); // counted already
  } else {
    written_.emplace(at, std::nullopt);
    ++discarded_;
  }
  return true;
}

std::vector<data_command> script_view::changes() const {
  std::vector<data_command> out;
  for (const auto& [at, value] : written_) {
    const auto* before = base_.find(at.first, at.second);
    if (value ? before == nullptr || *before != *value : before != nullptr) {
      if (value)
        out.emplace_back(put_item{at.first, at.second, *value});
      else
        out.emplace_back(remove_item{at.first, at.second});
    }
  }
  return out;
}

} // namespace hourglass::mock
