#pragma once

#include "events/ids.hpp"
#include "mock/collection.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace hourglass::mock {

/// Chance for one place, drawn from a seed. The same seed and place give the same numbers.
class id_chance {
public:
  id_chance(const events::entropy& seed, std::string_view place);
  std::uint64_t draw() noexcept;

private:
  std::uint64_t state_;
};

/// A new id that looks like those of the document; for `id_kind::integer` that is the caller's to count.
/// `attempt` 0 keeps the form of `id_like`, later ones are longer.
std::string made_id(const collection_spec& of, id_chance& chance, std::size_t attempt);

} // namespace hourglass::mock
