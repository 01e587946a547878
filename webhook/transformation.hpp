#pragma once

#include "events/outcome.hpp"
#include "events/time.hpp"
#include "webhook/destination.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::webhook {

struct start;

/// Every rule of its fields. Sorts the variables. Fails as `validate(destination&)`, at `/code`, `/enabled`, `/variables`.
events::outcome<void> validate(transformation& t);

/// The code as the body of a handler (`mock/script.hpp`) that calls it with `$req`. Its lines keep their numbers.
std::string script_of(std::string_view code);

/// What the code's `handler` is called with: {"method", "url", "payload", "eventType", "env", "transformationsParams"}. `payload` is JSON text, and so is
/// `params`, which the message brought; empty: {}.
std::string script_input(const transformation& t, std::string_view url, std::string_view event_type, std::string_view payload, std::string_view params = {});

/// What it gave back, checked.
struct transformed {
  bool cancel = false; ///< nothing is sent
  std::string method = "POST";
  std::string url;
  std::string body;                   ///< JSON, as the script has written it
  std::vector<custom_header> headers; ///< go before the destination's own
};

/// Of the object that `handler` returned, as JSON. Fails with `errc::invalid` or `errc::too_large`, in words for who wrote the script.
events::outcome<transformed> read_transformed(std::string_view json, signature_profile profile);

/// Whether what goes over TLS still would. Fails with `errc::invalid`.
events::outcome<void> may_go(const start& s, const transformed& t);

/// `s` as it is to be sent then. Credentials were given for the destination's own address: another origin gets none of them.
void take_over(start& s, const transformed& t);

} // namespace hourglass::webhook
