#include "api/catalogue.hpp"

#include "api/reserved.hpp"

#include <chrono>
#include <utility>

namespace hourglass::api {

using events::errc;
using nlohmann::json;

void catalogue(core& in, const call_ptr& c, with_catalogue next, int tries) {
  if (auto there = in.node.resolve(catalogue_uid))
    return next(c, *there);
  auto text = json{{"uid", catalogue_uid}, {"name", "Event types of this node"}, {"owner", "hourglass"}}.dump();
  in.node.create(std::move(text), {"system", c->correlation}, [&in, c, next = std::move(next), tries](events::outcome<actors::receipt> r) {
    guarded(c, [&] {
      // A conflict: somebody else was first, and what he makes is what we want, as soon as it stands.
      auto there = in.node.resolve(catalogue_uid);
      if (there)
        return next(c, *there);
      if (r || r.error().code != errc::conflict || tries == 0 || in.draining)
        return c->fail(r ? there.error() : r.error());
      in.later.after(std::chrono::milliseconds{10}, [&in, c, next, tries] { guarded(c, [&] { catalogue(in, c, next, tries - 1); }); });
    });
  });
}

} // namespace hourglass::api
