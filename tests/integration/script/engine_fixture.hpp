#pragma once

#include "mock/script.hpp"
#include "script/pool.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <string>

namespace hourglass::script {

/// Answers calls with what the test says.
class test_host : public mock::script_host {
public:
  using answer = std::function<events::outcome<std::string>(std::string_view, std::string_view)>;
  explicit test_host(answer a) : answer_(std::move(a)) {}
  events::outcome<std::string> call(std::string_view name, std::string_view arguments) override { return answer_(name, arguments); }

private:
  answer answer_;
};

/// Real workers.
class engine_test : public testing::Test {
protected:
  void SetUp() override { open(2); }

  void open(unsigned workers, std::chrono::milliseconds most_time = limits::script_time) {
    auto opened = open_pool({HOURGLASS_SCRIPT_WORKER, workers, most_time});
    ASSERT_TRUE(opened) << opened.error().detail;
    engine_ = std::move(*opened);
  }

  static mock::script_task task(std::string source, std::string sandbox = "sbx_a") {
    mock::script_task t;
    t.sandbox = std::move(sandbox);
    t.script = mock::script_source::of(std::move(source));
    t.request = R"({"method":"GET","headers":{"x-a":"1"},"body":{"n":1}})";
    t.start = R"({"status":200,"headers":{}})";
    t.now.us = 1'700'000'000'123'000;
    t.chance.fill(7);
    return t;
  }
  mock::script_outcome run(mock::script_task t) { return run_and_wait(*engine_, std::move(t)); }
  mock::script_outcome run(std::string source) { return run(task(std::move(source))); }
  std::optional<mock::script_error> check(std::string source, mock::script_form form = mock::script_form::handler) {
    std::promise<std::optional<mock::script_error>> p;
    engine_->check("sbx_a", std::move(source), form, [&p](auto e) { p.set_value(std::move(e)); });
    return p.get_future().get();
  }
  /// The body, or what went wrong.
  std::string said(std::string source) {
    auto o = run(std::move(source));
    return o.error ? std::string{mock::to_string(o.error->fault)} + ": " + o.error->message : o.answer.body;
  }

  std::unique_ptr<mock::script_engine> engine_;
};

} // namespace hourglass::script
