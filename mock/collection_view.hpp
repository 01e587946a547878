#pragma once

#include "events/envelope.hpp"
#include "mock/collection.hpp"
#include "mock/script_view.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// One collection (of one parent, if it has some) as a request sees it, and what the request changes.
///
/// Until something of it is changed, or somebody puts data into its namespace, it holds the seeds, which are only then written down: looking changes
/// nothing. That it was changed says an item in the namespace `sbx.collections`, which also has the last number that was given as an id.
class collection_view {
public:
  /// `captures` are those of the path, at least the parents'. All arguments must outlive the view.
  collection_view(const collection& c, const data_state& data, std::span<const std::string> captures, const events::context& ctx);

  /// The item of that id, or nothing; what is no object is no item. `id` as it stands in a path.
  std::optional<json_value> find(std::string_view id) const;
  /// False if an item above this collection, of one that keeps state, is not there.
  bool has_parents() const;

  struct entry {
    std::string_view key;         ///< of the item alone
    const std::string* text;      ///< null: it is the seed
    std::size_t seed = 0;
  };
  /// All of them, those with numbers as ids in order of these, others in order of their key; until the first change, in the document's order. Good until the next change.
  std::vector<entry> entries() const;
  json_value item(const entry& e) const;

  /// True if something lies where the item of that id would, be it an item or not.
  bool taken(std::string_view id) const;

  /// A new id, one of which `fits` says so if there is any. Nothing if none could be found.
  std::optional<json_value> fresh_id(const std::function<bool(const json_value&)>& fits) const;
  json_value id_of(std::string_view text) const; ///< as a value of the item

  /// Fails as `script_view::put`, and with `errc::too_large` beyond `limits::collection_items`.
  events::outcome<void> put(std::string_view id, const json_value& item);
  events::outcome<void> remove(std::string_view id);

  /// What the parents' part of the path says of an item.
  void set_from_path(json_value& item) const;

  std::vector<data_command> changes() const { return view_.changes(); }

private:
  bool changed() const;
  std::string key_of(std::string_view id) const { return prefix_ + collection_key(id); }
  const data_state::items* stored() const;
  const json_value* seed_of(std::string_view key) const;
  std::string mark_key() const;
  std::int64_t last_number() const;
  std::optional<json_value> fresh_number(const std::function<bool(const json_value&)>& fits) const;
  events::outcome<void> write_seeds();
  events::outcome<void> mark(std::int64_t last);

  const collection& c_;
  const data_state& data_;
  std::span<const std::string> captures_;
  const events::context& ctx_;
  std::string prefix_;
  script_view view_;
};

} // namespace hourglass::mock
