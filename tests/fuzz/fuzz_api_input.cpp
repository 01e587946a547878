// These files need nothing of the rest of api/; compiled in here, so that fuzzing does not build the actors.
#include "api/input.cpp"
#include "api/query.cpp"
#include "api/svix/poll_iterator.cpp"

#include <cstdint>
#include <cstdlib>

// What is taken is what the tree builder takes, is bounded in depth, and every reader survives it. A cursor that was read is written the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass::api;
  std::string_view text{reinterpret_cast<const char*>(data), size};
  if (auto plain = from_cursor(text)) {
    auto again = from_cursor(to_cursor(*plain));
    if (!again || *again != *plain)
      std::abort();
  }
  for (const bool of_consumer : {false, true})
    if (auto place = svix::poll_place_from(text, of_consumer))
      if (place->base > place->at || svix::poll_place_from(svix::to_text(*place, of_consumer), of_consumer) != place)
        std::abort();
  auto read = parse_json(text);
  if (!read)
    return 0;
  if (nlohmann::json::parse(read->dump(), nullptr, false) != *read)
    std::abort();
  if (!read->is_object())
    return 0;
  input in{*read};
  for (auto& [name, value] : read->items()) {
    in.optional_text(name, 0, 16);
    in.optional_integer(name, -5, 5);
    in.optional_truth(name);
    in.optional_texts(name, 3, 4);
    in.optional_map(name, 3, 4);
    in.optional_instant(name);
    in.object(name);
  }
  auto done = in.done();
  if (!done && !done.error().where.starts_with("/"))
    std::abort();
  return 0;
}
