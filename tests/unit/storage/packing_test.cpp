#include "storage/packing.hpp"

#include "storage/keys.hpp"
#include "tests/unit/storage/support.hpp"

#include <map>

#include <gtest/gtest.h>

namespace hourglass::storage {
namespace {

using namespace testing;
using events::errc;

constexpr std::string_view mark{"\xff\xff\xff\xff", 4};

/// Text in which LZ4 finds nothing twice.
std::string noise(std::size_t size, std::uint32_t seed) {
  std::string out;
  for (std::uint32_t x = seed * 2'654'435'761U + 1; out.size() < size;) {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    out.push_back(static_cast<char>('!' + x % 90));
  }
  return out;
}

/// A stream that is stored and read back.
class packing : public ::testing::Test {
protected:
  std::string store(const said& what) {
    auto record = ann_.seal(what);
    stored_[ann_.head().seq] = std::string{packer_.pack(ann_.id(), ann_.head().seq, record)};
    records_[ann_.head().seq] = record;
    return stored_.at(ann_.head().seq);
  }

  std::string answer(std::size_t number, std::size_t body = 1'000, std::uint32_t seed = 1) {
    return store({events::kind::request_served, R"({"number":)" + std::to_string(number % 10) + R"(,"body":")" + noise(body, seed) + R"("})"});
  }

  bool is_packed(events::seq at) const { return stored_.at(at).starts_with(mark); }

  record_unpacker::fetcher fetch() {
    return [this](const auto& sandbox, auto at) -> events::outcome<std::optional<std::string>> {
      EXPECT_EQ(sandbox, ann_.id());
      ++fetched_;
      const auto found = stored_.find(at);
      return found == stored_.end() ? std::optional<std::string>{} : found->second;
    };
  }

  void expect_all_readable() {
    record_unpacker unpack{fetch()};
    for (const auto& [at, bytes] : stored_)
      EXPECT_EQ(unpack.unpack(ann_.id(), at, bytes).value(), records_.at(at)) << at;
  }

  events::error refusal(std::string_view bytes, events::seq at) {
    record_unpacker unpack{fetch()};
    const auto got = unpack.unpack(ann_.id(), at, bytes);
    return got ? events::error{} : got.error();
  }

  record_packer packer_;
  author ann_{sandbox(1)};
  std::map<events::seq, std::string> stored_, records_;
  int fetched_ = 0;
};

TEST_F(packing, what_resembles_an_earlier_record_takes_a_fraction_and_reads_back_byte_for_byte) {
  for (std::size_t i = 0; i < 20; ++i)
    answer(i);
  EXPECT_FALSE(is_packed(1));
  for (events::seq at = 2; at <= 20; ++at) {
    EXPECT_TRUE(is_packed(at));
    EXPECT_LT(stored_.at(at).size() * 4, records_.at(at).size());
  }
  expect_all_readable();
  EXPECT_EQ(fetched_, 1) << "one base, read once";
}

TEST_F(packing, short_and_long_records_stay_whole) {
  for (int i = 0; i < 3; ++i)
    store({events::kind::data_put, "{}"});
  for (std::size_t i = 0; i < 3; ++i)
    answer(i, 16'384);
  for (events::seq at = 1; at <= 6; ++at)
    EXPECT_EQ(stored_.at(at), records_.at(at)) << at;
}

TEST_F(packing, kinds_and_sizes_by_turns_each_have_their_base) {
  for (std::size_t i = 0; i < 10; ++i) {
    answer(i, 1'000, 1);
    answer(i, 2'000, 2);
    store({events::kind::attempt_finished, R"({"n":)" + std::to_string(i) + R"(,"said":")" + noise(1'000, 3) + R"("})"});
  }
  for (events::seq at = 4; at <= 30; ++at)
    EXPECT_TRUE(is_packed(at)) << at;
  expect_all_readable();
  EXPECT_EQ(fetched_, 3);
}

TEST_F(packing, a_base_serves_64_records) {
  for (std::size_t i = 0; i < 130; ++i)
    answer(i);
  std::size_t whole = 0;
  for (const auto& [at, bytes] : stored_)
    whole += is_packed(at) ? 0U : 1U;
  EXPECT_EQ(whole, 2U);
  EXPECT_FALSE(is_packed(1));
  EXPECT_FALSE(is_packed(66));
  expect_all_readable();
}

TEST_F(packing, nothing_depends_on_what_is_further_back_than_the_reach) {
  answer(1);
  for (events::seq i = 0; i < packed::most_reach - 1; ++i)
    store({events::kind::data_put, "{}"});
  answer(2);
  EXPECT_TRUE(is_packed(1 + packed::most_reach)) << "just within it";
  store({events::kind::data_put, "{}"});
  answer(3);
  EXPECT_FALSE(is_packed(3 + packed::most_reach));
  expect_all_readable();
}

TEST_F(packing, two_answers_of_one_size_by_turns_each_have_their_base) {
  for (std::uint32_t i = 0; i < 200; ++i)
    answer(0, 1'000, i % 2);
  std::size_t whole = 0;
  for (const auto& [at, bytes] : stored_)
    whole += is_packed(at) ? 0U : 1U;
  EXPECT_EQ(whole, 4U) << "two, and again when those have served 64 times";
  expect_all_readable();
}

TEST_F(packing, records_that_do_not_resemble_each_other_are_not_tried_each_time) {
  answer(0, 1'000, 100);
  answer(0, 1'000, 101);
  answer(0, 1'000, 102);
  for (int i = 0; i < 17; ++i)
    answer(0, 1'000, 102);
  for (events::seq at = 1; at <= 19; ++at)
    EXPECT_FALSE(is_packed(at)) << at;
  EXPECT_TRUE(is_packed(20)) << "after sixteen it is tried again";
  expect_all_readable();
}

TEST_F(packing, what_was_perhaps_not_stored_is_no_base) {
  answer(1);
  packer_.forget();
  answer(2);
  answer(3);
  EXPECT_FALSE(is_packed(2));
  EXPECT_TRUE(is_packed(3));
  stored_.erase(1);
  expect_all_readable();
}

TEST_F(packing, a_stream_that_went_back_does_not_lean_on_what_comes_later) {
  answer(1);
  answer(2);
  const std::string again = records_.at(1);
  EXPECT_EQ(packer_.pack(ann_.id(), 1, again), again);
}

TEST_F(packing, what_is_not_asked_for_in_time_is_forgotten_and_what_is_stays) {
  record_packer small{50'000};
  const auto packs = [&](std::uint8_t number, events::seq at) {
    author one{sandbox(number)};
    const auto record = one.seal({events::kind::request_served, R"({"body":")" + noise(1'000, number) + R"("})"});
    return small.pack(one.id(), at, record).starts_with(mark);
  };
  std::size_t rare = 0, busy = 0;
  for (events::seq round = 1; round <= 3; ++round)
    for (std::uint8_t number = 1; number <= 100; ++number) {
      rare += packs(number, round) ? 1U : 0U;
      if (number % 10 == 0)
        busy += packs(200, 3 * round + number) ? 1U : 0U;
    }
  EXPECT_EQ(rare, 0U) << "a hundred streams do not fit";
  EXPECT_EQ(busy, 29U) << "one that comes every ten times is not forgotten with them";
}

TEST_F(packing, other_streams_are_no_base) {
  answer(1);
  author bob{sandbox(2)};
  const auto record = bob.seal({events::kind::request_served, R"({"number":1,"body":")" + noise(1'000, 1) + R"("})"});
  EXPECT_EQ(packer_.pack(bob.id(), 2, record), record);
}

TEST_F(packing, what_is_broken_is_corrupt_and_says_where) {
  answer(1);
  answer(2);
  const auto good = stored_.at(2);
  const auto where = ann_.id().to_string() + "/2";
  for (std::size_t size = mark.size(); size < good.size(); ++size) {
    const auto why = refusal(good.substr(0, size), 2);
    EXPECT_EQ(why.code, errc::corrupt) << size;
    EXPECT_EQ(why.where, where);
  }
  const auto from = [&](events::seq base, std::uint32_t size) {
    std::string out{mark};
    keys::add_number(out, base);
    keys::add_number(out, size);
    return out + good.substr(16);
  };
  const auto size = static_cast<std::uint32_t>(records_.at(2).size());
  EXPECT_EQ(refusal(from(1, size), 2).detail, "") << "as it was";
  stored_[5] = records_.at(1); // there whole, but later than 4
  fetched_ = 0;
  const std::string not_from = "an event that is kept as a difference does not say from which", not_that_size = "an event that is kept as a difference has a size that none of them has";
  EXPECT_EQ(refusal(from(0, size), 2).detail, not_from);
  EXPECT_EQ(refusal(from(4, size), 4).detail, not_from) << "from itself";
  EXPECT_EQ(refusal(from(5, size), 4).detail, not_from) << "from the future";
  EXPECT_EQ(refusal(from(1, size), 2 + packed::most_reach).detail, not_from) << "from too far";
  EXPECT_EQ(refusal(from(1, 0xFFFF'FFFFU), 2).detail, not_that_size);
  EXPECT_EQ(refusal(from(1, 65'537), 2).detail, not_that_size);
  EXPECT_EQ(refusal(from(1, 255), 2).detail, not_that_size);
  EXPECT_EQ(fetched_, 0) << "none of that costs a look-up";
  EXPECT_EQ(refusal(from(1, size + 1), 2).detail, "an event that is kept as a difference cannot be read");
  EXPECT_EQ(refusal(from(2, size), 3).detail, "event 3 is kept as its difference from event 2, which is not there whole") << "a difference from a difference";
  EXPECT_EQ(refusal(from(2, size), 3).where, where);
  stored_.erase(1);
  EXPECT_EQ(refusal(good, 2).detail, "event 2 is kept as its difference from event 1, which is not there whole");
}

TEST_F(packing, a_base_that_cannot_be_read_says_why) {
  answer(1);
  const auto second = answer(2);
  record_unpacker unpack{[](const auto&, auto) -> events::outcome<std::optional<std::string>> { return events::failure(errc::io, "the disk is gone"); }};
  EXPECT_EQ(unpack.unpack(ann_.id(), 2, second).error().code, errc::io);
}

// These bytes are on disks. A change here needs a new `keys::format`.
TEST_F(packing, golden_bytes) {
  const auto base = noise(300, 5);
  stored_[7] = base;
  std::string packed{mark};
  packed += std::string("\0\0\0\0\0\0\0\x07\0\0\x01\x32", 12); // from event 7, 306 bytes
  packed += "\x1fx";                                               // one byte as it is, and then, as long as the next two say:
  packed += std::string("\x2d\x01", 2);                            // from 301 back, the begin of the base,
  packed += "\xff\x1a";                                            // 4 + 15 + 255 + 26 = 300 bytes
  packed += "\x50" "abcde";                                        // and five at the end
  record_unpacker unpack{fetch()};
  const auto record = unpack.unpack(ann_.id(), 9, packed);
  ASSERT_TRUE(record) << record.error().detail;
  EXPECT_EQ(*record, "x" + base + "abcde");
}

TEST_F(packing, what_was_once_written_stays_readable_at_the_edges) {
  const auto of = [&](std::uint32_t size, const std::string& block) {
    std::string out{mark};
    keys::add_number(out, events::seq{1});
    keys::add_number(out, size);
    return out + block;
  };
  // A match as long as the length bytes say, from the begin of the base, and five bytes at the end: see golden_bytes.
  const auto match = [](std::size_t size) {
    std::string out("\x0f\x00\x01", 3); // 256 back
    auto rest = size - 5 - 19;
    for (; rest >= 255; rest -= 255)
      out.push_back('\xff');
    out.push_back(static_cast<char>(rest));
    return out + "\x50" "abcde";
  };
  stored_[1] = noise(256, 9);
  record_unpacker unpack{fetch()};
  for (const std::uint32_t size : {256U, 65'536U}) {
    const auto record = unpack.unpack(ann_.id(), 1'025, of(size, match(size))); // 1,024 events behind its base
    ASSERT_TRUE(record) << record.error().detail;
    EXPECT_EQ(record->size(), size);
    EXPECT_EQ(record->substr(0, 200), stored_.at(1).substr(0, 200));
  }
}

} // namespace
} // namespace hourglass::storage
