#include "actors/messages.hpp"

#include <utility>

namespace hourglass::actors {

namespace {

constexpr auto lost = "the actor that had to answer is gone; the outcome is unknown";

/// Whoever was told and could not take it has seen to himself: at the end of a life nobody is left to hear of it.
template <class Tell>
void at_the_end(Tell tell) noexcept {
  try {
    tell();
  } catch (...) {
  }
}

template <class Done, class Result>
void call_once(Done& done, Result&& result) {
  if (auto f = std::exchange(done, nullptr))
    f(std::forward<Result>(result));
}

/// Without words, if there is no memory for them.
template <class Job>
void answer_that_it_is_lost(Job& job) noexcept {
  at_the_end([&] {
    if (job.done)
      job.answer(events::failure(events::errc::abandoned, lost));
  });
  at_the_end([&] {
    if (job.done)
      job.answer(tl::unexpected<events::error>{events::error{events::errc::abandoned, {}, {}}});
  });
}

} // namespace

void request_job::answer(events::outcome<mock::response> result) {
  inside.put_down(); // or who asks again as soon as he is answered would find them still counted
  call_once(done, std::move(result));
  inside.release();
}

request_job::~request_job() { answer_that_it_is_lost(*this); }

void change_job::answer(events::outcome<receipt> result) {
  inside.put_down();
  call_once(done, std::move(result));
  inside.release();
}

change_job::~change_job() { answer_that_it_is_lost(*this); }

change_ptr deletion(hold inside) {
  auto job = std::make_shared<change_job>();
  job->what = command{mock::settings_command{mock::delete_sandbox{}}};
  job->ctx.principal = "system";
  job->done = [](const events::outcome<receipt>&) {};
  job->inside = std::move(inside);
  return job;
}

placement::~placement() {
  at_the_end([this] { tell(false); });
}

void placement::tell(bool placed, std::string refused) {
  if (auto f = std::exchange(tell_, nullptr))
    f(placed, std::move(refused));
}

events::error rebuilt_meanwhile() { return {events::errc::abandoned, "the sandbox was rebuilt from its log meanwhile; nothing was changed", {}}; }

proposal::~proposal() {
  if (place && place->is_open())
    at_the_end([this] { fail(rebuilt_meanwhile()); });
}

void proposal::fail(const events::error& why) {
  for (auto& p : parts) {
    if (p.request)
      p.request->answer(tl::unexpected<events::error>{why});
    if (p.change)
      p.change->answer(tl::unexpected<events::error>{why});
  }
  if (place)
    place->tell(false);
}

} // namespace hourglass::actors
