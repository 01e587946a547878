// Only in ThreadSanitizer builds. Debian's CAF is not instrumented: ThreadSanitizer sees neither the queue by which a message comes to an actor, nor
// the scheduler that runs the actor on one thread after the other, nor the counter that tells the last owner. Left alone it takes every message for
// a race. So the few functions of CAF through which these orders come about are defined here: each says what it orders, and then lets CAF do it.
//
// An actor's state is touched only inside `activate` and `reactivate`, and CAF runs one of them at a time.

#include <caf/actor_control_block.hpp>
#include <caf/blocking_actor.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/scheduled_actor.hpp>

#include <sanitizer/tsan_interface.h>

#include <dlfcn.h>

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace {

/// The library's own definition of what is defined here.
template <class Function>
Function* in_caf(const char* symbol) {
  auto* found = ::dlsym(RTLD_NEXT, symbol);
  if (found == nullptr) {
    std::fprintf(stderr, "tests/sanitizers/actors.cpp does not fit this CAF: it has no %s\n", symbol);
    std::abort();
  }
  return reinterpret_cast<Function*>(found);
}

/// A look at a counter of CAF's that ThreadSanitizer does not see, as it does not see those of CAF itself.
__attribute__((no_sanitize("thread"), noinline)) std::size_t unseen(const std::atomic<std::size_t>& counter) {
  static_assert(sizeof counter == sizeof(std::size_t));
  return *reinterpret_cast<const volatile std::size_t*>(&counter);
}

/// Stands for the mailbox as a whole, as the actor's address stands for its turns.
void* mailbox_of(caf::scheduled_actor* owner) { return reinterpret_cast<char*>(owner) + 1; }

} // namespace

namespace caf {

/// What the sender did comes before what the receiver does with the message.
void scheduled_actor::enqueue(mailbox_element_ptr message, execution_unit* where) {
  static auto* const next = in_caf<void(scheduled_actor*, mailbox_element_ptr, execution_unit*)>(
    "_ZN3caf15scheduled_actor7enqueueESt10unique_ptrINS_15mailbox_elementENS_6detail8disposerEEPNS_14execution_unitE");
  __tsan_release(message.get());
  __tsan_release(mailbox_of(this));
  next(this, std::move(message), where);
}

/// An actor that ends throws away what it has not received.
bool scheduled_actor::cleanup(error&& reason, execution_unit* where) {
  static auto* const next =
    in_caf<bool(scheduled_actor*, error&&, execution_unit*)>("_ZN3caf15scheduled_actor7cleanupEONS_5errorEPNS_14execution_unitE");
  __tsan_acquire(mailbox_of(this));
  return next(this, std::move(reason), where);
}

scheduled_actor::activation_result scheduled_actor::reactivate(mailbox_element& message) {
  static auto* const next =
    in_caf<activation_result(scheduled_actor*, mailbox_element&)>("_ZN3caf15scheduled_actor10reactivateERNS_15mailbox_elementE");
  __tsan_acquire(&message);
  const auto out = next(this, message);
  __tsan_release(this);
  return out;
}

/// The same for an actor with a thread of its own: CAF's printer is one.
void blocking_actor::enqueue(mailbox_element_ptr message, execution_unit* where) {
  static auto* const next = in_caf<void(blocking_actor*, mailbox_element_ptr, execution_unit*)>(
    "_ZN3caf14blocking_actor7enqueueESt10unique_ptrINS_15mailbox_elementENS_6detail8disposerEEPNS_14execution_unitE");
  __tsan_release(message.get());
  next(this, std::move(message), where);
}

mailbox_element_ptr blocking_actor::dequeue() {
  static auto* const next = in_caf<mailbox_element_ptr(blocking_actor*)>("_ZN3caf14blocking_actor7dequeueEv");
  auto message = next(this);
  if (message)
    __tsan_acquire(message.get());
  return message;
}

intrusive::task_result blocking_actor::mailbox_visitor::operator()(mailbox_element& message) {
  static auto* const next =
    in_caf<intrusive::task_result(mailbox_visitor*, mailbox_element&)>("_ZN3caf14blocking_actor15mailbox_visitorclERNS_15mailbox_elementE");
  __tsan_acquire(&message);
  return next(this, message);
}

/// What made an actor comes before its first turn.
void scheduled_actor::launch(execution_unit* where, bool lazy, bool hide) {
  static auto* const next = in_caf<void(scheduled_actor*, execution_unit*, bool, bool)>("_ZN3caf15scheduled_actor6launchEPNS_14execution_unitEbb");
  __tsan_release(this);
  next(this, where, lazy, hide);
}

/// One turn of an actor comes before the next, whatever threads have them.
bool scheduled_actor::activate(execution_unit* where) {
  static auto* const next = in_caf<bool(scheduled_actor*, execution_unit*)>("_ZN3caf15scheduled_actor8activateEPNS_14execution_unitE");
  __tsan_acquire(this);
  const auto out = next(this, where);
  __tsan_release(this);
  return out;
}

/// What its owners did with an actor comes before its end, which the last of them brings about.
void intrusive_ptr_release(actor_control_block* owned) {
  static auto* const next = in_caf<void(actor_control_block*)>("_ZN3caf21intrusive_ptr_releaseEPNS_19actor_control_blockE");
  __tsan_release(owned);
  if (unseen(owned->strong_refs) == 1) {
    __tsan_acquire(owned);
    __tsan_acquire(owned->get());
  }
  next(owned);
}

void intrusive_ptr_release_weak(actor_control_block* owned) {
  static auto* const next = in_caf<void(actor_control_block*)>("_ZN3caf26intrusive_ptr_release_weakEPNS_19actor_control_blockE");
  __tsan_release(owned);
  if (unseen(owned->weak_refs) == 1)
    __tsan_acquire(owned);
  next(owned);
}

} // namespace caf
