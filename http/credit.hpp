#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

namespace hourglass::http {

/// The bytes that all requests in flight may hold together. Any thread.
class credit_pool {
public:
  explicit credit_pool(std::size_t limit) : limit_(limit) {}

  bool take(std::size_t n) noexcept {
    auto before = used_.fetch_add(n, std::memory_order_relaxed);
    if (before + n <= limit_)
      return true;
    used_.fetch_sub(n, std::memory_order_relaxed);
    return false;
  }
  bool could_take(std::size_t n) const noexcept { return used() + n <= limit_; }
  void give(std::size_t n) noexcept { used_.fetch_sub(n, std::memory_order_relaxed); }
  std::size_t used() const noexcept { return used_.load(std::memory_order_relaxed); }

private:
  std::size_t limit_;
  alignas(64) std::atomic<std::size_t> used_{0};
};

/// One request's part of the pool, given back on destruction. The pool must outlive it.
class credit {
public:
  credit() = default;
  explicit credit(credit_pool& pool) : pool_(&pool) {}
  credit(credit&& other) noexcept : pool_(other.pool_), bytes_(std::exchange(other.bytes_, 0)) {}
  credit& operator=(credit&& other) noexcept {
    if (this != &other) {
      release();
      pool_ = other.pool_;
      bytes_ = std::exchange(other.bytes_, 0);
    }
    return *this;
  }
  ~credit() { release(); }

  bool grow(std::size_t n) noexcept {
    if (!pool_->take(n))
      return false;
    bytes_ += n;
    return true;
  }
  /// True if `grow` would do it now. Takes nothing.
  bool could_grow(std::size_t n) const noexcept { return pool_->could_take(n); }
  void release() noexcept {
    if (bytes_ != 0)
      pool_->give(std::exchange(bytes_, 0));
  }
  std::size_t bytes() const noexcept { return bytes_; }

private:
  credit_pool* pool_ = nullptr;
  std::size_t bytes_ = 0;
};

} // namespace hourglass::http
