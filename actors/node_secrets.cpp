#include "actors/node_secrets.hpp"

#include "events/digest.hpp"
#include "events/ids.hpp"
#include "events/json_text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include <fcntl.h>
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

/// Nothing when there is no such file.
events::outcome<std::optional<std::string>> read_file(const std::filesystem::path& path) {
  constexpr std::size_t most = 64 * 1024;
  file in{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (in.fd < 0 && errno == ENOENT)
    return std::nullopt;
  std::string text(most, '\0');
  auto size = in.fd < 0 ? -1 : ::read(in.fd, text.data(), text.size());
  if (size < 0)
    return events::failure(events::errc::io, "cannot read " + path.filename().string() + ": " + std::strerror(errno), path.string());
  text.resize(static_cast<std::size_t>(size));
  return text;
}

/// Written beside and renamed: a crash leaves the old one or the new one, and whoever reads it later finds it whole.
events::outcome<void> write_file(const std::filesystem::path& path, std::string_view text) {
  auto fresh = path;
  fresh += ".new";
  file out{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR)};
  file folder{::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (out.fd < 0 || folder.fd < 0 || ::write(out.fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()) || ::fsync(out.fd) != 0
      || ::rename(fresh.c_str(), path.c_str()) != 0 || ::fsync(folder.fd) != 0)
    return events::failure(events::errc::io, "cannot write " + path.filename().string() + ": " + std::strerror(errno), path.string());
  return {};
}

constexpr std::string_view check_context = "hourglass secret.check", check_text = "this key opens this folder";

/// The lines of `secret.check` open, and the key that seals from now on is among them afterwards.
events::outcome<void> check_vault(const std::filesystem::path& path, const std::optional<std::string>& before, const events::vault& vault) {
  std::string text = before.value_or("");
  bool known = false;
  for (std::size_t at = 0; at < text.size();) {
    auto end = std::min(text.find('\n', at), text.size());
    auto line = std::string_view{text}.substr(at, end - at);
    at = end + 1;
    if (line.empty())
      continue;
    if (auto plain = vault.open(line, check_context); !plain)
      return events::failure(events::errc::invalid, "the data folder has secrets that these keys do not open: its " + path.filename().string() + " "
                                                        + plain.error().detail + ". Give the key it was written with", path.string());
    known = known || events::vault::key_id_of(line) == vault.active();
  }
  if (known)
    return {};
  text += vault.seal(check_text, check_context, events::draw_entropy()) + "\n";
  return write_file(path, text);
}

} // namespace

events::outcome<events::vault> open_vault(const std::filesystem::path& folder, std::string_view given) {
  auto key_path = folder / "secret.key", check_path = folder / "secret.check";
  auto check = read_file(check_path);
  if (!check)
    return tl::unexpected<events::error>{std::move(check).error()};
  std::string text{given};
  std::string where = "secret-keys";
  if (given.empty()) {
    where = key_path.string();
    auto stored = read_file(key_path);
    if (!stored)
      return tl::unexpected<events::error>{std::move(stored).error()};
    if (!*stored && *check) // a fresh key would lock all secrets away for good
      return events::failure(events::errc::invalid, "the data folder has secrets and its key is gone: put secret.key back, or give the key in HOURGLASS_SECRET_KEYS", where);
    if (!*stored) {
      auto key = draw_key();
      *stored = events::to_base64(events::as_text(key)) + "\n";
      if (auto ok = write_file(key_path, **stored); !ok)
        return tl::unexpected<events::error>{std::move(ok).error()};
    }
    text = **stored;
  }
  auto vault = events::vault::parse(text);
  if (!vault)
    return events::failure(events::errc::invalid, "the secret keys: " + vault.error().detail, where);
  if (auto ok = check_vault(check_path, *check, *vault); !ok)
    return tl::unexpected<events::error>{std::move(ok).error()};
  return vault;
}

events::outcome<std::array<std::uint8_t, 32>> redaction_key(const std::filesystem::path& folder, bool may_be_made) {
  auto path = folder / "redaction.key";
  auto stored = read_file(path);
  if (!stored)
    return tl::unexpected<events::error>{std::move(stored).error()};
  std::array<std::uint8_t, 32> key{};
  if (*stored) {
    if ((*stored)->size() != key.size())
      return events::failure(events::errc::corrupt, "the redaction key is not 32 bytes", path.filename().string());
    std::copy((*stored)->begin(), (*stored)->end(), key.begin());
    return key;
  }
  if (!may_be_made) // with another one equal secrets would get other tokens than the log has, and no replay would compare equal
    return events::failure(events::errc::corrupt, "the redaction key is missing, and the folder holds events that were redacted with it",
                           path.filename().string());
  key = draw_key();
  if (auto ok = write_file(path, events::as_text(key)); !ok)
    return tl::unexpected<events::error>{std::move(ok).error()};
  return key;
}

std::string new_client_secret() {
  auto key = draw_key();
  auto text = events::to_base64(events::as_text(key));
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  text.resize(43);
  return "hgs_" + text;
}

std::string hash_of(std::string_view secret) {
  return events::to_hex(events::as_text(events::sha256({secret})));
}

} // namespace hourglass::actors
