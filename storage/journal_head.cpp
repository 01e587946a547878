#include "storage/journal_head.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace hourglass::storage {

namespace {

using events::errc;
using events::failure;

constexpr std::string_view first_line = "hourglass journal.head 1\nposition ";
constexpr std::string_view link_line = "\nlink ";

std::filesystem::path file_of(const std::filesystem::path& folder) { return folder / "journal.head"; }

/// Closes a file descriptor at the end of a scope.
struct descriptor {
  int fd = -1;
  explicit descriptor(int opened) : fd(opened) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd >= 0)
      ::close(fd);
  }
};

tl::unexpected<events::error> system_failure(const std::string& doing, const std::filesystem::path& file) {
  return failure(errc::io, doing + " " + file.string() + ": " + std::strerror(errno), file.string());
}

bool read_hex(std::string_view text, events::hash& out) {
  if (text.size() != out.size() * 2)
    return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    unsigned byte = 0;
    const char* const begin = text.data() + 2 * i;
    if (std::from_chars(begin, begin + 2, byte, 16).ptr != begin + 2)
      return false;
    out[i] = static_cast<std::uint8_t>(byte);
  }
  return true;
}

std::optional<log_tail> parse(std::string_view text) {
  if (!text.starts_with(first_line) || text.back() != '\n')
    return std::nullopt;
  text = text.substr(first_line.size(), text.size() - first_line.size() - 1);
  log_tail tail;
  const auto number = std::from_chars(text.data(), text.data() + text.size(), tail.at);
  text.remove_prefix(static_cast<std::size_t>(number.ptr - text.data()));
  if (number.ec != std::errc{} || !text.starts_with(link_line) || !read_hex(text.substr(link_line.size()), tail.link))
    return std::nullopt;
  return tail;
}

} // namespace

events::outcome<std::optional<log_tail>> read_journal_head(const std::filesystem::path& folder) {
  const auto file = file_of(folder);
  const descriptor in{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (in.fd < 0) {
    if (errno == ENOENT)
      return std::optional<log_tail>{};
    return system_failure("cannot read", file);
  }
  std::array<char, 256> text;
  const auto size = ::read(in.fd, text.data(), text.size());
  if (size < 0)
    return system_failure("cannot read", file);
  const auto tail = size == 0 ? std::nullopt : parse({text.data(), static_cast<std::size_t>(size)});
  if (!tail)
    return failure(errc::corrupt, file.string() + " does not name a position; without the file, the log is opened unchecked",
                   file.string());
  return tail;
}

events::outcome<void> write_journal_head(const std::filesystem::path& folder, const log_tail& tail) {
  const auto file = file_of(folder);
  auto fresh = file;
  fresh += ".new";
  std::string text{first_line};
  text.append(std::to_string(tail.at)).append(link_line).append(events::to_hex(events::as_text(tail.link))).append("\n");
  {
    const descriptor out{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    if (out.fd < 0 || ::write(out.fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::fdatasync(out.fd) != 0) // or the name could come to stand for an empty file
      return system_failure("cannot write", fresh);
  }
  if (::rename(fresh.c_str(), file.c_str()) != 0)
    return system_failure("cannot replace", file);
  return {};
}

} // namespace hourglass::storage
