#pragma once

#include "actors/node.hpp"
#include "api/fwd.hpp"
#include "api/problem.hpp"
#include "events/ids.hpp"
#include "http/server.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace hourglass::api {

/// Who holds the key that came with a request.
struct principal {
  enum class role : std::uint8_t { nobody, portal, sandbox, admin };
  role is = role::nobody;
  events::sandbox_id own; ///< with `role::sandbox` and `role::portal`
  std::shared_ptr<const mock::portal_claims> portal; ///< with `role::portal`: what its token says

  /// Event types with feature flags are for who has one of them. Only a portal's user can lack one.
  bool sees(const std::vector<std::string>& feature_flags) const;

  /// As it stands in the log.
  std::string name() const;
};

/// One request under way: what came, who asks, and where the one answer goes.
///
/// Ownership: shared by the callbacks that work on it; one of them at a time. When the last one lets go without an answer, the reply
/// answers 503 `abandoned` by itself.
class call : public std::enable_shared_from_this<call> {
public:
  call(std::shared_ptr<const http::request> what, http::reply to, std::string correlation);

  // -- what came -----------------------------------------------------------------

  std::shared_ptr<const http::request> request;
  std::string correlation;
  const route* at = nullptr;
  dialect speaks = dialect::ours;
  principal who;
  events::sandbox_id sandbox;  ///< of the path, resolved, for routes below one
  http::fields query;          ///< decoded
  nlohmann::json body;         ///< for routes with a JSON body
  std::optional<events::error> missing; ///< there is no such sandbox; told when no answer of before is kept
  std::vector<std::pair<std::string_view, std::string>> path; ///< decoded parameters by name

  const std::string& param(std::string_view name) const;
  /// For a change. The first one that a call makes is the one its Idempotency-Key stands for.
  actors::caller caller() { return {who.name(), correlation, std::exchange(once, nullptr), request->body.size()}; }

  /// Places in the body by the core's name, and as this caller called them: errors point at what was sent.
  std::vector<std::pair<std::string_view, std::string_view>> sent_as;

  std::shared_ptr<const actors::once> once; ///< with an Idempotency-Key, until the change is asked for
  bool taken_back = false;                  ///< the change was made and undone: the key is free again
  bool answer_is_secret = false;            ///< it is not written down: asked again, the handler finds the receipt and makes the answer anew

  // -- the answer ------------------------------------------------------------------

  /// `text` is JSON.
  void answer(unsigned status, std::string text, http::fields headers = {});
  void answer(unsigned status, const nlohmann::json& tree) { answer(status, tree.dump()); }
  void no_content();
  void fail(const events::error& e);
  void send(http::response whole);
  std::shared_ptr<http::event_stream> stream();

  /// With an Idempotency-Key: sees the answer before it leaves, and calls `go_on` when it may.
  std::function<void(const call&, const http::response&, std::function<void()> go_on)> before_answer;

  /// Told about every answer: for metrics and the log.
  std::function<void(const call&, unsigned status, const events::error* why)> on_answered;

private:
  void leave(http::response whole, const events::error* why);

  http::reply reply_;
  bool answered_ = false;
};

} // namespace hourglass::api
