#include "api/core.hpp"
#include "api/log_reading.hpp"
#include "api/query.hpp"
#include "api/routes.hpp"
#include "events/json_text.hpp"
#include "webhook/facts.hpp"
#include "webhook/views.hpp"

#include <algorithm>
#include <functional>
#include <unordered_map>

namespace hourglass::api {

using events::errc;
using events::failure;

namespace {

constexpr std::size_t bytes_looked_at_most =
    32 * limits::mebi; ///< by one request; then it says how far it came
constexpr std::size_t bytes_of_a_page_most = 2 * limits::mebi;
constexpr std::size_t text_bytes_most = 256;
constexpr std::size_t messages_remembered = 256; ///< attempts of one message stand near each other

/// Where a text may stand.
struct places {
  bool payload = true, response = true, error = true;
};

struct search {
  storage::history_query where;
  std::size_t limit = 50;
  std::optional<unsigned> status_from, status_to; ///< 0: no answer
  std::optional<webhook::outcome_kind> outcome;
  std::vector<std::string> types;
  std::optional<std::string> destination, message, text;
  places in;
};

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Bytes, whatever the case of ASCII letters.
class needle {
public:
  explicit needle(std::string text)
      : text_(std::move(text)), finder_(text_.begin(), text_.end(), hash{}, same{}) {}
  needle(const needle&) = delete;
  needle& operator=(const needle&) = delete;
  bool in(std::string_view where) const {
    return std::search(where.begin(), where.end(), finder_) != where.end();
  }

private:
  struct hash {
    std::size_t operator()(char c) const noexcept { return static_cast<unsigned char>(lower(c)); }
  };
  struct same {
    bool operator()(char a, char b) const noexcept { return lower(a) == lower(b); }
  };
  std::string text_;
  std::boyer_moore_horspool_searcher<std::string::const_iterator, hash, same> finder_;
};

std::optional<webhook::outcome_kind> outcome_named(std::string_view name) {
  using webhook::outcome_kind;
  for (auto k : {outcome_kind::delivered, outcome_kind::retry, outcome_kind::dead,
                 outcome_kind::failed, outcome_kind::dropped})
    if (to_string(k) == name)
      return k;
  return std::nullopt;
}

/// `404`, a class `4xx`, or `none`.
bool read_status(const std::string& text, search& out) {
  if (text == "none") {
    out.status_from = out.status_to = 0;
    return true;
  }
  const bool is_class = text.size() == 3 && text.substr(1) == "xx";
  const auto number = to_number(is_class ? text.substr(0, 1) : text);
  if (!number || (is_class ? *number < 1 || *number > 5 : *number < 100 || *number > 599))
    return false;
  out.status_from = static_cast<unsigned>(is_class ? *number * 100 : *number);
  out.status_to = *out.status_from + (is_class ? 99 : 0);
  return true;
}

events::outcome<search> read_search(const call& c) {
  search out;
  query_reader q{c.query};
  out.limit = q.limit();
  if (auto status = q.text("status", 8); status && !read_status(*status, out))
    q.reject("status",
             "must be a status (404), a class (4xx), or none for those without an answer");
  if (auto name = q.choice("outcome", {"delivered", "retry", "dead", "failed", "dropped"}))
    out.outcome = outcome_named(*name);
  out.types = q.list("type");
  out.destination = q.text("destination", 256);
  out.message = q.text("message", 256);
  out.text = q.text("text", text_bytes_most);
  if (out.text && out.text->empty())
    q.reject("text", "must not be empty");
  if (auto in = q.list("in"); !in.empty()) {
    auto has = [&](std::string_view name) {
      return std::find(in.begin(), in.end(), name) != in.end();
    };
    out.in = {has("payload"), has("response"), has("error")};
    if (in.size() !=
        std::size_t{out.in.payload} + std::size_t{out.in.response} + std::size_t{out.in.error})
      q.reject("in", "may have payload, response and error, each once");
    if (!out.text)
      q.reject("in", "says where to look for text, and there is none");
  }
  out.where.sandbox = c.sandbox;
  out.where.kinds = {events::kind::attempt_finished};
  if (auto since = q.instant("since"))
    out.where.from = events::wall_time{*since};
  if (auto until = q.instant("until"))
    out.where.until = events::wall_time{*until};
  auto cursor = q.text("cursor", 1024);
  if (auto fine = q.done(); !fine)
    return tl::unexpected<events::error>{fine.error()};
  if (cursor) {
    auto text = from_cursor_of("attempts", *cursor);
    auto seq = text ? to_number(*text) : std::nullopt;
    if (!seq)
      return failure(errc::invalid, "is not a cursor that this list gave", "cursor");
    out.where.before = *seq;
  }
  return out;
}

/// Looks at attempts one after the other, and remembers what it found in their messages.
class seeker {
public:
  seeker(const storage::store& in, const search& what) : in_(in), what_(what) {
    if (what.text)
      text_.emplace(*what.text);
  }

  /// The item for an attempt that fits, or nothing.
  events::outcome<std::optional<std::string>> look_at(const events::record& r) {
    bytes_ += r.payload.size();
    auto payload = events::upcast(r);
    auto decoded = payload ? webhook::decode(r.header.kind, *payload)
                           : tl::unexpected<events::error>{payload.error()};
    if (!decoded)
      return tl::unexpected<events::error>{decoded.error()};
    const auto& a = std::get<webhook::attempt_finished>(*decoded);
    if (!fits(a))
      return std::nullopt;
    std::vector<std::string_view> matched;
    if (text_) {
      if (what_.in.response && text_->in(a.result.answer.body))
        matched.push_back("response");
      if (what_.in.error && text_->in(a.result.answer.detail))
        matched.push_back("error");
      auto in_payload = what_.in.payload ? is_in_message(r.header.sandbox, a.message.seq)
                                         : events::outcome<bool>{false};
      if (!in_payload)
        return tl::unexpected<events::error>{in_payload.error()};
      if (*in_payload)
        matched.push_back("payload");
      if (matched.empty())
        return std::nullopt;
    }
    auto out = webhook::views::attempt_out(r.header, *payload);
    if (!out)
      return tl::unexpected<events::error>{out.error()};
    return with(std::move(*out), matched);
  }

  std::size_t bytes() const noexcept { return bytes_; }

private:
  bool fits(const webhook::attempt_finished& a) const {
    const auto status = a.result.answer.status;
    return (!what_.status_from || (status >= *what_.status_from && status <= *what_.status_to)) &&
           (!what_.outcome || a.follows == *what_.outcome) &&
           (what_.types.empty() || std::find(what_.types.begin(), what_.types.end(),
                                             a.message.event_type) != what_.types.end()) &&
           (!what_.destination || a.destination == *what_.destination) &&
           (!what_.message || a.message.id == *what_.message);
  }

  events::outcome<bool> is_in_message(const events::sandbox_id& sandbox, events::seq seq) {
    if (auto known = seen_.find(seq); known != seen_.end())
      return known->second;
    auto found = in_.read(sandbox, seq, {1, 1});
    if (!found)
      return tl::unexpected<events::error>{found.error()};
    bool is_there = false;
    if (!found->empty() && !found->front().erased) {
      auto payload = events::upcast(found->front());
      if (!payload)
        return tl::unexpected<events::error>{payload.error()};
      bytes_ += payload->size();
      if (webhook::has_content(*payload)) { // its body may stand there in a coding
        auto message = webhook::decode(found->front().header.kind, *payload);
        if (!message)
          return tl::unexpected<events::error>{message.error()};
        is_there = text_->in(std::get<webhook::message_created>(*message).body);
      } else {
        is_there = text_->in(webhook::message_body(*payload));
      }
    }
    if (seen_.size() >= messages_remembered)
      seen_.clear();
    seen_.emplace(seq, is_there);
    return is_there;
  }

  static std::string with(std::string item, const std::vector<std::string_view>& matched) {
    if (matched.empty())
      return item;
    item.back() = ',';
    std::string list;
    events::json_text names{list};
    names.open_array();
    for (auto name : matched)
      names.value(name);
    names.close_array();
    return item.append(R"("matched":)").append(list).append("}");
  }

  const storage::store& in_;
  const search& what_;
  std::optional<needle> text_;
  std::unordered_map<events::seq, bool> seen_;
  std::size_t bytes_ = 0;
};

void answer(core& in, const call_ptr& c, search what) {
  if (what.message)
    what.where.entity = what.message;
  else if (what.destination)
    what.where.entity = what.destination;
  seeker look{in.node.store(), what};
  std::string out = R"({"data":[)";
  std::size_t items = 0, looked = 0;
  std::optional<events::header> last;
  auto next =
      scan_log(in.node.store(), what.where, [&](const events::record& r) -> events::outcome<bool> {
        ++looked;
        last = r.header;
        auto item = look.look_at(r);
        if (!item)
          return tl::unexpected<events::error>{item.error()};
        if (*item)
          out.append(items++ == 0 ? "" : ",").append(**item);
        return items < what.limit && out.size() < bytes_of_a_page_most &&
               look.bytes() < bytes_looked_at_most;
      });
  if (!next)
    return c->fail(next.error());
  out += R"(],"looked_at":)" + std::to_string(looked) + R"(,"looked_at_bytes":)" +
         std::to_string(look.bytes()) + R"(,"reached":)";
  out += last ? '"' + events::to_rfc3339(last->wall) + '"' : "null";
  out += R"(,"next_cursor":)";
  out += *next ? '"' + to_cursor_of("attempts", std::to_string(**next)) + '"' : "null";
  c->answer(200, out + '}');
}

/// A destination may be named by its uid; one that was removed, by its id.
void run(core& in, const call_ptr& c) {
  auto read = read_search(*c);
  if (!read)
    return c->fail(read.error());
  auto search_now = [&in](const call_ptr& done, search what) {
    in.on_reader(done, [&in, what = std::move(what)](const call_ptr& ready) {
      in.catch_up();
      answer(in, ready, what);
    });
  };
  if (!read->destination)
    return search_now(c, std::move(*read));
  auto name = *read->destination;
  in.look<webhook::outbox_state>(
      c, c->sandbox,
      [name](const webhook::outbox_state& s, events::virtual_time) -> events::outcome<std::string> {
        const auto* d = s.find(name);
        return d != nullptr ? d->id : name;
      },
      [what = std::move(*read), search_now](const call_ptr& found, actors::receipt r) {
        auto resolved = what;
        resolved.destination = std::move(r.reply);
        search_now(found, std::move(resolved));
      });
}

} // namespace

void add_attempt_search(router& to) {
  to.add({.method = "GET",
          .path = "/sandboxes/{sandbox}/attempts",
          .id = "searchAttempts",
          .tag = "events",
          .says = "Attempts, newest first, by what they were and by text in what was sent and "
                  "answered. One request looks at a bounded part of the log and "
                  "says how far it came: reached, and next_cursor to go on from there",
          .who = access::sandbox,
          .query =
              {{"text", "string",
                "In payload, response or error; 256 bytes at most, whatever the case of ASCII "
                "letters"},
               {"in", "string",
                "Where to look for text: payload, response, error, comma-separated; all if absent"},
               {"status", "string", "Of the answer: 404, a class 4xx, or none"},
               {"outcome", "string", "What followed: delivered, retry, dead, failed, dropped"},
               {"type", "string", "Event types, comma-separated"},
               {"destination", "string", "Id or uid"},
               {"message", "string", "Id of a message"},
               {"since", "date-time", "At or after, on the node's clock"},
               {"until", "date-time", "At or before, on the node's clock"},
               {"limit", "integer", "Page size, 1 to 250; 50 if absent"},
               {"cursor", "string", "next_cursor of the page before"}},
          .answers = {{200, "AttemptSearch",
                       "A page may be short, even empty, and still have a next one"}},
          .portal = capability::view, .run = run});
}

} // namespace hourglass::api
