#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

namespace hourglass::cli {

/// Lines on standard output, whole, from any thread. A thread of its own writes them, so that who reads them slowly, or not at all, stops nothing else.
/// At the end what waits is written, but for no longer than a second.
class line_printer {
public:
  explicit line_printer(bool json);
  ~line_printer();
  line_printer(const line_printer&) = delete;
  line_printer& operator=(const line_printer&) = delete;
  bool json() const noexcept { return json_; }

  void line(std::string text);  ///< never waits: for what is bounded by itself, as the paths of a document
  void offer(std::string text); ///< leaves it out if there is no room, which standard error tells

private:
  struct lines {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::string> waiting;
    std::size_t left_out = 0;
    bool ends = false, ended = false;
  };
  void add(std::string text);
  static void write(lines& all);

  bool json_;
  std::shared_ptr<lines> all_;
};

} // namespace hourglass::cli
