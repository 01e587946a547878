#include "webhook/body_reader.hpp"
#include "webhook/event_type.hpp"
#include "webhook/inputs.hpp"
#include "webhook/limits.hpp"

namespace hourglass::webhook {

events::outcome<change_transformation> read_transformation_patch(std::string_view text) {
  body_reader r{text};
  change_transformation c;
  c.code = r.is_null("code") ? std::optional{std::string{}} : r.text("code");
  c.enabled = r.truth("enabled");
  c.variables = r.is_null("variables") ? std::optional{string_map{}} : r.map("variables");
  return r.done(std::move(c));
}

events::outcome<transformation_trial> read_transformation_trial(std::string_view text) {
  body_reader r{text, "payload"};
  transformation_trial t;
  t.code = r.text("code");
  t.variables = r.map("variables");
  t.event_type = r.needed_text("eventType");
  if (!is_name(t.event_type))
    r.fail("must match ^[a-zA-Z0-9\\-_.]+$ and have at most 256 characters", "/eventType");
  if (!r.unread())
    r.fail("is required", "/payload");
  else if (r.unread()->size() > limits::message_bytes)
    r.fail({events::errc::too_large, "is longer than " + std::to_string(limits::message_bytes) + " bytes (message_bytes)", "/payload"});
  else
    t.payload = *r.unread();
  return r.done(std::move(t));
}

} // namespace hourglass::webhook
