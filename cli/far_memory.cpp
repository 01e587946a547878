#include "cli/far_memory.hpp"

#include <memory_resource>
#include <new>
#include <string>

#include <jemalloc/jemalloc.h>
#include <sys/mman.h>

// Tests and sanitizers run without it.
#pragma weak mallctl
#pragma weak mallocx
#pragma weak dallocx

namespace hourglass::cli {

namespace {

extent_hooks_t usual; ///< of the arena, before it was ours

void* alloc_huge(extent_hooks_t*, void* wanted, size_t size, size_t alignment, bool* zero, bool* commit, unsigned arena) {
  void* at = usual.alloc(&usual, wanted, size, alignment, zero, commit, arena);
  if (at != nullptr)
    (void)madvise(at, size, MADV_HUGEPAGE); // only a wish: without it the pages are small
  return at;
}

/// An arena of jemalloc's whose pages are huge. Any thread.
class huge_pages final : public std::pmr::memory_resource {
public:
  bool open() {
    static extent_hooks_t hooks;
    unsigned arena = 0;
    size_t size = sizeof arena;
    if (mallctl == nullptr || mallocx == nullptr || dallocx == nullptr || mallctl("arenas.create", &arena, &size, nullptr, 0) != 0)
      return false;
    const auto name = "arena." + std::to_string(arena) + ".extent_hooks";
    extent_hooks_t* before = nullptr;
    size = sizeof before;
    if (mallctl(name.c_str(), &before, &size, nullptr, 0) != 0)
      return false;
    usual = *before;
    hooks = usual;
    hooks.alloc = alloc_huge;
    extent_hooks_t* ours = &hooks;
    flags_ = MALLOCX_ARENA(static_cast<int>(arena)) | MALLOCX_TCACHE_NONE;
    if (mallctl(name.c_str(), nullptr, nullptr, &ours, sizeof ours) != 0)
      return false;
    ssize_t at_once = 0; // later would be when somebody allocates here again, which may be never
    const auto decay = "arena." + std::to_string(arena) + ".dirty_decay_ms";
    return mallctl(decay.c_str(), nullptr, nullptr, &at_once, sizeof at_once) == 0;
  }

private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* at = mallocx(bytes, flags_ | MALLOCX_ALIGN(alignment));
    return at != nullptr ? at : throw std::bad_alloc{};
  }
  void do_deallocate(void* at, std::size_t, std::size_t) override { dallocx(at, flags_); }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  int flags_ = 0;
};

} // namespace

bool use_huge_pages() {
  static auto& memory = *new huge_pages; // what lies in it may outlive all that is static
  if (!memory.open())
    return false;
  std::pmr::set_default_resource(&memory);
  return true;
}

} // namespace hourglass::cli
