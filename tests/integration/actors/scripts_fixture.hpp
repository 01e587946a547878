#pragma once

#include "mock/serve.hpp"
#include "node_fixture.hpp"
#include "replay/request.hpp"
#include "script/pool.hpp"

#include <future>
#include <string>
#include <vector>

namespace hourglass::test {

/// Nodes that run scripts, in real workers.
template <class Base>
class with_scripts : public Base {
protected:
  template <class T>
  using promised = typename Base::template promised<T>;

  events::outcome<replay::replayed> run_again(const events::sandbox_id& id, events::seq seq) {
    auto job = replay::replay_job::load(this->node_->store(), this->node_->redactor(), id, seq);
    if (!job)
      return tl::unexpected<events::error>{job.error()};
    if ((*job)->runs_script()) {
      std::promise<void> ran;
      replay::replay_job::run(*job, *this->node_->scripts(), [&ran] { ran.set_value(); });
      ran.get_future().wait();
    }
    return (*job)->finish();
  }

  void configure(actors::node_options& o) override {
    auto opened = script::open_pool({HOURGLASS_SCRIPT_WORKER, 2});
    ASSERT_TRUE(opened) << opened.error().detail;
    o.scripts = std::move(*opened);
  }

  events::outcome<actors::receipt> put_handler(const events::sandbox_id& id, const std::string& path, const std::string& source, const std::string& ep = "ep_1") {
    const nlohmann::json e{{"method", "GET"}, {"path", path}, {"handler", {{"script", source}}}};
    return this->submit(id, mock::endpoint_command{mock::put_endpoint{e.dump(), ep}});
  }
  events::sandbox_id with_handler(const std::string& source) {
    auto id = this->create();
    auto r = put_handler(id, "/run", source);
    EXPECT_TRUE(r) << r.error().detail;
    return id;
  }
  /// Leaves the answer to `p`.
  void ask(const events::sandbox_id& id, promised<mock::response>& p, std::size_t bytes = 0) {
    mock::request r;
    r.method = "GET";
    r.target = "/run";
    r.body.assign(bytes, 'x');
    this->node_->serve(id, std::move(r), {"mock", "t"}, p.callback());
  }
  /// A handler that counts, says so, and grows beyond what one event may be when asked with `X-Large`; `then` stands in its script, too.
  events::sandbox_id with_handler_that_grows(const std::string& then = {}) {
    return with_handler("const n = $func.mock.find('counters', 'a') ?? 0; $func.mock.put('counters', 'a', n + 1);" + then +
                        "\n$resp.body = $req.headers['x-large'] ? 'x'.repeat(6200000) : {n};\n"
                        "for (let i = 0; i < 99 && $req.headers['x-large']; i++) { $resp.headers['x-' + i] = '\\\\'.repeat(5000); console.log('\\\\'.repeat(4000)); }");
  }
  void expect_that_it_grows_too_large(const events::sandbox_id& id) {
    promised<mock::response> large;
    mock::request r;
    r.method = "GET";
    r.target = "/run";
    r.headers = {{"X-Large", std::string(8 * limits::mebi, 'x')}, {"Content-Type", "application/octet-stream"}};
    r.body.assign(8 * limits::mebi, '\xff'); // a script does not get it
    this->node_->serve(id, std::move(r), {"mock", "test"}, large.callback());
    auto refused = large.get();
    ASSERT_FALSE(refused) << refused->status;
    EXPECT_EQ(refused.error().code, events::errc::too_large) << refused.error().detail;
  }
  nlohmann::json data_of(const events::sandbox_id& id) {
    auto j = this->template look<mock::data_state>(id, [](const mock::data_state& s, events::virtual_time) -> events::outcome<std::string> { return mock::to_json(s); });
    EXPECT_TRUE(j);
    return j ? (*j)["data"] : nlohmann::json{};
  }
  std::vector<mock::served_record> served(const events::sandbox_id& id) {
    std::vector<mock::served_record> out;
    for (const auto& r : this->history(id))
      if (r.header.kind == events::kind::request_served)
        out.push_back(mock::decode_served(r.payload).value());
    return out;
  }

  static constexpr auto counting = "const n = ($func.mock.find('counters', 'a') ?? 0) + 1; $func.mock.put('counters', 'a', n); $resp.body = {n};";
};

} // namespace hourglass::test
