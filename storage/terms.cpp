#include "storage/terms.hpp"

#include "events/digest.hpp"
#include "storage/keys.hpp"

namespace hourglass::storage::terms {

using events::kind;
using events::sandbox_id;

namespace {

/// The part of an id made for a request or a call that says when; of another text, all of it.
std::string_view moment_of(std::string_view text) {
  constexpr std::size_t request = 30, request_moment = 13; // req_, 10 digits of time, 16 of chance
  constexpr std::size_t correlation = 26,
                        correlation_moment = 15; // cor_, 12 digits of time, 10 of chance
  if (text.size() == request && text.starts_with("req_"))
    return text.substr(0, request_moment);
  if (text.size() == correlation && text.starts_with("cor_"))
    return text.substr(0, correlation_moment);
  return text;
}

/// What a served request is about.
std::string of_what_was_served(const sandbox_id& sandbox, std::string_view entity) {
  if (const auto moment = moment_of(entity); moment != entity)
    return keys::of_text(keys::by_entity, sandbox, moment);
  const char group[] = {
      '~', static_cast<char>(' ' + events::crc32c(entity) %
                                       128)}; // never 0 or 1, which a text has to escape
  return keys::of_text(keys::by_entity, sandbox, {group, sizeof group});
}

/// Mock traffic is most of what happens, and all of it has one principal: it is found by its kind.
constexpr std::string_view mock_principal = "mock";

} // namespace

void of_event(const events::header& h, std::vector<std::string>& out) {
  const bool served = h.kind == kind::request_served;
  out.push_back(keys::of_kind(h.sandbox, h.kind));
  if (!h.principal.empty() && !(served && h.principal == mock_principal))
    out.push_back(keys::of_text(keys::by_principal, h.sandbox, h.principal));
  if (!h.correlation.empty())
    out.push_back(keys::of_correlation(moment_of(h.correlation), h.sandbox));
  for (const auto& entity : h.entities)
    out.push_back(served ? of_what_was_served(h.sandbox, entity)
                         : keys::of_text(keys::by_entity, h.sandbox, entity));
}

std::vector<std::string> of_entity(const sandbox_id& sandbox, std::string_view text, bool served) {
  std::vector<std::string> out{keys::of_text(keys::by_entity, sandbox, text)};
  if (served)
    out.push_back(of_what_was_served(sandbox, text));
  return out;
}

std::vector<std::string> of_correlation(const sandbox_id& sandbox, std::string_view correlation) {
  auto out = of_correlation(correlation);
  for (auto& term : out)
    keys::add_sandbox(term, sandbox);
  return out;
}

std::vector<std::string> of_correlation(std::string_view correlation) {
  std::vector<std::string> out{keys::of_correlation(correlation)};
  if (const auto moment = moment_of(correlation); moment != correlation)
    out.push_back(keys::of_correlation(moment));
  return out;
}

std::vector<std::string> of_principal(const sandbox_id& sandbox, std::string_view principal) {
  std::vector<std::string> out{keys::of_text(keys::by_principal, sandbox, principal)};
  if (principal == mock_principal)
    out.push_back(keys::of_kind(sandbox, kind::request_served));
  return out;
}

} // namespace hourglass::storage::terms
