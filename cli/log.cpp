#include "cli/log.hpp"

#include "events/json_text.hpp"
#include "events/time.hpp"
#include "events/wall_clock.hpp"

#include <memory>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace hourglass::cli {

namespace {

bool as_json = false;

std::string_view name_of(level at) {
  switch (at) {
  case level::debug:
    return "debug";
  case level::info:
    return "info";
  case level::error:
    return "error";
  }
  return "error";
}

spdlog::level::level_enum to_spdlog(level at) {
  switch (at) {
  case level::debug:
    return spdlog::level::debug;
  case level::info:
    return spdlog::level::info;
  case level::error:
    return spdlog::level::err;
  }
  return spdlog::level::err;
}

/// A value cannot forge a line: control characters go out as escapes, as in JSON.
std::string quoted(std::string_view value) {
  auto plain = !value.empty();
  for (auto c : value)
    plain = plain && c > ' ' && c != '"' && c != '=' && c != '\\' && c != 0x7f;
  if (plain)
    return std::string{value};
  std::string out;
  events::json_text{out}.value(value);
  return out;
}

std::string clean(std::string_view text) {
  std::string out{text};
  if (!events::is_utf8(out))
    for (auto& c : out)
      if (static_cast<unsigned char>(c) >= 0x80)
        c = '?';
  return out;
}

} // namespace

std::string log_text(bool json, level at, std::string_view time, std::string_view what, fields more) {
  std::string out;
  if (json) {
    events::json_text j{out};
    j.open_object().key("time").value(time).key("level").value(name_of(at)).key("what").value(clean(what));
    for (auto& [name, value] : more)
      if (!value.empty())
        j.key(name).value(clean(value));
    j.close_object();
    return out;
  }
  out.append(time).append(" ").append(name_of(at)).append(" ").append(what);
  for (auto& [name, value] : more)
    if (!value.empty())
      out.append(" ").append(name).append("=").append(quoted(clean(value)));
  return out;
}

void open_log(std::string_view level_name, std::string_view format) {
  as_json = format == "json";
  auto logger = std::make_shared<spdlog::logger>("hourglass", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%v");
  logger->set_level(level_name == "debug" ? spdlog::level::debug : level_name == "error" ? spdlog::level::err : spdlog::level::info);
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

void log(level at, std::string_view what, fields more) {
  auto* logger = spdlog::default_logger_raw();
  if (!logger || !logger->should_log(to_spdlog(at)))
    return;
  logger->log(to_spdlog(at), log_text(as_json, at, events::to_rfc3339(events::wall_now()), what, more));
}

} // namespace hourglass::cli
