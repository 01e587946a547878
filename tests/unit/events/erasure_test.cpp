#include "events/erasure.hpp"

#include "events/codec.hpp"
#include "events/digest.hpp"
#include "events/json_text.hpp"

#include <gtest/gtest.h>

namespace hourglass::events {
namespace {

const sandbox_id ann{{1, 2, 3}};

/// Three messages, and a `content_erased` that names the second.
class erasing : public ::testing::Test {
protected:
  erasing() {
    for (const char* body : {"one", "two", "three"})
      add(kind::message_created, std::string{R"({"body":")"} + body + R"("})");
    add(kind::content_erased, naming(2, left_));
    stored_[1] = events::erase(stored_[1], left_).value();
  }
  void add(kind k, std::string payload) {
    std::string bytes;
    seal(head_, ann, {k, std::move(payload), {}, 0, {}}, {}, bytes);
    stored_.push_back(std::move(bytes));
  }
  static std::string naming(seq at, std::string_view left) {
    std::string out;
    json_text j{out};
    j.open_object();
    write_erased_items(j, {{at, "msg_1", sha256({left})}});
    j.close_object();
    return out;
  }
  /// As an auditor would.
  outcome<void> verified() const {
    chain_head head;
    erasure_check check;
    for (const auto& bytes : stored_) {
      auto r = decode(bytes);
      if (!r)
        return tl::unexpected{r.error()};
      if (auto good = follow(head, *r).and_then([&] { return check.see(*r); }); !good)
        return good;
    }
    return check.finish();
  }

  std::string left_ = R"({"body":{}})";
  chain_head head_;
  std::vector<std::string> stored_;
};

TEST_F(erasing, the_chain_still_holds_and_the_bytes_are_gone) {
  EXPECT_TRUE(verified());
  EXPECT_EQ(stored_[1].find("two"), std::string::npos);
  const auto r = decode(stored_[1]).value();
  EXPECT_TRUE(r.erased);
  EXPECT_EQ(r.payload, left_);
  EXPECT_EQ(r.header.payload_hash, sha256({R"({"body":"two"})"}))
      << "whoever has the content can still prove that it was this";
  EXPECT_EQ(decode_header(stored_[1])->seq, 2U);
  EXPECT_EQ(events::erase(stored_[1], left_).value(), stored_[1]) << "twice is once";
}

TEST_F(erasing, a_silent_deletion_is_noticed) {
  stored_[2] = events::erase(stored_[2], left_).value();
  const auto found = verified();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, errc::corrupt);
  EXPECT_EQ(found.error().where, "3");
}

TEST_F(erasing, what_is_left_cannot_be_changed) {
  stored_[1] = events::erase(stored_[1], R"({"body":"forged"})").value();
  EXPECT_EQ(verified().error().where, "2");
}

TEST_F(erasing, content_cannot_be_changed_without_saying_that_it_was_erased) {
  auto forged = events::erase(stored_[0], R"({"body":"foo"})").value();
  forged[3] = static_cast<char>(forged[3] & 0x7f); // as if it were whole
  EXPECT_EQ(decode(forged).error().code, errc::corrupt);
}

TEST_F(erasing, an_event_that_was_named_may_be_whole_in_an_older_copy) {
  stored_.clear();
  head_ = {};
  add(kind::message_created, R"({"body":"one"})");
  add(kind::content_erased, naming(1, left_));
  EXPECT_TRUE(verified());
}

TEST(erased_items, read_as_they_were_written_and_nothing_else_reads) {
  std::string out;
  json_text j{out};
  const std::vector<erased_item> items{{7, "msg_a", sha256({"x"})}, {900, "", sha256({"y"})}};
  j.open_object();
  write_erased_items(j, items);
  j.close_object();
  EXPECT_EQ(read_erased_items(out).value(), items);
  for (const char* wrong : {"", "[]", "{}", R"({"items":7})", R"({"items":[7]})",
                            R"({"items":[{"seq":-1,"id":"","left":""}]})",
                            R"({"items":[{"seq":1,"id":"","left":"00"}]})",
                            R"({"items":[{"seq":1,"id":"","left":12}]})"})
    EXPECT_EQ(read_erased_items(wrong).error().code, errc::corrupt) << wrong;
}

} // namespace
} // namespace hourglass::events
