#include "tests/integration/http/certificate.hpp"

#include "tests/support/pem.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace hourglass::http::testing {

certificate::certificate(const std::string& name, bool expired)
    : certificate(hourglass::testing::make_identity(name, {.expired = expired})) {}

certificate::certificate(const hourglass::testing::identity& of) {
  static int count = 0;
  auto base = std::filesystem::temp_directory_path() / ("hourglass-http-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
  chain_file = base.string() + ".pem";
  key_file = base.string() + ".key";
  std::ofstream{chain_file} << of.certificate;
  std::ofstream{key_file} << of.key;
}

certificate::~certificate() {
  std::error_code ignored;
  std::filesystem::remove(chain_file, ignored);
  std::filesystem::remove(key_file, ignored);
}

} // namespace hourglass::http::testing
