#pragma once

#include "webhook/outbox.hpp"

#include <vector>

namespace hourglass::webhook {

/// What may be decided on one state and written down at once, though none of it sees what another changes: messages and results of attempts, which
/// depend on nothing that another of them changes.
///
/// Not together: two results of a destination that is guarded (it has a protection or a retry budget, or is being probed), where what the second
/// means depends on the first, or that has messages which go together: one of them may be under way alone as well, sent again by hand; and whatever comes behind a fact that changes where messages go, as a destination disabled or recovered, or a
/// recovery started, or that told operators of something.
class batch {
public:
  // Whether it may be decided beside what is in it; if so it is in it.
  bool add_message() noexcept;
  bool add_result(const outbox_state& state, fencing_token token);
  /// Anything else goes alone.
  bool add_other() noexcept;

  void decided(const decision& d);

private:
  bool empty_ = true;
  bool open_ = true;
  std::vector<events::seq> guarded_; ///< lanes with a result in it
};

} // namespace hourglass::webhook
