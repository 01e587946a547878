#include "actors/messages.hpp"

#include <utility>

namespace hourglass::actors {

namespace {

constexpr auto lost = "the actor that had to answer is gone; the outcome is unknown";

template <class Done, class Result>
void call_once(Done& done, Result&& result) {
  if (auto f = std::exchange(done, nullptr))
    f(std::forward<Result>(result));
}

} // namespace

void request_job::answer(events::outcome<mock::response> result) {
  call_once(done, std::move(result));
  inside.release();
}

request_job::~request_job() {
  if (done)
    answer(events::failure(events::errc::abandoned, lost));
}

void change_job::answer(events::outcome<receipt> result) {
  call_once(done, std::move(result));
  inside.release();
}

change_job::~change_job() {
  if (done)
    answer(events::failure(events::errc::abandoned, lost));
}

change_ptr deletion(hold inside) {
  auto job = std::make_shared<change_job>();
  job->what = command{mock::settings_command{mock::delete_sandbox{}}};
  job->ctx.principal = "system";
  job->done = [](const events::outcome<receipt>&) {};
  job->inside = std::move(inside);
  return job;
}

void placement::tell(bool placed) {
  if (auto f = std::exchange(tell_, nullptr))
    f(placed);
}

proposal::~proposal() {
  if (place && place->is_open())
    fail({events::errc::abandoned, "the sandbox was rebuilt from its log meanwhile; nothing was changed", {}});
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
