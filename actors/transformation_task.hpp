#pragma once

#include "mock/script.hpp"
#include "webhook/transformation.hpp"

#include <string>
#include <string_view>

/// Between `webhook/transformation.hpp`, which knows no engine, and `mock/script.hpp`, which knows no webhooks.
namespace hourglass::actors {

/// The run that makes of a message what is sent. Nothing of the sandbox's data is at hand.
mock::script_task transformation_task(std::string sandbox, std::string_view code, std::string input, events::virtual_time now,
                                      const events::entropy& chance);

/// The chance of a delivery's runs: the same for every attempt, so that each comes to the same bytes.
events::entropy chance_of_delivery(std::string_view message, std::string_view destination);

/// In words for who wrote the code; its place is in `code`, not in what we put behind it.
std::string words_of(const mock::script_error& e, std::string_view code);

/// What it came to. Fails with `errc::invalid`, or `errc::unavailable` when it did not run.
events::outcome<webhook::transformed> result_of(const mock::script_outcome& o, std::string_view code, webhook::signature_profile profile);

/// The place of an error in the code itself: what is wrong behind its end is wrong at its end.
mock::script_error within(mock::script_error e, std::string_view code);

} // namespace hourglass::actors
