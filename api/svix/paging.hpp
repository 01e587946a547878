#pragma once

#include "api/call.hpp"
#include "api/query.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::api::svix {

/// A page as Svix asks for it: `limit`, and `iterator`, which is what the page before gave. One that starts with `-` goes backwards.
struct page_request {
  std::size_t limit = 50;
  std::string after; ///< empty: from the start
  bool backwards = false;
};

page_request read_page(query_reader& q);

/// `{"data": […], "iterator", "prevIterator", "done"}`. `items` in the order of the list whatever the direction; `keys[i]` is where
/// `items[i]` stands. `more`: there is something further in the direction asked for; `go_on`: from there, when that is not the last item (a
/// page that ended for want of time, which may be empty and must lead on all the same).
std::string list_response(const page_request& asked, const std::vector<std::string>& items, const std::vector<std::string>& keys, bool more,
                          std::string_view go_on = {});

} // namespace hourglass::api::svix
