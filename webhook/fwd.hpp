#pragma once

namespace hourglass::webhook {

struct secret;
struct destination;
struct event_type;
struct message_ref;
struct attempt_result;
struct start;
struct moment;
struct decision;
class outbox_state;
class dispatcher;

} // namespace hourglass::webhook
