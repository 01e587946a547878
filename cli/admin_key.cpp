#include "cli/admin_key.hpp"

#include "cli/serve_options.hpp"

#include "events/ids.hpp"
#include "events/json_text.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hourglass::cli {

using events::errc;
using events::failure;

namespace {

std::string fresh_key() {
  auto a = events::draw_entropy();
  auto b = events::draw_entropy();
  std::string bytes{reinterpret_cast<const char*>(a.data()), a.size()};
  bytes.append(reinterpret_cast<const char*>(b.data()), b.size());
  return "hgk_" + events::to_hex(bytes);
}

auto system_failure(const std::string& what, const std::filesystem::path& file) {
  return failure(errc::io, what + ": " + std::strerror(errno), file.string());
}

events::outcome<std::string> read_key(const std::filesystem::path& file) {
  std::ifstream in{file};
  std::string key;
  if (!std::getline(in, key))
    return failure(errc::io, "cannot read the admin key", file.string());
  if (key.ends_with('\r')) // an editor of another system
    key.pop_back();
  if (!is_admin_key(key))
    return failure(errc::invalid, "the admin key must have 16 to 256 printable characters of ASCII and no blanks", file.string());
  return key;
}

} // namespace

events::outcome<stored_key> stored_admin_key(const std::filesystem::path& data) {
  stored_key out;
  out.file = data / "admin.key";
  if (std::filesystem::exists(out.file)) {
    auto key = read_key(out.file);
    if (!key)
      return tl::unexpected<events::error>{key.error()};
    out.key = std::move(*key);
    return out;
  }
  std::error_code ignored;
  std::filesystem::create_directories(data, ignored); // open below tells
  out.key = fresh_key();
  // Written beside and renamed, so that a crash leaves no half key.
  auto draft = data / "admin.key.new";
  ::unlink(draft.c_str());
  int fd = ::open(draft.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0)
    return system_failure("cannot write the admin key", draft);
  auto line = out.key + "\n";
  auto fine = ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) && ::fsync(fd) == 0;
  fine = (::close(fd) == 0) && fine;
  if (!fine || ::rename(draft.c_str(), out.file.c_str()) != 0)
    return system_failure("cannot write the admin key", out.file);
  out.made = true;
  return out;
}

} // namespace hourglass::cli
