#include "cli/line_printer.hpp"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <thread>
#include <utility>

#include <unistd.h>

namespace hourglass::cli {

namespace {

constexpr std::size_t most = 1'000; ///< lines that wait

/// Not by stdio, whose lock would hold up the end of the process.
bool put(std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno != EINTR)
      return false;
    text.remove_prefix(n > 0 ? static_cast<std::size_t>(n) : 0);
  }
  return true;
}

} // namespace

line_printer::line_printer(bool json) : json_(json), all_(std::make_shared<lines>()) {
  std::thread{[all = all_] { write(*all); }}.detach();
}

line_printer::~line_printer() {
  std::unique_lock held{all_->mutex};
  all_->ends = true;
  all_->changed.notify_all();
  all_->changed.wait_for(held, std::chrono::seconds{1}, [this] { return all_->ended; });
}

void line_printer::line(std::string text) {
  std::lock_guard held{all_->mutex};
  add(std::move(text));
}

void line_printer::offer(std::string text) {
  std::lock_guard held{all_->mutex};
  if (all_->waiting.size() < most)
    add(std::move(text));
  else
    ++all_->left_out;
}

void line_printer::add(std::string text) {
  text += '\n';
  all_->waiting.push_back(std::move(text));
  all_->changed.notify_all();
}

void line_printer::write(lines& all) {
  std::unique_lock held{all.mutex};
  for (bool open = true;;) {
    all.changed.wait(held, [&] { return all.ends || !all.waiting.empty(); });
    if (all.waiting.empty())
      break;
    auto text = std::move(all.waiting.front());
    all.waiting.pop_front();
    const auto left_out = std::exchange(all.left_out, 0);
    all.changed.notify_all();
    held.unlock();
    open = open && put(text);
    if (open && left_out > 0)
      std::fprintf(stderr, "%zu lines are left out: they were not read fast enough\n", left_out);
    held.lock();
  }
  all.ended = true;
  all.changed.notify_all();
}

} // namespace hourglass::cli
