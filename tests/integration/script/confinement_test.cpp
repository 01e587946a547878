// The cage of a worker, from inside: each call is made by a child that has put the same filter on itself.
#include "script/worker/confinement.hpp"
#include "script/worker/watchdog.hpp"

#include <cerrno>
#include <csignal>
#include <functional>
#include <set>
#include <string>

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace hourglass::worker {

namespace {

constexpr int succeeded = 0, no_confinement = 200;

/// How a child ends that confines itself and then does `what`: what it returned as exit code, or `signal N`.
std::string end_of(const std::function<int()>& what) {
  const auto id = ::fork();
  if (id == 0) {
    ::alarm(10); // a call that is let through may wait for ever
    if (!give_up_what_is_inherited(2, false) || !confine())
      ::_exit(no_confinement);
    for (const auto code = what();;)
      ::syscall(SYS_exit_group, code); // before `_exit` a sanitizer's runtime makes a call of its own, and is ended for it
  }
  int status = 0;
  while (::waitpid(id, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) : std::to_string(WEXITSTATUS(status));
}
const std::string killed = "signal " + std::to_string(SIGSYS);

/// 0, or the error of a call that failed.
int code_of(long result) { return result < 0 ? errno : succeeded; }

struct attempt {
  const char* name;
  std::function<int()> make;
};

TEST(confinement, ends_who_starts_opens_connects_signals_or_traces) {
  const char* const program[] = {"/bin/true", nullptr};
  const auto parent = ::getpid();
  const attempt attempts[] = {
#ifdef SYS_fork
    {"fork", [] { return code_of(::syscall(SYS_fork)); }},
    {"vfork", [] { return code_of(::syscall(SYS_vfork)); }},
    {"open to write", [] { return code_of(::syscall(SYS_open, "/tmp/hourglass-escaped", O_WRONLY | O_CREAT, 0600)); }},
    {"creat", [] { return code_of(::syscall(SYS_creat, "/tmp/hourglass-escaped", 0600)); }},
#endif
    {"execve", [&] { return code_of(::syscall(SYS_execve, program[0], program, nullptr)); }},
    {"execveat", [&] { return code_of(::syscall(SYS_execveat, AT_FDCWD, program[0], program, nullptr, 0)); }},
    {"socket", [] { return code_of(::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0)); }},
    {"socketpair", [] { int two[2]; return code_of(::syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, two)); }},
    {"connect", [] { return code_of(::syscall(SYS_connect, 2, nullptr, 0)); }},
    {"sendmsg", [] { return code_of(::syscall(SYS_sendmsg, 2, nullptr, 0)); }},
    {"kill of another", [=] { return code_of(::syscall(SYS_kill, parent, 0)); }},
    {"tgkill of another", [=] { return code_of(::syscall(SYS_tgkill, parent, parent, 0)); }},
    {"ptrace", [=] { return code_of(::syscall(SYS_ptrace, 0, 0, 0, 0)); }},
    {"reading another's memory", [=] { return code_of(::syscall(SYS_process_vm_readv, parent, nullptr, 0, nullptr, 0, 0)); }},
    {"ioctl", [] { return code_of(::syscall(SYS_ioctl, 2, 0, 0)); }},
    {"dup", [] { return code_of(::syscall(SYS_dup, 2)); }},
    {"unlinkat", [] { return code_of(::syscall(SYS_unlinkat, AT_FDCWD, "/tmp/hourglass-none", 0)); }},
    {"a file in memory", [] { return code_of(::syscall(SYS_memfd_create, "x", 0)); }},
    {"another limit", [] { rlimit r{}; return code_of(::syscall(SYS_prlimit64, 0, RLIMIT_AS, nullptr, &r)); }},
    {"another user", [] { return code_of(::syscall(SYS_setuid, 0)); }},
    {"another filter", [] { return code_of(::syscall(SYS_seccomp, 0, 0, nullptr)); }},
    {"io_uring", [] { return code_of(::syscall(SYS_io_uring_setup, 1, nullptr)); }},
    {"executable memory", [] { return code_of(::syscall(SYS_mmap, nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)); }},
    {"memory made executable",
     [] {
       auto* page = ::mmap(nullptr, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       return code_of(::syscall(SYS_mprotect, page, 4096, PROT_READ | PROT_EXEC));
     }},
    {"memory made executable by key", [] { return code_of(::syscall(SYS_pkey_mprotect, nullptr, 4096, PROT_EXEC, -1)); }},
  };
  for (const auto& a : attempts)
    EXPECT_EQ(end_of(a.make), killed) << a.name;
}

TEST(confinement, refuses_what_libraries_can_do_without) {
  const auto answered = [](int why) { return std::to_string(why); };
  EXPECT_EQ(end_of([] { return code_of(::syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY)); }), answered(EACCES));
  EXPECT_EQ(end_of([] { return code_of(::syscall(SYS_openat, AT_FDCWD, "/tmp/hourglass-escaped", O_WRONLY | O_CREAT, 0600)); }), answered(EACCES));
  EXPECT_EQ(end_of([] { return code_of(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0)); }), answered(EAGAIN));
  EXPECT_EQ(end_of([] { return code_of(::syscall(SYS_clone3, nullptr, 0)); }), answered(EAGAIN));
  EXPECT_EQ(end_of([] { return code_of(::syscall(SYS_prctl, 38 /* PR_SET_NO_NEW_PRIVS */, 0, 0, 0, 0)); }), answered(EPERM));
  EXPECT_EQ(end_of([] { char to[256]; return code_of(::syscall(SYS_newfstatat, AT_FDCWD, "/", to, 0)); }), answered(EACCES));
}

TEST(confinement, lets_through_what_a_script_needs) {
  EXPECT_EQ(end_of([] { return code_of(::syscall(SYS_getpid) > 0 ? 0 : -1); }), "0");
  EXPECT_EQ(end_of([] {
              auto* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
              return page == MAP_FAILED ? errno : code_of(::munmap(page, 4096));
            }),
            "0");
}

/// What the filter names, and two with which Linux asks no filter: they are its own way back from probes, and fail for everybody else.
std::set<long> named() {
  constexpr long uretprobe = 335, uprobe = 336; // of x86-64; elsewhere nothing has these numbers yet
  return {uretprobe,       uprobe,
          SYS_read,        SYS_write,         SYS_pread64,        SYS_futex,          SYS_munmap,          SYS_madvise,
          SYS_mremap,      SYS_brk,           SYS_clock_gettime,  SYS_gettimeofday,   SYS_nanosleep,       SYS_clock_nanosleep,
          SYS_exit,        SYS_exit_group,    SYS_rt_sigreturn,   SYS_rt_sigprocmask, SYS_getpid,          SYS_gettid,
          SYS_rseq,        SYS_membarrier,    SYS_getrandom,      SYS_sched_yield,    SYS_sched_getaffinity, SYS_getrusage,
          SYS_sysinfo,     SYS_getcpu,        SYS_set_robust_list, SYS_restart_syscall, SYS_openat,        SYS_prctl,
          SYS_newfstatat,  SYS_fstat,         SYS_clone,          SYS_clone3,         SYS_mmap,            SYS_mprotect};
}

TEST(confinement, ends_who_makes_any_other_call) {
  constexpr long calls = 480; // of Linux 6, and some that are to come
  const auto known = named();
  std::size_t tried = 0;
  for (long call = 0; call < calls; ++call) {
    if (known.contains(call))
      continue;
    ++tried;
    EXPECT_EQ(end_of([call] { return code_of(::syscall(call, 0, 0, 0, 0, 0, 0)); }), killed) << "system call " << call;
  }
  EXPECT_GT(tried, 400U);
}

#ifdef __x86_64__
TEST(confinement, ends_who_makes_a_call_by_another_table_of_them) {
  constexpr long x32 = 0x40000000;
  EXPECT_EQ(end_of([] { return code_of(::syscall(x32 | SYS_read, 0, 0, 0)); }), killed);
  EXPECT_EQ(end_of([] {
              long out = 20; // getpid of 32 bits
              asm volatile("int $0x80" : "+a"(out) : : "memory");
              return static_cast<int>(out != 0);
            }).substr(0, 6),
            "signal");
}
#endif

TEST(confinement, limits_the_memory_that_may_be_mapped) {
  EXPECT_EQ(end_of([] { return ::mmap(nullptr, std::size_t{1} << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0; }),
            std::to_string(ENOMEM));
}

TEST(watchdog, that_cannot_see_what_memory_is_used_says_so) {
  const auto id = ::fork();
  if (id == 0) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_NOFILE, &none);
    watchdog blind{[] {}};
    ::_exit(blind.settle() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(id, &status, 0), id);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(watchdog, that_sees_it_settles) {
  const auto id = ::fork();
  if (id == 0) {
    watchdog seeing{[] {}};
    ::_exit(seeing.settle() && seeing.resident_bytes() > 4096 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(id, &status, 0), id);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

} // namespace

} // namespace hourglass::worker
