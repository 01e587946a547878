#include "script/frame.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace hourglass::script {

namespace {

void give(frame_reader& to, std::string_view bytes) {
  while (!bytes.empty()) {
    auto room = to.room();
    const auto n = std::min(room.size(), bytes.size());
    std::copy_n(bytes.data(), n, room.data());
    to.filled(n);
    bytes.remove_prefix(n);
  }
}

TEST(frame, is_these_bytes) {
  std::string out;
  write_frame(out, frame_kind::call, {"ab", ""});
  EXPECT_EQ(out, (std::string{"\x0b\0\0\0\x11\x02\0\0\0ab\0\0\0\0", 15}));
}

TEST(frame, comes_back_whole_from_single_bytes) {
  std::string bytes;
  write_frame(bytes, frame_kind::done, {"one", std::string(100'000, 'x'), ""});
  write_frame(bytes, frame_kind::ready, {});
  frame_reader reader{1'000'000};
  std::vector<frame_kind> kinds;
  for (char c : bytes) {
    give(reader, {&c, 1});
    while (auto f = reader.next()) {
      kinds.push_back(f->kind);
      if (f->kind == frame_kind::done) {
        auto texts = read_texts(f->payload, 3);
        ASSERT_TRUE(texts);
        EXPECT_EQ((*texts)[0], "one");
        EXPECT_EQ((*texts)[1].size(), 100'000U);
      }
    }
  }
  EXPECT_EQ(kinds, (std::vector{frame_kind::done, frame_kind::ready}));
}

TEST(frame, that_is_too_long_breaks_its_stream_before_it_is_read) {
  std::string bytes;
  write_frame(bytes, frame_kind::done, {std::string(100, 'x')});
  frame_reader reader{50};
  give(reader, std::string_view{bytes}.substr(0, 4));
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.broken());
}

TEST(frame, without_even_a_kind_breaks_its_stream) {
  frame_reader reader{50};
  give(reader, {"\0\0\0\0", 4});
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.broken());
}

TEST(frame, texts_must_fill_their_payload) {
  std::string two;
  write_text(two, "a");
  write_text(two, "b");
  EXPECT_TRUE(read_texts(two, 2));
  EXPECT_FALSE(read_texts(two, 1));
  EXPECT_FALSE(read_texts(two, 3));
  EXPECT_FALSE(read_texts(two + "x", 2));
  EXPECT_FALSE(read_texts(two.substr(0, two.size() - 1), 2));
  EXPECT_FALSE(read_texts("\xff\xff\xff\xff" "a", 1));
}

} // namespace

} // namespace hourglass::script
