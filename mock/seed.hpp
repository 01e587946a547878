#pragma once

#include "mock/data.hpp"
#include "mock/endpoints.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// What a seed document comes to, in order. Pure: the same document gives the same bytes, whenever and wherever.
///
///   {"seed"?: text or number,                    of all generated values; "" if it does not say
///    "replace"?: false,                          true: the namespaces that are named are emptied first
///    "namespaces"?: {"<name>": {
///       "items"?: {"<key>": any value, …} | [object, …],       of a list, the key is what the member `id` says
///       "id"?: "id",                                          that member; of a collection its own
///       "generate"?: {"count": 1 to `limits::seed_items`,
///                     "from"?: 1,                             the first number where ids are numbers
///                     "schema"?: {…}}}}                       of an item; may refer to `#/…` of the document; of a collection its own if it does not say
///    "env"?: {"<NAME>": "text"}}
/// Items of a collection are objects that fit its schema, with an id that agrees with their key; elsewhere values are what they are.
/// An id is: of a number in the schema, `from` and those after it; else a text made of seed, namespace and ordinal, of the form that
/// the schema or the collection shows (UUID, pattern, `cus_…`), so that it stays when `count` grows or another namespace comes in.
struct seeding {
  struct put {
    std::string space;
    std::string key;
    std::string value; ///< compact JSON
    bool operator==(const put&) const = default;
  };
  bool replace = false;
  std::vector<std::string> spaces;
  std::vector<put> items; ///< a key at most once in a namespace
  std::vector<std::pair<std::string, std::string>> env;
  std::size_t bytes = 0;
};

/// Fails with `errc::invalid` (`where` = JSON Pointer) and `errc::too_large` (`limits::seed_items`, `limits::seed_bytes`, the time that
/// generating may take).
events::outcome<std::shared_ptr<const seeding>> read_seed(std::string_view text, std::string_view about_collections);
events::outcome<std::shared_ptr<const seeding>> read_seed(const json_value& document, std::string_view about_collections, const std::string& at);

/// What `read_seed` must know of the collections of an imported document: {"collections": [collection…], "schemas": {…}}
std::string collections_for_seeding(const endpoint_state& state);

} // namespace hourglass::mock
