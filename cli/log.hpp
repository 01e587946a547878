#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace hourglass::cli {

enum class level { debug, info, error };
using fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// One line a happening on standard error: `text` for people, `json` for machines. Empty fields are left out.
/// Threads: any, after `open_log`.
void open_log(std::string_view level_name, std::string_view format);
void log(level at, std::string_view what, fields more = {});

/// The line itself, for the test.
std::string log_text(bool json, level at, std::string_view time, std::string_view what, fields more);

} // namespace hourglass::cli
