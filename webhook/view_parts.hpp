#pragma once

#include "events/json_text.hpp"
#include "events/time.hpp"
#include "webhook/views.hpp"

#include <string>
#include <string_view>
#include <vector>

/// Members that several views have. Internal to webhook/.
namespace hourglass::webhook::views {

void write_texts_or_null(events::json_text& j, std::string_view name, const std::vector<std::string>& list);
void write_text_or_null(events::json_text& j, std::string_view name, std::string_view text);
void write_time(events::json_text& j, std::string_view name, events::virtual_time t);
void write_status(events::json_text& j, status s);

} // namespace hourglass::webhook::views
