#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Server and worker talk in frames over a socket. Neither trusts the other's bytes. This file is compiled into both, so it knows nobody.
//
// stream := frame*
// frame  := size: fixed32 (of kind and payload), kind: u8, payload
// payload := text*                 how many, the kind says
// text   := size: fixed32, bytes
namespace hourglass::script {

/// The worker's only argument, if it has one: it is for slow scripts.
inline constexpr std::string_view slow_argument = "slow";
inline constexpr int usual_nice = 5, slow_nice = 15; ///< of workers: the server, which serves everybody, goes before any script

enum class frame_kind : std::uint8_t {
  // -- to the worker ------------------------------------------------------------
  run = 1,     ///< sandbox, digest of the script, digest of the library, now (µs, decimal), seed, request (JSON), defaults (JSON)
  check = 2,   ///< source, `handler` or `function`
  answer = 3,  ///< to `call`: JSON
  refusal = 4, ///< to `call`: a message, which the script gets as an exception
  source = 5,  ///< to `want`: the text
  // -- from the worker ----------------------------------------------------------
  ready = 16, ///< nothing: it is confined now and waits
  call = 17,  ///< name, arguments (JSON array)
  want = 18,  ///< digest of a script or a library that it does not have
  done = 19,  ///< the outcome, `done_part`
};

/// The texts of `done`, in order.
enum class done_part : std::uint8_t {
  ended,   ///< `ok`, `interrupted`, `waits` (for calls that the server does not know yet), or what went wrong: `syntax`, `thrown`, `time`, `memory`
  tired,   ///< `1`: replace this worker
  status,  ///< decimal
  headers, ///< JSON array of [name, value]
  form,    ///< of the body: `none`, `text`, `json`
  body,
  console, ///< texts: level, text, level, text…
  message,
  line,   ///< decimal, from 1; 0: nowhere
  column, ///< the same
  stack,
};
inline constexpr std::size_t done_parts = 11;

struct frame {
  frame_kind kind = frame_kind::ready;
  std::string_view payload; ///< until the reader is used again
};

/// Appends a frame.
void write_frame(std::string& out, frame_kind kind, std::initializer_list<std::string_view> texts);
void write_text(std::string& out, std::string_view text);

/// Exactly `count` texts, or nothing.
std::optional<std::vector<std::string_view>> read_texts(std::string_view payload, std::size_t count);
/// At most `most` texts, or nothing.
std::optional<std::vector<std::string_view>> read_all_texts(std::string_view payload, std::size_t most);

/// Puts frames together from whatever pieces they come in.
class frame_reader {
public:
  explicit frame_reader(std::size_t most) : most_(most) {}

  /// Where the next bytes go; never empty. Ends what `next` returned before.
  std::span<char> room();
  void filled(std::size_t bytes) { end_ += bytes; }

  /// The next whole frame, if it is there.
  std::optional<frame> next();

  /// The other side sent a frame that is longer than it may be, or empty: nothing after it can be understood.
  bool broken() const noexcept { return broken_; }

private:
  std::size_t waiting() const noexcept { return end_ - begin_; }
  std::size_t size_of_next() const noexcept;

  std::size_t most_;
  std::string buffer_;
  std::size_t begin_ = 0, end_ = 0;
  bool broken_ = false;
};

} // namespace hourglass::script
