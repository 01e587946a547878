#include "webhook/body_guesses.hpp"
#include "webhook/diagnosis.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

// Lines `name: value`, an empty line, a body: whatever they say, nothing is valid without the secret, and the answer is JSON. And a body that
// was really signed is found valid.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass::webhook;
  std::string_view text{reinterpret_cast<const char*>(data), size};
  static const auto key = signing_key::generate({1}), pair = signing_key::generate({2}, key_kind::ed25519);
  question q;
  q.now = 1'700'000'000;
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.empty())
      break;
    auto colon = std::min(line.find(':'), line.size());
    q.headers.push_back({std::string{line.substr(0, colon)}, std::string{line.substr(std::min(colon + 1, line.size()))}});
  }
  q.body = text;
  q.suspects = {{key.to_string(), {}, true, false}, {pair.for_receiver(), "ep_1", true, true}};
  auto said = diagnose(q);
  if (said.found == finding::valid || !nlohmann::json::accept(to_json(said)))
    std::abort();
  for (const auto& guess : guess_bodies(q.body))
    if (guess.body == q.body)
      std::abort();
  std::vector<signing_key> keys{pair, key};
  for (auto p : {signature_profile::standard, signature_profile::stripe, signature_profile::github, signature_profile::shopify, signature_profile::slack}) {
    q.headers = signature_headers(p, std::span{keys}.subspan(p == signature_profile::standard ? 0 : 1), "msg_1", "t", q.now, q.body);
    if (diagnose(q).found != finding::valid)
      std::abort();
  }
  if (auto read = verifying_key::parse(text); read && read->kind() == key_kind::text)
    std::abort();
  return 0;
}
