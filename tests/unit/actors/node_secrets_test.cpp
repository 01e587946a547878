#include "actors/node_secrets.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

namespace {

using namespace hourglass;

TEST(redaction_key, is_made_for_an_empty_folder_and_never_again_behind_the_back_of_its_events) {
  auto folder = std::filesystem::path{::testing::TempDir()} / ("hourglass-redaction-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  auto refused = actors::redaction_key(folder, false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, events::errc::corrupt);
  EXPECT_FALSE(std::filesystem::exists(folder / "redaction.key")) << "nothing is made";
  auto made = actors::redaction_key(folder, true);
  ASSERT_TRUE(made);
  auto read = actors::redaction_key(folder, false);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, *made);
  std::filesystem::remove_all(folder);
}

} // namespace
