#include "actors/script_chain.hpp"

#include "../mock/handler_fixture.hpp"
#include "tests/support/spent_memory.hpp"

#include <memory>
#include <optional>
#include <vector>

// The server's memory is spent for a moment, for the thread that says so.
namespace {

thread_local std::size_t until_it_is_spent = 0, times_it_is_spent = 0;

} // namespace

bool hourglass::test::memory_is_spent() noexcept {
  if (times_it_is_spent == 0)
    return false;
  if (until_it_is_spent != 0)
    return --until_it_is_spent, false;
  --times_it_is_spent;
  return true;
}

namespace hourglass::actors {

namespace {

/// Runs what it is given when the test says so, and looks away when the callback throws, as the pool does.
class held_engine : public mock::script_engine {
public:
  void run(mock::script_task, on_outcome done) override { runs_.push_back(std::move(done)); }
  void check(std::string, std::string, mock::script_form, on_checked done) override { done(std::nullopt); }
  void stop() override {}

  bool finish_one(mock::script_outcome o, std::size_t spent_after, std::size_t times) {
    if (runs_.empty())
      return false;
    auto done = std::move(runs_.front());
    runs_.erase(runs_.begin());
    until_it_is_spent = spent_after;
    times_it_is_spent = times;
    try {
      done(std::move(o));
    } catch (...) {
    }
    times_it_is_spent = 0;
    return true;
  }

private:
  std::vector<on_outcome> runs_;
};

class chain : public mock::handler {
protected:
  /// What the data actor would know.
  struct heard {
    std::vector<std::shared_ptr<script_news>> news;
    std::size_t ends = 0, answered = 0;
    bool broken = false;
  };

  request_ptr job(heard& told) {
    auto out = std::make_shared<request_job>();
    out->request = asked();
    out->ctx = mock::at_moment();
    out->plan = mock::route(endpoints, out->request);
    out->done = [&told](const auto&) { ++told.answered; };
    return out;
  }
  mock::script_outcome outcome() const {
    mock::script_outcome out;
    out.answer.body = "ok";
    out.has_body = true;
    return out;
  }
};

TEST_F(chain, tells_how_it_ends_wherever_memory_is_spent_while_an_outcome_is_brought) {
  bool any_broken = false, any_whole = false;
  for (std::size_t after = 0; after < 200 && !any_whole; ++after) {
    heard told;
    told.news.reserve(8);
    auto held = std::make_shared<held_engine>();
    auto one = std::make_shared<script_chain>(held, redactor, "sbx_1", std::make_shared<mock::data_state>(data), [&told](auto news) {
      const auto message = std::make_unique<int>(1); // to send it needs memory
      told.news.push_back(std::move(news));
    });
    ASSERT_TRUE(one->add(job(told)));
    ASSERT_TRUE(one->add(job(told)));
    held->finish_one(outcome(), after, 3);
    while (held->finish_one(outcome(), 0, 0)) {
    }
    for (auto& n : told.news) {
      told.ends += n->ended ? 1 : 0;
      told.broken = told.broken || !n->broken.empty();
      if (n->job)
        n->job->answer(mock::response{});
    }
    EXPECT_EQ(told.ends, 1U) << after;
    EXPECT_FALSE(one->add(job(told))) << after;
    told.news.clear();
    one.reset();
    EXPECT_EQ(told.answered, 3U) << after;
    (told.broken ? any_broken : any_whole) = true;
  }
  EXPECT_TRUE(any_broken);
  EXPECT_TRUE(any_whole) << "the last of them have no allocation left to fail";
}

} // namespace

} // namespace hourglass::actors
