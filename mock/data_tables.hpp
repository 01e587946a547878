#pragma once

#include "mock/data.hpp"
#include "mock/json_value.hpp"

namespace hourglass::mock {

// Private to data*.cpp.

using named_texts = std::map<std::string, std::string, std::less<>>;

void put_item_in(data_state& state, std::string space, std::string key, std::string value);
void remove_item_in(data_state& state, std::string_view space, std::string_view key);
void put_named(data_state& state, named_texts& into, std::string name, std::string value);
void remove_named(data_state& state, named_texts& from, std::string_view name);

// data_scenarios.cpp: seeding, chaos profiles, packs
events::outcome<decision> decide_one(const data_state& state, const seed_data& c);
events::outcome<decision> decide_one(const data_state& state, const put_chaos& c);
events::outcome<decision> decide_one(const data_state& state, const remove_chaos& c);
events::outcome<decision> decide_one(const data_state& state, const put_pack& c);
events::outcome<decision> decide_one(const data_state& state, const remove_pack& c);
events::outcome<decision> decide_one(const data_state& state, const apply_pack& c);
bool is_of_scenarios(events::kind kind) noexcept;
events::outcome<void> apply_scenarios(data_state& state, events::kind kind, const json_value& v);
void write_scenarios(events::json_text& j, const scenario_state& s);
/// Fails with `errc::corrupt`.
events::outcome<void> read_scenarios(const json_value& v, data_state& into);

} // namespace hourglass::mock
