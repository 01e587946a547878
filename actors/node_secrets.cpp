#include "actors/node_secrets.hpp"

#include "events/ids.hpp"
#include "events/json_text.hpp"

#include <algorithm>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hourglass::actors {

namespace {

std::array<std::uint8_t, 32> draw_key() {
  std::array<std::uint8_t, 32> key{};
  for (std::size_t half = 0; half < 2; ++half) {
    auto chance = events::draw_entropy();
    std::copy(chance.begin(), chance.end(), key.begin() + static_cast<std::ptrdiff_t>(half * chance.size()));
  }
  return key;
}

struct file {
  int fd;
  ~file() {
    if (fd >= 0)
      ::close(fd);
  }
};

} // namespace

events::outcome<std::array<std::uint8_t, 32>> redaction_key(const std::filesystem::path& folder) {
  auto path = folder / "redaction.key";
  std::array<std::uint8_t, 32> key{};
  if (file in{::open(path.c_str(), O_RDONLY | O_CLOEXEC)}; in.fd >= 0) {
    if (::read(in.fd, key.data(), key.size()) != static_cast<ssize_t>(key.size()))
      return events::failure(events::errc::corrupt, "the redaction key is not 32 bytes", path.filename().string());
    return key;
  }
  key = draw_key();
  auto fresh = path;
  fresh += ".new";
  file out{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR)};
  if (out.fd < 0 || ::write(out.fd, key.data(), key.size()) != static_cast<ssize_t>(key.size()) || ::fsync(out.fd) != 0
      || ::rename(fresh.c_str(), path.c_str()) != 0)
    return events::failure(events::errc::io, "cannot write the redaction key", path.filename().string());
  return key;
}

std::string new_client_secret() {
  auto key = draw_key();
  auto text = events::to_base64({reinterpret_cast<const char*>(key.data()), key.size()});
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  text.resize(43);
  return "hgs_" + text;
}

std::string hash_of(std::string_view secret) {
  std::array<unsigned char, 32> digest{};
  unsigned size = 0;
  EVP_Digest(secret.data(), secret.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return events::to_hex({reinterpret_cast<const char*>(digest.data()), size});
}

} // namespace hourglass::actors
