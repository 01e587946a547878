#pragma once

#include "api/core.hpp"
#include "api/svix/paging.hpp"
#include "storage/index.hpp"
#include "webhook/views.hpp"

#include <functional>
#include <optional>
#include <set>
#include <string>

/// Lists of messages and attempts: read from the log, newest first, the iterator being a seq.
namespace hourglass::api::svix {

namespace views = webhook::views;

/// What Svix lets one filter messages and attempts by. Times are the sandbox's own.
struct log_filters {
  page_request page;
  std::optional<std::int64_t> before, after; ///< microseconds of virtual time, exclusive
  std::set<std::string, std::less<>> event_types;
  std::optional<std::string> channel, tag, endpoint;
  std::optional<views::status> status;
  std::optional<unsigned> code_class; ///< 0: no answer; 100, 200, …
  bool with_content = true;
  bool with_message = false;
};

/// Fails with `errc::invalid` naming the parameter.
events::outcome<log_filters> read_log_filters(const call& c);

bool in_time(const log_filters& f, const events::header& h);

/// One item of a list, or nothing when the event is not to be shown.
using to_item = std::function<events::outcome<std::optional<std::string>>(const events::record&)>;

/// Lists the events that fit `what`, a page of `f.page`, as ListResponse. Blocking.
events::outcome<std::string> list_log(const storage::store& in, storage::history_query what, const log_filters& f, const to_item& show);

/// Does the message at `seq` have the channel and tag that `f` asks for? Reads it only when one is asked for.
events::outcome<bool> message_fits(const storage::store& in, const events::sandbox_id& sandbox, events::seq seq, const log_filters& f);

/// MessageOut of the message at `seq`.
events::outcome<std::string> message_at(const storage::store& in, const events::sandbox_id& sandbox, events::seq seq, bool with_content);

/// The message with this id, or with this eventId. Fails with `errc::not_found`. Blocking.
events::outcome<events::record> message_named(core& in, const events::sandbox_id& sandbox, const std::string& name);

/// The `msg_…` of what `message_named` gave.
std::string message_id_of(const events::record& message);

/// Resolves the endpoint of the path (id or uid) and goes on, on a reader thread with the index caught up, with its id. An id that has
/// no destination any more is passed on: its history stays readable.
void with_endpoint(core& in, const call_ptr& c, const std::string& id_or_uid, std::function<void(const call_ptr&, const std::string& id)> next);

} // namespace hourglass::api::svix
