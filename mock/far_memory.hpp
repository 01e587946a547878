#pragma once

#include <cstddef>
#include <memory_resource>

namespace hourglass::mock {

/// Allocates what is so much, and read so much at random, that hardly any of it is in a cache: compiled endpoints and the table that finds them. It comes from
/// `std::pmr::get_default_resource()`, which the server sets to memory of huge pages before it makes any. One of them stands for all: no state.
template <class T>
struct far_allocator {
  using value_type = T;

  far_allocator() = default;
  template <class U>
  far_allocator(const far_allocator<U>&) noexcept {}

  T* allocate(std::size_t n) { return static_cast<T*>(std::pmr::get_default_resource()->allocate(n * sizeof(T), alignof(T))); }
  void deallocate(T* at, std::size_t n) noexcept { std::pmr::get_default_resource()->deallocate(at, n * sizeof(T), alignof(T)); }
  friend bool operator==(const far_allocator&, const far_allocator&) noexcept { return true; }
};

} // namespace hourglass::mock
