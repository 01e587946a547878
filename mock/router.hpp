#pragma once

#include "mock/compiled.hpp"
#include "mock/router_children.hpp"

#include <boost/container/small_vector.hpp>

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

class match_judge;

/// Finds endpoints by path and method: a tree of segments. A branch on which only one route lies is
/// not built: what is left of that route is compared where its endpoint has it, so that 100,000
/// endpoints are one look-up and one comparison, not a chain of nodes each.
///
/// Cost: one look-up a segment on the way down; a request never visits a node twice, and only those
/// branches that agree with it so far. Mixed segments (`{id}.json`) of one node are tried in order,
/// the most literal first: a thousand of them in one place are slow. A search ends at the first endpoint
/// that has the lowest priority of all there are, which is the first that fits where none has a priority.
/// Endpoints whose path is a regular expression stand beside the tree, and are tried one by one.
/// Threads: `find` may run anywhere, as long as nobody changes the tree.
class router {
public:
  using entry = std::shared_ptr<const compiled_endpoint>;

  struct match {
    entry endpoint; ///< null: none; the rest says why
    std::vector<std::string> captures;
    std::vector<std::string> allowed; ///< methods of the paths that matched
    bool media_refused = false; ///< path and method are right, the request's media type is not
    bool unmatched = false; ///< path, method and media type of one were right, its match did not hold
  };

  void add(entry e);
  void remove(const compiled_endpoint& e); ///< by id

  /// Those with the same route (apart from parameter names) and method.
  std::vector<entry> same_route(const route_pattern& route, std::string_view method) const;
  /// Those with the same path, if `e` has a regular expression as its path, or the same route, and method.
  std::vector<entry> same_place(const compiled_endpoint& e) const;
  /// Those whose path is a regular expression, the lowest priority first.
  const std::vector<entry>& patterns() const noexcept { return patterns_; }

  /// `media`: essence of the request's Content-Type, empty if it has none, which fits any endpoint.
  /// `segments` are decoded. Without a judge, endpoints that ask for more than method and path are not found.
  match find(std::span<const std::string> segments, std::string_view method,
             std::string_view media, match_judge* judge = nullptr) const;
  /// Puts into `found` the best of those with a regular expression that go before what it has.
  void find_pattern(match& found, std::string_view method, std::string_view media, match_judge& judge) const;

  /// Every endpoint of the routes that `segments` lead to, whatever its method, each with what its route
  /// captures; for telling why none answers. At most `most` are visited.
  void each_on_path(std::span<const std::string> segments, std::size_t most,
                    const std::function<void(const entry&, const std::vector<std::string>&)>& visit) const;

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
  struct census;

  static place clone(const place& p);
  static void add(place& to, entry e, std::size_t depth);
  static void add(node& to, entry e, std::size_t depth);
  static void remove(place& from, const compiled_endpoint& e, std::size_t depth);
  static void remove(node& from, const compiled_endpoint& e, std::size_t depth);
  static std::span<const entry> ends_of(const place& at, const route_pattern& route,
                                        std::size_t depth);

  void count(const compiled_endpoint& e, bool more);

  place root_;
  std::vector<entry> patterns_;
  std::map<unsigned, std::size_t> priorities_; ///< how many endpoints have each
};

} // namespace hourglass::mock
