#include "http/stream.hpp"

namespace hourglass::http {

namespace {

/// `id` and `event` are one line each; a line end in them would start a field of its own.
void append_line(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  for (char c : value)
    if (c != '\r' && c != '\n' && c != '\0')
      out.push_back(c);
  out.push_back('\n');
}

} // namespace

void append_event(std::string& out, std::string_view id, std::string_view event, std::string_view data) {
  if (!id.empty())
    append_line(out, "id", id);
  if (!event.empty())
    append_line(out, "event", event);
  while (true) {
    auto end = data.find_first_of("\r\n");
    out.append("data: ").append(data.substr(0, end)).push_back('\n');
    if (end == std::string_view::npos)
      break;
    data.remove_prefix(data.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
  }
  out.push_back('\n');
}

bool stream_writer::send(std::string_view id, std::string_view event, std::string_view data) {
  bool tell_home = false;
  bool taken = true;
  {
    std::lock_guard lock{core_->mutex};
    if (!core_->open)
      return false;
    append_event(core_->waiting, id, event, data);
    if (core_->waiting.size() + core_->in_writing > stream_core::most_waiting) {
      core_->open = false;
      core_->drop = true;
      core_->waiting.clear();
      taken = false;
    }
    tell_home = !std::exchange(core_->told, true);
  }
  if (tell_home)
    tell();
  return taken;
}

bool stream_writer::open() const noexcept {
  std::lock_guard lock{core_->mutex};
  return core_->open;
}

void stream_writer::close() {
  {
    std::lock_guard lock{core_->mutex};
    if (!core_->open)
      return;
    core_->open = false;
    if (std::exchange(core_->told, true))
      return;
  }
  tell();
}

void stream_writer::tell() {
  letter l;
  l.what = letter::about::flush_stream;
  l.to = core_->ticket;
  core_->home->post(std::move(l));
}

} // namespace hourglass::http
