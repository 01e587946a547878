#include "script/frame.hpp"

#include <algorithm>

namespace hourglass::script {

namespace {

constexpr std::size_t size_bytes = 4;
constexpr std::size_t piece = 64 * 1024;
constexpr std::size_t kept = 1024 * 1024; ///< of a buffer that was needed once

void write_size(std::string& out, std::size_t size) {
  for (std::size_t i = 0; i < size_bytes; ++i)
    out.push_back(static_cast<char>((size >> (8 * i)) & 0xff));
}

std::size_t read_size(std::string_view bytes) {
  std::size_t out = 0;
  for (std::size_t i = 0; i < size_bytes; ++i)
    out |= static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return out;
}

/// Takes one text off the front of `rest`.
bool take_text(std::string_view& rest, std::string_view& text) {
  if (rest.size() < size_bytes)
    return false;
  const auto size = read_size(rest);
  rest.remove_prefix(size_bytes);
  if (rest.size() < size)
    return false;
  text = rest.substr(0, size);
  rest.remove_prefix(size);
  return true;
}

} // namespace

void write_text(std::string& out, std::string_view text) {
  write_size(out, text.size());
  out += text;
}

void write_frame(std::string& out, frame_kind kind, std::initializer_list<std::string_view> texts) {
  std::size_t size = 1;
  for (auto t : texts)
    size += size_bytes + t.size();
  out.reserve(out.size() + size_bytes + size);
  write_size(out, size);
  out.push_back(static_cast<char>(kind));
  for (auto t : texts)
    write_text(out, t);
}

std::optional<std::vector<std::string_view>> read_all_texts(std::string_view payload, std::size_t most) {
  std::vector<std::string_view> out;
  while (!payload.empty()) {
    std::string_view text;
    if (out.size() == most || !take_text(payload, text))
      return std::nullopt;
    out.push_back(text);
  }
  return out;
}

std::optional<std::vector<std::string_view>> read_texts(std::string_view payload, std::size_t count) {
  auto out = read_all_texts(payload, count);
  return out && out->size() == count ? out : std::nullopt;
}

std::size_t frame_reader::size_of_next() const noexcept {
  if (waiting() < size_bytes)
    return 0;
  return size_bytes + read_size(std::string_view{buffer_}.substr(begin_, size_bytes));
}

std::span<char> frame_reader::room() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (buffer_.size() > kept) {
      buffer_.resize(piece);
      buffer_.shrink_to_fit();
    }
  } else if (begin_ > 0) {
    buffer_.erase(0, begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  auto whole = size_of_next();
  auto wanted = std::max(end_ + piece, whole <= most_ + size_bytes ? whole : 0);
  if (buffer_.size() < wanted)
    buffer_.resize(wanted);
  return {buffer_.data() + end_, buffer_.size() - end_};
}

std::optional<frame> frame_reader::next() {
  const auto whole = size_of_next();
  if (whole == 0 || broken_)
    return std::nullopt;
  if (whole == size_bytes || whole - size_bytes > most_) {
    broken_ = true;
    return std::nullopt;
  }
  if (waiting() < whole)
    return std::nullopt;
  frame out;
  out.kind = static_cast<frame_kind>(buffer_[begin_ + size_bytes]);
  out.payload = std::string_view{buffer_}.substr(begin_ + size_bytes + 1, whole - size_bytes - 1);
  begin_ += whole;
  return out;
}

} // namespace hourglass::script
