#include "webhook/content_filter.hpp"

#include "webhook/filter_node.hpp"

#include <algorithm>
#include <compare>

namespace hourglass::webhook {

using nlohmann::json;

// -- what filters see -----------------------------------------------------------------------

filtered_message::filtered_message(std::string_view event_type, std::string_view event_id, const std::vector<std::string>& channels,
                                   const std::vector<std::string>& tags, std::string_view payload)
  : event_type_(event_type), event_id_(event_id), payload_(payload), channels_(channels), tags_(tags) {}

filtered_message::~filtered_message() = default;

const json& filtered_message::document() const {
  if (!document_) {
    document_ = std::make_unique<json>(json::object());
    auto& d = *document_;
    d["eventType"] = event_type_;
    if (!event_id_.empty())
      d["eventId"] = event_id_;
    d["channels"] = channels_;
    d["tags"] = tags_;
    auto payload = json::parse(payload_, nullptr, false);
    if (!payload.is_discarded())
      d["payload"] = std::move(payload);
  }
  return *document_;
}

// -- judging --------------------------------------------------------------------------------

namespace {

using node = content_filter::node;

/// Exact for integers of either sign.
std::partial_ordering compare_numbers(const json& a, const json& b) {
  if (a.is_number_float() || b.is_number_float())
    return a.get<double>() <=> b.get<double>();
  auto negative = [](const json& v) { return !v.is_number_unsigned() && v.get<std::int64_t>() < 0; };
  if (negative(a) && negative(b))
    return a.get<std::int64_t>() <=> b.get<std::int64_t>();
  if (negative(a) || negative(b))
    return negative(a) ? std::partial_ordering::less : std::partial_ordering::greater;
  return a.get<std::uint64_t>() <=> b.get<std::uint64_t>();
}

std::partial_ordering compare(const json& a, const json& b) {
  if (a.is_number() && b.is_number())
    return compare_numbers(a, b);
  if (a.is_string() && b.is_string())
    return a.get_ref<const std::string&>().compare(b.get_ref<const std::string&>()) <=> 0;
  return std::partial_ordering::unordered;
}

bool equal(const json& a, const json& b) { return a.is_number() && b.is_number() ? compare_numbers(a, b) == 0 : a == b; }

class judge_of_one {
public:
  explicit judge_of_one(const json& document) : document_(document) {}

  /// The condition that does not hold, or null.
  const node* blame(const node& n) {
    switch (n.is) {
      case node::op::all:
        for (const auto& part : n.parts)
          if (const auto* b = blame(part); b != nullptr)
            return b;
        return nullptr;
      case node::op::any:
        for (const auto& part : n.parts)
          if (blame(part) == nullptr)
            return nullptr;
        return &n;
      case node::op::none:
        return n.parts.empty() || blame(n.parts.front()) != nullptr ? nullptr : &n;
      case node::op::at_path:
        return blame_at(n);
      default:
        return holds(n) ? nullptr : &n;
    }
  }

  bool tired() const noexcept { return steps_ > limits::filter_steps; }

private:
  const node* blame_at(const node& n) {
    auto before = std::move(reached_);
    reached_.clear();
    reach(document_, n.path, 0);
    const node* out = nullptr;
    for (const auto& part : n.parts)
      if (out = blame(part); out != nullptr)
        break;
    reached_ = std::move(before);
    return out;
  }

  void reach(const json& from, const std::vector<filter_step>& path, std::size_t at) {
    if (++steps_ > limits::filter_steps)
      return;
    if (at == path.size()) {
      reached_.push_back(&from);
      return;
    }
    const auto& step = path[at];
    if (from.is_object()) {
      if (auto found = from.find(step.name); found != from.end())
        reach(*found, path, at + 1);
    } else if (from.is_array() && step.index) {
      if (*step.index < from.size())
        reach(from[*step.index], path, at + 1);
    } else if (from.is_array()) {
      for (const auto& element : from)
        if (element.is_object()) // an array within an array is reached by its index
          reach(element, path, at);
    }
  }

  /// For one value reached, or one element of one that is an array.
  template <class Test>
  bool one(Test test) {
    for (const auto* v : reached_) {
      if (++steps_ > limits::filter_steps)
        return false;
      if (test(*v))
        return true;
      if (v->is_array())
        for (const auto& element : *v) {
          if (++steps_ > limits::filter_steps)
            return false;
          if (test(element))
            return true;
        }
    }
    return false;
  }

  bool is_in(const json& value, const json& list) {
    steps_ += list.size();
    return std::any_of(list.begin(), list.end(), [&value](const json& each) { return equal(value, each); });
  }

  template <class Test>
  bool text(const node& n, Test test) {
    const auto& wanted = n.argument.get_ref<const std::string&>();
    return one([&](const json& v) { return v.is_string() && test(v.get_ref<const std::string&>(), wanted); });
  }

  bool holds(const node& n) {
    const auto& a = n.argument;
    switch (n.is) {
      case node::op::eq:
        return one([&](const json& v) { return equal(v, a); });
      case node::op::ne:
        return !one([&](const json& v) { return equal(v, a); });
      case node::op::in:
        return one([&](const json& v) { return is_in(v, a); });
      case node::op::nin:
        return !one([&](const json& v) { return is_in(v, a); });
      case node::op::gt:
        return one([&](const json& v) { return compare(v, a) > 0; });
      case node::op::gte:
        return one([&](const json& v) { return compare(v, a) >= 0; });
      case node::op::lt:
        return one([&](const json& v) { return compare(v, a) < 0; });
      case node::op::lte:
        return one([&](const json& v) { return compare(v, a) <= 0; });
      case node::op::exists:
        return reached_.empty() != a.get<bool>();
      case node::op::starts_with:
        return text(n, [](const std::string& v, const std::string& w) { return v.starts_with(w); });
      case node::op::ends_with:
        return text(n, [](const std::string& v, const std::string& w) { return v.ends_with(w); });
      case node::op::contains:
        return contains(a);
      case node::op::all:
      case node::op::any:
      case node::op::none:
      case node::op::at_path:
        break; // answered by `blame`
    }
    return false;
  }

  bool contains(const json& wanted) {
    for (const auto* v : reached_) {
      if (v->is_string()) // a search can look at every byte for each byte of what is wanted
        steps_ += v->get_ref<const std::string&>().size() / 64 * (1 + (wanted.is_string() ? wanted.get_ref<const std::string&>().size() / 64 : 0));
      else if (v->is_array())
        steps_ += v->size();
      if (steps_ > limits::filter_steps)
        return false;
      if (v->is_array() && is_in(wanted, *v))
        return true;
      if (v->is_string() && wanted.is_string() && v->get_ref<const std::string&>().find(wanted.get_ref<const std::string&>()) != std::string::npos)
        return true;
    }
    return false;
  }

  const json& document_;
  std::vector<const json*> reached_; ///< by the innermost path
  std::size_t steps_ = 0;
};

} // namespace

const std::string& content_filter::text() const noexcept {
  static const std::string none;
  return root_ ? root_->text : none;
}

content_filter::verdict content_filter::judge(const filtered_message& m) const {
  verdict out;
  if (!root_)
    return out;
  judge_of_one j{m.document()};
  const auto* blamed = j.blame(root_->root);
  if (j.tired()) {
    out.undecided = true;
    return out;
  }
  out.takes = blamed == nullptr;
  if (blamed != nullptr)
    out.because = blamed->where;
  return out;
}

bool content_filter::takes(const filtered_message& m) const {
  if (!root_)
    return true;
  judge_of_one j{m.document()};
  const bool holds = j.blame(root_->root) == nullptr;
  return holds || j.tired();
}

} // namespace hourglass::webhook
