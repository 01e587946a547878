#include "api/core.hpp"
#include "api/input.hpp"
#include "api/reserved.hpp"
#include "api/routes.hpp"
#include "events/digest.hpp"
#include "events/json_text.hpp"
#include "webhook/inputs.hpp"
#include "webhook/raw_member.hpp"

#include <algorithm>
#include <atomic>
#include <set>

// One message to many sandboxes. To each it is a message of its own, durable there or not at all; what became of each is told.
namespace hourglass::api {

using events::errc;

namespace {

using nlohmann::json;

constexpr std::size_t sandboxes_most = 1'000;
constexpr std::size_t rows_at_once = 250;

struct recipient {
  std::string name; ///< as it is told
  events::sandbox_id id;
  std::optional<events::error> missing;
};

struct broadcast {
  webhook::create_message message;
  std::vector<recipient> to;
  std::shared_ptr<const actors::once> once;
  std::vector<json> told;
  std::vector<char> failed; ///< 1: for good; 2: may succeed when it is asked for again
  std::atomic<std::size_t> left{0};
};

/// Those that the owner has when this is asked. Blocking.
events::outcome<std::vector<recipient>> owned_by(core& in, const std::string& owner) {
  std::vector<recipient> out;
  for (std::string after;;) {
    auto page = in.node.list(after, rows_at_once);
    if (!page)
      return tl::unexpected<events::error>{std::move(page).error()};
    for (const auto& text : page->sandboxes) {
      const auto one = json::parse(text, nullptr, false);
      if (!one.is_object() || one.value("owner", "") != owner || one.value("uid", "") == catalogue_uid)
        continue;
      if (out.size() == sandboxes_most)
        return events::failure(errc::too_large, "has more than 1000 sandboxes: name them, in several requests", "/owner");
      if (auto id = events::sandbox_id::parse(one.value("id", "")))
        out.push_back({id->to_string(), *id, std::nullopt});
    }
    if (page->next.empty())
      return out;
    after = page->next;
  }
}

std::vector<recipient> named(core& in, const std::vector<std::string>& names) {
  std::vector<recipient> out;
  std::set<events::sandbox_id> seen;
  for (const auto& name : names) {
    auto id = name == catalogue_uid ? tl::unexpected<events::error>{{errc::not_found, "no such sandbox", {}}} : in.node.resolve(name);
    if (!id)
      out.push_back({name, {}, id.error()});
    else if (seen.insert(*id).second)
      out.push_back({name, *id, std::nullopt});
  }
  return out;
}

bool may_come_right(errc code) {
  return code == errc::overloaded || code == errc::unavailable || code == errc::timeout || code == errc::abandoned;
}

void tell(const call_ptr& c, const broadcast& b) {
  const auto failed = static_cast<std::size_t>(std::count_if(b.failed.begin(), b.failed.end(), [](char f) { return f != 0; }));
  const bool again = std::find(b.failed.begin(), b.failed.end(), 2) != b.failed.end();
  json out{{"accepted", b.to.size() - failed}, {"failed", failed}, {"data", b.told}};
  // 503 is not kept under an Idempotency-Key: asked again, those that have it answer as before, and the others are tried anew.
  c->answer(failed == 0 ? 202 : again ? 503 : 207, out);
}

void note(const call_ptr& c, const std::shared_ptr<broadcast>& b, std::size_t i, const events::outcome<actors::receipt>& r) {
  json one{{"sandbox", b->to[i].name}};
  if (r) {
    const auto id = webhook::raw_member(r->reply, "id");
    one["message"] = id.empty() ? json{} : json::parse(id, nullptr, false);
  } else {
    one["error"] = {{"code", std::string{events::to_string(r.error().code)}}, {"detail", r.error().detail}, {"where", r.error().where}};
    b->failed[i] = may_come_right(r.error().code) ? 2 : 1;
  }
  b->told[i] = std::move(one);
  if (b->left.fetch_sub(1) == 1)
    tell(c, *b);
}

/// The name under which one sandbox has its message: of the request's key, and the sandbox's.
std::shared_ptr<const actors::once> once_in(const broadcast& b, const events::sandbox_id& id) {
  if (!b.once)
    return nullptr;
  return std::make_shared<const actors::once>(actors::once{events::to_hex(events::as_text(events::sha256({"broadcast ", b.once->name, " ", id.to_string()}))), b.once->fingerprint});
}

void run(core& in, const call_ptr& c, std::shared_ptr<broadcast> b) {
  if (b->to.empty())
    return c->fail({errc::not_found, "there is no such sandbox", {}});
  const auto who = c->caller(); // the whole is no change of its own
  b->once = who.once;
  b->told.resize(b->to.size());
  b->failed.resize(b->to.size());
  b->left = b->to.size();
  for (std::size_t i = 0; i < b->to.size(); ++i) {
    if (b->to[i].missing) {
      note(c, b, i, tl::unexpected<events::error>{*b->to[i].missing});
      continue;
    }
    in.node.submit(b->to[i].id, webhook::command{b->message}, {who.principal, who.correlation, once_in(*b, b->to[i].id), b->message.payload.size()},
                   [c, b, i](events::outcome<actors::receipt> r) { guarded(c, [&] { note(c, b, i, r); }); });
  }
}

void send(core& in, const call_ptr& c) {
  if (auto good = check_json(c->request->body); !good)
    return c->fail(good.error());
  // The message keeps its bytes: what stands beside it is read without it.
  const auto message = webhook::raw_member(c->request->body, "message");
  auto beside = json::parse(c->request->body, nullptr, false);
  if (!beside.is_object())
    return c->fail({errc::invalid, "must be a JSON object", "/"});
  beside.erase("message");
  input body{beside};
  auto owner = body.optional_text("owner", 1, 256);
  auto names = body.optional_texts("sandboxes", sandboxes_most, 256);
  if (owner.has_value() == names.has_value())
    body.reject("sandboxes", "give either sandboxes or owner");
  if (message.empty())
    body.reject("message", "is required");
  if (auto fine = body.done(); !fine)
    return c->fail(fine.error());
  auto read = webhook::read_message_in(message);
  if (!read)
    return c->fail({read.error().code, read.error().detail, read.error().where.starts_with('/') ? "/message" + read.error().where : "/message"});
  auto b = std::make_shared<broadcast>();
  b->message = *std::move(read);
  b->message.payload_at = "/message/payload";
  in.on_reader(c, [&in, b, owner, names](const call_ptr& done) {
    if (owner) {
      auto all = owned_by(in, *owner);
      if (!all)
        return done->fail(all.error());
      b->to = *std::move(all);
    } else {
      b->to = named(in, *names);
    }
    run(in, done, b);
  });
}

} // namespace

void add_broadcast(router& to) {
  to.add({.method = "POST", .path = "/broadcast", .id = "broadcastMessage", .tag = "events",
          .says = "Emits one message in each of up to 1,000 sandboxes, named or of an owner: durable in each that accepted it when answered. With an Idempotency-Key, once in each",
          .who = access::admin, .takes = body::unread_json, .body_schema = "BroadcastIn",
          .answers = {{202, "BroadcastOut", "Every one accepted it"}, {207, "BroadcastOut", "Some did not, and will not"},
                      {503, "BroadcastOut", "Some had no room; ask again with the same key"}},
          .run = send});
}

} // namespace hourglass::api
