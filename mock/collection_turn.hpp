#pragma once

#include "mock/collection_view.hpp"
#include "mock/compiled.hpp"
#include "mock/stateful.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

inline bool contains(const std::vector<std::string>& names, std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); }

/// What is said of a body that does not read.
schema_fault unread_fault(const events::error& why);

/// One request to one collection. Private to stateful*.cpp.
class collection_turn {
public:
  collection_turn(const plan& p, const data_state& data, const request& req, const events::context& ctx, const events::redactor& redact);

  state_answer run(const data_state& data);

private:
  // stateful.cpp
  response create();
  response replace();
  response merge();
  response remove();
  response get();
  response put(const std::string& id, json_value least, json_value wanted, bool fresh, bool removes);
  void answer_as_made();
  tl::expected<json_value, response> body();
  std::optional<response> too_large() const;
  bool answers_for_many() const;
  std::optional<response> what_is_left_out();
  std::string id_meant(const json_value& given) const;
  std::string id_in_path() const;

  // stateful_fit.cpp
  static json_value merged(const json_value& to, const json_value& patch, bool removes);
  json_value begun(const json_value& id, const json_value* before) const;
  void stamp(json_value& item, bool fresh) const;
  json_value without_secrets(json_value wanted) const;
  bool id_fits(const json_value& item);
  bool fits(const json_value& item);
  bool is_kept_secret(const json_value& item, std::string_view at) const;
  void stand_in_for_secrets(json_value& item);
  json_value one_by_one(json_value least, const json_value& wanted, bool removes);
  void leave_out(const std::string& name, const json_value& with_it);
  events::outcome<json_value> fitted(json_value least, const json_value& wanted, bool removes);

  events::outcome<void> fits_as_well(const json_value& item, const json_value& before, const char* in);

  // stateful_patch.cpp
  response patch();
  json_value with_own_members(json_value after, const json_value& before);
  void hide_tested(json_value& operations) const;
  response not_patched(const events::error& why);

  // stateful_list.cpp
  response list();
  struct wish { ///< any of these values of that member
    std::string member; ///< empty: any text
    std::vector<std::string> values;
    std::vector<std::optional<double>> numbers; ///< that these are, parallel to them
  };
  std::vector<wish> wishes(const fields& query) const;
  static bool matches(const json_value& item, const std::vector<wish>& all);
  bool filter(std::vector<collection_view::entry>& entries, const std::vector<wish>& all) const;
  std::size_t behind(const std::vector<collection_view::entry>& entries, std::string_view after) const;
  void count_pages(json_value& around, std::size_t depth) const;

  // stateful_answer.cpp
  response example() const;
  response show(json_value item) const;
  response show_all(std::vector<json_value> items) const;
  response missing(std::string_view id) const;
  response refuse(unsigned status, std::string_view name, std::string_view title, std::string detail) const;
  response refuse(const events::error& why) const;
  response refuse(const std::vector<request_fault>& faults);
  response unfit(const events::error& why);
  void tell(std::string_view what); ///< in `X-Request-Validation`
  static std::string shortened(std::string_view text);
  json_value visible(json_value item, const json_value* like) const;
  bool shows_json() const;
  json_value whole_example() const;
  void add_headers(response& out) const;

  const plan& p_;
  std::size_t response_; ///< the answer; as planned, unless an item was made where one could have been changed
  std::size_t content_;
  unsigned status_;
  const compiled_endpoint& e_;
  const collection& c_;
  const state_spec& s_;
  const request& req_;
  const events::context& ctx_;
  const events::redactor& redact_;
  collection_view items_;
  schema_purse purse_; ///< what holding items against their schema may cost
  std::string made_;   ///< the id of a new item
  std::vector<std::string> of_query_;   ///< members that the query gives
  std::vector<request_fault> left_out_; ///< members that a body gives and the item did not get
  std::string told_;   ///< for `X-Request-Validation`
  bool unread_ = false; ///< the body is of a media type that is not read: what it says is not known
  struct page {
    std::size_t total = 0, size = 0, number = 0, offset = 0;
    bool more = false;
    std::string last; ///< id of the last item shown
  } page_;
};

} // namespace hourglass::mock
