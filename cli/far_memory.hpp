#pragma once

namespace hourglass::cli {

/// Has what is much and read at random (`mock/far_memory.hpp`) lie in pages of 2 MiB, where the system gives them to those that ask
/// (`/sys/kernel/mm/transparent_hugepage/enabled` says `madvise` or `always`): each of 100,000 endpoints lies on pages of its own, and to find out
/// where a page is takes as long as to read it. Costs up to 2 MiB at rest. What is given back returns to the system at once.
/// Call once, before there is another thread. False, and nothing has changed: the program runs without jemalloc.
bool use_huge_pages();

} // namespace hourglass::cli
