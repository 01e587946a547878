#pragma once

#include "events/json_text.hpp"
#include "mock/json_value.hpp"
#include "mock/message.hpp"
#include "mock/schema.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// Whether the collections of an imported document keep state.
enum class state_mode : std::uint8_t {
  off,   ///< every operation answers from its examples
  on,    ///< a collection begins with the items of the document's examples
  empty, ///< a collection begins without items
};
std::string_view to_string(state_mode mode) noexcept;
std::optional<state_mode> state_mode_from(std::string_view name) noexcept;

/// What an operation does to its collection.
enum class collection_role : std::uint8_t { list, create, get, replace, merge, remove };
std::string_view to_string(collection_role role) noexcept;

/// How an operation takes part in a collection, and how its answer shows items.
struct state_spec {
  std::string collection; ///< its `space`; empty: it answers from its examples
  collection_role role = collection_role::get;
  bool on = true;           ///< false: told to answer from its examples all the same
  bool id_in_body = false;  ///< which item is meant, the body says and not the path
  bool shown = false;       ///< the answer shows the item or items; else it is the example
  std::vector<std::string> at;      ///< members that lead to them in the answer; empty: they are all of it
  std::vector<std::string> members; ///< all that it shows of an item; empty: everything
  std::vector<std::string> needs;   ///< of these, what it always shows: from the example, if the item has none
  fields filters;           ///< query parameter -> member that it is about; an empty member: any text
  std::string limit, page, offset, after; ///< query parameters that page; empty: it has none of that kind
  std::int64_t page_size = 0;  ///< without `limit`; 0: all
  std::int64_t page_most = 0;  ///< the largest `limit`; 0: as many as `limits::collection_page`
  std::int64_t first_page = 1;
  std::vector<std::string> answers; ///< which show items this way, as `200 application/json`; empty: all that are JSON

  bool empty() const noexcept { return collection.empty(); }
  bool operator==(const state_spec&) const = default;
};

/// A value of the path that an item repeats: `/owners/{ownerId}/pets` and `ownerId`.
struct path_member {
  std::string member;
  std::size_t capture = 0; ///< index among the captures
  bool number = false;
};

enum class id_kind : std::uint8_t { integer, uuid, text };

/// Items of one kind that a document's operations share: what is known of them from its schemas and examples.
/// An item lies in the sandbox's data, in the namespace `space`, under `collection_key`.
struct collection_spec {
  std::string space;
  std::string path;   ///< of the collection, to be told
  std::string parent; ///< `space` of the collection in whose items this one lies; empty: none that keeps state
  std::size_t captures = 1; ///< of the path of an item
  std::string id;     ///< the member that is the id
  id_kind kind = id_kind::text;
  std::string id_like;    ///< an id as the document shows one
  std::string id_pattern; ///< its `pattern`; empty: none
  std::string schema;     ///< key of the item's schema among the imported ones; empty: it is not known
  std::vector<std::string> fills;     ///< members that a new item gets from `base` if it was not given them
  std::vector<std::string> read_only; ///< are the server's: never taken from a request
  std::vector<std::string> write_only; ///< kept, and never shown
  std::vector<std::string> created;    ///< get the time of creation
  std::vector<std::string> updated;    ///< get the time of every change
  std::vector<path_member> from_path;
  json_value base;                 ///< an item of the document's
  std::vector<json_value> seeds;   ///< what the collection holds until it is first changed
};

/// A collection, ready. Immutable once its endpoints serve; may be used from any thread.
struct collection {
  collection_spec spec;
  json_schema schema; ///< of an item; accepts everything if it is not known
  std::shared_ptr<const collection> parent;
  std::vector<std::string> seed_keys; ///< without what stands before them for a parent
};
using collections = std::map<std::string, std::shared_ptr<collection>, std::less<>>;

/// `text`, an id, within a key: letters, digits and `-_.@` as they are, every other byte as `:` and two hex digits.
/// A key is those of the parents and the item's, joined by `::`, so that all items of one parent stand side by side.
std::string collection_key(std::string_view text);
/// What an id or a parameter of the path is as text; empty for what can be no id.
std::string id_text(const json_value& id);

void write_state(const state_spec& state, events::json_text& j);
events::outcome<state_spec> decode_state(const json_value& v);
void write_collection(const collection_spec& c, events::json_text& j);
events::outcome<collection_spec> decode_collection(const json_value& v);

} // namespace hourglass::mock
