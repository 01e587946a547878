#pragma once

#include "mock/compiled.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace hourglass::mock {

/// Finds endpoints by path and method: a tree of segments with one hash table a node.
///
/// Cost: one hash look-up a segment on the way down; a request never visits a node twice, and only those branches that agree with it so far.
/// Mixed segments (`{id}.json`) of one node are tried in order, the most literal first: a thousand of them in one place are slow.
/// Threads: `find` may run anywhere, as long as nobody changes the tree.
class router {
public:
  using entry = std::shared_ptr<const compiled_endpoint>;

  struct match {
    entry endpoint;                     ///< null: none; the rest says why
    std::vector<std::string> captures;
    std::vector<std::string> allowed;   ///< methods of the paths that matched
    bool media_refused = false;         ///< path and method are right, the request's media type is not
  };

  void add(entry e);
  void remove(const compiled_endpoint& e); ///< by id

  /// Those with the same route (apart from parameter names) and method.
  std::vector<entry> same_route(const route_pattern& route, std::string_view method) const;

  /// `media`: essence of the request's Content-Type, empty if it has none, which fits any endpoint. `segments` are decoded.
  match find(std::span<const std::string> segments, std::string_view method, std::string_view media) const;

  router clone() const;

private:
  struct hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
  };
  struct node;
  using children = std::unordered_map<std::string, std::unique_ptr<node>, hash, std::equal_to<>>;
  struct node {
    children literals;
    std::vector<std::pair<route_segment, std::unique_ptr<node>>> mixed;
    std::unique_ptr<node> parameter;
    std::vector<entry> ends; ///< endpoints whose route ends here

    bool empty() const { return literals.empty() && mixed.empty() && !parameter && ends.empty(); }
  };
  struct search;

  static std::unique_ptr<node> clone(const node& n);
  static void remove(node& n, const compiled_endpoint& e, std::size_t depth);
  const node* follow(const route_pattern& route) const;

  node root_;
};

} // namespace hourglass::mock
