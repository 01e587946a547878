#pragma once

#include "mock/compiled.hpp"
#include "mock/router_children.hpp"

#include <boost/container/small_vector.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// Finds endpoints by path and method: a tree of segments. A branch on which only one route lies is
/// not built: what is left of that route is compared where its endpoint has it, so that 100,000
/// endpoints are one look-up and one comparison, not a chain of nodes each.
///
/// Cost: one look-up a segment on the way down; a request never visits a node twice, and only those
/// branches that agree with it so far. Mixed segments (`{id}.json`) of one node are tried in order,
/// the most literal first: a thousand of them in one place are slow. Threads: `find` may run
/// anywhere, as long as nobody changes the tree.
class router {
public:
  using entry = std::shared_ptr<const compiled_endpoint>;

  struct match {
    entry endpoint; ///< null: none; the rest says why
    std::vector<std::string> captures;
    std::vector<std::string> allowed; ///< methods of the paths that matched
    bool media_refused = false; ///< path and method are right, the request's media type is not
  };

  void add(entry e);
  void remove(const compiled_endpoint& e); ///< by id

  /// Those with the same route (apart from parameter names) and method.
  std::vector<entry> same_route(const route_pattern& route, std::string_view method) const;

  /// `media`: essence of the request's Content-Type, empty if it has none, which fits any endpoint.
  /// `segments` are decoded.
  match find(std::span<const std::string> segments, std::string_view method,
             std::string_view media) const;

  router clone() const;

private:
  struct node;

  /// What lies behind a segment: nothing, the endpoints of one single route, or a node.
  struct place {
    boost::container::small_vector<entry, 1> alone; ///< same route, apart from parameter names
    std::unique_ptr<node> below;

    bool empty() const noexcept { return alone.empty() && !below; }
  };
  struct node {
    router_children<place> literals;
    std::vector<std::pair<route_segment, place>> mixed; ///< the most literal first
    place parameter;
    std::vector<entry> ends; ///< endpoints whose route ends here

    bool empty() const {
      return literals.empty() && mixed.empty() && parameter.empty() && ends.empty();
    }
  };
  struct search;

  static place clone(const place& p);
  static void add(place& to, entry e, std::size_t depth);
  static void add(node& to, entry e, std::size_t depth);
  static void remove(place& from, const compiled_endpoint& e, std::size_t depth);
  static void remove(node& from, const compiled_endpoint& e, std::size_t depth);
  static std::span<const entry> ends_of(const place& at, const route_pattern& route,
                                        std::size_t depth);

  place root_;
};

} // namespace hourglass::mock
