#include "api/log_reading.hpp"

namespace hourglass::api {

events::outcome<std::optional<events::seq>> scan_log(const storage::store& in, storage::history_query what,
                                                     const std::function<events::outcome<bool>(const events::record&)>& see) {
  std::size_t looked = 0;
  what.limit = 250;
  while (true) {
    auto page = storage::find(in, what);
    if (!page)
      return tl::unexpected<events::error>{page.error()};
    for (std::size_t i = 0; i < page->events.size(); ++i) {
      auto more = see(page->events[i]);
      if (!more)
        return tl::unexpected<events::error>{more.error()};
      auto last_of_all = i + 1 == page->events.size() && !page->next;
      if (!*more)
        return last_of_all ? std::optional<events::seq>{} : page->events[i].header.seq;
    }
    looked += std::max<std::size_t>(page->events.size(), 50);
    if (!page->next || looked >= scan_most)
      return page->next;
    if (what.newest_first)
      what.before = page->next;
    else
      what.after = *page->next;
  }
}

events::outcome<std::optional<events::record>> find_one(const storage::store& in, const events::sandbox_id& sandbox, events::kind kind,
                                                        std::string_view entity) {
  storage::history_query what;
  what.sandbox = sandbox;
  what.kinds = {kind};
  what.entity = std::string{entity};
  std::optional<events::record> out;
  auto done = scan_log(in, what, [&](const events::record& r) -> events::outcome<bool> {
    out = r;
    return false;
  });
  if (!done)
    return tl::unexpected<events::error>{done.error()};
  return out;
}

} // namespace hourglass::api
