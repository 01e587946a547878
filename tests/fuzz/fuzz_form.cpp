#include "webhook/form.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

// A payload as a form: of whatever it is made, it is bounded, and has no byte that a form does not have.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass::webhook;
  const auto out = form_of({reinterpret_cast<const char*>(data), size});
  if (!out)
    return 0;
  if (out->size() > form_bytes ||
      out->find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789*-._+%=&") != std::string::npos)
    std::abort();
  return 0;
}
