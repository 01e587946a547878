// Reading JSON and YAML from outside into json_value. Both readers push events into one builder, which counts what it makes: neither
// parser ever holds a tree of its own, and neither depth nor alias expansion can outgrow the budget.
#include "mock/json_value.hpp"

#include "events/json_text.hpp"

#include <nlohmann/json.hpp>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <optional>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

namespace hourglass::mock {

namespace {

/// Builds one value from begin, end, key and scalar calls. After a false the value is lost and `problem` says why.
class builder {
public:
  explicit builder(json_budget budget) : budget_(budget) {}

  bool key(std::string name) {
    frames_.back().key = std::move(name);
    return true;
  }

  bool scalar(json_value v) {
    if (!charge(1))
      return false;
    place(std::move(v));
    return true;
  }

  bool open(json_value::type kind) {
    if (frames_.size() >= budget_.depth)
      return fail("nests deeper than the limit json_depth of " + std::to_string(budget_.depth));
    if (!charge(1))
      return false;
    frames_.push_back({{}, {}});
    frames_.back().value.kind = kind;
    return true;
  }

  bool close() {
    auto done = std::move(frames_.back().value);
    frames_.pop_back();
    done.seal();
    place(std::move(done));
    return true;
  }

  /// A copy of a value made before, charged in full.
  bool copy(const json_value& v, std::size_t depth_of_v) {
    if (frames_.size() + depth_of_v > budget_.depth)
      return fail("nests deeper than the limit json_depth of " + std::to_string(budget_.depth) + " once aliases are expanded");
    if (!charge_tree(v))
      return false;
    place(v);
    return true;
  }

  bool charge_tree(const json_value& v) {
    if (!charge(1))
      return false;
    for (const auto& item : v.items)
      if (!charge_tree(item))
        return false;
    return true;
  }

  bool in_object() const { return !frames_.empty() && frames_.back().value.is_object(); }
  bool awaits_key() const { return in_object() && !frames_.back().key; }
  json_value& top() { return frames_.back().value; }
  const json_value& last() const { return frames_.empty() ? root_ : frames_.back().value.items.back(); }
  json_value take() { return std::move(root_); }
  const std::optional<events::error>& problem() const { return problem_; }

private:
  struct frame {
    json_value value;
    std::optional<std::string> key;
  };

  bool charge(std::size_t n) {
    if (n > budget_.nodes)
      return fail("has more values than the limit document_nodes allows");
    budget_.nodes -= n;
    return true;
  }

  bool fail(std::string why) {
    problem_ = events::error{events::errc::too_large, std::move(why), {}};
    return false;
  }

  void place(json_value v) {
    if (frames_.empty()) {
      root_ = std::move(v);
      return;
    }
    auto& [into, key] = frames_.back();
    if (into.is_object()) {
      into.add(std::move(*key), std::move(v));
      key.reset();
    } else {
      into.items.push_back(std::move(v));
    }
  }

  json_budget budget_;
  std::vector<frame> frames_;
  json_value root_;
  std::optional<events::error> problem_;
};

/// Adapts nlohmann's parser, which keeps no recursion of its own in this mode.
struct json_events {
  using json = nlohmann::json;

  builder& build;
  std::string reason;
  std::size_t position = 0;

  bool null() { return build.scalar({}); }
  bool boolean(bool b) { return build.scalar(json_value::of_bool(b)); }
  bool number_integer(json::number_integer_t n) { return build.scalar(json_value::of_number(std::to_string(n))); }
  bool number_unsigned(json::number_unsigned_t n) { return build.scalar(json_value::of_number(std::to_string(n))); }
  bool number_float(json::number_float_t, const std::string& raw) { return build.scalar(json_value::of_number(raw)); }
  bool string(std::string& s) { return build.scalar(json_value::of(std::move(s))); }
  bool binary(json::binary_t&) { return false; }
  bool start_object(std::size_t) { return build.open(json_value::type::object); }
  bool key(std::string& k) { return build.key(std::move(k)); }
  bool end_object() { return build.close(); }
  bool start_array(std::size_t) { return build.open(json_value::type::array); }
  bool end_array() { return build.close(); }

  bool parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception& why) {
    position = at > 0 ? at - 1 : 0;
    reason = why.what();
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while parsing …; last read: '…'"
    if (auto cut = reason.find("; last read"); cut != std::string::npos)
      reason.resize(cut);
    if (auto cut = reason.find(": "); cut != std::string::npos)
      reason.erase(0, cut + 2);
    return false;
  }
};

bool is_json_number(std::string_view s) {
  std::size_t i = 0;
  auto digits = [&] {
    auto from = i;
    while (i < s.size() && s[i] >= '0' && s[i] <= '9')
      ++i;
    return i > from;
  };
  if (i < s.size() && s[i] == '-')
    ++i;
  if (i < s.size() && s[i] == '0')
    ++i;
  else if (!digits())
    return false;
  if (i < s.size() && s[i] == '.') {
    ++i;
    if (!digits())
      return false;
  }
  if (i < s.size() && (s[i] == 'e' || s[i] == 'E')) {
    ++i;
    if (i < s.size() && (s[i] == '+' || s[i] == '-'))
      ++i;
    if (!digits())
      return false;
  }
  return i == s.size();
}

/// A plain YAML scalar by the core schema. Digits with a leading zero stay text: they are codes, not numbers.
json_value plain_scalar(const std::string& s) {
  if (s.empty() || s == "~" || s == "null" || s == "Null" || s == "NULL")
    return {};
  if (s == "true" || s == "True" || s == "TRUE")
    return json_value::of_bool(true);
  if (s == "false" || s == "False" || s == "FALSE")
    return json_value::of_bool(false);
  if (is_json_number(s))
    return json_value::of_number(s);
  if (s.size() > 1 && s[0] == '+' && s[1] != '-' && is_json_number(s.substr(1)))
    return json_value::of_number(s.substr(1));
  return json_value::of(s);
}

std::size_t depth_of(const json_value& v) {
  std::size_t deepest = 0;
  for (const auto& item : v.items)
    deepest = std::max(deepest, depth_of(item));
  return v.is_array() || v.is_object() ? deepest + 1 : deepest;
}

/// Leaves yaml-cpp's parser, which knows no other way out than an exception; caught in parse_yaml.
struct stop_reading {
  events::error why;
};

class yaml_events : public YAML::EventHandler {
public:
  explicit yaml_events(builder& build) : build_(build) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (build_.awaits_key())
      return take_key(mark, "");
    checked(mark, build_.scalar({}));
    remember(anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto at = anchors_.find(anchor);
    if (at == anchors_.end())
      refuse(mark, "an alias refers to a node that is not complete yet");
    if (build_.awaits_key()) {
      if (!at->second.first.is_string())
        refuse(mark, "a mapping key must be a scalar");
      return take_key(mark, at->second.first.text);
    }
    checked(mark, build_.copy(at->second.first, at->second.second));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& text) override {
    if (!events::is_utf8(text))
      refuse(mark, "is not UTF-8");
    if (build_.awaits_key()) {
      if (anchor != YAML::NullAnchor)
        anchors_[anchor] = {json_value::of(text), 0};
      return take_key(mark, text);
    }
    bool plain = tag == "?" || tag.empty();
    bool typed = tag.rfind("tag:yaml.org,2002:", 0) == 0 && tag != "tag:yaml.org,2002:str";
    checked(mark, build_.scalar(plain || typed ? plain_scalar(text) : json_value::of(text)));
    remember(anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, anchor, json_value::type::array);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, anchor, json_value::type::object);
  }
  void OnMapEnd() override {
    merge_keys(build_.top());
    close();
  }

private:
  [[noreturn]] static void refuse(const YAML::Mark& mark, std::string why, events::errc code = events::errc::invalid) {
    throw stop_reading{{code, std::move(why), std::to_string(mark.line + 1) + ':' + std::to_string(mark.column + 1)}};
  }

  void checked(const YAML::Mark& mark, bool ok) {
    if (!ok)
      refuse(mark, build_.problem()->detail, build_.problem()->code);
  }

  void open(const YAML::Mark& mark, YAML::anchor_t anchor, json_value::type kind) {
    if (build_.awaits_key())
      refuse(mark, "a mapping key must be a scalar");
    checked(mark, build_.open(kind));
    open_.push_back({anchor, {}});
  }

  /// Keys of a mapping are unique (YAML 1.2, 3.2.1.3); merge keys are no keys of it.
  void take_key(const YAML::Mark& mark, const std::string& name) {
    if (name != "<<" && !open_.back().keys.insert(name).second)
      refuse(mark, name.size() <= 100 ? "the key `" + name + "` stands twice in this mapping" : std::string{"this key stands twice in its mapping"});
    checked(mark, build_.key(name));
  }

  void close() {
    build_.close();
    auto anchor = open_.back().anchor;
    open_.pop_back();
    remember(anchor);
  }

  void remember(YAML::anchor_t anchor) {
    if (anchor == YAML::NullAnchor)
      return;
    const auto& v = build_.last();
    if (!build_.charge_tree(v)) // it is kept a second time
      throw stop_reading{*build_.problem()};
    anchors_[anchor] = {v, depth_of(v)};
  }

  /// `<<: *other`: members of the other mapping that this one does not have itself. They were charged when the alias was expanded.
  static void merge_keys(json_value& object) {
    for (std::size_t i = 0; i < object.names.size(); ++i) {
      if (object.names[i] != "<<" || !(object.items[i].is_object() || object.items[i].is_array()))
        continue;
      auto from = std::move(object.items[i]);
      object.names.erase(object.names.begin() + static_cast<std::ptrdiff_t>(i));
      object.items.erase(object.items.begin() + static_cast<std::ptrdiff_t>(i));
      object.seal();
      auto own = object;
      auto add_from = [&](json_value& other) {
        for (std::size_t m = 0; m < other.names.size(); ++m)
          if (own.member(other.names[m]) == nullptr)
            object.add(other.names[m], std::move(other.items[m]));
      };
      if (from.is_object())
        add_from(from);
      else
        for (auto& one : from.items)
          add_from(one);
      return;
    }
  }

  builder& build_;
  struct opened {
    YAML::anchor_t anchor;
    std::unordered_set<std::string> keys;
  };
  std::vector<opened> open_;
  std::unordered_map<YAML::anchor_t, std::pair<json_value, std::size_t>> anchors_;
};

/// What follows the first document: nothing but empty ones.
class no_more_events : public YAML::EventHandler {
public:
  /// yaml-cpp sees an empty document before a mark that belongs to none, a comma for one, and leaves the mark where it stands: without end.
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (mark.pos == began_)
      throw stop_reading{{events::errc::invalid, "is not YAML: what stands here belongs to no value",
                          std::to_string(mark.line + 1) + ':' + std::to_string(mark.column + 1)}};
    began_ = mark.pos;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t, const std::string&) override { refuse(mark); }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override { refuse(mark); }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override { refuse(mark); }
  void OnMapEnd() override {}

private:
  int began_ = -1; ///< where the last one did

  [[noreturn]] static void refuse(const YAML::Mark& mark) {
    throw stop_reading{{events::errc::invalid, "a second document begins here; one is read",
                        std::to_string(mark.line + 1) + ':' + std::to_string(mark.column + 1)}};
  }
};

/// Neither JSON nor YAML has this byte; nlohmann takes it for the end, whatever follows.
std::optional<events::error> zero_byte(std::string_view text) {
  const auto at = text.find('\0');
  if (at == std::string_view::npos)
    return std::nullopt;
  return events::error{events::errc::invalid, "has a zero byte", place_of(text, at)};
}

events::outcome<json_value> parse_yaml(std::string_view text, json_budget budget) {
  if (auto wrong = zero_byte(text))
    return tl::unexpected{std::move(*wrong)};
  builder build{budget};
  yaml_events handler{build};
  // yaml-cpp throws, and a document of many kilobytes of nesting ends in its own depth guard.
  try {
    std::istringstream in{std::string{text}};
    YAML::Parser parser{in};
    if (!parser.HandleNextDocument(handler))
      return events::failure(events::errc::invalid, "is empty", "1:1");
    no_more_events rest;
    while (parser.HandleNextDocument(rest)) {
    }
    return build.take();
  } catch (const stop_reading& stop) {
    return tl::unexpected<events::error>{stop.why};
  } catch (const YAML::Exception& e) {
    auto where = std::to_string(e.mark.line + 1) + ':' + std::to_string(e.mark.column + 1);
    return events::failure(events::errc::invalid, "is not YAML: " + e.msg, std::move(where));
  } catch (const std::exception& e) {
    return events::failure(events::errc::invalid, std::string{"is not YAML: "} + e.what());
  }
}

} // namespace

events::outcome<json_value> parse_json(std::string_view text, json_budget budget) {
  if (auto wrong = zero_byte(text))
    return tl::unexpected{std::move(*wrong)};
  builder build{budget};
  json_events handler{build, {}, 0};
  bool ok = false;
  try {
    ok = nlohmann::json::sax_parse(text.begin(), text.end(), &handler);
  } catch (const std::exception& e) {
    return events::failure(events::errc::invalid, std::string{"is not JSON: "} + e.what());
  }
  if (ok)
    return build.take();
  if (build.problem())
    return tl::unexpected<events::error>{*build.problem()};
  return events::failure(events::errc::invalid, "is not JSON: " + handler.reason, place_of(text, handler.position));
}

events::outcome<json_value> parse_document(std::string_view text, json_budget budget) {
  if (text.substr(0, 3) == "\xEF\xBB\xBF")
    text.remove_prefix(3);
  auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos)
    return events::failure(events::errc::invalid, "is empty", "1:1");
  if (text[first] != '{' && text[first] != '[')
    return parse_yaml(text, budget);
  auto json = parse_json(text, budget);
  if (json || json.error().code != events::errc::invalid)
    return json;
  // A flow mapping is YAML, too; the JSON error is the better one if it is neither.
  auto yaml = parse_yaml(text, budget);
  return yaml ? yaml : json;
}

} // namespace hourglass::mock
