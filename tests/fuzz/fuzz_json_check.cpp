// What the checker takes, the tree builder takes, with the same members; nothing more, nothing less.
#include "events/json_check.hpp"

#include <cstdint>
#include <cstdlib>

#include <nlohmann/json.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using hourglass::events::check_json;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto checked = check_json(text, 32);
  if (!checked) {
    // The other reader swallows a byte order mark, names that stand twice, any depth, and whatever follows a zero byte.
    const auto& why = checked.error().detail;
    if (!text.starts_with("\xef\xbb\xbf") && why.find("stands twice") == why.npos && why.find("nested") == why.npos &&
        text.find('\0') == text.npos && nlohmann::json::accept(text))
      std::abort();
    return 0;
  }
  const auto tree = nlohmann::json::parse(text, nullptr, false);
  if (tree.is_discarded() || checked->size() != (tree.is_object() ? tree.size() : 0))
    std::abort();
  for (const auto& m : *checked)
    if (nlohmann::json::parse(m.value, nullptr, false) != tree.at(m.name))
      std::abort();
  return 0;
}
