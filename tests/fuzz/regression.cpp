// The main program of a fuzz target that is built without libFuzzer: runs it over a corpus folder, so that what a fuzzer once found stays
// found in every ordinary test run. Beside each file it tries the file cut short and with single bytes changed, always the same ones.
// A target fails by crashing, by its own checks (`std::abort`), or by a sanitizer's report.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t cuts_per_file = 64;
constexpr std::size_t flips_per_file = 256;

void feed(const std::string& bytes) {
  // A copy of exactly this size, so that AddressSanitizer sees a read behind the end.
  const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

void feed_neighbours(const std::string& bytes) {
  if (bytes.empty())
    return;
  const std::size_t step = bytes.size() / cuts_per_file + 1;
  for (std::size_t size = 0; size < bytes.size(); size += step)
    feed(bytes.substr(0, size));
  std::mt19937 chance{static_cast<std::uint32_t>(bytes.size())};
  for (std::size_t i = 0; i < flips_per_file; ++i) {
    auto changed = bytes;
    changed[chance() % changed.size()] = static_cast<char>(chance() & 0xff);
    feed(changed);
  }
}

} // namespace

int main(int argc, char** argv) {
  feed({});
  std::size_t files = 0;
  for (int i = 1; i < argc; ++i) {
    std::error_code none; // a target without a corpus has the empty input only
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i], none)) {
      if (!entry.is_regular_file())
        continue;
      // Said before it runs, so that a crash names its file.
      std::printf("%s\n", entry.path().c_str());
      std::fflush(stdout);
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(in), {}};
      feed(bytes);
      feed_neighbours(bytes);
      ++files;
    }
  }
  std::printf("%zu files\n", files);
  return 0;
}
