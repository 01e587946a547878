#pragma once

#include <cstdlib>
#include <new>

/// The allocations of a whole test program, which fail when a test says so. For one file of a program; that file says when.
namespace hourglass::test {

/// Asked at each allocation, of any thread.
bool memory_is_spent() noexcept;

} // namespace hourglass::test

[[gnu::noinline]] void* operator new(std::size_t bytes) {
  if (hourglass::test::memory_is_spent())
    throw std::bad_alloc{};
  if (void* p = std::malloc(bytes == 0 ? 1 : bytes))
    return p;
  throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
