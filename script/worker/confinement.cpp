#include "script/worker/confinement.hpp"

#include "script/frame.hpp"

#include "script/worker/limits.hpp"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace hourglass::worker {

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_AARCH64;
#else
#error "the worker's filter of system calls knows x86-64 and AArch64"
#endif

constexpr int allowed[] = {
    SYS_read,       SYS_write,         SYS_pread64,         SYS_futex,         SYS_munmap,         SYS_madvise,
    SYS_mremap,     SYS_brk,           SYS_clock_gettime,   SYS_gettimeofday,  SYS_nanosleep,      SYS_clock_nanosleep,
    SYS_exit,       SYS_exit_group,    SYS_rt_sigreturn,    SYS_rt_sigprocmask, SYS_getpid,        SYS_gettid,
    SYS_rseq,       SYS_membarrier,    SYS_getrandom,       SYS_sched_yield,   SYS_sched_getaffinity, SYS_getrusage,
    SYS_sysinfo,    SYS_getcpu,        SYS_set_robust_list, SYS_restart_syscall,
};

/// Asked for by libraries that can do without: told no instead of being ended.
struct refusal {
  int call;
  int why;
};
constexpr refusal refused[] = {{SYS_openat, EACCES}, {SYS_prctl, EPERM}, {SYS_newfstatat, EACCES}, {SYS_fstat, EACCES}, {SYS_clone, EAGAIN}, {SYS_clone3, EAGAIN}};

class filter {
public:
  void load(std::size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)); }
  void give(std::uint32_t verdict) { add(BPF_RET | BPF_K, verdict); }
  /// `verdict` if what was loaded is `value`.
  void give_if(std::uint32_t value, std::uint32_t verdict) {
    jump(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    give(verdict);
  }
  void jump(int code, std::uint32_t value, std::uint8_t then, std::uint8_t otherwise) {
    steps_.push_back({static_cast<std::uint16_t>(code), then, otherwise, value});
  }
  sock_fprog program() { return {static_cast<unsigned short>(steps_.size()), steps_.data()}; }

private:
  void add(int code, std::uint32_t value) { steps_.push_back({static_cast<std::uint16_t>(code), 0, 0, value}); }
  std::vector<sock_filter> steps_;
};

bool limit(int what, rlim_t value) {
  const rlimit both{value, value};
  return ::setrlimit(static_cast<__rlimit_resource_t>(what), &both) == 0;
}

std::size_t mapped_bytes() {
  std::size_t pages = 0;
  if (auto* f = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(f, "%zu", &pages) != 1)
      pages = 0;
    std::fclose(f);
  }
  const auto page = ::sysconf(_SC_PAGESIZE);
  return page > 0 ? pages * static_cast<std::size_t>(page) : 0;
}

/// Who wakes up and has shorter turns goes first at once, and not only when our turn is over (Linux 6.12; before, it went first anyway because we have
/// had more than our share). It is no worse where the system does not know this.
void ask_for_long_turns() {
  struct { // sched_attr(2), for which Debian 12 has no header
    std::uint32_t size = 48, policy = SCHED_OTHER;
    std::uint64_t flags = 0;
    std::int32_t nice = ::getpriority(PRIO_PROCESS, 0);
    std::uint32_t priority = 0;
    std::uint64_t runtime = 100'000'000, deadline = 0, period = 0; // ns, the most that it takes
  } wanted;
  static_assert(sizeof wanted == 48);
  ::syscall(SYS_sched_setattr, 0, &wanted, 0);
}

} // namespace

bool give_up_what_is_inherited(int socket, bool slow) {
  // The server may have died already: then nobody is left who would read an answer.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_DUMPABLE, 0) != 0)
    return false;
  ::setpriority(PRIO_PROCESS, 0, slow ? script::slow_nice : script::usual_nice);
  if (slow)
    ask_for_long_turns();
  ::close_range(static_cast<unsigned>(socket) + 1, ~0U, 0);
  return limit(RLIMIT_CORE, 0) && limit(RLIMIT_FSIZE, 0);
}

bool confine() {
  const auto mapped = mapped_bytes();
  if (mapped == 0 || !limit(RLIMIT_AS, mapped + limits::address_bytes) || !limit(RLIMIT_NOFILE, 0))
    return false;
  filter f;
  f.load(offsetof(seccomp_data, arch));
  f.jump(BPF_JMP | BPF_JEQ | BPF_K, architecture, 1, 0);
  f.give(SECCOMP_RET_KILL_PROCESS);
  f.load(offsetof(seccomp_data, nr));
  for (auto call : allowed)
    f.give_if(static_cast<std::uint32_t>(call), SECCOMP_RET_ALLOW);
  for (const auto& r : refused)
    f.give_if(static_cast<std::uint32_t>(r.call), SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(r.why));
  for (auto call : {SYS_mmap, SYS_mprotect}) { // their third argument says what the memory may be
    f.jump(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 4);
    f.load(offsetof(seccomp_data, args[2]));
    f.jump(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1);
    f.give(SECCOMP_RET_KILL_PROCESS);
    f.give(SECCOMP_RET_ALLOW);
  }
  f.give(SECCOMP_RET_KILL_PROCESS);
  auto program = f.program();
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}

} // namespace hourglass::worker
