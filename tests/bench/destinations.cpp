#include "tests/bench/destinations.hpp"

#include "tests/bench/bare.hpp"

#include <cstring>

#include <nlohmann/json.hpp>
#include <openssl/evp.h>

namespace hourglass::bench {

std::string add_destination(server& ours, const std::string& sandbox, const std::string& url,
                            const std::string& event_type, const std::string& authority) {
  unsigned char encoded[64];
  EVP_EncodeBlock(encoded, reinterpret_cast<const unsigned char*>(delivery_key),
                  static_cast<int>(std::strlen(delivery_key)));
  nlohmann::json body{{"url", url},
                      {"filterTypes", {event_type}},
                      {"secret", std::string{"whsec_"} + reinterpret_cast<char*>(encoded)}};
  if (!authority.empty())
    body["tls"] = {{"ca", authority}};
  return member(ours.call("POST", "/api/v1/app/" + sandbox + "/endpoint", body.dump()), "id");
}

} // namespace hourglass::bench
