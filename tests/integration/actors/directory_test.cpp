#include "actors/directory.hpp"
#include "actors/reader_pool.hpp"
#include "events/vault.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass;

/// Schedules as a node does.
struct sharing_config : caf::actor_system_config {
  sharing_config() { set("scheduler.policy", caf::atom("sharing")); }
};

/// A directory without a caretaker.
class directory_test : public ::testing::Test {
protected:
  ~directory_test() override {
    for (const auto& s : where_.close())
      caf::anon_send_exit(s.sandbox, caf::exit_reason::user_shutdown);
    readers_.stop();
    journal_->close();
  }

  events::sandbox_id id_ = events::make_sandbox_id(1, events::draw_entropy());
  actors::node_options options_;
  std::unique_ptr<storage::store> store_ = storage::open_memory_store();
  std::unique_ptr<storage::index_writer> index_ = storage::open_index_writer(*store_);
  std::unique_ptr<storage::journal> journal_ = storage::open_journal(*store_);
  std::unique_ptr<http::client> client_ = http::client::open({}, nullptr);
  webhook::dispatcher dispatcher_{*client_, nullptr};
  events::redactor redactor_{std::array<std::uint8_t, 32>{}};
  actors::reader_pool readers_{1};
  actors::registry::uid_claims uids_;
  actors::plugin_registry plugins_{nullptr};
  actors::environment env_{options_, *store_, *journal_, *index_, *client_, plugins_, dispatcher_, redactor_, std::make_shared<const events::vault>(std::vector{events::vault::key{}}),
                           std::make_shared<actors::payload_schemas>(),
                           [this](const events::sandbox_id& of, std::function<void()> work) { readers_.post_for(of, std::move(work)); },
                           [](const actors::resident_ptr&) {}};
  sharing_config config_;
  caf::actor_system system_{config_};
  actors::directory where_{system_, env_, uids_};
};

TEST_F(directory_test, who_wakes_a_sandbox_that_is_leaving_gets_a_new_one) {
  auto first = where_.wake(id_);
  EXPECT_EQ(where_.wake(id_), first);
  ASSERT_TRUE(where_.all().front().door->close()); // what it does last, before it goes off the map
  auto second = where_.wake(id_);
  EXPECT_NE(second, first);
  EXPECT_EQ(where_.wake(id_), second);
  caf::anon_send_exit(first, caf::exit_reason::user_shutdown);
}

TEST_F(directory_test, that_is_closed_lets_nobody_in_and_wakes_nobody) {
  auto first = where_.wake(id_);
  auto seats = where_.close();
  ASSERT_EQ(seats.size(), 1U);
  caf::anon_send_exit(seats.front().sandbox, caf::exit_reason::user_shutdown);
  EXPECT_FALSE(where_.wake(id_));
  auto visitor = where_.enter(id_, true);
  ASSERT_FALSE(visitor);
  EXPECT_EQ(visitor.error().code, events::errc::unavailable);
  EXPECT_EQ(where_.live(), 0U);
}

} // namespace
