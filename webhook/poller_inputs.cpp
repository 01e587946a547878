#include "webhook/body_reader.hpp"
#include "webhook/inputs.hpp"

namespace hourglass::webhook {

namespace {

const char* name_of_filter(const body_reader& r) { return r.has("eventTypes") ? "eventTypes" : "filterTypes"; }

/// What is there, or the value that stands for none where it is null.
template <class T>
std::optional<T> or_none(const body_reader& r, const char* name, std::optional<T> read) {
  return r.is_null(name) ? std::optional{T{}} : std::move(read);
}

} // namespace

events::outcome<patch_poller> read_poller_patch(std::string_view text) {
  body_reader r{text};
  patch_poller p;
  p.uid = or_none(r, "uid", r.text("uid"));
  p.description = or_none(r, "description", r.text("description"));
  p.filter_types = or_none(r, name_of_filter(r), r.texts(name_of_filter(r)));
  p.channels = or_none(r, "channels", r.texts("channels"));
  p.filter = or_none(r, "filter", r.compiled<content_filter>("filter"));
  p.metadata = or_none(r, "metadata", r.map("metadata"));
  return r.done(std::move(p));
}

events::outcome<create_poller> read_poller_in(std::string_view text) {
  auto given = read_poller_patch(text);
  if (!given)
    return tl::unexpected{std::move(given).error()};
  create_poller c;
  c.value.uid = given->uid.value_or("");
  c.value.description = given->description.value_or("");
  c.value.filter_types = given->filter_types.value_or(std::vector<std::string>{});
  c.value.channels = given->channels.value_or(std::vector<std::string>{});
  c.value.filter = given->filter.value_or(content_filter{});
  c.value.metadata = given->metadata.value_or(string_map{});
  return c;
}

events::outcome<consumer_seek> read_consumer_seek(std::string_view text) {
  body_reader r{text};
  consumer_seek c;
  c.after = r.time("after");
  c.iterator = r.text("iterator").value_or("");
  if (c.after && !c.iterator.empty())
    r.fail("give either `after` or `iterator`", "/iterator");
  if (!c.after && c.iterator.empty())
    r.fail("is required: a moment on the sandbox's clock, or give `iterator`", "/after");
  return r.done(std::move(c));
}

} // namespace hourglass::webhook
