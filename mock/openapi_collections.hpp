#pragma once

#include "events/ids.hpp"
#include "mock/collection.hpp"
#include "mock/endpoints.hpp"
#include "mock/openapi_item.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace hourglass::mock {

class openapi_requests;

/// Finds the collections of a document: paths such as `/pets` beside `/pets/{petId}` whose answers show the same kind of item, with an id. Says of each
/// operation what it does to them, and of each collection what its items look like and which ones the examples show. Private to openapi*.cpp.
///
/// Cost: one look-up a path, and each schema of an answer once, within `limits::document_item_steps`.
class openapi_collections {
public:
  using warner = std::function<void(std::string detail, std::string where)>;
  openapi_collections(const json_value& root, const events::entropy& seed, openapi_requests& requests, warner warn);

  /// An operation that became the endpoint `index`.
  void note(std::size_t index, const endpoint& e, const std::vector<std::string>& parameters, const json_value& path_item, const json_value& operation,
            std::string where);

  /// Writes into each endpoint what it does to its collection.
  std::vector<collection_spec> take(std::vector<endpoint>& endpoints);

private:
  struct noted {
    std::size_t index = 0;
    const json_value* path_item = nullptr;
    const json_value* operation = nullptr;
    std::string where;
  };
  struct group { ///< the operations of one path
    std::string path; ///< without the servers' base path
    std::string same; ///< all of it, without the names of its parameters and a slash at the end
    std::vector<std::string> parameters;
    std::map<std::string, noted, std::less<>> operations; ///< by method
    std::optional<std::size_t> of_items; ///< the collection whose items it names
    std::optional<std::size_t> of_all;   ///< the collection that it is

    const noted* find(std::string_view method) const;
  };
  struct place_of_item { ///< where an answer has its item or items
    schema_place schema;
    std::vector<std::string> at;
  };

  // openapi_collections.cpp: which paths, and what their operations do
  void make(group& all, group& items);
  using finder = std::function<std::optional<place_of_item>(schema_place)>; ///< of an answer
  std::optional<place_of_item> any_item(const group& all, const group& items);
  void say_roles(const group& all, const group& items, std::size_t c);
  state_spec* say(const noted& op, collection_role role, std::size_t c);
  void show(const noted& op, state_spec& state, const std::optional<place_of_item>& there, std::size_t c, const finder& find);
  std::vector<std::string> answers_like(const noted& op, const place_of_item& there, const finder& find);
  bool names_item(const noted& op, std::size_t c);
  void find_searches();
  void find_parents();
  std::string space_for(std::string_view path);

  // openapi_collection_items.cpp: where answers have items, and what these look like
  schema_place success_media(const noted& op);
  schema_place success_schema(const noted& op);
  bool has_example(const noted& op);
  std::optional<place_of_item> item_in(schema_place answer, std::string_view parameter);
  std::optional<place_of_item> list_in(schema_place answer, const json_value* item, std::string_view path);
  std::string id_of(const item_shape& shape, std::string_view parameter);
  void describe(collection_spec& c, const schema_place& item, const group& all);
  void describe_id(collection_spec& c, const schema_place& member);
  void take_seeds(collection_spec& c, const group& all, const group& items);
  static void add_to_base(collection_spec& c, const json_value& item);
  std::vector<json_value> items_shown(const noted& op, const std::vector<std::string>& at) const;
  void add_seed(collection_spec& c, json_value item, std::unordered_set<std::string>& keys);
  void read_query(const noted& op, state_spec& state, const schema_place& item);

  const json_value& root_;
  const events::entropy& seed_;
  openapi_requests& requests_;
  warner warn_;
  openapi_shapes shapes_;
  std::vector<group> groups_; ///< in the document's order
  std::unordered_map<std::string, std::size_t> by_path_; ///< of `same`
  std::vector<collection_spec> out_;
  std::vector<schema_place> items_;      ///< of these, the item's schema
  std::unordered_map<std::string, std::size_t> spaces_;
  std::vector<endpoint>* endpoints_ = nullptr;
  std::size_t seed_bytes_ = 0;
};

/// What the document itself says with `x-hourglass-state`, `on`, `off` or `empty`: at its top, of a path, of an operation.
std::optional<state_mode> state_said_by(const json_value& v);

} // namespace hourglass::mock
