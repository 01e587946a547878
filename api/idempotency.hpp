#pragma once

#include "actors/once.hpp"
#include "api/call.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace hourglass::api {

/// `Idempotency-Key`: a changing call that comes again with the same key, from the same principal, at the same path, is answered as the
/// first time and changes nothing, for `limits::idempotency_time`. Only 2xx answers are kept: after any other nothing was changed.
///
/// Durability
///   The receipt is written with the change (`actors::caller::once`), the whole answer right behind it and before the caller gets it. If the
///   process dies between the two, the handler runs again and finds the receipt instead of making the change.
/// Threads: any.
class answer_book {
public:
  explicit answer_book(actors::node& node) : node_(node) {}

  /// Has `c` a key, and is it a call that changes something?
  static bool is_asked_for(const call& c);

  /// False when `c` was answered here: with the answer of the first time, or because the key is malformed, under way at this moment, or was
  /// used for another request.
  bool admit(const call_ptr& c);

private:
  class lease;

  static void replay(const call_ptr& c, actors::once_row row);
  void keep(const std::shared_ptr<const actors::once>& what, const call& answered, const http::response& answer);
  void forget_old();

  actors::node& node_;
  std::mutex lock_;
  std::set<std::string, std::less<>> under_way_;
  std::atomic<std::uint64_t> admitted_{0};
};

} // namespace hourglass::api
