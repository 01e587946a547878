#include "events/codec.hpp"
#include "events/digest.hpp"
#include "events/json_text.hpp"
#include "events/upcast.hpp"

#include <algorithm>


#include <gtest/gtest.h>

namespace {

using namespace hourglass::events;

// The bytes below were computed from the grammar in codec.cpp by a program in another language, not by this encoder.
constexpr std::string_view golden =
    "bc0000007200513f"                                                     // size, crc32c
    "010193000000"                                                         // format, compat, header_size
    "3c03000102030405060708090a0b0c0d0e0f"                                 // kind, kind_version, sandbox
    "2a00000000000000bbc4b0de21440600086a44b522440600"                     // seq, wall, virtual
    "076b65793a61626306636f72722d31"                                       // principal, correlation
    "290000000000000002056d73675f310465705f32"                             // causation, entities
    "f8b36e0f9c83ab57b46db07a943438d4b0f1aa40d845f2b3d4ad52bb32658da7"     // payload_hash
    "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"     // previous
    "7b2274797065223a226f726465722e70616964222c226e6f7465223a22c3bc227d"; // payload
constexpr std::string_view golden_link = "8509aa69ef50f56897f177d6ace32b1d4c92f4c9dad5fdf769395729f61dc5a7";

// Format 2, compat 1: the same with a field `extra` that this reader does not know.
constexpr std::string_view later =
    "c100000031469ac60201980000003c01000102030405060708090a0b0c0d0e0f2a00000000000000bbc4b0de21440600086a44b5224406"
    "00076b65793a61626306636f72722d31290000000000000002056d73675f310465705f32f8b36e0f9c83ab57b46db07a943438d4b0f1aa40"
    "d845f2b3d4ad52bb32658da7808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f65787472617b227479706522"
    "3a226f726465722e70616964222c226e6f7465223a22c3bc227d";
constexpr std::string_view later_link = "5957a04c69406670515d4bf76394a43d2c7f07df3e4eba8392621c0076ebcd91";

// Format 9, compat 2, checksum right.
constexpr std::string_view newer =
    "bc000000ba4f8d0b0902930000003c01000102030405060708090a0b0c0d0e0f2a00000000000000bbc4b0de21440600086a44b5224406"
    "00076b65793a61626306636f72722d31290000000000000002056d73675f310465705f32f8b36e0f9c83ab57b46db07a943438d4b0f1aa40"
    "d845f2b3d4ad52bb32658da7808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f7b2274797065223a226f7264"
    "65722e70616964222c226e6f7465223a22c3bc227d";

std::string bytes_of(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16));
  return out;
}

sandbox_id counting_sandbox() {
  sandbox_id id;
  for (std::uint8_t i = 0; i < 16; ++i)
    id.bytes[i] = i;
  return id;
}

const draft paid{kind::message_created, R"({"type":"order.paid","note":"ü"})", {"msg_1", "ep_2"}, 41, {}};
const context moment{{1763762121000123}, {1763765721000456}, {}, "key:abc", "corr-1"};

std::string seal_golden(chain_head& head) {
  head.seq = 41;
  head.wall = {1763762121000000};
  for (std::uint8_t i = 0; i < 32; ++i)
    head.link[i] = static_cast<std::uint8_t>(0x80 + i);
  std::string out;
  seal(head, counting_sandbox(), paid, moment, out);
  return out;
}

TEST(codec, a_record_has_exactly_the_pinned_bytes) {
  chain_head head;
  EXPECT_EQ(to_hex(seal_golden(head)), golden);
}

TEST(codec, its_link_is_pinned_and_becomes_the_head) {
  chain_head head;
  seal_golden(head);
  EXPECT_EQ(head.seq, 42U);
  EXPECT_EQ(head.wall, moment.wall);
  EXPECT_EQ(to_hex(as_text(head.link)), golden_link);
}

TEST(codec, every_field_comes_back) {
  const auto r = decode(bytes_of(golden));
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->header.sandbox, counting_sandbox());
  EXPECT_EQ(r->header.seq, 42U);
  EXPECT_EQ(r->header.wall, moment.wall);
  EXPECT_EQ(r->header.virtual_, moment.now);
  EXPECT_EQ(r->header.kind, kind::message_created);
  EXPECT_EQ(r->header.kind_version, 3);
  EXPECT_EQ(r->header.principal, "key:abc");
  EXPECT_EQ(r->header.correlation, "corr-1");
  EXPECT_EQ(r->header.causation, 41U);
  EXPECT_EQ(r->header.entities, paid.entities);
  EXPECT_EQ(r->header.payload_hash, sha256({paid.payload}));
  EXPECT_EQ(r->header.previous[31], 0x9f);
  EXPECT_EQ(r->payload, paid.payload);
  EXPECT_EQ(to_hex(as_text(r->link)), golden_link);
}

TEST(codec, unknown_trailing_header_fields_are_skipped_but_chained) {
  const auto r = decode(bytes_of(later));
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->payload, paid.payload);
  EXPECT_EQ(r->header.entities, paid.entities);
  EXPECT_EQ(to_hex(as_text(r->link)), later_link);
}

TEST(codec, a_record_that_needs_a_newer_reader_is_refused_as_such) {
  const auto r = decode(bytes_of(newer));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::newer_format);
  EXPECT_EQ(decode_header(bytes_of(newer)).error().code, errc::newer_format);
}

TEST(codec, every_flipped_bit_is_noticed) {
  const auto good = bytes_of(golden);
  for (std::size_t i = 0; i < good.size() * 8; ++i) {
    auto bad = good;
    bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << (i % 8)));
    const auto r = decode(bad);
    ASSERT_FALSE(r) << "bit " << i;
    EXPECT_EQ(r.error().code, errc::corrupt) << "bit " << i;
    EXPECT_FALSE(decode_header(bad)) << "bit " << i;
  }
}

TEST(codec, every_shortened_record_is_noticed) {
  const auto good = bytes_of(golden);
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(decode(std::string_view{good}.substr(0, size))) << size;
  EXPECT_FALSE(decode(good + "x"));
}

/// Puts a right checksum on changed bytes: what a forger without care for the hashes would do.
std::string with_checksum(std::string bytes) {
  const auto crc = crc32c(std::string_view{bytes}.substr(8));
  for (unsigned i = 0; i < 4; ++i)
    bytes[4 + i] = static_cast<char>(static_cast<std::uint8_t>(crc >> (8 * i)));
  return bytes;
}

TEST(codec, a_payload_changed_together_with_the_checksum_is_noticed_by_its_hash) {
  auto forged = bytes_of(golden);
  forged.back() = ' ';
  forged = with_checksum(forged);
  EXPECT_EQ(decode(forged).error().code, errc::corrupt);
  EXPECT_TRUE(decode_header(forged)) << "the header alone is sound";
}

TEST(codec, a_header_with_a_huge_entity_count_is_refused_without_allocating_for_it) {
  auto forged = bytes_of(golden);
  const auto count_at = forged.find(std::string{"\x02\x05msg_1", 7});
  ASSERT_NE(count_at, std::string::npos);
  forged.replace(count_at, 4, "\xff\xff\xff\x7f");
  EXPECT_EQ(decode(with_checksum(forged)).error().code, errc::corrupt);
}

TEST(codec, sealing_appends_and_chains) {
  chain_head head;
  std::string two;
  seal(head, counting_sandbox(), paid, moment, two);
  const auto size = two.size();
  seal(head, counting_sandbox(), paid, moment, two);
  const auto first = decode(std::string_view{two}.substr(0, size));
  const auto second = decode(std::string_view{two}.substr(size));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->header.previous, hash{});
  EXPECT_EQ(second->header.previous, first->link);
  chain_head read;
  EXPECT_TRUE(follow(read, *first));
  EXPECT_TRUE(follow(read, *second));
  EXPECT_EQ(read, head);
}

TEST(codec, wall_time_never_goes_back_in_a_stream) {
  chain_head head;
  std::string out;
  seal(head, counting_sandbox(), paid, moment, out);
  auto earlier = moment;
  earlier.wall.us -= 5'000'000;
  out.clear();
  seal(head, counting_sandbox(), paid, earlier, out);
  EXPECT_EQ(decode(out)->header.wall, moment.wall);
}

TEST(codec, empty_and_long_strings_survive) {
  chain_head head;
  std::string out;
  const draft bare{kind::data_cleared, "", {std::string(300, 'e'), ""}, 0, {}};
  seal(head, {}, bare, {{}, {}, {}, "", std::string(200, 'c')}, out);
  const auto r = decode(out);
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->payload, "");
  EXPECT_EQ(r->header.entities, bare.entities);
  EXPECT_EQ(r->header.correlation, std::string(200, 'c'));
}

TEST(chain, a_gap_a_foreign_link_and_an_earlier_time_do_not_follow) {
  chain_head head;
  std::string out;
  seal(head, {}, paid, moment, out);
  const auto first = *decode(out);
  chain_head at;
  auto gap = first;
  gap.header.seq = 2;
  EXPECT_EQ(follow(at, gap).error().code, errc::corrupt);
  auto foreign = first;
  foreign.header.previous[0] = 1;
  EXPECT_EQ(follow(at, foreign).error().code, errc::corrupt);
  at.wall = {moment.wall.us + 1};
  EXPECT_EQ(follow(at, first).error().code, errc::corrupt);
  EXPECT_EQ(at.seq, 0U) << "a refused event does not move the head";
}

// -- upcasting ------------------------------------------------------------------

outcome<std::string> add_two(std::string_view payload) { return std::string{payload} + "2"; }
outcome<std::string> add_three(std::string_view payload) { return std::string{payload} + "3"; }
outcome<std::string> refuse(std::string_view) { return failure(errc::corrupt, "cannot"); }

TEST(upcasting, goes_through_every_version_in_order) {
  const conversion steps[] = {{kind::data_put, 2, add_three}, {kind::env_put, 1, refuse}, {kind::data_put, 1, add_two}};
  EXPECT_EQ(upcast_with(steps, kind::data_put, 1, 3, "v").value(), "v23");
  EXPECT_EQ(upcast_with(steps, kind::data_put, 2, 3, "v").value(), "v3");
  EXPECT_EQ(upcast_with(steps, kind::data_put, 3, 3, "v").value(), "v");
  EXPECT_EQ(upcast_with(steps, kind::env_put, 1, 2, "v").error().code, errc::corrupt);
  EXPECT_EQ(upcast_with(steps, kind::data_put, 3, 4, "v").error().code, errc::internal);
}

TEST(upcasting, every_kind_can_be_read_from_version_1_on) {
  for (auto k : all_kinds()) {
    record r;
    r.header.kind = k;
    r.header.kind_version = current_version(k);
    r.payload = "{}";
    EXPECT_EQ(upcast(r).value(), "{}") << to_string(k);
    for (std::uint8_t from = 1; from < current_version(k); ++from)
      EXPECT_TRUE(std::any_of(conversions().begin(), conversions().end(),
                              [&](const conversion& c) { return c.kind == k && c.from == from; }))
          << to_string(k) << " has no conversion from " << int{from};
  }
}

TEST(upcasting, an_event_of_a_newer_program_is_refused) {
  record r;
  r.header.kind = kind::data_put;
  r.header.kind_version = 200;
  EXPECT_EQ(upcast(r).error().code, errc::newer_format);
  r.header.kind = static_cast<kind>(9999);
  r.header.kind_version = 1;
  EXPECT_EQ(upcast(r).error().code, errc::newer_format);
}

// -- catalogue ------------------------------------------------------------------

TEST(catalogue, every_kind_has_its_own_name_and_is_found_by_it) {
  for (auto k : all_kinds()) {
    EXPECT_NE(to_string(k), "unknown");
    EXPECT_EQ(kind_from(to_string(k)), k);
    EXPECT_GE(current_version(k), 1);
  }
  EXPECT_EQ(to_string(kind::message_created), "message.created");
  EXPECT_EQ(to_string(static_cast<kind>(9)), "unknown");
  EXPECT_EQ(kind_from("unknown"), std::nullopt);
}

TEST(catalogue, numbers_on_disk_do_not_change) {
  EXPECT_EQ(static_cast<int>(kind::sandbox_created), 1);
  EXPECT_EQ(static_cast<int>(kind::sandbox_pruned), 4);
  EXPECT_EQ(static_cast<int>(kind::request_served), 20);
  EXPECT_EQ(static_cast<int>(kind::clock_moved), 42);
  EXPECT_EQ(static_cast<int>(kind::attempt_finished), 61);
  EXPECT_EQ(static_cast<int>(kind::recovery_finished), 65);
  EXPECT_EQ(static_cast<int>(kind::deliveries_moved), 66);
  EXPECT_EQ(static_cast<int>(kind::delivery_expired), 67);
  EXPECT_EQ(static_cast<int>(kind::poller_created), 80);
  EXPECT_EQ(static_cast<int>(kind::consumer_removed), 84);
  EXPECT_EQ(static_cast<int>(kind::content_erased), 68);
}

// -- digests --------------------------------------------------------------------

TEST(digest, agrees_with_published_vectors) {
  EXPECT_EQ(to_hex(as_text(sha256({"a", "bc"}))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string key(20, '\x0b'); // RFC 4231, case 1
  EXPECT_EQ(to_hex(as_text(hmac_sha256({reinterpret_cast<const std::uint8_t*>(key.data()), key.size()}, "Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU); // RFC 3720 B.4
}

TEST(digest, the_instruction_and_the_table_agree_at_every_length_and_alignment) {
  std::string data;
  for (int i = 0; i < 100; ++i)
    data += static_cast<char>(i * 37);
  for (std::size_t from = 0; from < 9; ++from)
    for (std::size_t size = 0; size + from <= data.size(); ++size) {
      const auto part = std::string_view{data}.substr(from, size);
      ASSERT_EQ(crc32c(part), crc32c_by_table(part));
    }
}

} // namespace
